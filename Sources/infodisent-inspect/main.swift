import ArgumentParser
import Checkpoints
import DurableFiles
import Glibc
import PrintableText
import WeightFiles

/// The exit code of a failure, as in sysexits.h.
func exitCode(of error: any Error) -> Int32 {
    switch error {
    case let error as DurableFileError: error.exitCode
    case let error as WeightFileError: error.exitCode
    case let error as CheckpointError: error.exitCode
    default: 70
    }
}

/// Ends the program with a line on the error output, after what was printed.
func fail(_ message: String, code: Int32) -> Never {
    fflush(nil)
    let line = Array("infodisent-inspect: \(message)\n".printableLines.utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(code)
}

let command: InspectCommand
do {
    command = try InspectCommand.parse()
} catch {
    InspectCommand.exit(withError: error)
}
do {
    try command.run()
} catch {
    fail("\(error)", code: exitCode(of: error))
}
if fflush(nil) != 0 { fail("the output could not be written.", code: 74) }
