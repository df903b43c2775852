import Checkpoints
import DurableFiles
import Glibc
import SystemPackage

/// The folder of a run: `config.yaml`, `metrics.jsonl`, `metrics.csv`, `checkpoints/`.
///
/// While a value of this type lives, no other process can train in the same folder. What this process writes there ends
/// when another takes the folder over, because this one was frozen (`FolderClaim`).
final class RunDirectory {
    let path: FilePath
    private let claim: FolderClaim

    var metricsPath: FilePath { path.appending("metrics.jsonl") }
    /// The same figures for spreadsheets.
    var tablePath: FilePath { path.appending("metrics.csv") }
    var configurationPath: FilePath { path.appending(RunPlaces.configurationName) }

    /// Makes the folder if it is not there, and claims it.
    ///
    /// Another process gets time to end. After the death of mpirun or of a rank the other ranks of that run live for about a
    /// second, so it is 5 s at least. In a restart by Launch/run it is as long as ranks on a host that was cut off may take to
    /// find that out: INFODISENT_PATIENCE seconds.
    init(_ path: FilePath) throws {
        self.path = path
        try DurableFile.createDirectory(path)
        do {
            claim = try FolderClaim(path, patience: max(.seconds(5), Self.patienceOfRestart))
        } catch DurableFileError.claimed(_, let holder) {
            throw TrainingError.runInUse(directory: path, holder: holder)
        }
        for folder in [path, path.appending("checkpoints")] { try DurableFile.removeStaleTemporaries(in: folder) }
    }

    /// At most an hour.
    private static var patienceOfRestart: Duration {
        .seconds(
            getenv("INFODISENT_PATIENCE").flatMap { Double(String(cString: $0)) }.map { min(max($0, 0), 3600) } ?? 0)
    }
}
