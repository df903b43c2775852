import Checkpoints
import DurableFiles
import StrictJSON
import SystemPackage
import TemporaryFolders
import Testing

/// Names of channels in a checkpoint.
@Suite struct CheckpointNameTests {
    private static let names = [
        0: "<img src=x onerror=alert(1)>", 1: String(repeating: "ü", count: 300),
        2: "\u{202E}right to left\nand \"a line\" \\ \u{0}\u{7F}\u{2028}",
    ]

    private func saved(_ names: [Int: String], edits: [CheckpointEdit] = [], in folder: FilePath) throws -> FilePath {
        let fixture = HeadFixture()
        var state = fixture.state(step: 3)
        state.channelNames = names
        state.edits = edits
        return try CheckpointStore(runDirectory: folder).save(
            state, channelMap: fixture.channelMap, classifier: fixture.classifier, optimizer: [])
    }

    @Test func anyNameIsReadBackAndRaisesTheSchemaVersion() throws {
        try withTemporaryFolder { folder in
            let plain = try saved([:], in: folder.appending("a"))
            #expect(try Checkpoint(reading: plain).state.channelNames.isEmpty)
            #expect(try text(plain).contains(#""schema_version": 1"#) && !text(plain).contains("channel_names"))
            let named = try saved(Self.names, in: folder.appending("b"))
            let checkpoint = try Checkpoint(reading: named)
            #expect(checkpoint.state.channelNames == Self.names)
            #expect(try Checkpoint(bytes: checkpoint.bytes).state == checkpoint.state)
            #expect(try text(named).contains(#""schema_version": 3"#))
            #expect(try checkpoint.headDigest == Checkpoint(reading: plain).headDigest, "the head is as it was")
            #expect(
                try CheckpointComparison(Checkpoint(reading: plain), checkpoint).provenance.map(\.name)
                    == (0..<3).map { "name of channel \($0)" })
            let edit = CheckpointEdit(
                head: ContentDigest(of: "head"), checkpoint: "step-00000007", channels: [1: 0], classes: [:])
            let both = try saved([1: "wing"], edits: [edit], in: folder.appending("c"))
            #expect(try Checkpoint(reading: both).state.edits == [edit])
            #expect(try text(both).contains(#""schema_version": 3"#))
        }
    }

    @Test func namesOfAnotherFormAreRefused() throws {
        try withTemporaryFolder { folder in
            let path = try saved([2: "wing"], in: folder)
            let whole = try text(path)
            #expect(whole.contains(#""2": "wing""#))
            for (part, other) in [
                (#""2": "wing""#, #""02": "wing""#), (#""2": "wing""#, #""-2": "wing""#),
                (#""2": "wing""#, #""2": 3"#), (#""2": "wing""#, #""2": " \n""#), (#""2": "wing""#, #""beak": "wing""#),
                (#""2": "wing""#, "\"2\": \"\(String(repeating: "x", count: 1001))\""), (#""2": "wing""#, ""),
                (#""schema_version": 3"#, #""schema_version": 2"#), ("wing", "tail"),
            ] {
                try DurableFile.write(signed(whole.replacing(part, with: other)), to: path.appending("state.json"))
                if (part, other) == ("wing", "tail") {
                    #expect(try Checkpoint(reading: path).state.channelNames == [2: "tail"], "the digest is made anew")
                } else {
                    #expect(throws: CheckpointError.self, "\(other)") { _ = try Checkpoint(reading: path) }
                }
            }
        }
    }

    @Test func aNameOfAChannelThatIsNotThereIsRefused() throws {
        try withTemporaryFolder { folder in
            let path = try saved([2: "wing"], in: folder)
            let other = try text(path).replacing(#""2": "wing""#, with: #""2000000": "wing""#)
            try DurableFile.write(signed(other), to: path.appending("state.json"))
            let error = #expect(throws: CheckpointError.self) { _ = try Checkpoint(reading: path) }
            #expect("\(try #require(error))".contains("it names the channel 2000000"))
        }
    }

    /// A state with the digest that its content has, so that nothing but its form can be wrong.
    private func signed(_ text: String) throws -> String {
        guard case .object(var members) = try JSONValue(parsing: Array(text.utf8)) else { return text }
        let version = members.removeValue(forKey: "schema_version")
        members["state_sha256"] = nil
        members["schema_version"] = version
        members["state_sha256"] = .string(ContentDigest(of: JSONValue.object(members).text()).hexadecimal)
        return JSONValue.object(members).text(indented: true) + "\n"
    }

    private func text(_ path: FilePath) throws -> String {
        String(decoding: try DurableFile.read(path.appending("state.json")), as: UTF8.self)
    }
}
