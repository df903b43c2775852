import Glibc
import MessagePassing

/// Bytes that differ by rank and length.
private func sample(_ count: Int, _ rank: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ rank &* 101 &+ count) }
}

/// The communicator as it is, and with pieces of a few elements, as if arrays were beyond MPI's counts.
private var communicators: [any Communicator] {
    guard let mpi = communicator as? MPICommunicator else { return [communicator] }
    return [mpi, mpi.limitingCounts(to: 5000), mpi.limitingCounts(to: 300), mpi.limitingCounts(to: 7)]
}

func checkNumbers() throws {
    let (rank, size) = (communicator.rank, communicator.size)
    expect((0..<size).contains(rank), "rank in range")
    expect((0..<communicator.localSize).contains(communicator.localRank), "local rank in range")
    for group in communicators.dropLast() {
        for count in [0, 1, 3, 4096, 4097, 20_011] {
            var maxima = (0..<count).map { UInt32($0 * 7 % 1000 + ($0 % size == rank ? 4_000_000_000 : rank)) }
            try group.maximum(&maxima)
            expect(
                maxima.enumerated().allSatisfy { $1 == UInt32($0 * 7 % 1000) + 4_000_000_000 }, "maximum of \(count)")

            var long = (0..<count).map { Int64($0 - 5) << 40 + Int64(rank) }
            try group.sum(&long)
            let expected = (0..<count).map { Int64(size) * (Int64($0 - 5) << 40) + Int64(size * (size - 1) / 2) }
            expect(long == expected, "64-bit sum of \(count)")

            var short = (0..<count).map { Int32($0 * (rank + 1)) }
            try group.sum(&short)
            expect(
                short == (0..<count).map { Int32($0 * size * (size + 1) / 2) }, "32-bit sum of \(count)")

            let blocks = (0..<size * count).map { Int64($0 + rank * 1_000_000) }
            var received = [Int64](repeating: -1, count: size * count)
            try group.exchange(blocks, into: &received)
            let sent = (0..<size).flatMap { from in
                (0..<count).map { Int64(rank * count + $0 + from * 1_000_000) }
            }
            expect(received == sent, "exchange of \(count) integers")
            // Blocks of equal length, and not.
            for length in [size * count, count] {
                let block = (length + size - 1) / size
                let all = (0..<length).map { Float($0) }
                var floats = all.map { Int($0) / max(1, block) == rank ? $0 : -1 }
                try group.allGather(&floats)
                expect(floats == all, "all-gather of \(length) floats")
            }
        }
    }
    say("numbers agree")
}

func checkBytes() throws {
    let (rank, size) = (communicator.rank, communicator.size)
    for group in communicators {
        for root in 0..<size {
            for count in [0, 1, 6, 7, 8, 13, 999, 20_003] where count < 1000 || root == 0 {
                var bytes = rank == root ? sample(count, root) : sample(rank * 3, rank)
                try group.broadcast(&bytes, from: root)
                expect(bytes == sample(count, root), "broadcast of \(count) bytes from \(root)")
            }
            for counts in [
                (0..<size).map { $0 }, (0..<size).map { ($0 + 1) % 2 * 17 }, (0..<size).map { 901 / ($0 + 1) },
            ] {
                let expected = counts.enumerated().map { sample($1, $0) }
                let gathered = try group.gather(sample(counts[rank], rank), to: root)
                expect(gathered == (rank == root ? expected : []), "gather of \(counts) at \(root)")
                expect(try group.allGather(sample(counts[rank], rank)) == expected, "all-gather of \(counts)")
            }
        }
        let messages = (0..<size).map { sample(($0 * 7 + rank * 5) % 23, rank * 10 + $0) }
        let expected = (0..<size).map { sample((rank * 7 + $0 * 5) % 23, $0 * 10 + rank) }
        expect(try group.exchange(messages) == expected, "exchange of messages")
        try group.barrier()
    }
    say("bytes agree")
}

/// All ranks come to their end, some later, while one message of another operation is on its way.
func reportEndings() throws {
    let total = try communicator.sumTogether(count: 2) { [Int64(communicator.rank), 1] }
    expect(total[1] == communicator.size, "every rank counts once")
    let bytes = try communicator.fromRank0(allowing: .seconds(1)) {
        expect(communicator.rank == 0, "rank 0 alone is asked")
        return [7, 8, 9]
    }
    expect(bytes == [7, 8, 9], "all get what rank 0 gave")
    do {
        _ = try communicator.sumTogether(count: 1) {
            if communicator.rank == communicator.size - 1 { throw ProbeError() }
            return [1]
        }
        expect(false, "all ranks throw")
    } catch {}
    usleep(UInt32(communicator.rank) * 50_000)
    let endings = try communicator.gatherEndings(
        [UInt8](repeating: UInt8(communicator.rank), count: communicator.rank), patience: .seconds(20))
    expect(endings?.map(\.count) == Array(0..<communicator.size), "every rank's report")
    say("ended together")
}

private struct ProbeError: Error {}
