import Glibc
import Synchronization

/// Work on a thread of its own beside those of a team, whose number it leaves as it is (work on a dispatch queue would not).
final class SideThread: Sendable {
    private final class Work: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let identifier: Mutex<pthread_t?>

    /// Begins `body`; nil if the system has no thread to give.
    init?(_ body: @escaping @Sendable () -> Void) {
        // Signals are for the program's other threads.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var identifier = pthread_t()
        let work = Unmanaged.passRetained(Work(body))
        let code = pthread_create(
            &identifier, nil,
            { work in
                Unmanaged<Work>.fromOpaque(work!).takeRetainedValue().run()
                return nil
            }, work.toOpaque())
        self.identifier = Mutex(code == 0 ? identifier : nil)
        guard code == 0 else {
            work.release()
            return nil
        }
    }

    /// Waits until the work is done.
    func join() {
        let identifier = identifier.withLock { identifier in
            defer { identifier = nil }
            return identifier
        }
        if let identifier { pthread_join(identifier, nil) }
    }
}
