/// What a weight file is, and what lies in it beside tensors.
public struct WeightLayout: Equatable, Sendable {
    /// The file types that can be read.
    public enum Form: String, CaseIterable, Sendable {
        case safetensors
        /// What `torch.save` writes since 1.6.
        case torchZip = "PyTorch zip"
        /// What it wrote before, and writes with `_use_new_zipfile_serialization=False`.
        case torchStream = "PyTorch stream (before 1.6)"
        /// What `numpy.savez` writes.
        case numpyArchive = "NumPy archive (.npz)"
    }

    /// Something in the file that is no tensor that can be read. It was not looked into.
    public struct Other: Equatable, Sendable {
        /// The way to it, as in the name of a tensor.
        public let name: String
        /// "a number", "an object of argparse.Namespace".
        public let kind: String

        public init(name: String, kind: String) {
            self.name = name
            self.kind = kind
        }
    }

    public var form: Form
    /// The files that the tensors are in; several where an index lists them.
    public var partCount = 1
    /// What lies beside the tensors.
    public var others: [Other] = []
    /// Whether the file states checksums of its tensors, which are checked when they are read.
    public var hasChecksums = false

    public init(form: Form) {
        self.form = form
    }
}
