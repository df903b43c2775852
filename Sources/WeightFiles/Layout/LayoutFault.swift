/// Why no network could be found among the tensors of a sound file.
public enum LayoutFault: Error, Equatable, Sendable {
    /// Nothing in the file is a dictionary of tensors; `keys` are those of the whole file, `root` says what it is.
    case noTensors(root: String, keys: [String])
    /// The only network is a moving average, which is used on request alone.
    case onlyEMA(String)
    /// A moving average was asked for and there is none.
    case noEMA(found: String)
    /// Two tensors have the same name.
    case repeatedName(String)
    /// The tensors together are too large for the data that they are views of: more than `WeightContents.byteCountLimit`.
    case tooLarge(byteCount: Int, limit: Int)
}

extension LayoutFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noTensors(let root, let keys):
            "it holds no dictionary of tensors but \(root)"
                + (keys.isEmpty ? "" : " with the keys \(Self.list(keys))")
                + ". Save model.state_dict(), or put it under the key \"state_dict\""
        case .onlyEMA(let place):
            "the only weights in it are the averaged ones (\(place)). Set backbone.use_ema, or --use-ema, to use them"
        case .noEMA(let found):
            "averaged (EMA) weights were asked for, and it has none (found: \(found)). Leave out backbone.use_ema or "
                + "--use-ema"
        case .repeatedName(let name): "it has two tensors named \"\(name)\". Save the state dictionary again"
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
