import ArgumentParser
import CProcessShim
import Foundation
import MessagePassing
import SystemPackage
import Tensors

/// A command that several processes carry out together when mpirun or srun starts it.
///
/// All ranks run the same code; only rank 0 speaks (`Console.isQuiet`) and writes results.
protocol CollectiveCommand: ParsableCommand {
    var ranks: RankOptions { get }
    /// Whether signals that ask the program to end make it finish the work in hand first.
    static var canStopEarly: Bool { get }

    /// Carries the command out. Collective. An error may be thrown on one rank alone: it ends the others too.
    func run(on communicator: any Communicator) throws
}

extension CollectiveCommand {
    static var canStopEarly: Bool { false }

    func run() throws { try run(on: SingleProcess()) }

    /// Joins the other ranks, runs the command, and leaves them; ends the process if something fails.
    func runWithOtherRanks() {
        // Before MPI starts, because a batch system's signal may come at any time.
        if Self.canStopEarly { _ = StopSignals.request }
        let communicator: any Communicator
        do {
            communicator = try World.start(ranks.watchdogOptions)
        } catch {
            Console.fail(error)
        }
        Console.isQuiet = communicator.rank != 0
        do {
            try (self as? any LongCommand)?.deployment.console.apply(rank: communicator.rank)
            _ = try Watchdog.start(over: communicator, options: ranks.watchdogOptions)
            if Self.canStopEarly { prepareToStop(communicator) }
            var code: Int32 = 0
            do {
                try run(on: communicator)
            } catch let exitCode as ArgumentParser.ExitCode {
                // The same on all ranks.
                code = exitCode.rawValue
            }
            try World.finish(code: code)
            if code != 0 { Foundation.exit(code) }
        } catch {
            RankFailure.end(with: error, on: communicator)
        }
    }
}

extension CollectiveCommand {
    /// Makes what is known now of use to a stop that will be asked for, or was already.
    private func prepareToStop(_ communicator: any Communicator) {
        // Many processes have a launcher that ends them if they do not end themselves.
        cprocess_end_at_second_signal(
            communicator is SingleProcess ? ranks.stopWithin ?? StopSignals.defaultWindow : -1)
        // One that came before the heartbeat file was known.
        if StopSignals.request.isRequested { World.announceStopping() }
        if let seconds = ranks.stopWithin, communicator.rank == 0 {
            let window = StopWindow(seconds: seconds)
            communicator.activity.observe { text, duration in
                if let warning = window.record(text, duration) { Console.note(warning) }
            }
        }
    }
}

/// How the ranks of a run watch each other; never changes a result.
struct RankOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "With several processes: end the run when one has not been heard, or nothing has got on, for this long.",
            valueName: "seconds"))
    var deadline = 60.0
    @Option(
        help: ArgumentHelp(
            "With several processes: a file that is touched as long as the run lives.", valueName: "file"),
        transform: { FilePath($0) })
    var heartbeatFile: FilePath?
    @Option(
        help: ArgumentHelp(
            "What stops this run leaves it this long after a signal: a warning says early if that is too short for a checkpoint.",
            valueName: "seconds"))
    var stopWithin: Double?

    func validate() throws {
        if let stopWithin, !(stopWithin > 0 && stopWithin <= 1e6) {
            throw ValidationError("--stop-within is \(stopWithin), but it takes a number of seconds up to 1000000.")
        }
        guard deadline >= 1, deadline <= 1e6 else {
            throw ValidationError("--deadline is \(deadline), but it takes a number of seconds from 1 to 1000000.")
        }
    }

    fileprivate var watchdogOptions: Watchdog.Options {
        var options = Watchdog.Options()
        options.deadline = .seconds(deadline)
        options.heartbeatFile = heartbeatFile
        options.exitCode = ExitCode.stoppedEarly.rawValue
        return options
    }
}

extension DeploymentOptions {
    /// The workers of this rank. Collective.
    func team(on communicator: any Communicator) throws -> WorkerTeam {
        let (workerCount, warnings) = try communicator.workerShare(requested: threads)
        warnings.forEach(Console.note)
        let team = WorkerTeam(workerCount: workerCount)
        OpenBLASMemory.expect(threads: team.workerCount)
        return team
    }
}
