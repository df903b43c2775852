import CProcessShim
import Foundation
import Tensors

/// What happens where memory cannot be had: an end that says so, with the exit code of a system that refuses.
enum MemoryLimit {
    /// Of use where memory is limited in advance; otherwise the system ends a process that uses too much, and nothing can be
    /// said.
    static func explainFailures() {
        // Swift says how much it asked for, and then aborts.
        cprocess_explain_abort(
            strdup(
                "infodisent: ended, probably because memory could not be had, which is limited here (ulimit -v, a batch system, "
                    + "or vm.overcommit_memory). Raise the limit, or use fewer --threads.\n"),
            ExitCode.inputOutput.rawValue)
        OpenBLASMemory.fail = { reason in
            Console.isQuiet = false
            Console.note("infodisent: \(reason)")
            exit(ExitCode.inputOutput.rawValue)
        }
    }

    /// Before work that makes arrays of the same few sizes again and again, such as training.
    static func keepReleasedMemory() { cprocess_keep_released_memory() }
}
