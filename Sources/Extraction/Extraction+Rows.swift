import Backbones
import Datasets
import DurableFiles
import FeatureCache
import ImageCoding
import Inference

extension Experiment {
    /// Extracts the features of a row of a shard: of its image in the shard's view, if that is the image it was.
    ///
    /// An image that cannot be decoded is an error, or left out, as `dataset.bad_images` says.
    /// - Throws: the error of an image that cannot be read; `ExperimentError.imageChanged` for another one than features were
    ///   extracted from before; `FeatureCacheError`.
    func extract(row: Int, of shard: PendingShard, workspace: BackboneWorkspace) throws {
        let sample = shard.samples[row]
        let bytes = try dataset.bytes(of: dataset[sample])
        let digest = EdgeDigest(ofFile: bytes)
        try requireKnown(digest, ofSample: sample, shard.imageDigest(ofRow: row))
        do {
            let pixels = try pixels(ofSample: sample, bytes: bytes, view: shard.view)
            let map = featureMap(of: pixels, workspace: workspace)
            try shard.set(map.values, row: row, imageDigest: digest.bytes)
        } catch let error as ImageCodingError {
            guard let fault = error.imageFault else { throw error }
            guard configuration.dataset.badImages == .skip else { throw ExtractionError.badImage(error) }
            try shard.skip(row: row, reason: fault, imageDigest: digest.bytes)
        }
    }
}
