import ArgumentParser
import Extraction
import FeatureCache
import Inference
import MessagePassing
import RunControl
import Tensors

extension Experiment {
    /// The cache with the features of all images: those that are not there yet are extracted. Says what there is to say about
    /// them. Collective.
    /// - Parameter unfinished: what a stop is said to have come before, such as "the features were".
    /// - Throws: an exit with `stoppedEarly` where a stop was asked for before they were complete; what `Extraction.run` throws.
    func completeFeatures(
        notYet unfinished: String = "the features were", team: WorkerTeam, stop: StopRequest,
        on communicator: any Communicator
    ) throws -> FeatureCache {
        notes.forEach(Console.note)
        guard
            let cache = try Extraction.run(
                self, team: team, communicator: communicator, stop: stop, progress: Console.showProgress,
                note: Console.notes(of: communicator))
        else {
            Console.note("Stopped before \(unfinished) complete: run the same command again to go on.")
            throw ArgumentParser.ExitCode(ExitCode.stoppedEarly.rawValue)
        }
        cache.notesOnSkippedImages.forEach(Console.note)
        return cache
    }
}
