public import SystemPackage

/// What can be wrong with an experiment, beyond the errors of the files it is made of.
public enum ExperimentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The checkpoint was made from other weights or data than the ones at hand.
    case provenanceDiffers(checkpoint: FilePath, what: String, expected: String, found: String)
    /// A checkpoint that was moved out of its run does not say where something is.
    case locationUnknown(checkpoint: FilePath, key: String)
    /// Data or weights are not where the run of a checkpoint had them.
    case moved(checkpoint: FilePath, key: String, path: FilePath)
    /// No backbone is named, and the dataset is not the one that the built-in backbone was trained on.
    case backboneNotNamed(dataset: FilePath)
    /// A folder that is written to lies inside the dataset.
    case insideDataset(key: String, directory: FilePath, dataset: FilePath)
    /// An image is not the one that features were extracted from before.
    case imageChanged(image: FilePath, cache: FilePath)
    /// A rank works on something else than rank 0.
    case ranksDiffer(rank: Int, host: String, rank0Host: String, differences: [String])
    /// The channel map is to turn more channels than the backbone has.
    case mapRankTooLarge(rank: Int, channelCount: Int)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 {
        switch self {
        case .ranksDiffer, .backboneNotNamed, .insideDataset, .locationUnknown, .mapRankTooLarge: 78
        case .provenanceDiffers, .imageChanged: 65
        case .moved: 66
        }
    }

    public var description: String {
        switch self {
        case .provenanceDiffers(let checkpoint, let what, let expected, let found):
            """
            \(checkpoint) was made with another \(what): it records \(expected), but \(found) is at hand. \
            Use the same \(what), or choose another run.directory.
            """
        case .locationUnknown(let checkpoint, let key):
            """
            \(checkpoint) is not in a run directory, and does not say itself where things are: pass --set \(key)=PATH.
            """
        case .moved(let checkpoint, let key, let path):
            """
            \(path), which \(checkpoint) was trained with, does not exist. If it has moved, say where to: --set \(key)=PATH.
            """
        case .backboneNotNamed(let dataset):
            """
            backbone.name is not set. The backbone that comes with the program (demo) has seen drawn birds only, those of \
            `infodisent generate`, and \(dataset) holds something else. Set backbone.name and backbone.weights: `infodisent \
            backbones` lists what there is and the files it takes.
            """
        case .insideDataset(let key, let directory, let dataset):
            """
            \(key) (\(directory)) lies inside the dataset (\(dataset)), whose images it would be mixed with. \
            Choose a folder outside.
            """
        case .imageChanged(let image, let cache):
            """
            \(image) is not the image that its features in \(cache) were extracted from: it has changed since. Put the old one \
            back, or extract into another folder.
            """
        case .ranksDiffer(let rank, let host, let rank0Host, let differences):
            """
            Rank \(rank) (\(host)) works on something else than rank 0 (\(rank0Host)): \
            \(differences.joined(separator: "; ")). All ranks need the same program, configuration, dataset and weights.
            """
        case .mapRankTooLarge(let rank, let channelCount):
            """
            head.map_rank is \(rank), but the backbone has \(channelCount) channels. Use a smaller number, auto or all.
            """
        }
    }
}
