/// The ways in which a pickle is not one that `torch.save` writes. Offsets count from the front of the pickle.
public enum PickleFault: Equatable, Sendable {
    /// The pickle ends before its end mark.
    case cut(offset: Int)
    /// An instruction that torch.save does not write.
    case unknownInstruction(UInt8, offset: Int)
    case unknownProtocol(Int)
    /// An instruction finds other values on the stack than it works on.
    case unexpectedValue(offset: Int)
    /// A text is not UTF-8, or a name is.
    case badText(offset: Int)
    /// A value is fetched from the memo that was not put there.
    case missingMemo(Int, offset: Int)
    /// One of the limits of `PickleReader` is passed; `limit` names it.
    case tooMuch(limit: String, value: Int, offset: Int)
    /// A tensor lies outside the storage it is a view of, or its description is no such.
    case badTensor(offset: Int)
}

extension PickleFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cut(let offset): "its pickle ends within byte \(offset)"
        case .unknownInstruction(let code, let offset):
            "its pickle has the instruction 0x\(String(code, radix: 16)) at byte \(offset), which torch.save does not write"
        case .unknownProtocol(let version): "its pickle is of protocol \(version); 2 to 5 are read"
        case .unexpectedValue(let offset): "its pickle does something at byte \(offset) that torch.save does not write"
        case .badText(let offset): "its pickle has a text at byte \(offset) that is not UTF-8"
        case .missingMemo(let key, let offset):
            "its pickle fetches the value \(key) at byte \(offset) that it has not kept"
        case .tooMuch(let limit, let value, let offset):
            "its pickle goes beyond the limit of \(value) \(limit) at byte \(offset)"
        case .badTensor(let offset):
            "its pickle describes a tensor at byte \(offset) that does not fit into its data"
        }
    }
}
