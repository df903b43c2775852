import Datasets
import DurableFiles
import ImageCoding
import Inference
import SystemPackage

/// FunnyBirds: the pictures without parts and background objects come with it.
struct FunnyBirdsInterventions: InterventionSource {
    private let experiment: Experiment
    private let birds: FunnyBirds

    /// Reads what the data set says of the images of a split; nil unless these are its own test images.
    /// - Throws: `DatasetError`, `DurableFileError`.
    init?(_ experiment: Experiment, split: Split) throws {
        guard FunnyBirds.splits(of: experiment.dataset.samples(split)) == [.test] else { return nil }
        self.experiment = experiment
        birds = try FunnyBirds(root: experiment.dataset.root, splits: [.test])
        largestPassCount = 1 << FunnyBirds.parts.count + birds.largestObjectCount(of: .test)
    }

    var variants: [[Int]] { birds.variants }
    let largestPassCount: Int

    func pictures(ofSample number: Int) throws -> InterventionPictures {
        let sample = experiment.dataset[number]
        let path = sample.path
        let all = UInt64(1) << UInt64(FunnyBirds.parts.count) - 1
        let whole = try experiment.pixels(ofSample: number)
        let map = try birds.readPartMap(ofImage: path)
        return InterventionPictures(
            bySet: try (0..<all).map { try picture(birds.intervention(onImage: path, keeping: $0)) } + [whole],
            withoutThings: try birds.backgroundInterventions(onImage: path).map(picture),
            parts: map.parts.map { $0.map { seen($0, map) } }, things: map.objects.map { seen($0, map) })
    }

    private func picture(_ file: FilePath) throws -> PixelImage {
        try experiment.input.pixels(ofFile: DurableFile.read(file), path: file)
    }

    /// The pixels of the network's input of which at least half are in `mask`.
    private func seen(_ mask: [Bool], _ map: FunnyBirds.PartMap) -> [Bool] {
        let picture = experiment.input.pixels(
            of: PixelImage(
                width: map.width, height: map.height,
                pixels: mask.flatMap { [UInt8](repeating: $0 ? 255 : 0, count: 3) }))
        return stride(from: 0, to: picture.pixels.count, by: 3).map { picture.pixels[$0] >= 128 }
    }
}
