import Foundation
import SystemPackage
import Testing
import WeightFiles

/// Names of channels that a checkpoint keeps are shown by all commands.
@Suite struct ChannelNamesCommandTests {
    private static let hostile = "<img src=x onerror=alert(1)>"

    private func named(_ names: String) throws -> Folder {
        let folder = try SmallExperiment.trainedFolder()
        try folder.write(Data(names.utf8), to: "names.yaml")
        try Tool.infodisent.succeed(
            "edit", "--checkpoint", "run", "--names", "names.yaml", "--output", "named", in: folder)
        return folder
    }

    private func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func namesOfACheckpointAreShownByAllCommands() throws {
        // Each channel has one, so that every first channel does.
        let lines = (0..<192).map { "\($0): \"\(Self.hostile) \\u202Eright to left\\nline \($0)\"\n" }.joined()
        let folder = try named(lines)
        let end = "\u{202E}right to left\nline"
        func name(_ channel: Int) -> String { "\(Self.hostile) \(end) \(channel)" }
        #expect(!folder.exists("named/names.yaml") && folder.exists("named/metrics.jsonl"))
        let image = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.url("birds/test").path).first)
        let photo = "birds/test/\(image)/0000.jpg"

        let report = try json(
            Tool.infodisent.succeed(
                "report", "--checkpoint", "named", "--output", "report", "--images", "1", "--json", in: folder))
        #expect((report["channel_names"] as? [String: String])?["191"] == name(191))
        #expect(!(try folder.text("report/files/data/overview.js")).contains("<"))
        try Tool.infodisent.succeed("explain", "--checkpoint", "named", "--output", "why", photo, in: folder)
        let explanations = try #require(
            try JSONSerialization.jsonObject(with: folder.bytes("why/explanations.json")) as? [[String: Any]])
        for part in try #require(explanations[0]["contributions"] as? [[String: Any]]) {
            let channel = try #require(part["channel"] as? Int)
            #expect(part["name"] as? String == name(channel))
        }
        #expect(!(try folder.text("why/index.html")).contains("<img src=x"))

        let text = try Tool.infodisent.succeed(
            "predict", "--checkpoint", "named", "--explain", "1", photo, in: folder)
        #expect(text.contains("(\(Self.hostile) \\u{202e}right to left\\u{a}line"), "\(text)")
        let csv = try Tool.infodisent.succeed(
            "predict", "--checkpoint", "named", "--csv", "--top", "1", "--explain", "1", photo, in: folder)
        #expect(csv.contains(",height_1,channel_name_1\r\n"))
        #expect(csv.contains("\(Self.hostile) \(end)"))

        let inspection = try Tool.inspect.succeed("named", in: folder)
        #expect(inspection.contains("192 of channels: 0 \(Self.hostile) \\u{202e}right"), "\(inspection.prefix(2000))")
        let state = try #require(
            try json(Tool.inspect.succeed("named", "--json", in: folder))["state"] as? [String: Any])
        #expect((state["channel_names"] as? [String: String])?["5"] == name(5))
        try Tool.inspect.succeed("named", "--verify", in: folder)
        let difference = try Tool.inspect.succeed("run", "--diff", "named", in: folder)
        #expect(difference.contains("name of channel 5") && difference.contains("\\u{a}line 5"))
        #expect(difference.contains("max|U1 - U2|") && difference.split(separator: "\n").allSatisfy { $0 != "line 5" })

        try Tool.infodisent.succeed("export", "--checkpoint", "named", "--output", "head.safetensors", in: folder)
        let facts = try SafetensorsFile(FilePath(folder.url("head.safetensors").path)).metadata
        let exported = try #require(facts["channel_names"])
        #expect(try json(exported)["7"] as? String == name(7))
    }

    @Test func aRunsFileCountsInstead() throws {
        let folder = try named("3: wing\n")
        try folder.write(Data("5: beak\n".utf8), to: "named/names.yaml")
        func names(_ more: String...) throws -> [String: String] {
            let outcome = try Tool.infodisent.run(
                ["report", "--checkpoint", "named", "--output", "r", "--images", "0", "--json", "--force"] + more,
                in: folder)
            return try #require(try json(outcome.output)["channel_names"] as? [String: String])
        }
        #expect(try names() == ["5": "beak"])
        #expect(try names("--names", "names.yaml") == ["3": "wing"])
        let inspection = try Tool.inspect.succeed("named", in: folder)
        #expect(inspection.contains("1 of channels: 3 wing") && inspection.contains("names.yaml (these count instead)"))
        try folder.remove("named/names.yaml")
        #expect(try names() == ["3": "wing"])
        // A copy of the checkpoint takes them with it.
        let step = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.url("named/checkpoints").path)
                .first { $0.hasPrefix("step-") })
        try folder.copy("named/checkpoints/\(step)", to: "copy")
        #expect(try Tool.inspect.succeed("copy", in: folder).contains("1 of channels: 3 wing"))
    }

    @Test func namesThatCannotBeKeptAreRefusedByOneError() throws {
        let folder = try SmallExperiment.trainedFolder()
        let long = String(repeating: "x", count: 1001)
        for (text, code, reason) in [
            ("999: wing\n", 65, "channel 999 is none of the"), ("1: \(long)\n", 65, "more than 1000 characters"),
            ("wing\n", 65, "the file is no mapping"), ("\n", 65, "keeps these names of channels already"),
        ] as [(String, Int32, String)] {
            try folder.write(Data(text.utf8), to: "bad.yaml")
            let outcome = try Tool.infodisent.run(
                ["edit", "--checkpoint", "run", "--names", "bad.yaml", "--output", "named"], in: folder)
            #expect(outcome.exitCode == code && outcome.errors.contains(reason), "\(outcome.errors)")
            #expect(outcome.output.isEmpty && !folder.exists("named"))
        }
        let nothing = try Tool.infodisent.run(["edit", "--checkpoint", "run", "--output", "named"], in: folder)
        #expect(nothing.exitCode == 64 && nothing.errors.contains("--edits, --names or both"))
    }
}
