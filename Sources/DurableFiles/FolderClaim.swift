import Glibc
import Synchronization
public import SystemPackage

/// The right to write into a folder, which one process has at a time.
///
///     let claim = try FolderClaim(folder, patience: .seconds(5))
///     try DurableFile.write(text, to: folder.appending("a"))   // fails once another process has taken the folder over
///
/// Others are kept out by a lock on FOLDER/.lock where the file system has locks, and by a folder of the claim's own,
/// FOLDER/.infodisent-claim-N, which says who holds the claim and in which the holder changes a file every few seconds.
/// N grows by one with each change of hands; the highest counts.
///
/// A claim is taken over from a process that is dead, or has given no sign of life for `Timing.expiry`: frozen, or on a
/// host that is. Such a one may wake up at any time and go on in the middle of a write. So who takes over first removes the
/// claim's folder of the former holder, and from that moment on nothing that the former holder does with this target's
/// functions below FOLDER has an effect (see `ClaimedFolders`); it gets `DurableFileError.claimLost`. Then the new one
/// reads what is there.
public final class FolderClaim: Sendable {
    /// How holders show that they live.
    public struct Timing: Sendable {
        /// Time between two signs of life.
        public var beat: Duration
        /// How long a holder may give none.
        public var expiry: Duration

        public init(beat: Duration = .seconds(2), expiry: Duration = .seconds(30)) {
            self.beat = beat
            self.expiry = expiry
        }
    }

    private let entry: ClaimedFolders.Entry
    private let lock: FileLock
    private let heart: Heart
    private let isReleased = Mutex(false)

    /// Claims `folder`, which must be there, until `release()` or the end of this value or of the process.
    ///
    /// - Parameter patience: how long to wait for a living holder to give up its claim.
    /// - Throws: `DurableFileError.claimed` if it did not, naming the holder; `DurableFileError` of the file system.
    public convenience init(_ folder: FilePath, patience: Duration, timing: Timing = Timing()) throws {
        try self.init(folder, patience: patience, timing: timing, lockMethods: FileLock.systemMethods)
    }

    /// With other means of locking than the system's, for tests.
    package init(
        _ folder: FilePath, patience: Duration, timing: Timing, lockMethods: [@Sendable (Int32) -> Int32]
    ) throws {
        let folder = folder.absolute
        let (claim, lock) = try Self.acquire(folder, patience, timing, lockMethods)
        self.lock = lock
        entry = ClaimedFolders.Entry(folder: folder, claim: claim)
        do {
            heart = try Heart(claim.appending(ClaimOwner.beatName), interval: timing.beat)
        } catch {
            try? Self.dissolve(claim)
            throw error
        }
        ClaimedFolders.add(entry)
    }

    deinit { release() }

    /// Whether this process still has the claim.
    public var isHeld: Bool { !isReleased.withLock { $0 } && DurableDirectory.exists(entry.claim) }

    /// Gives the claim up. Writes that are under way must have ended.
    public func release() {
        let isFirst = isReleased.withLock { isReleased in
            defer { isReleased = true }
            return !isReleased
        }
        guard isFirst else { return }
        heart.stop()
        ClaimedFolders.remove(entry)
        // Another process may have taken it over; and what is left behind is removed by the next one.
        try? Self.dissolve(entry.claim)
        lock.release()
    }

    /// Removes a claim's folder, if it is there: at one moment for all that go through its name, and then for those that
    /// hold it open.
    static func dissolve(_ claim: FilePath) throws {
        let temporary = claim.containingDirectory.appending(TemporaryName.make().text)
        do {
            try DurableFile.rename(claim, to: temporary)
        } catch DurableFileError.missing {
            return
        }
        // A former holder on another host may still put files into it.
        for attempt in 0... {
            do {
                return try DurableDirectory.removeTree(temporary)
            } catch DurableFileError.failed(_, _, let code) where code == ENOTEMPTY && attempt < 50 {
                usleep(100_000)
            }
        }
    }
}

/// The thread that gives the signs of life of a claim.
private final class Heart: Sendable {
    private let path: FilePath
    private let interval: Duration
    private let shouldStop = Atomic(false)
    private let thread: Mutex<pthread_t?>
    /// Readable when the thread is to end.
    private let pipe: (read: Int32, write: Int32)

    init(_ path: FilePath, interval: Duration) throws {
        self.path = path
        self.interval = interval
        var ends: [Int32] = [-1, -1]
        try check("make a pipe for", path) { Glibc.pipe(&ends) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        pipe = (ends[0], ends[1])
        thread = Mutex(nil)
        // Signals are for the program's other threads.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var identifier = pthread_t()
        let argument = Unmanaged.passRetained(self)
        let code = pthread_create(
            &identifier, nil,
            { argument in
                Unmanaged<Heart>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, argument.toOpaque())
        guard code == 0 else {
            argument.release()
            throw DurableFileError.failed(operation: "start a thread for", path: path, code: code)
        }
        thread.withLock { $0 = identifier }
    }

    deinit {
        close(pipe.read)
        close(pipe.write)
    }

    private func run() {
        var count = 0
        while !shouldStop.load(ordering: .acquiring) {
            count += 1
            // A sign that cannot be given is one that others do not see; nothing can be done about it here.
            try? ClaimOwner.beat(path, count: count)
            var event = pollfd(fd: pipe.read, events: Int16(POLLIN), revents: 0)
            _ = poll(&event, 1, Int32(max(1, interval / .milliseconds(1))))
        }
    }

    func stop() {
        shouldStop.store(true, ordering: .releasing)
        _ = write(pipe.write, [0 as UInt8], 1)
        let identifier = thread.withLock { identifier in
            defer { identifier = nil }
            return identifier
        }
        if let identifier { pthread_join(identifier, nil) }
    }
}
