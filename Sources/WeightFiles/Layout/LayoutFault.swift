/// Why the tensors of a sound file cannot be used.
public enum LayoutFault: Error, Equatable, Sendable {
    /// Nothing in the file is a tensor under a name; `keys` are those of the whole file, `root` says what it is.
    case noTensors(root: String, keys: [String])
    /// Two tensors have the same name.
    case repeatedName(String)
    /// More tensors, or ways to them, than any file of weights has.
    case tooManyNames(limit: Int)
    /// The tensors together are too large for the data that they are views of: more than `WeightContents.byteCountLimit`.
    case tooLarge(byteCount: Int, limit: Int)
}

extension LayoutFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noTensors(let root, let keys):
            "it holds no tensors under names but \(root)" + (keys.isEmpty ? "" : " with the keys \(Self.list(keys))")
                + ". Load it with the program that made it, and save model.state_dict() with torch.save or as safetensors"
        case .repeatedName(let name):
            "it has two tensors named \"\(printable(name))\". Save the state dictionary again"
        case .tooManyNames(let limit):
            "it has more than \(limit) tensors, or ways that lead to tensors. Save model.state_dict() alone"
        case .tooLarge(let byteCount, let limit):
            "its tensors claim to have \(byteCount) bytes together, more than the \(limit) that a file of its size may "
                + "have. Save them with .contiguous()"
        }
    }

    private static func list(_ keys: [String]) -> String {
        keys.prefix(8).map { "\"\($0.unicodeScalars.count > 64 ? String($0.prefix(64)) + "..." : $0)\"" }
            .joined(separator: ", ") + (keys.count > 8 ? ", ..." : "")
    }
}
