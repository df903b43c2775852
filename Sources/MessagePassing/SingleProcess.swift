import Glibc

/// The communicator of a run in one process. It never calls MPI.
public struct SingleProcess: Communicator {
    public let rank = 0
    public let size = 1
    public let localRank = 0
    public let localSize = 1
    public let activity: Activity

    public init() {
        activity = Activity()
    }

    public var hostName: String { currentHostName() }

    public func copy() -> any Communicator { SingleProcess() }

    public func maximum(_ values: inout [UInt32]) {}
    public func sum(_ values: inout [Int64]) {}
    public func sum(_ values: inout [Int32]) {}

    public func exchange(_ values: [Int64], into received: inout [Int64]) {
        precondition(values.count == received.count, "\(received.count) elements cannot receive \(values.count)")
        received = values
    }
    public func allGather(_ values: inout [Float]) {}

    public func broadcast(_ bytes: inout [UInt8], from root: Int) {
        precondition(root == 0, "rank \(root) is not in 0..<1")
    }
    public func gather(_ bytes: [UInt8], to root: Int) -> [[UInt8]] {
        precondition(root == 0, "rank \(root) is not in 0..<1")
        return [bytes]
    }
    public func allGather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
    public func exchange(_ messages: [[UInt8]]) -> [[UInt8]] {
        precondition(messages.count == 1, "\(messages.count) messages for 1 rank")
        return messages
    }

    public func barrier() {}

    public func gatherEndings(_ report: [UInt8], patience: Duration) -> [[UInt8]]? { [report] }

    public func abort(code: Int32, because message: String) -> Never {
        writeToStandardError("\(message)\n")
        exit(code)
    }
}

func currentHostName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "unknown host" }
    return name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
}

/// One write, so that lines of several ranks do not mix.
func writeToStandardError(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
        var rest = UnsafeRawBufferPointer(bytes)
        while !rest.isEmpty {
            let count = write(STDERR_FILENO, rest.baseAddress, rest.count)
            guard count > 0 else { return }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}
