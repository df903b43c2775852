import COpenMPIShim
import Glibc

/// Ends this process when something takes too long that no thread of it can end: MPI's own start and end. One at a time.
enum ProcessAlarm {
    /// What the process says when it ends, and with which exit code; how often it may be asked for is bounded by the
    /// program's few phases, since the texts must live as long as the process.
    static func set(_ duration: Duration, code: Int32, _ message: String, in file: HeartbeatFile? = nil) {
        let seconds = UInt32(min(max((duration / .seconds(1)).rounded(.up), 1), 1e6))
        cmpi_exit_after(
            seconds, code, strdup(message + "\n"), file.flatMap { strdup($0.path.string) },
            file.flatMap { _ in strdup(HeartbeatFile.Line.givenUp(reason: message).text) })
    }

    static func cancel() { cmpi_exit_after(0, 0, nil, nil, nil) }
}
