import Datasets
import DurableFiles
import FeatureCache
public import SystemPackage
import Tensors

// Images that are opened again after features were extracted from them must still be the ones they were.
extension Experiment {
    /// All samples of the dataset in the cache's order, which is that of `Dataset.subscript(_:)`.
    package var allSamples: [(path: String, label: Int, split: String)] {
        Split.allCases.flatMap { split in
            dataset.samples(split).map { (path: $0.path, label: $0.label, split: split.rawValue) }
        }
    }

    /// Checks that the file of a sample's image, with these bytes, is the one that features were extracted from before.
    /// - Parameter digest: the edge digest of that one, as the cache keeps it; nil if it is not known.
    /// - Throws: `ExperimentError.imageChanged`.
    package func requireKnown(_ found: EdgeDigest, ofSample sample: Int, _ digest: [UInt8]?) throws {
        guard let digest, found.bytes != digest else { return }
        throw ExperimentError.imageChanged(
            image: dataset.path(of: dataset[sample]), cache: configuration.cache.directory)
    }

    /// Checks that the images of samples are the ones that features in a cache were extracted from: by their edge digests, two
    /// small reads each.
    /// - Throws: `ExperimentError.imageChanged` naming the first that is not; `DurableFileError`.
    package func requireKnownImages(
        of samples: [Int], in cache: FeatureCache, team: WorkerTeam, checked: @Sendable () -> Void = {}
    ) throws {
        let images = CachedImages(of: cache)
        try team.forEach(samples.count) { _, place in
            let sample = samples[place]
            if let digest = images.digest(of: sample) {
                try requireKnown(dataset.edgeDigest(of: dataset[sample]), ofSample: sample, digest)
            }
            checked()
        }
    }

    /// Runs `body`, which opens the cache; if that is of other images, the error names the first one that differs.
    /// - Throws: what `body` throws.
    package func namingChangedImages<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch FeatureCacheError.mismatch(let directory, let differences) {
            let hasOtherImages = differences.contains { $0.field == CacheIdentity.datasetFingerprintField }
            let more = hasOtherImages ? differencesOfImages(fromCacheIn: directory) : []
            throw FeatureCacheError.mismatch(
                directory: directory, differences: differences + more.filter { !differences.contains($0) })
        }
    }

    /// How long images are compared at most, to name the first that differs.
    private static let comparisonLimit = Duration.seconds(60)

    /// What first sets the images at hand apart from those that a cache was extracted from: another path or class, else another
    /// content. Empty if it cannot be found, or not within a minute.
    func differencesOfImages(fromCacheIn directory: FilePath) -> [CacheDifference] {
        guard let images = try? CachedImages(directory: directory) else { return [] }
        let differences = images.samples.differences(from: allSamples)
        guard differences.isEmpty else { return differences }
        let start = ContinuousClock.now
        for sample in images.samples.indices {
            guard ContinuousClock.now - start < Self.comparisonLimit else { break }
            guard let digest = images.digest(of: sample),
                let found = try? dataset.edgeDigest(of: dataset[sample]), found.bytes != digest
            else { continue }
            return [
                CacheDifference(
                    field: "content of \(images.samples.path(of: sample))",
                    found: "that of when its features were extracted",
                    expected: "what \(dataset.path(of: dataset[sample])) holds now")
            ]
        }
        return []
    }
}

extension TrainedModel {
    /// Checks that those of some image files that are in the dataset are the ones that the cache's features were extracted
    /// from. A cache that is no more says nothing.
    /// - Throws: `ExperimentError.imageChanged` naming the first that is not; `DurableFileError`.
    public func requireKnownImages(at paths: [FilePath]) throws {
        let dataset = experiment.dataset
        let root = dataset.root.absolute
        let places = Set(paths.map(\.absolute).filter { $0.starts(with: root) })
        guard !places.isEmpty, let images = try? CachedImages(directory: configuration.cache.directory),
            images.identity.datasetFingerprint == dataset.fingerprint, images.samples.count == dataset.count
        else { return }
        for sample in 0..<dataset.count where places.contains(dataset.path(of: dataset[sample]).absolute) {
            guard let digest = images.digest(of: sample) else { continue }
            try experiment.requireKnown(dataset.edgeDigest(of: dataset[sample]), ofSample: sample, digest)
        }
    }
}
