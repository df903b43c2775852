import DurableFiles
import FeatureCache
import Inference
import MessagePassing
import RunControl
import Tensors

extension Experiment {
    /// Makes anew what is damaged in the cache of this experiment: the rows that are damaged are extracted again, on this rank
    /// alone and with all threads of `team`.
    ///
    /// - Parameter note: receives a line for each file that is made anew, from any thread.
    package func cacheMender(
        team: WorkerTeam, activity: Activity, note: @escaping NoteHandler
    ) -> CacheMender {
        { shard in
            note(shard.mendingNote)
            do {
                let workspaces = WorkerLocal(team) { backbone.makeWorkspace() }
                try team.forEach(shard.missingRows.count) { worker, place in
                    try extract(row: shard.missingRows[place], of: shard, workspace: workspaces[worker])
                    activity.progress()
                }
                try activity.allowing(.seconds(600)) { try shard.write() }
                // Of others that were ended while they mended.
                try DurableFile.removeStaleTemporaries(in: configuration.cache.directory)
            } catch let error as FeatureCacheError {
                throw error
            } catch let error as ExtractionError {
                throw error
            } catch let error as ExperimentError {
                throw error
            } catch {
                throw ExtractionError.notMended(
                    path: shard.path, problem: shard.problem ?? "it is not there", reason: "\(error)")
            }
        }
    }
}

extension PendingShard {
    /// What is said when the file is made anew because it is damaged.
    var mendingNote: String {
        let (missing, all) = (missingRows.count, samples.count)
        return "\(path) is damaged: \(problem ?? "it is not there"). Extracting "
            + (missing == all ? "all of its \(all) images" : "\(missing) of its \(all) images") + " again."
    }
}
