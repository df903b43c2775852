import Checkpoints
import MessagePassing

extension Communicator {
    /// Gives all ranks the checkpoint that `body` reads on rank 0, where alone it is run; nil if it gives none. Collective.
    ///
    /// Rank 0 keeps the one it has read: only the others read it from a message.
    /// - Throws: on all ranks, what `body` throws.
    package func checkpointFromRank0(_ body: () throws -> Checkpoint?) throws -> Checkpoint? {
        var own: Checkpoint?
        let bytes = try fromRank0(allowing: .seconds(600)) {
            own = try body()
            return size > 1 ? own?.bytes ?? [] : []
        }
        guard rank != 0 else { return own }
        return bytes.isEmpty ? nil : try Checkpoint(bytes: bytes)
    }
}
