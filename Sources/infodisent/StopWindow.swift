import Foundation
import MessagePassing
import Synchronization

/// The time between a signal and a kill, and what the program needs to stop with a checkpoint: known beforehand, so that it is
/// said while something can still be done about it.
final class StopWindow: Sendable {
    private let seconds: Double
    private let state = Mutex(State())

    private struct State {
        /// The longest time that work of each kind took, in seconds.
        var longest: [Kind: Double] = [:]
        /// What has been said to be needed.
        var announced = 0.0
    }

    /// What has to come to its end, as `TrainingRun` announces it.
    private enum Kind: String, CaseIterable {
        case step = "training"
        case evaluation = "evaluating"
        case checkpoint = "writing a checkpoint"

        var name: String {
            switch self {
            case .step: "a step"
            case .evaluation: "an evaluation"
            case .checkpoint: "a checkpoint"
            }
        }
    }

    init(seconds: Double) {
        self.seconds = seconds
    }

    /// Notes how long a piece of work took; what to say about it, if anything.
    func record(_ text: String, _ duration: Duration) -> String? {
        guard let kind = Kind(rawValue: text) else { return nil }
        return state.withLock { state in
            state.longest[kind] = max(state.longest[kind] ?? 0, duration / .seconds(1))
            // A wish that comes in an evaluation is taken up with the gradients of the next step, which has to end.
            let needed = state.longest.reduce(0) { $0 + $1.value * ($1.key == .step ? 2 : 1) }
            guard kind == .checkpoint, needed > seconds, needed > state.announced * 1.5 else { return nil }
            state.announced = needed
            let parts = Kind.allCases.compactMap { kind in
                state.longest[kind].map { "\(kind.name) \(Self.text($0))" }
            }
            return
                "To stop with a checkpoint may take \(Self.text(needed)) here (\(parts.joined(separator: ", "))), but what "
                + "stops this run leaves it \(Self.text(seconds)) (--stop-within): it would be killed, and lose the steps since "
                + "its last checkpoint. Ask for more time: SLURM's --signal=B:USR1@SECONDS and KillWait, or Kubernetes' "
                + "terminationGracePeriodSeconds."
        }
    }

    private static func text(_ seconds: Double) -> String {
        String(format: seconds < 10 ? "%.2g s" : "%.0f s", seconds)
    }
}
