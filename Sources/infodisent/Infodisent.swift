import ArgumentParser
import Foundation
import MessagePassing

@main
struct Infodisent: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "infodisent",
        abstract: "Explains image classifiers: trains a head of disentangled channels on a frozen backbone.",
        discussion: """
            A usual run: train the head on a dataset (`infodisent train PHOTOS --weights resnet50.pth`), evaluate it, and look \
            at what its channels mean. Results go to standard output; progress and errors go to standard error.
            """,
        version: "0.1.0",
        subcommands: [
            Generate.self, Audit.self, Initialise.self, Extract.self, Train.self, Ablate.self, Evaluate.self,
            Predict.self, FindPrototypes.self, Explain.self, Report.self, Edit.self, Export.self, PlanCosts.self,
            Bench.self, ListBackbones.self,
        ])

    /// Several processes would each do all of the work, into the same files.
    private static func requireSingleProcess(for command: any ParsableCommand) throws {
        let communicator = try World.start()
        guard communicator.size > 1 else { return }
        Console.isQuiet = communicator.rank != 0
        let name = type(of: command)._commandName
        Console.complain(
            "infodisent: '\(name)' is the work of one process, and \(communicator.size) were started. "
                + "Start it without mpirun; it uses all processors by itself.")
        Foundation.exit(ExitCode.usage.rawValue)
    }

    static func main() {
        // A reader that goes away shows as an error of the write, not as the end of the program.
        signal(SIGPIPE, SIG_IGN)
        MemoryLimit.explainFailures()
        var command: any ParsableCommand
        do {
            try Processor.check()
            command = try parseAsRoot()
        } catch let error as Processor.MissingFeatures {
            Console.fail(error)
        } catch {
            StopSignals.leave()
            // All ranks have the same command line; one of them is enough to say what is wrong with it.
            if let communicator = try? World.start(), communicator.rank != 0 {
                Foundation.exit(Self.exitCode(for: error).rawValue)
            }
            if exitCode(for: error) == .validationFailure,
                let mistake = CommandLineMistakes.message(
                    for: Array(CommandLine.arguments.dropFirst()), of: Self.self)
            {
                Console.fail(ValidationError(mistake))
            }
            exit(withError: error)
        }
        do {
            if !((type(of: command) as? any CollectiveCommand.Type)?.canStopEarly ?? false) { StopSignals.leave() }
            if let command = command as? any CollectiveCommand {
                command.runWithOtherRanks()
            } else {
                try requireSingleProcess(for: command)
                try (command as? any LongCommand)?.deployment.console.apply()
                try command.run()
            }
        } catch {
            // The parser's own errors, help among them, are its to print; all others are ours.
            if exitCode(for: error) != .failure { exit(withError: error) }
            Console.fail(error)
        }
    }
}
