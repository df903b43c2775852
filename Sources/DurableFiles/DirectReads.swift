import CAsyncReadShim
import Glibc

/// Reads of several places at a time, past the system's memory: they are handed to the system in one call and waited for in another
/// (io_submit(2)). That takes a third of the processor's time that as many threads take which read one place each, and wait, and wake.
///
/// It belongs to one thread at a time.
public final class DirectReads {
    /// A place to be read, and room for it.
    public struct Request {
        let file: PositionedFile
        let byteCount: Int
        let offset: Int
        let room: BlockRoom

        /// - Parameters:
        ///   - byteCount: what `room` has room for, at most.
        public init(_ byteCount: Int, from offset: Int, of file: PositionedFile, within room: BlockRoom) {
            precondition(offset >= 0, "byte \(offset) is no part of a file")
            precondition(byteCount <= room.byteCount, "\(byteCount) bytes in room for \(room.byteCount)")
            (self.file, self.byteCount, self.offset, self.room) = (file, byteCount, offset, room)
        }
    }

    /// Requests that are under way at the same time, at most.
    public let limit: Int
    private let context: aio_context_t

    /// - Parameter limit: requests at a time, at most.
    /// - Returns: nil where the system has no such reads, or none left: their number has a bound for all processes together.
    public init?(limit: Int) {
        var context: aio_context_t = 0
        guard limit > 0, casyncread_setup(UInt32(limit), &context) == 0 else { return nil }
        (self.limit, self.context) = (limit, context)
    }

    deinit { _ = casyncread_destroy(context) }

    /// Reads what is asked for, `limit` requests at most; `meanwhile` is called while the disk is busy with them.
    ///
    /// - Returns: the bytes of each request, a part of its room; nil for one that cannot be read in this way, whatever the reason:
    ///   `PositionedFile.read(_:from:within:)` reads it, or says what is wrong.
    public func read(_ requests: [Request], meanwhile: () -> Void) -> [UnsafeRawBufferPointer?] {
        precondition(requests.count <= limit, "\(requests.count) requests where \(limit) are the most")
        let places = requests.map { DirectPlace($0.byteCount, from: $0.offset) }
        var reads = zip(requests, places).enumerated().map { index, request in
            var read = iocb()
            read.aio_data = UInt64(index)
            read.aio_lio_opcode = UInt16(IOCB_CMD_PREAD)
            read.aio_fildes = UInt32(request.0.file.descriptor)
            read.aio_buf = UInt64(UInt(bitPattern: request.0.room.memory.baseAddress))
            read.aio_nbytes = UInt64(request.1.length)
            read.aio_offset = Int64(request.1.start)
            return read
        }
        let startedCount = start(&reads, where: requests.map(\.file.bypassesCache))
        meanwhile()
        var found = [UnsafeRawBufferPointer?](repeating: nil, count: requests.count)
        for end in ends(of: startedCount) {
            let index = Int(end.data)
            guard end.res >= places[index].wanted.upperBound else { continue }
            found[index] = UnsafeRawBufferPointer(rebasing: requests[index].room.memory[places[index].wanted])
        }
        return found
    }

    /// Starts those reads that are to be; returns how many the system has taken.
    private func start(_ reads: inout [iocb], where isWanted: [Bool]) -> Int {
        reads.withUnsafeMutableBufferPointer { reads in
            var waiting = reads.indices.filter { isWanted[$0] }.map { Optional(reads.baseAddress! + $0) }[...]
            var startedCount = 0
            while !waiting.isEmpty {
                let count = waiting.withUnsafeMutableBufferPointer {
                    casyncread_submit(context, $0.count, $0.baseAddress)
                }
                if count == -1 && errno == EINTR { continue }
                // What is wrong is wrong with the first.
                waiting = waiting.dropFirst(max(count, 1))
                startedCount += max(count, 0)
            }
            return startedCount
        }
    }

    /// Waits for that many reads.
    private func ends(of count: Int) -> [io_event] {
        guard count > 0 else { return [] }
        return [io_event](unsafeUninitializedCapacity: count) { ends, endedCount in
            while endedCount < count {
                let more = casyncread_wait(context, count - endedCount, ends.baseAddress! + endedCount)
                // To go on would free memory that the disk may still write into.
                precondition(more > 0 || errno == EINTR, "reads were begun that the system does not know")
                endedCount += max(more, 0)
            }
        }
    }
}
