import CProcessShim
import Foundation
import MessagePassing
import RunControl

/// Turns signals that ask the program to end into a `StopRequest`, so that work in progress is finished and kept.
///
/// SIGUSR1 is what a batch system can send before a time limit; SIGINT is Ctrl-C; SIGTERM is a polite kill; SIGHUP is a terminal
/// that has gone. They are the same wish, however many of them come: a batch system sends several. What ends the process at
/// once, as without this, is a second SIGINT; and a SIGTERM when the step in work did not end in the time that there was.
enum StopSignals {
    /// How long a step may take to end after the first signal, in seconds, when nothing else is known: SLURM's default time
    /// from SIGTERM to SIGKILL.
    static let defaultWindow = 30.0

    /// Signals are heard from the first use of this value on, and those are not lost that came before, while the program
    /// started.
    static let request: StopRequest = {
        let stop = StopRequest()
        cprocess_hear_signals()
        // A thread of its own, made early: where memory is short there might be none later.
        let thread = Thread { listen(stop) }
        thread.stackSize = 1 << 18
        thread.start()
        return stop
    }()

    /// What signals mean to a command that does not finish early: its end.
    static func leave() { cprocess_leave_signals() }

    private static func listen(_ stop: StopRequest) {
        var byte: UInt8 = 0
        while true {
            let count = read(cprocess_signal_descriptor(), &byte, 1)
            if count < 0 && errno == EINTR { continue }
            guard count == 1 else { return }
            guard !stop.isRequested else { continue }
            stop.request()
            Console.note("Signal received: finishing the step in work.")
            World.announceStopping()
        }
    }
}
