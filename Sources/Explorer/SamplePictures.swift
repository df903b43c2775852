import Datasets
import DurableFiles
import Explanations
import FeatureCache
import ImageCoding
import Inference
import RunControl
import Scorecard
import Synchronization
import Tensors

/// Draws samples of the dataset, each read once.
struct SamplePictures {
    private let model: TrainedModel
    private let cache: FeatureCache
    private let team: WorkerTeam
    private let progress: ProgressHandler

    init(_ model: TrainedModel, cache: FeatureCache, team: WorkerTeam, progress: @escaping ProgressHandler) {
        self.model = model
        self.cache = cache
        self.team = team
        self.progress = progress
    }

    struct Drawn {
        /// Files by the number of the sample.
        var files: [String: [UInt8]] = [:]
        /// SHA-256 of the images by sample.
        var digests: [Int: ContentDigest] = [:]
        /// Where the parts are, by sample; none for datasets without parts.
        var places: [Int: ImagePlaces] = [:]
        var partNames: [String] = []
    }

    private struct One: Sendable {
        let file: [UInt8]
        let digest: ContentDigest
        let places: ImagePlaces?
    }

    /// - Parameters:
    ///   - samples: in ascending order.
    ///   - digests: what is known of the contents of samples; the others are to be those that features were extracted from.
    /// - Throws: `ExplanationError.prototypeChanged`, `ExperimentError.imageChanged`, the errors of files that are gone or cannot be
    ///   read.
    func draw(_ samples: [Int], digests: [Int: ContentDigest]) throws -> Drawn {
        let size = PictureSize(pictureCount: samples.count)
        let annotations = try PlaceAnnotations(model.experiment, split: nil)
        let known = CachedImages(of: cache)
        let completed = Atomic(0)
        let results = try team.map(samples.count) { _, index -> One in
            let number = samples[index]
            let sample = model.experiment.dataset[number]
            let bytes = try model.experiment.dataset.bytes(of: sample)
            let digest = ContentDigest(of: bytes)
            if let expected = digests[number] {
                guard digest == expected else {
                    throw ExplanationError.prototypeChanged(
                        path: model.experiment.dataset.path(of: sample), expected: expected, found: digest)
                }
            } else {
                try model.experiment.requireKnown(EdgeDigest(ofFile: bytes), ofSample: number, known.digest(of: number))
            }
            let file = size.file(of: try model.experiment.pixels(of: sample, bytes: bytes))
            let places = annotations.hasParts ? try annotations.places(ofSample: number, bytes: bytes) : nil
            let count = completed.add(1, ordering: .relaxed).newValue
            if count % 64 == 0 {
                progress(.init(activity: "pictures", completed: count, total: samples.count, unit: "images"))
            }
            return One(file: file, digest: digest, places: places)
        }
        var drawn = Drawn(partNames: annotations.partNames)
        for (sample, result) in zip(samples, results) {
            drawn.files["\(sample)"] = result.file
            drawn.digests[sample] = result.digest
            drawn.places[sample] = result.places
        }
        return drawn
    }
}
