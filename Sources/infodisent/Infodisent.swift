import ArgumentParser
import Foundation
import MessagePassing

@main
struct Infodisent: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "infodisent",
        abstract: "Explains image classifiers: trains a head of disentangled channels on a frozen backbone.",
        discussion: """
            A usual run: extract the features of a dataset once, train the head on them, evaluate it, and look at what \
            its channels mean. Results go to standard output; progress and errors go to standard error.
            """,
        version: "0.1.0",
        subcommands: [
            Generate.self, Audit.self, Extract.self, Train.self, Evaluate.self, FindPrototypes.self, Explain.self,
            PlanCosts.self, Bench.self, ListBackbones.self,
        ])

    static func main() {
        // A reader that goes away shows as an error of the write, not as the end of the program.
        signal(SIGPIPE, SIG_IGN)
        var command: any ParsableCommand
        do {
            try Processor.check()
            command = try parseAsRoot()
        } catch let error as Processor.MissingFeatures {
            Console.fail(error)
        } catch {
            // All ranks have the same command line; one of them is enough to say what is wrong with it.
            if let communicator = try? World.start(), communicator.rank != 0 {
                Foundation.exit(Self.exitCode(for: error).rawValue)
            }
            exit(withError: error)
        }
        do {
            if let command = command as? any CollectiveCommand {
                command.runWithOtherRanks()
            } else {
                try command.run()
            }
        } catch {
            // The parser's own errors, help among them, are its to print; all others are ours.
            if exitCode(for: error) != .failure { exit(withError: error) }
            Console.fail(error)
        }
    }
}
