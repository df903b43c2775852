import Foundation
import SystemPackage
import Testing

/// The programs as they were built, run as a user would run them.
enum Tool: String {
    case infodisent
    case inspect = "infodisent-inspect"

    /// What a run of a program left behind.
    struct Outcome {
        let exitCode: Int32
        let output: String
        let errors: String
    }

    /// The folder of the build, where the test program itself is.
    static let products: URL = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent()
    }()

    /// Starts the program with `place` in `folder` as its current directory; its output goes to files in `folder`.
    func start(_ arguments: [String], in folder: Folder, from place: String = ".") throws -> Process {
        try Self.start(Self.products.appending(path: rawValue), arguments, in: folder, from: place)
    }

    /// Starts a program; its output goes to files in `folder`.
    static func start(
        _ program: URL, _ arguments: [String], environment: [String: String]? = nil, in folder: Folder,
        from place: String = "."
    ) throws -> Process {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        if let environment { process.environment = environment }
        process.currentDirectoryURL = folder.url(place)
        for (name, set) in [("stdout", { process.standardOutput = $0 }), ("stderr", { process.standardError = $0 })]
            as [(String, (FileHandle) -> Void)]
        {
            let path = folder.path.appending(name).string
            try #require(FileManager.default.createFile(atPath: path, contents: nil))
            set(try #require(FileHandle(forWritingAtPath: path)))
        }
        process.standardInput = FileHandle.nullDevice
        // Threads of a test run block signals, and a child inherits that: mpirun would never see a SIGTERM.
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
        return process
    }

    /// Runs the program to its end.
    @discardableResult
    func run(_ arguments: [String], in folder: Folder, from place: String = ".") throws -> Outcome {
        try Self.finish(start(arguments, in: folder, from: place), in: folder)
    }

    /// Seconds that a program may take: one that waits for ever would keep the suite from saying what it found.
    private static let limit = 600.0

    /// Waits for a program that was started in `folder`, and ends it if it takes too long.
    static func finish(_ process: Process, in folder: Folder) throws -> Outcome {
        let program = process.processIdentifier
        // A launcher that gets a SIGTERM ends its ranks.
        let ending = [(limit, SIGTERM), (limit + 20, SIGKILL)].map { seconds, signal in
            let work = DispatchWorkItem { kill(program, signal) }
            DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: work)
            return work
        }
        let start = ContinuousClock.now
        process.waitUntilExit()
        for work in ending { work.cancel() }
        let (output, errors) = (try folder.text("stdout"), try folder.text("stderr"))
        try #require(
            ContinuousClock.now - start < .seconds(limit),
            "\(process.arguments ?? []) was ended after \(Int(limit)) seconds: \(errors)")
        return Outcome(
            exitCode: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
            output: output, errors: errors)
    }

    /// Runs the program and requires that it succeeds.
    @discardableResult
    func succeed(
        _ arguments: String..., in folder: Folder, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let outcome = try run(arguments, in: folder)
        try #require(
            outcome.exitCode == 0, "\(rawValue) \(arguments): exit code \(outcome.exitCode): \(outcome.errors)",
            sourceLocation: sourceLocation)
        return outcome.output
    }
}

/// A folder of a test's own, removed with the value.
final class Folder: Sendable {
    let path: FilePath

    init() throws {
        path = FilePath(FileManager.default.temporaryDirectory.path).appending("infodisent-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path.string) }

    func bytes(_ name: String) throws -> Data { try Data(contentsOf: url(name)) }
    func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }
    func url(_ name: String) -> URL { URL(fileURLWithPath: path.pushing(FilePath(name)).string) }
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: url(name).path) }

    func write(_ data: Data, to name: String) throws {
        try FileManager.default.createDirectory(
            at: url(name).deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url(name))
    }

    func copy(_ name: String, to other: String) throws {
        try FileManager.default.copyItem(at: url(name), to: url(other))
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(at: url(name)) }

    /// The relative paths and contents of all files below `name`, except hidden ones.
    func contents(of name: String) throws -> [String: Data] {
        let root = url(name)
        var result: [String: Data] = [:]
        for case let file as String in try #require(FileManager.default.enumerator(atPath: root.path))
        where !file.split(separator: "/").contains(where: { $0.hasPrefix(".") }) {
            var isDirectory: ObjCBool = false
            let path = root.appending(path: file).path
            if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue {
                result[file] = try Data(contentsOf: URL(fileURLWithPath: path))
            }
        }
        return result
    }
}
