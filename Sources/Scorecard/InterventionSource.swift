import Datasets
import ImageCoding
import Inference

/// Who can show an image without some of the parts of its object, or without a thing around it.
///
/// Parts are bits of a set, in an order of the source's.
protocol InterventionSource: Sendable {
    /// Of each class the variants of its parts.
    var variants: [[Int]] { get }
    /// The most passes that an image takes: the pictures of `pictures(ofSample:)`.
    var largestPassCount: Int { get }

    /// What the network sees of an image and of what is left of it. The set of all parts is the image itself.
    /// - Throws: `ScorecardError`, `DatasetError`, and the errors of files.
    func pictures(ofSample number: Int) throws -> InterventionPictures
}

/// An image with parts taken away.
struct InterventionPictures {
    /// By the set of parts that are left, from none to all.
    let bySet: [PixelImage]
    /// Without each thing around the object.
    let withoutThings: [PixelImage]
    /// The pixels [S, S] of each part, which may have pieces (left and right), and of each thing.
    let parts: [[[Bool]]]
    let things: [[Bool]]
}

/// The part dataset: birds are drawn again.
struct DrawnInterventions: InterventionSource {
    private let experiment: Experiment
    private let drawn: [String: PartDataset.BirdDescription]
    let variants: [[Int]]

    private static let parts = PartDataset.Part.allCases
    /// A pixel belongs to what is taken away if one of its colours changes by more than this.
    private static let changedBy = 8

    /// Reads what the birds are drawn from.
    /// - Throws: `PartDatasetError`, `DurableFileError`, `ScorecardError.noAnnotation`.
    init(_ experiment: Experiment) throws {
        self.experiment = experiment
        let root = experiment.dataset.root
        drawn = Dictionary(try PartDataset.annotations(of: root).map { ($0.path, $0.bird) }) { first, _ in first }
        let manifest = try PartDataset.manifest(of: root)
        let byName = Dictionary(manifest.classes.map { ($0.name, $0.variants) }) { first, _ in first }
        variants = try experiment.dataset.classNames.map { name in
            guard let variants = byName[name] else {
                throw ScorecardError.noAnnotation(image: name, file: root.appending("dataset.json"))
            }
            return Self.parts.map { variants[$0] }
        }
    }

    var largestPassCount: Int { 1 << Self.parts.count + experiment.dataset.level.surroundingCount }

    func pictures(ofSample number: Int) throws -> InterventionPictures {
        let path = experiment.dataset[number].path
        guard let bird = drawn[path] else {
            throw ScorecardError.noAnnotation(
                image: path, file: experiment.dataset.root.appending("annotations.jsonl"))
        }
        let parts = Self.parts
        let bySet = PartDataset.picturesBySet(of: bird).map { experiment.input.pixels(of: $0) }
        let withoutThings = PartDataset.picturesWithoutSurroundings(of: bird).map { experiment.input.pixels(of: $0) }
        let whole = bySet[bySet.count - 1]
        return InterventionPictures(
            bySet: bySet, withoutThings: withoutThings,
            parts: parts.indices.map { [Self.changed(whole, bySet[(bySet.count - 1) ^ 1 << $0])] },
            things: withoutThings.map { Self.changed(whole, $0) })
    }

    private static func changed(_ first: PixelImage, _ second: PixelImage) -> [Bool] {
        (0..<first.width * first.height).map { pixel in
            (0..<3).contains { abs(Int(first.pixels[3 * pixel + $0]) - Int(second.pixels[3 * pixel + $0])) > changedBy }
        }
    }
}
