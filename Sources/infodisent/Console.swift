import DurableFiles
import Foundation
import MessagePassing
import PrintableText
import RunControl
import Synchronization
import SystemPackage

/// What the program says to a person: results on standard output, everything else on standard error.
enum Console {
    /// Whether this process says nothing, because another speaks for it. Set before there are other threads.
    nonisolated(unsafe) static var isQuiet = false
    /// Whether notes and progress are left out: results and errors alone are wanted. Set before there are other threads.
    nonisolated(unsafe) static var isTerse = false
    /// Gets what is said to a person too. Opened before there are other threads.
    nonisolated(unsafe) private static var log: FileDescriptor?

    /// Appends what is said to a file from now on, each line with its time.
    /// - Throws: `DurableFileError` if it cannot be written.
    static func openLog(_ path: FilePath) throws {
        try OutputFolder.checkFile(path)
        do {
            log = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .append, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch let error as Errno {
            throw DurableFileError.failed(operation: "write to", path: path, code: error.rawValue)
        }
        record("started: \(CommandLine.arguments.joined(separator: " "))")
    }

    /// Writes lines to the log, if there is one. In one piece, so that those of several threads do not mix.
    fileprivate static func record(_ text: String) {
        guard let log else { return }
        let time = Date.now.ISO8601Format()
        let lines = text.printableLines.split(separator: "\n").map { "\(time) \($0)\n" }.joined()
        // What cannot be kept for a person does not stop the work.
        _ = try? log.writeAll(lines.utf8)
    }

    fileprivate static var hasLog: Bool { log != nil }

    /// Writes a line of results to standard output.
    /// - Throws: `DurableFileError` if it cannot be written, for example to a full disk. A reader that has gone away
    ///   (`infodisent ... | head`) is not an error.
    ///
    /// - Parameter isRaw: whether every name is written as it is, as a program that reads them needs it.
    static func result(_ line: String, isRaw: Bool = isatty(STDOUT_FILENO) == 0) throws {
        guard !isQuiet else { return }
        do {
            let text = isRaw ? line : line.printableLines
            _ = try FileDescriptor.standardOutput.writeAll((text + "\n").utf8)
        } catch Errno.brokenPipe {
        } catch let error as Errno {
            throw DurableFileError.failed(operation: "write to", path: "standard output", code: error.rawValue)
        }
    }

    /// Writes a line about what is going on to standard error; or several, if it has line ends. Characters that would tell a
    /// terminal to do something, which names from anywhere may hold, are written out.
    static func note(_ text: String) {
        record(text)
        guard !isTerse else { return }
        progress.clear()
        write(text.printableLines + "\n", to: .standardError)
    }

    /// Writes what is wrong to standard error, whether or not notes are wanted.
    static func complain(_ text: String) {
        record(text)
        progress.clear()
        write(text.printableLines + "\n", to: .standardError)
    }

    /// Receives lines about what happens on one rank, which are written whichever it is.
    static func notes(of communicator: any Communicator) -> NoteHandler {
        let place = communicator.size > 1 ? "rank \(communicator.rank) (\(communicator.hostName)): " : ""
        return { line in
            record(place + line)
            guard !isTerse else { return }
            progress.clear()
            // In one piece, so that lines of several ranks do not mix. What cannot be said to a person does not stop the work.
            try? FileHandle.standardError.write(contentsOf: Data("\((place + line).printableLines)\n".utf8))
        }
    }

    /// Shows progress on standard error: a bar on a terminal, now and then a line elsewhere.
    static let showProgress: ProgressHandler = { report in progress.show(report) }

    /// Reports `error` in one line (or as many as it lists) and ends the process with its exit code.
    static func fail(_ error: any Error) -> Never {
        isQuiet = false
        complain("infodisent: \(error)")
        exit(exitCode(for: error).rawValue)
    }

    private static let progress = ProgressBar()

    fileprivate static func write(_ text: String, to handle: FileHandle) {
        guard !isQuiet else { return }
        // What cannot be said to a person does not stop the work.
        try? handle.write(contentsOf: Data(text.utf8))
    }
}

/// A progress bar with rate and time left, redrawn in place on a terminal; a plain line every few seconds elsewhere.
private final class ProgressBar: Sendable {
    private struct State {
        var activity = ""
        var start = ContinuousClock.now
        var firstCompleted = 0
        var lastShown: ContinuousClock.Instant?
        var lastRecorded: ContinuousClock.Instant?
        var isDrawn = false
    }

    private let state = Mutex(State())
    private let isTerminal = isatty(STDERR_FILENO) != 0

    func show(_ report: ProgressReport) {
        state.withLock { state in
            let now = ContinuousClock.now
            if state.activity != report.activity {
                state = State(activity: report.activity, start: now, firstCompleted: report.completed)
            }
            let isLast = report.completed >= report.total
            record(report, at: now, isLast: isLast, &state)
            if Console.isTerse {
                if isLast { state.activity = "" }
                return
            }
            let interval: Duration = isTerminal ? .milliseconds(100) : .seconds(10)
            if let lastShown = state.lastShown, now - lastShown < interval, !isLast { return }
            if state.lastShown == nil && !isTerminal && !isLast && report.completed == state.firstCompleted {
                state.lastShown = now
                return
            }
            state.lastShown = now
            let elapsed = (now - state.start) / .seconds(1)
            let line = line(
                for: report, done: report.completed - state.firstCompleted, elapsed: elapsed, drawsBar: isTerminal)
            if isTerminal {
                Console.write("\r\u{1B}[K" + line + (isLast ? "\n" : ""), to: .standardError)
                state.isDrawn = !isLast
            } else {
                Console.write(line + "\n", to: .standardError)
            }
            if isLast { state.activity = "" }
        }
    }

    /// Keeps a line in the log, now and then.
    private func record(_ report: ProgressReport, at now: ContinuousClock.Instant, isLast: Bool, _ state: inout State) {
        guard Console.hasLog else { return }
        if let last = state.lastRecorded, now - last < .seconds(10), !isLast { return }
        state.lastRecorded = now
        let elapsed = (now - state.start) / .seconds(1)
        Console.record(
            line(for: report, done: report.completed - state.firstCompleted, elapsed: elapsed, drawsBar: false))
    }

    /// Removes a half-drawn bar, so that another line can be written.
    func clear() {
        state.withLock { state in
            if state.isDrawn { Console.write("\r\u{1B}[K", to: .standardError) }
            state.isDrawn = false
        }
    }

    private func line(for report: ProgressReport, done: Int, elapsed: Double, drawsBar: Bool) -> String {
        let fraction = report.total > 0 ? min(1, Double(report.completed) / Double(report.total)) : 1
        var parts = [report.activity]
        if drawsBar {
            let filled = Int(fraction * 24)
            parts.append("[" + String(repeating: "=", count: filled) + String(repeating: " ", count: 24 - filled) + "]")
        }
        parts.append("\(Int(fraction * 100)) %  \(report.completed)/\(report.total) \(report.unit)")
        if done > 0 && elapsed > 0.2 {
            let rate = Double(done) / elapsed
            parts.append(Self.text(ofRate: rate, unit: report.unit))
            let remaining = Double(report.total - report.completed) / rate
            parts.append(report.completed < report.total ? "\(clock(remaining)) left" : "in \(clock(elapsed))")
        }
        if !report.detail.isEmpty { parts.append(report.detail) }
        return parts.joined(separator: "  ")
    }

    /// "12/s", "1.5/s" or, below one a second, "4.2 s/step".
    static func text(ofRate rate: Double, unit: String) -> String {
        if rate >= 10 { return String(format: "%.0f/s", rate) }
        if rate >= 1 { return String(format: "%.1f/s", rate) }
        return String(format: "%.1f s/", 1 / rate) + (unit.hasSuffix("s") ? String(unit.dropLast()) : unit)
    }

    private func clock(_ seconds: Double) -> String {
        let seconds = Int(seconds.rounded())
        if seconds < 3600 { return String(format: "%d:%02d", seconds / 60, seconds % 60) }
        return String(format: "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}
