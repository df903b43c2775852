/// The built-in data set: birds drawn from discrete parts, for explanations that can be checked.
///
/// Five parts (beak, eye, wing, tail, foot) come in a few variants each, and a class is one choice of variants, so what
/// tells two classes apart is known exactly. Pose, size, place, light, plumage, perch and background vary freely and say
/// nothing about the class. Each image comes with the box and outline of its visible parts and can be drawn again with
/// parts left out or exchanged and everything else the same, pixel for pixel: that is what interventional scores need.
/// The idea is that of FunnyBirds (Hesse, Schaub-Meyer, Roth, ICCV 2023); the drawing and the classes are our own.
///
/// An image is a pure function of (seed, level, split, class, index): neither the number of threads nor the other options
/// change it.
public enum PartDataset {
    /// What to generate.
    public struct Options: Equatable, Sendable {
        /// Number of classes: `firstClass ..< firstClass + classCount` of the `PartDataset.classCount` there are.
        public var classCount: Int
        /// First class. Data for pretraining a backbone starts behind the classes that are to be new to it.
        public var firstClass: Int
        /// Training images of each class.
        public var trainPerClass: Int
        /// Test images of each class.
        public var testPerClass: Int
        public var seed: UInt64
        /// Width and height of the images in pixels.
        public var imageSide: Int
        /// How hard it is to tell the classes apart.
        public var level: Level

        /// - Parameter trainPerClass: nil for as many as the level has.
        public init(
            classCount: Int = 50, firstClass: Int = 0, trainPerClass: Int? = nil, testPerClass: Int = 20,
            seed: UInt64 = 0, imageSide: Int = 160, level: Level = .easy
        ) {
            self.classCount = classCount
            self.firstClass = firstClass
            self.trainPerClass = trainPerClass ?? level.trainPerClass
            self.testPerClass = testPerClass
            self.seed = seed
            self.imageSide = imageSide
            self.level = level
        }

        /// - Throws: `PartDatasetError.invalidOption` for the first option that cannot be met.
        public func validate() throws {
            func require(_ condition: Bool, _ option: String, _ value: Int, _ expected: String) throws {
                if !condition { throw PartDatasetError.invalidOption(name: option, value: value, expected: expected) }
            }
            let all = PartDataset.classCount
            try require((0..<all).contains(firstClass), "first class", firstClass, "0 to \(all - 1)")
            try require(
                classCount >= 1 && classCount <= all - firstClass, "number of classes", classCount,
                "1 to \(all - firstClass), as there are \(all) and the first is \(firstClass)")
            try require(
                (0...imageLimit).contains(trainPerClass), "training images", trainPerClass, "0 to \(imageLimit)")
            try require((0...imageLimit).contains(testPerClass), "test images", testPerClass, "0 to \(imageLimit)")
            try require(
                trainPerClass + testPerClass > 0, "images of a class", 0, "at least 1 over training and test")
            try require(sideRange.contains(imageSide), "image side", imageSide, "128 to 1024 pixels")
        }
    }

    /// The most images of one class and split; file names have four digits.
    static let imageLimit = 9999

    /// Image sides, in pixels: below, small parts are not legible.
    static let sideRange = 128...1024
}

extension PartDataset.Options: Codable {
    private enum CodingKeys: String, CodingKey {
        case classCount, firstClass, trainPerClass, testPerClass, seed, imageSide, level
    }

    /// The easy level is not named: its files are those from before there were levels.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(classCount, forKey: .classCount)
        try container.encode(firstClass, forKey: .firstClass)
        try container.encode(trainPerClass, forKey: .trainPerClass)
        try container.encode(testPerClass, forKey: .testPerClass)
        try container.encode(seed, forKey: .seed)
        try container.encode(imageSide, forKey: .imageSide)
        if level != .easy { try container.encode(level, forKey: .level) }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        classCount = try container.decode(Int.self, forKey: .classCount)
        firstClass = try container.decode(Int.self, forKey: .firstClass)
        trainPerClass = try container.decode(Int.self, forKey: .trainPerClass)
        testPerClass = try container.decode(Int.self, forKey: .testPerClass)
        seed = try container.decode(UInt64.self, forKey: .seed)
        imageSide = try container.decode(Int.self, forKey: .imageSide)
        level = try container.decodeIfPresent(PartDataset.Level.self, forKey: .level) ?? .easy
    }
}
