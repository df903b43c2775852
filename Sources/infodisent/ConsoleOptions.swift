import ArgumentParser
import SystemPackage

/// What a command says while it works, and where; never changes a result.
struct ConsoleOptions: ParsableArguments {
    @Flag(help: "Say nothing but results and errors.") var quiet = false
    @Option(
        help: ArgumentHelp("Append what is said to this file too, each line with its time.", valueName: "FILE"),
        completion: .file(), transform: { FilePath($0) })
    var logFile: FilePath?

    /// Does so from now on. Of several ranks only the first has a log.
    /// - Throws: `DurableFileError` for a log that cannot be written.
    func apply(rank: Int = 0) throws {
        Console.isTerse = quiet
        if let logFile, rank == 0 { try Console.openLog(logFile) }
    }
}

/// A command that may take long, and says what it is doing.
protocol LongCommand: ParsableCommand {
    var deployment: DeploymentOptions { get }
}

extension Ablate: LongCommand {}
extension Audit: LongCommand {}
extension Edit: LongCommand {}
extension Evaluate: LongCommand {}
extension Explain: LongCommand {}
extension Extract: LongCommand {}
extension FindPrototypes: LongCommand {}
extension Generate: LongCommand {}
extension Initialise: LongCommand {}
extension PlanCosts: LongCommand {}
extension Predict: LongCommand {}
extension Report: LongCommand {}
extension Train: LongCommand {}
