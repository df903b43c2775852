import COpenMPIShim
import Glibc
import Synchronization

/// The processes of this run.
///
///     let communicator = try World.start()       // once, first thing
///     ...
///     try World.finish()                          // last thing, on all ranks
///
/// A rank that cannot go on calls `communicator.abort(code:because:)`: the others would wait for it for ever.
public enum World {
    private struct State {
        var hasStarted = false
        var communicator: MPICommunicator?
        var watchdog: Watchdog?
    }

    private static let state = Mutex(State())

    /// Joins this process to the others of the run; handed out once.
    ///
    /// Without mpirun or srun this is one process, and MPI is never called. Otherwise all ranks must call it.
    /// - Throws: `MessagePassingError` if it was called before, if the launcher gives the processes no way to find each
    ///   other, or if MPI cannot start.
    public static func start() throws -> any Communicator {
        try state.withLock { state in
            guard !state.hasStarted else { throw MessagePassingError.alreadyStarted }
            state.hasStarted = true
        }
        switch Launch(environment: { getenv($0).map { String(cString: $0) } }) {
        case .alone: return SingleProcess()
        case .apart(let launcher): throw MessagePassingError.noProcessManager(launcher: launcher)
        case .together: return try startMPI()
        }
    }

    /// Leaves the run. Collective; all ranks must have come to the end of their work. Does nothing in a single process.
    ///
    /// A process that ends by `exit` without it does the same on its way out, and says so if others still wait.
    public static func finish() throws {
        guard let communicator = state.withLock({ $0.communicator }), cmpi_is_running() != 0 else { return }
        try communicator.barrier()
        if let watchdog = state.withLock({ $0.watchdog }) { try watchdog.stop() }
        state.withLock { $0.communicator = nil }
        try finalise(communicator, code: 70, seconds: 10)
    }

    /// The watchdog whose thread must end before MPI does.
    static func adopt(_ watchdog: Watchdog?) {
        state.withLock { $0.watchdog = watchdog }
    }

    private static func startMPI() throws -> any Communicator {
        for setting in Launch.settings(
            hasFastNetwork: hasFastNetwork(), memoryAccessIsAllowed: cmpi_memory_access_error() == 0)
        {
            setenv(setting.name, setting.value, 0)
        }
        var multiple: Int32 = 0
        try checkMPI(cmpi_initialise(&multiple), "MPI_Init_thread", rank: -1, host: currentHostName())
        let communicator = try MPICommunicator()
        guard multiple != 0 else { throw MessagePassingError.threadsNotSupported(rank: communicator.rank) }
        state.withLock { $0.communicator = communicator }
        _ = cmpi_at_exit { World.leave(code: $0) }
        return communicator
    }

    /// Ends MPI in a process that exits, because mpirun takes an exit without MPI_Finalize for a crash.
    private static func leave(code: Int32) {
        guard let communicator = state.withLock({ $0.communicator }), cmpi_is_running() != 0 else { return }
        do {
            // An orderly exit waits for ranks that still work, under the watchdog; a failed one soon gives up on them.
            if code == 0 { try communicator.barrier() }
            state.withLock { $0.watchdog }?.endThread()
            try finalise(communicator, code: code == 0 ? 70 : code, seconds: code == 0 ? 10 : 4)
        } catch {
            writeToStandardError("rank \(communicator.rank) (\(communicator.hostName)): \(error)\n")
        }
    }

    /// MPI_Finalize; after `seconds` in it, the end of this process with exit code `code`.
    private static func finalise(_ communicator: MPICommunicator, code: Int32, seconds: UInt32) throws {
        // MPI_Finalize waits for the other ranks without end.
        let message =
            "rank \(communicator.rank) (\(communicator.hostName)): left the run alone with exit code \(code), "
            + "because the other ranks did not come to its end within \(seconds) s\n"
        cmpi_exit_after(seconds, code, strdup(message))
        defer { cmpi_exit_after(0, 0, nil) }
        try communicator.check(cmpi_finalise(), "MPI_Finalize")
    }

    /// Whether this host has a network that Open MPI drives by more than TCP.
    private static func hasFastNetwork() -> Bool {
        ["/sys/class/infiniband", "/sys/class/cxi", "/sys/class/hfi1_user", "/dev/hfi1_0"].contains { path in
            guard let directory = opendir(path) else { return access(path, F_OK) == 0 && !path.hasPrefix("/sys") }
            defer { closedir(directory) }
            while let entry = readdir(directory) {
                if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { return true }
            }
            return false
        }
    }
}
