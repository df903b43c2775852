import Checkpoints
import DurableFiles
import Foundation
import StrictJSON
import SystemPackage
import TemporaryFolders
import Testing
import WeightFiles

struct InspectCommandTests {
    private struct Outcome {
        let code: Int32
        let output: String
        let errors: String
    }

    /// The built tool stands beside the bundle of the tests.
    private var tool: String {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("infodisent-inspect").path
    }

    private func run(_ program: String, _ arguments: String...) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let (output, errors) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError) = (output, errors)
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let errorText = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Outcome(code: process.terminationStatus, output: text, errors: errorText)
    }

    private func inspect(_ arguments: String...) throws -> Outcome {
        switch arguments.count {
        case 1: try run(tool, arguments[0])
        case 2: try run(tool, arguments[0], arguments[1])
        case 3: try run(tool, arguments[0], arguments[1], arguments[2])
        default: try run(tool, arguments[0], arguments[1], arguments[2], arguments[3])
        }
    }

    private func withRun(_ body: (_ run: FilePath, _ step: FilePath) throws -> Void) throws {
        try withTemporaryFolder { folder throws in
            try body(folder, HeadFixture().save(step: 42, in: CheckpointStore(runDirectory: folder)))
        }
    }

    @Test func `a checkpoint is shown, whichever folder is given`() throws {
        try withRun { run, step in
            for path in [run, run.appending("checkpoints"), step] {
                let outcome = try inspect(path.string)
                #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
                for part in [
                    "checkpoint  \(step)\n", "step        42 (epoch 4)", "seed        18446744073709551614",
                    "classes     5: crane, gull", "  accuracy  0.3\n", "  loss      5\n", "  tiny      1.0e-9\n",
                    "    pooling: argmax", "  max|U^T U - I|      ", "(at most 1.0e-5)", "  dead channels       none\n",
                    "% of 5 x 12 weights", "  channels per class  min ",
                ] { #expect(outcome.output.contains(part), "\(part)\n\(outcome.output)") }
            }
        }
    }

    @Test func `JSON holds the same for programs`() throws {
        try withRun { run, step in
            let outcome = try inspect(run.string, "--json")
            let value = try JSONValue(parsing: Array(outcome.output.utf8))
            #expect(value["checkpoint"] == .string(step.string))
            #expect(value["state"]?["step"] == .integer(42))
            #expect(value["health"]?["channel_count"] == .integer(12))
            #expect(value["optimizer"]?["second"] == .array([.integer(2), .integer(2)]))
        }
    }

    @Test func `verify says what is in order`() throws {
        try withRun { run, _ in
            let outcome = try inspect(run.string, "--verify")
            #expect(outcome.code == 0)
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 7 && lines.allSatisfy { $0.hasPrefix("ok  ") }, "\(outcome.output)")
            let json = try JSONValue(parsing: Array(inspect(run.string, "--verify", "--json").output.utf8))
            #expect(json["verified"] == .bool(true))
        }
    }

    @Test func `a damaged checkpoint is one error on the error output, with exit code 65`() throws {
        try withRun { run, step in
            let head = step.appending("head.safetensors")
            var bytes = try DurableFile.read(head)
            bytes[200] ^= 1
            try DurableFile.write(bytes, to: head)
            for arguments in [["--verify"], [], ["--json"], ["--verify", "--json"], ["--diff", run.string]] {
                let outcome =
                    try arguments.count == 2
                    ? inspect(run.string, arguments[0], arguments[1])
                    : arguments.isEmpty ? inspect(run.string) : inspect(run.string, arguments[0])
                #expect(outcome.code == 65)
                #expect(outcome.errors.hasPrefix("infodisent-inspect: \(head) is damaged: its SHA-256 is "))
                #expect(outcome.errors.split(separator: "\n").count == 1)
                if arguments.contains("--json") { #expect(outcome.output.isEmpty) }
            }
            #expect(
                try inspect(run.string).output.contains("backbone    resnet18"), "what the state says is still shown")
        }
    }

    @Test func `two checkpoints are compared`() throws {
        try withTemporaryFolder { folder throws in
            let (one, two) = (folder.appending("one"), folder.appending("two"))
            for path in [one, two] { try HeadFixture().save(step: 42, in: CheckpointStore(runDirectory: path)) }
            let equal = try inspect(one.string, "--diff", two.string)
            #expect(equal.code == 0 && equal.output.contains("bit-identical  yes\n"))
            try HeadFixture(seed: 2).save(step: 43, in: CheckpointStore(runDirectory: two))
            let other = try inspect(one.string, "--diff", two.string)
            #expect(other.code == 0)
            for part in [
                "bit-identical  no\n", "  step  42 -> 43\n", "max|U1 - U2|", " degrees", "configuration\n  equal",
            ] {
                #expect(other.output.contains(part), "\(part)\n\(other.output)")
            }
            let json = try JSONValue(parsing: Array(inspect(one.string, "--diff", two.string, "--json").output.utf8))
            #expect(json["identical"] == .bool(false))
        }
    }

    @Test func `a safetensors file is listed`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("a.safetensors")
            let digest = try SafetensorsWriter.write(
                [.floats("weight", [2, 3], [0, 1, 2, 3, 4, .nan]), .int64("n", [], [1])], metadata: ["k": "v"], to: path
            )
            let outcome = try inspect(path.string)
            #expect(outcome.code == 0)
            for part in [
                "sha256      \(digest)\n", "metadata k  v\n", "2 tensors, 7 numbers\n", "  n       I64   []\n",
                "  weight  F32   [2, 3]\n",
            ] {
                #expect(outcome.output.contains(part), "\(outcome.output)")
            }
            #expect(try inspect(path.string, "--verify").output.contains("not finite  weight\n"))
            let json = try JSONValue(parsing: Array(inspect(path.string, "--json").output.utf8))
            #expect(json["sha256"] == .string(digest.hexadecimal))
            try DurableFile.write("{}", to: path)
            let broken = try inspect(path.string)
            #expect(broken.code == 65 && broken.errors.contains("it is JSON, which holds no weights"))
            try DurableFile.write([1, 2, 3], to: path)
            let damaged = try inspect(path.string)
            #expect(damaged.code == 65 && damaged.errors.contains("is not a valid safetensors file"))
        }
    }

    @Test func `what is not there is 66, what is not understood 64`() throws {
        try withTemporaryFolder { folder throws in
            let none = folder.appending("none")
            let missing = try inspect(none.string)
            #expect(missing.code == 66)
            #expect(missing.errors == "infodisent-inspect: \(none) does not exist; check the path.\n")
            #expect(try inspect(folder.string).code == 66)
            #expect(try inspect(folder.string, "--unknown").code == 64)
            #expect(try inspect("--json").code == 64)
            #expect(try inspect(folder.string, "--verify", "--diff", folder.string).code == 64)
            let help = try inspect("--help")
            #expect(help.code == 0 && help.output.contains("USAGE: infodisent-inspect <checkpoint>"))
        }
    }

    @Test func `the tool links no BLAS, no MPI and no image library`() throws {
        let outcome = try run("/usr/bin/ldd", tool)
        #expect(outcome.code == 0 && outcome.output.contains("libc.so"))
        for name in ["blas", "lapack", "mpi", "jpeg", "png", "matio"] { #expect(!outcome.output.contains(name)) }
    }
}
