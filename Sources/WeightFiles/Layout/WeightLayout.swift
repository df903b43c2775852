/// How the network's tensors were found in a weight file: what they were wrapped in, and what lay beside them.
public struct WeightLayout: Equatable, Sendable {
    /// The file types that can be read.
    public enum Form: String, CaseIterable, Sendable {
        case safetensors
        /// What `torch.save` writes since 1.6.
        case torchZip = "PyTorch zip"
        /// What it wrote before, and writes with `_use_new_zipfile_serialization=False`.
        case torchStream = "PyTorch stream (before 1.6)"
    }

    /// A tensor, or a value among tensors, that is not one of the network's.
    public struct Ignored: Equatable, Sendable {
        /// As in the file.
        public let name: String
        public let reason: String
    }

    public var form: Form
    /// The keys that lead from the whole file to the dictionary of tensors, outermost first.
    public var container: [String] = []
    /// The beginnings of names that were taken off, in the order in which that was done.
    public var strippedPrefixes: [String] = []
    /// Beginnings of names that were replaced by others.
    public var renamedPrefixes: [String: String] = [:]
    /// What lies among the network's tensors and was left out.
    public var ignored: [Ignored] = []
    /// Whether the weights are an exponential moving average of the trained ones.
    public var usesEMA = false
    /// What else in the file could have been taken for the network.
    public var alternatives: [String] = []
    /// Whether the file states checksums of its tensors, which are checked when they are read.
    public var hasChecksums = false

    public init(form: Form) {
        self.form = form
    }

    /// The way to the network's tensors in one line: `model_state_dict, module.*, backbone.*`; "bare" when there is none.
    public var path: String {
        let steps = container + strippedPrefixes.map { $0 + "*" }
        return steps.isEmpty ? "bare" : steps.joined(separator: ", ")
    }

    /// What a user should know of how the file was read, a sentence each; none for a bare dictionary of tensors.
    public var notes: [String] {
        var notes: [String] = []
        if !container.isEmpty { notes.append("The tensors are those under \(container.joined(separator: ", then ")).") }
        if !strippedPrefixes.isEmpty {
            let prefixes = strippedPrefixes.map { "\"\($0)\"" }
            notes.append("Names were read without \(prefixes.joined(separator: ", then without ")).")
        }
        for (old, new) in renamedPrefixes.sorted(by: { $0.key < $1.key }) {
            notes.append("Names that begin with \"\(old)\" were read as \"\(new)\".")
        }
        if usesEMA { notes.append("These are the averaged (EMA) weights.") }
        if !alternatives.isEmpty {
            notes.append("The file also has \(alternatives.joined(separator: ", ")), which was not used.")
        }
        if let first = ignored.first {
            notes.append(
                ignored.count == 1
                    ? "Left out: \(printable(first.name)) (\(first.reason))."
                    : "Left out: \(printable(first.name)) (\(first.reason)) and \(ignored.count - 1) more.")
        }
        return notes
    }
}
