import COpenMPIShim
import Glibc
import Synchronization
import SystemPackage

/// Ends a run that no longer gets on, with a line on standard error that names the rank, its host, step and activity.
///
/// Open MPI 4 cannot: an operation with a frozen or unreachable rank never returns. A thread on every rank sends
/// heartbeats (on a communicator of its own) to rank 0, and rank 0 sends them back. The job ends when
/// - a rank has not been heard for the deadline (a stopped process, a hung or lost host): heartbeats go on whatever the
///   main thread computes, so this deadline needs no widening; or
/// - no rank has begun or finished anything for longer than the deadline (`Activity.allowing` widens it).
///
/// The deadline should be longer than the launcher's keepalive needs to find a lost host by itself (12 s with those of
/// Launch/), because that gives the better ending. Only then is the abort sure to reach mpirun.
public final class Watchdog: Sendable {
    public struct Options: Sendable {
        public var deadline: Duration = .seconds(60)
        /// Exit code of the job when the watchdog ends it: by default that of a run that can be started again.
        public var exitCode: Int32 = 75
        /// A file that rank 0 touches with every heartbeat, for a guard outside that ends a hung mpirun. It says how the run
        /// ends: `HeartbeatFile`.
        public var heartbeatFile: FilePath?

        public init() {}

        var file: HeartbeatFile? { heartbeatFile.map { HeartbeatFile(path: $0) } }
    }

    private let communicator: MPICommunicator?
    let options: Options
    private let thread = Mutex<WatchdogThread?>(nil)

    /// Starts watching. Collective. In a single process there is nothing to watch.
    /// - Throws: `MessagePassingError.notAHeartbeatFile` on rank 0, and `.failedElsewhere` on the others.
    public static func start(over communicator: any Communicator, options: Options = Options()) throws -> Watchdog {
        let watchdog = Watchdog(communicator as? MPICommunicator, options)
        if let communicator = watchdog.communicator {
            World.limitStart(options)
            defer { ProcessAlarm.cancel() }
            try communicator.together {
                if communicator.rank == 0, let file = options.file {
                    try file.requireUsable()
                    file.create()
                }
            }
            let hosts = try communicator.allGather(Array(communicator.hostName.utf8))
            let thread = try WatchdogThread(
                communicator, hosts: hosts.map { String(decoding: $0, as: UTF8.self) }, options)
            thread.start()
            watchdog.thread.withLock { $0 = thread }
            World.adopt(watchdog)
        }
        return watchdog
    }

    private init(_ communicator: MPICommunicator?, _ options: Options) {
        self.communicator = communicator
        self.options = options
    }

    /// Writes into the heartbeat file, if there is one; rank 0 speaks for all.
    func say(_ line: HeartbeatFile.Line) {
        if communicator?.rank == 0 { options.file?.say(line) }
    }

    /// Stops watching. Collective.
    public func stop() throws {
        guard let communicator, let thread = endThread() else { return }
        World.adopt(nil)
        // After this no rank sends.
        try communicator.barrier()
        try thread.free()
    }

    /// Stops this rank's thread. Not collective.
    @discardableResult
    func endThread() -> WatchdogThread? {
        let thread = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.end()
        return thread
    }
}
