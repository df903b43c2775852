import DurableFiles
public import ImageCoding
public import Inference
public import Results
import Synchronization
import SystemPackage

/// What the network saw of prototypes' images, each read once and checked to be the image it was when it was found.
public final class PrototypePictures: Sendable {
    private let model: TrainedModel
    private let pictures = Mutex<[Int: PixelImage]>([:])

    public init(_ model: TrainedModel) { self.model = model }

    /// The picture of a prototype.
    /// - Throws: `ExplanationError.prototypeChanged`, also for a prototype that is none of the dataset's images, or the error of a file that is gone or cannot be read.
    public func callAsFunction(_ prototype: Prototype) throws -> PixelImage {
        if let picture = pictures.withLock({ $0[prototype.sample] }) { return picture }
        let dataset = model.experiment.dataset
        guard dataset.train.indices.contains(prototype.sample) else {
            throw ExplanationError.unknownPrototype(path: prototype.path, dataset: dataset.root)
        }
        let sample = dataset.train[prototype.sample]
        guard sample.path == prototype.path else {
            throw ExplanationError.unknownPrototype(path: prototype.path, dataset: dataset.root)
        }
        let bytes = try dataset.bytes(of: sample)
        let digest = ContentDigest(of: bytes)
        guard digest == prototype.contentDigest else {
            throw ExplanationError.prototypeChanged(
                path: dataset.path(of: sample), expected: prototype.contentDigest, found: digest)
        }
        let picture = try model.experiment.pixels(of: sample, bytes: bytes)
        pictures.withLock { pictures in
            // Neighbouring channels share images; beyond that, reading again costs less than keeping all in memory.
            if pictures.count >= 500 { pictures.removeAll() }
            pictures[prototype.sample] = picture
        }
        return picture
    }
}
