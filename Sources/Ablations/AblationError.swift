/// Why an ablation cannot be made.
public enum AblationError: Error, Equatable, Sendable, CustomStringConvertible {
    case badAxis(String)
    case keyTwice(String)
    /// A key that is not of the head or the training: all runs share one cache.
    case keyNotFree(String)
    case badSeeds([Int])
    case tooManyRuns(limit: Int)
    case noTestImages

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 { 64 }

    public var description: String {
        switch self {
        case .badAxis(let text):
            "--vary \(text): it takes a key and different values, such as head.pooling=argmax|annealed."
        case .keyTwice(let key):
            "--vary names \(key) twice; give all of its values at once."
        case .keyNotFree(let key):
            "--vary \(key): what can be varied are keys of head and training (not head.start), because all runs share one cache "
                + "of features. Seeds are given by --seeds."
        case .badSeeds(let seeds):
            "--seeds \(seeds.map(String.init).joined(separator: ",")): it takes different numbers from 0 on."
        case .tooManyRuns(let limit):
            "These are more than \(limit) runs. Vary fewer keys, or one at a time (--one-at-a-time)."
        case .noTestImages:
            "The dataset has no test images to compare heads on. Set dataset.split: validation."
        }
    }
}
