/// What ranks tell each other's watchdogs several times a second: a message of fixed length.
package struct Heartbeat: Equatable, Sendable {
    package static let byteCount = 256

    /// Counts what the rank has begun and finished.
    package var progressCount: UInt64
    package var step: Int
    /// How long the rank may go without progress, in milliseconds.
    package var deadlineMilliseconds: Int
    /// Whether the rank waits for others in a collective operation.
    package var isInOperation: Bool
    /// What the rank is doing; cut to what fits.
    package var text: String

    package init(progressCount: UInt64, step: Int, deadlineMilliseconds: Int, isInOperation: Bool, text: String) {
        self.progressCount = progressCount
        self.step = step
        self.deadlineMilliseconds = deadlineMilliseconds
        self.isInOperation = isInOperation
        self.text = text
    }

    package init(_ snapshot: Activity.Snapshot, deadline: Duration) {
        var text = snapshot.text
        if let operation = snapshot.operation {
            text += ", in \(operation.name)"
            if operation.count > 0 { text += " of \(operation.count) elements" }
        }
        self.init(
            progressCount: snapshot.progressCount, step: snapshot.step,
            deadlineMilliseconds: Int(max(deadline, snapshot.allowance) / .milliseconds(1)),
            isInOperation: snapshot.operation != nil, text: text)
    }

    package init(bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount, "a heartbeat of \(bytes.count) bytes")
        func number(_ index: Int) -> UInt64 {
            (0..<8).reduce(0) { $0 | UInt64(bytes[index * 8 + $1]) << (8 * UInt64($1)) }
        }
        self.init(
            progressCount: number(0), step: Int(truncatingIfNeeded: number(1)),
            deadlineMilliseconds: Int(truncatingIfNeeded: number(2)), isInOperation: number(3) != 0,
            text: String(decoding: bytes[32...].prefix { $0 != 0 }, as: UTF8.self))
    }

    package var bytes: [UInt8] {
        let numbers = [
            progressCount, UInt64(truncatingIfNeeded: step), UInt64(truncatingIfNeeded: deadlineMilliseconds),
            isInOperation ? 1 : 0,
        ]
        var bytes = numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
        var text = text
        while text.utf8.count > Self.byteCount - bytes.count - 1 { text.removeLast() }
        bytes += text.utf8
        return bytes + [UInt8](repeating: 0, count: Self.byteCount - bytes.count)
    }
}
