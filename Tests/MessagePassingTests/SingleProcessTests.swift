import MessagePassing
import Testing

@Suite struct SingleProcessTests {
    private let process = SingleProcess()

    @Test func itIsTheOnlyRank() {
        #expect(process.rank == 0 && process.size == 1 && process.localRank == 0 && process.localSize == 1)
        #expect(!process.hostName.isEmpty)
    }

    @Test func itReceivesWhatItSends() throws {
        var short: [Int32] = [1, -2]
        process.sum(&short)
        #expect(short == [1, -2])
        var received: [Int64] = [0, 0]
        process.exchange([5, 6], into: &received)
        #expect(received == [5, 6])
        var floats: [Float] = [7, 8]
        process.allGather(&floats)
        #expect(floats == [7, 8])
        var bytes: [UInt8] = [9]
        process.broadcast(&bytes, from: 0)
        #expect(bytes == [9])
        #expect(process.gather(bytes, to: 0) == [[9]] && process.allGather(bytes) == [[9]])
        #expect(process.exchange([bytes]) == [[9]])
        process.barrier()
    }

    @Test func itsOwnFailurePassesThrough() throws {
        struct Failure: Error {}
        #expect(throws: Failure.self) { try process.together { throw Failure() } }
        #expect(try process.together { 42 } == 42)
    }
}
