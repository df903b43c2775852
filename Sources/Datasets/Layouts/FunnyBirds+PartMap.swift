import DurableFiles
import ImageCoding
public import SystemPackage

extension FunnyBirds {
    /// Which pixels of an image belong to which part or background object.
    ///
    /// A pixel belongs to what has exactly its colour. Edges are blended, so that a pixel there belongs to nothing; but a map whose
    /// pixels mostly belong to nothing is none.
    public struct PartMap: Equatable, Sendable {
        public let width: Int
        public let height: Int
        /// Of each part in the order of `FunnyBirds.parts`: its pieces, left and right apart, each [height, width].
        public let parts: [[[Bool]]]
        /// Of each background object its pixels.
        public let objects: [[Bool]]

        /// The colours of the pieces of each part, in the order of `FunnyBirds.parts`.
        static let colours: [[[UInt8]]] = [
            [[255, 255, 0]], [[255, 255, 253], [255, 255, 254]], [[255, 0, 1], [255, 0, 2]], [[0, 0, 255]],
            [[0, 255, 1], [0, 255, 2]],
        ]
        /// The body, which is no part; nothing.
        private static let otherColours: [[UInt8]] = [[170, 170, 170], [0, 0, 0]]
        /// Background object i is (204, 204, 204 + i).
        private static let firstObject: UInt8 = 204
        /// The largest share of pixels of other colours.
        static let unknownShare = 0.25

        /// Reads a map.
        ///
        /// - Parameters:
        ///   - objectCount: of the image.
        ///   - path: for messages.
        /// - Throws: `DatasetError.malformed` for a picture that is no map; `ImageCodingError`.
        public init(_ bytes: [UInt8], objectCount: Int, path: FilePath) throws {
            let image = try ImageDecoder.decode(bytes, path: path)
            (width, height) = (image.width, image.height)
            let count = width * height
            let blank = [Bool](repeating: false, count: count)
            var parts = Self.colours.map { $0.map { _ in blank } }
            var objects = [[Bool]](repeating: blank, count: objectCount)
            var pieces: [UInt32: (part: Int, piece: Int)] = [:]
            for (part, colours) in Self.colours.enumerated() {
                for (piece, colour) in colours.enumerated() { pieces[Self.number(colour[...])] = (part, piece) }
            }
            let others = Set(Self.otherColours.map { Self.number($0[...]) })
            let object = Self.number([Self.firstObject, Self.firstObject, Self.firstObject])
            var (unknown, seen) = (0, 0)
            for pixel in 0..<count {
                let colour = Self.number(image.pixels[3 * pixel..<3 * pixel + 3])
                if let place = pieces[colour] {
                    parts[place.part][place.piece][pixel] = true
                    seen += 1
                } else if colour >= object, colour < object + UInt32(objectCount) {
                    objects[Int(colour - object)][pixel] = true
                } else if !others.contains(colour) {
                    unknown += 1
                }
            }
            func malformed(_ reason: String) -> DatasetError { .malformed(path: path, place: nil, reason: reason) }
            guard Double(unknown) <= Self.unknownShare * Double(count) else {
                throw malformed(
                    "\(unknown) of its \(count) pixels have colours of neither a part nor one of \(objectCount) background "
                        + "objects, so that it is no part map of the image")
            }
            guard seen > 0 else { throw malformed("no pixel of it has the colour of a part") }
            self.parts = parts
            self.objects = objects
        }

        private static func number(_ colour: ArraySlice<UInt8>) -> UInt32 {
            colour.reduce(0) { $0 << 8 | UInt32($1) }
        }

        /// Left, top, right and bottom edge of what is in the pixels, in pixels; nil for none.
        public func box(around pixels: [Bool]) -> BoundingBox? {
            var (left, top, right, bottom) = (width, height, -1, -1)
            for (pixel, isInside) in pixels.enumerated() where isInside {
                (left, right) = (min(left, pixel % width), max(right, pixel % width))
                (top, bottom) = (min(top, pixel / width), max(bottom, pixel / width))
            }
            guard right >= 0 else { return nil }
            return BoundingBox(
                x: Double(left), y: Double(top), width: Double(right + 1 - left), height: Double(bottom + 1 - top))
        }
    }

    /// The part map of an image.
    /// - Throws: `DatasetError`, `DurableFileError`, `ImageCodingError`.
    public func readPartMap(ofImage path: String) throws -> PartMap {
        let file = try partMap(ofImage: path)
        return try PartMap(
            DurableFile.read(file), objectCount: place(ofImage: path).objectCount, path: file)
    }
}
