import Glibc
import MessagePassing

/// What an operation that failed in its middle leaves under way must not meet memory that is used for something else.
func checkAbandonedMemory() throws {
    guard let mpi = communicator as? MPICommunicator else { return }
    let isLate = mpi.rank == 0
    let failing = mpi.failingWaits
    func fails(_ what: String, _ body: () throws -> Void) {
        do {
            try body()
            expect(false, "\(what) fails")
        } catch {}
    }
    var numbers: [[Int64]] = []
    var bytes: [UnsafeMutablePointer<UInt8>] = []
    func abandon() {
        fails("an exchange") { _ = try failing.exchange((0..<mpi.size).map { [UInt8](repeating: 1, count: 8 + $0) }) }
        for _ in 0..<5 {
            fails("a sum") {
                var values: [Int64] = [1, 2, 3]
                try failing.sum(&values)
            }
        }
    }
    func reuse() {
        // The allocator gives what was freed last first.
        for _ in 0..<200 {
            let pointer = UnsafeMutablePointer<UInt8>.allocate(capacity: 8)
            pointer.initialize(repeating: 0xAA, count: 8)
            bytes.append(pointer)
            numbers.append([Int64](repeating: 0x5555, count: 3))
        }
    }
    if isLate { usleep(500_000) }
    abandon()
    reuse()
    // MPI gets on with what is under way.
    expect(try mpi.gatherEndings([UInt8(mpi.rank)], patience: .seconds(20)) != nil, "all come to their end")
    usleep(200_000)
    expect(bytes.allSatisfy { pointer in (0..<8).allSatisfy { pointer[$0] == 0xAA } }, "bytes are left alone")
    expect(numbers.allSatisfy { $0 == [0x5555, 0x5555, 0x5555] }, "numbers are left alone")
    say("left alone")
    // What was left under way keeps MPI from an orderly end.
    fflush(nil)
    usleep(500_000)
    communicator.abort(code: 75, because: "on purpose")
}

/// Prints what rank 0 says when the last rank announces messages of an impossible length.
func reportMalformed(byteCount: Int) throws {
    guard let mpi = communicator as? MPICommunicator else { return }
    let isLiar = mpi.rank == mpi.size - 1
    let group = isLiar ? mpi.announcing(byteCount: Int64(byteCount)) : mpi
    let operations: [(MPICommunicator) throws -> Void] = [
        { _ = try $0.allGather([1, 2, 3] as [UInt8]) }, { _ = try $0.gather([1, 2, 3], to: 0) },
        {
            var bytes: [UInt8] = [1, 2, 3]
            try $0.broadcast(&bytes, from: mpi.size - 1)
        },
        { _ = try $0.exchange((0..<mpi.size).map { _ in [1, 2, 3] as [UInt8] }) },
    ]
    for operation in operations {
        do {
            // The liar does not notice its own broadcast: it would send three bytes to nobody.
            try operation(group)
            say("no error")
        } catch {
            say("\(error)")
        }
    }
    fflush(nil)
    usleep(500_000)
    communicator.abort(code: 75, because: "on purpose")
}

/// Stops mpirun, prints its process identifier, and leaves: MPI_Finalize needs mpirun.
func stopLauncherAndFinish() throws {
    var options = Watchdog.Options()
    options.deadline = .seconds(10)
    _ = try Watchdog.start(over: communicator, options: options)
    say("\(getppid())")
    usleep(300_000)
    if communicator.rank == 0 { kill(getppid(), SIGSTOP) }
    try communicator.barrier()
}
