import COpenMPIShim
import Glibc
import Synchronization

/// The thread behind a rank's `Watchdog`.
final class WatchdogThread: Sendable {
    private let communicator: MPICommunicator
    private let hosts: [String]
    private let options: Watchdog.Options
    private let interval: Double
    private let isEnding = Atomic(false)
    private let thread = Mutex<SideThread?>(nil)
    // Used by the thread alone, and by `free()` after it has ended.
    private nonisolated(unsafe) let handle: cmpi_communicator
    private let tag: Int32 = 2

    /// Collective: duplicates the communicator, so that heartbeats cannot meet other messages.
    init(_ communicator: MPICommunicator, hosts: [String], _ options: Watchdog.Options) throws {
        self.communicator = communicator
        self.hosts = hosts
        self.options = options
        interval = min(0.25, options.deadline / .seconds(8))
        var copy: cmpi_communicator?
        try communicator.check(cmpi_duplicate(communicator.handle, &copy), "MPI_Comm_dup")
        handle = copy!
    }

    func start() {
        let thread = SideThread { [self] in
            do {
                try run()
            } catch {
                // Without a watchdog the run could hang for ever.
                abort("the watchdog failed: \(error)")
            }
        }
        guard let thread else { abort("the watchdog failed: the system has no thread for it") }
        self.thread.withLock { $0 = thread }
    }

    func end() {
        isEnding.store(true, ordering: .releasing)
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    /// Takes in late heartbeats and gives the communicator back. All ranks' threads must have ended. Collective.
    func free() throws {
        while try receive() != nil {}
        var copy: cmpi_communicator? = handle
        try communicator.check(cmpi_free(&copy), "MPI_Comm_free")
    }

    private func run() throws {
        let start = SuspendingClock.now
        func now() -> Double { (SuspendingClock.now - start) / .seconds(1) }

        let isRoot = communicator.rank == 0
        let judged = isRoot ? Array(0..<communicator.size) : [0]
        var records = RankRecords(
            ownRank: communicator.rank, peers: judged.map { ($0, hosts[$0]) },
            deadline: options.deadline / .seconds(1), now: now())
        let outbox = Outbox(destinations: isRoot ? Array(1..<communicator.size) : [0])
        defer { outbox.close() }
        var lastRound = now()
        while !isEnding.load(ordering: .acquiring) {
            usleep(UInt32(interval * 1e6))
            let time = now()
            // This process was stopped, or starved: what it did not hear in that time was not said too late.
            if time - lastRound > interval + 1 { records.forgive(time - lastRound - interval) }
            lastRound = time

            let beat = Heartbeat(communicator.activity.snapshot, deadline: options.deadline)
            if isRoot {
                records.hear(beat, from: 0, now: time)
                options.file?.touch()
            }
            try outbox.send(beat.bytes) { bytes, destination, request in
                try communicator.check(
                    cmpi_start_send(
                        bytes.baseAddress, Int32(bytes.count), Int32(destination), tag, handle, &request), "MPI_Isend")
            } isDone: { request in
                var done: Int32 = 0
                try communicator.check(cmpi_test(&request, &done), "MPI_Test")
                return done != 0
            }
            while let (rank, beat) = try receive() { records.hear(beat, from: rank, now: time) }
            if let verdict = records.verdict(now: time) { abort(verdict) }
        }
    }

    private func receive() throws -> (rank: Int, beat: Heartbeat)? {
        var found: Int32 = 0
        var source: Int32 = -1
        try communicator.check(cmpi_probe(tag, handle, &found, &source), "MPI_Iprobe")
        guard found != 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Heartbeat.byteCount)
        try communicator.check(cmpi_receive(&bytes, Int32(bytes.count), source, tag, handle), "MPI_Recv")
        return (Int(source), Heartbeat(bytes: bytes))
    }

    private func abort(_ verdict: String) -> Never {
        let message = "ended by the watchdog: \(verdict)"
        if let file = options.file {
            // A file system that hangs must not keep the run: then the process leaves with the same words.
            let line = "rank \(communicator.rank) (\(communicator.hostName)): \(message)"
            cmpi_exit_after(abortSeconds, options.exitCode, strdup(line + "\n"), nil, nil)
            file.say(.givenUp(reason: line))
        }
        communicator.abort(code: options.exitCode, because: message)
    }
}

/// At most one heartbeat under way to each destination: a rank that does not take them must not make others run full.
private final class Outbox {
    private let destinations: [Int]
    private let buffers: [UnsafeMutableBufferPointer<UInt8>]
    private var requests: [cmpi_request?]

    init(destinations: [Int]) {
        self.destinations = destinations
        requests = destinations.map { _ in nil }
        buffers = destinations.map { _ in
            let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: Heartbeat.byteCount)
            buffer.initialize(repeating: 0)
            return buffer
        }
    }

    func send(
        _ bytes: [UInt8],
        _ start: (UnsafeMutableBufferPointer<UInt8>, _ destination: Int, inout cmpi_request?) throws -> Void,
        isDone: (inout cmpi_request?) throws -> Bool
    ) throws {
        for index in destinations.indices where try isDone(&requests[index]) {
            _ = buffers[index].update(fromContentsOf: bytes)
            try start(buffers[index], destinations[index], &requests[index])
        }
    }

    /// Gives the memory back, except that of messages still under way.
    func close() {
        for index in destinations.indices {
            var done: Int32 = 0
            if cmpi_test(&requests[index], &done) == 0, done != 0 { buffers[index].deallocate() }
        }
    }
}
