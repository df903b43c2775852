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
    /// Without mpirun or srun this is one process, and MPI is never called. Otherwise all ranks must call it. MPI starts when
    /// all of them have come; this process ends with the watchdog's exit code when that takes much longer than its deadline.
    /// - Throws: `MessagePassingError` if it was called before, if the launcher gives the processes no way to find each
    ///   other, or if MPI cannot start.
    public static func start(_ options: Watchdog.Options = Watchdog.Options()) throws -> any Communicator {
        try state.withLock { state in
            guard !state.hasStarted else { throw MessagePassingError.alreadyStarted }
            state.hasStarted = true
        }
        switch Launch(environment: { getenv($0).map { String(cString: $0) } }) {
        case .alone: return SingleProcess()
        case .apart(let launcher): throw MessagePassingError.noProcessManager(launcher: launcher)
        case .together: return try startMPI(options)
        }
    }

    /// Leaves the run, whose exit code will be `code`. Collective; all ranks must have come to the end of their work, and
    /// give the same code. Does nothing in a single process.
    ///
    /// A process that ends by `exit` without it does the same on its way out, and says so if others still wait.
    public static func finish(code: Int32 = 0) throws {
        guard let communicator = state.withLock({ $0.communicator }), cmpi_is_running() != 0 else { return }
        try communicator.barrier()
        let watchdog = state.withLock { $0.watchdog }
        watchdog?.say(.ended(code: code))
        // A rank or an mpirun that freezes from here on changes nothing: the work is done.
        let patience = min(max(watchdog?.options.deadline ?? .seconds(10), .seconds(10)), .seconds(60))
        limitEnd(communicator, code: code == 0 ? watchdog?.options.exitCode ?? 75 : code, patience)
        defer { ProcessAlarm.cancel() }
        try watchdog?.stop()
        state.withLock { $0.communicator = nil }
        try communicator.check(cmpi_finalise(), "MPI_Finalize")
    }

    /// Lets a guard outside know that a wish to stop has been heard. Rank 0 speaks for all; not collective.
    public static func announceStopping() { state.withLock { $0.watchdog }?.say(.stopping) }

    /// Lets a guard outside know that all ranks are about to exit with `code`. Rank 0 speaks for all.
    public static func announceEnd(code: Int32) { state.withLock { $0.watchdog }?.say(.ended(code: code)) }

    /// The watchdog whose thread must end before MPI does.
    static func adopt(_ watchdog: Watchdog?) {
        state.withLock { $0.watchdog = watchdog }
    }

    private static func startMPI(_ options: Watchdog.Options) throws -> any Communicator {
        for setting in Launch.settings(
            hasFastNetwork: hasFastNetwork(), memoryAccessIsAllowed: cmpi_memory_access_error() == 0)
        {
            setenv(setting.name, setting.value, 0)
        }
        // A thread could not end MPI_Init, nor name the rank that does not come: there is no communicator yet.
        limitStart(options)
        defer { ProcessAlarm.cancel() }
        var multiple: Int32 = 0
        try checkMPI(cmpi_initialise(&multiple), "MPI_Init_thread", rank: -1, host: currentHostName())
        let communicator = try MPICommunicator()
        guard multiple != 0 else { throw MessagePassingError.threadsNotSupported(rank: communicator.rank) }
        state.withLock { $0.communicator = communicator }
        _ = cmpi_at_exit { World.leave(code: $0) }
        return communicator
    }

    /// Ends this process if it has not met the others after one and a half deadlines; until the alarm is cancelled.
    static func limitStart(_ options: Watchdog.Options) {
        let names = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"]
        let rank = names.compactMap { name in getenv(name).map { String(cString: $0) } }.first
        // Programs and libraries are read from slow disks before ranks meet; the guard outside waits a little longer.
        let duration = options.deadline * 3 / 2
        let seconds = Int((duration / .seconds(1)).rounded(.up))
        ProcessAlarm.set(
            duration, code: options.exitCode,
            "rank \(rank ?? "?") (\(currentHostName())): ended by the watchdog: MPI has not started within \(seconds) s, "
                + "because another rank has not come up or cannot be reached", in: options.file)
    }

    /// Ends this process with exit code `code` if the others do not come to its end within `patience`: MPI_Finalize waits for
    /// them, and for mpirun, without end.
    private static func limitEnd(_ communicator: MPICommunicator, code: Int32, _ patience: Duration) {
        ProcessAlarm.set(
            patience, code: code,
            "rank \(communicator.rank) (\(communicator.hostName)): left the run alone with exit code \(code), because the "
                + "other ranks did not come to its end within \(Int(patience / .seconds(1))) s")
    }

    /// Ends MPI in a process that exits, because mpirun takes an exit without MPI_Finalize for a crash.
    private static func leave(code: Int32) {
        guard let communicator = state.withLock({ $0.communicator }), cmpi_is_running() != 0 else { return }
        do {
            // An orderly exit waits for ranks that still work, under the watchdog; a failed one soon gives up on them.
            if code == 0 { try communicator.barrier() }
            limitEnd(communicator, code: code == 0 ? 75 : code, code == 0 ? .seconds(10) : .seconds(4))
            defer { ProcessAlarm.cancel() }
            state.withLock { $0.watchdog }?.endThread()
            try communicator.check(cmpi_finalise(), "MPI_Finalize")
        } catch {
            writeToStandardError("rank \(communicator.rank) (\(communicator.hostName)): \(error)\n")
        }
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
