import Dispatch
import Foundation
import RunControl

/// Turns signals that ask the program to end into a `StopRequest`, so that work in progress is finished and kept.
enum StopSignals {
    /// SIGUSR1 is what a batch system can send before a time limit; SIGINT is Ctrl-C; SIGTERM is a polite kill; SIGHUP is
    /// a terminal that has gone.
    private static let signals = [SIGUSR1, SIGINT, SIGTERM, SIGHUP]

    nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []

    /// The request that the first such signal sets; a second one ends the process at once, as without this. From the first
    /// use of this value on, not before.
    static let request: StopRequest = {
        let stop = StopRequest()
        for number in signals {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                stop.request()
                signal(number, SIG_DFL)
                Console.note("Signal received: finishing the step in work (once more to end at once).")
            }
            source.resume()
            sources.append(source)
        }
        return stop
    }()
}
