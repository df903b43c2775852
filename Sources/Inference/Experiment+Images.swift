import Backbones
import Datasets
import DurableFiles
import FeatureCache
import ImageCoding
import SystemPackage
import Tensors

// The path from an image to the features that a head gets: file -> pixels -> feature map -> rounding as in the cache.
extension Experiment {
    /// What the network sees of a view of a sample, given by its number among all samples: those for training come first.
    /// - Throws: `DurableFileError`, `ImageCodingError`, or a `DatasetError` of the box it is cropped to.
    package func pixels(ofSample number: Int, view: Int = 0) throws -> PixelImage {
        try pixels(ofSample: number, bytes: dataset.bytes(of: dataset[number]), view: view)
    }

    /// What the network sees of a view of a sample whose file's bytes have been read already.
    package func pixels(ofSample number: Int, bytes: [UInt8], view: Int) throws -> PixelImage {
        let sample = dataset[number]
        guard view > 0, let views = cacheIdentity.views else { return try pixels(of: sample, bytes: bytes) }
        let image = try dataset.image(of: sample, bytes: bytes, exif: input.exif)
        return input.pixels(
            of: image,
            view: views.augmentation.view(
                view, ofSample: number, seed: UInt64(views.seed), width: image.width, height: image.height))
    }

    /// What the network sees of a sample whose file's bytes have been read already.
    package func pixels(of sample: Sample, bytes: [UInt8]) throws -> PixelImage {
        try dataset.pixels(of: sample, bytes: bytes, through: input)
    }

    /// What the network sees of an image that is none of the dataset's; `path` is for error messages only.
    package func pixels(of bytes: [UInt8], path: FilePath) throws -> PixelImage {
        try input.pixels(ofFile: bytes, path: path)
    }

    /// What the network sees of an image file. One of a dataset of crops is cropped as in training; any other is taken to be
    /// what the network is to see.
    package func pixels(ofImageAt path: FilePath) throws -> PixelImage {
        let bytes = try DurableFile.read(path)
        if dataset.crop != nil {
            let place = path.absolute
            for index in 0..<dataset.count where dataset.path(of: dataset[index]).absolute == place {
                return try pixels(of: dataset[index], bytes: bytes)
            }
        }
        return try pixels(of: bytes, path: path)
    }

    /// The feature map [1, H, W, D] of what the network sees of an image, computed on the calling thread.
    package func featureMap(of pixels: PixelImage, workspace: BackboneWorkspace) -> Tensor {
        backbone.featureMaps(
            of: Tensor(shape: [1, input.crop, input.crop, 3], values: input.normalised(pixels)), workspace: workspace)
    }

    /// The features [1, H, W, D] that a head gets of what the network sees of an image: its feature map with the precision of
    /// the cache, so that an image gets the same scores from the cache and without.
    public func features(of pixels: PixelImage, workspace: BackboneWorkspace) -> Tensor {
        cacheIdentity.rounded(featureMap(of: pixels, workspace: workspace))
    }
}

extension Experiment {
    /// The features [N, H, W, D] that a head gets of normalised images [N, S, S, 3], with the precision of the cache, computed on
    /// the calling thread.
    package func features(ofNormalised images: Tensor, workspace: BackboneWorkspace) -> Tensor {
        cacheIdentity.rounded(backbone.featureMaps(of: images, workspace: workspace))
    }
}

extension CacheIdentity {
    /// A feature map with the precision of the cache.
    func rounded(_ features: Tensor) -> Tensor { precision.rounded(features) }
}
