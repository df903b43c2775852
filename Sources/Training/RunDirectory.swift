import Checkpoints
import DurableFiles
import Glibc
import RunConfiguration
import SystemPackage

/// The folder of a run: `config.yaml`, `metrics.jsonl`, `checkpoints/`.
///
/// While a value of this type lives, no other process can train in the same folder: it holds a lock that the system
/// releases when the process ends, however it ends.
final class RunDirectory {
    let path: FilePath
    private let lock: FileDescriptor

    var metricsPath: FilePath { path.appending("metrics.jsonl") }
    var configurationPath: FilePath { path.appending(RunPlaces.configurationName) }

    /// Makes the folder if it is not there, and takes its lock.
    ///
    /// - Parameter patience: how long to wait for another process to give up the lock. After the death of mpirun or of a
    ///   rank, the other ranks of that run live for about a second.
    init(_ path: FilePath, patience: Duration = .zero) throws {
        self.path = path
        try DurableFile.createDirectory(path)
        let lockPath = path.appending(".lock")
        do {
            lock = try FileDescriptor.open(
                lockPath, .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
        } catch let error as Errno {
            throw DurableFileError.failed(operation: "open", path: lockPath, code: error.rawValue)
        }
        let start = ContinuousClock.now
        while flock(lock.rawValue, LOCK_EX | LOCK_NB) != 0 {
            guard ContinuousClock.now - start < patience else {
                try? lock.close()
                throw TrainingError.runInUse(directory: path)
            }
            usleep(100_000)
        }
        try DurableFile.removeStaleTemporaries(in: path)
    }

    deinit { try? lock.close() }
}
