import Checkpoints
import DurableFiles
import StrictJSON
import SystemPackage
import TemporaryFolders
import Testing

/// What a state says of edits.
@Suite struct CheckpointEditTests {
    private static let edit = CheckpointEdit(
        head: ContentDigest(of: "head"), checkpoint: "step-00000007", channels: [28: 0, 3: 0.5], classes: [7: [12: 2]])

    private func saved(_ edits: [CheckpointEdit], in folder: FilePath) throws -> FilePath {
        let fixture = HeadFixture()
        var state = fixture.state(step: 3)
        state.edits = edits
        return try CheckpointStore(runDirectory: folder).save(
            state, channelMap: fixture.channelMap, classifier: fixture.classifier, optimizer: [])
    }

    @Test func editsAreReadBackAndRaiseTheSchemaVersion() throws {
        try withTemporaryFolder { folder in
            let plain = try saved([], in: folder.appending("a"))
            #expect(try Checkpoint(reading: plain).state.edits.isEmpty)
            #expect(try text(plain).contains(#""schema_version": 1"#) && !text(plain).contains("edits"))
            let edited = try saved([Self.edit, Self.edit], in: folder.appending("b"))
            let checkpoint = try Checkpoint(reading: edited)
            #expect(checkpoint.state.edits == [Self.edit, Self.edit] && checkpoint.optimizer.isEmpty)
            #expect(try Checkpoint(bytes: checkpoint.bytes).state == checkpoint.state)
            #expect(try text(edited).contains(#""schema_version": 2"#))
            #expect(Self.edit.summary == "channel 3 by 0.5, channel 28 by 0.0; of class 7, channel 12 by 2.0")
            #expect(
                try CheckpointComparison(Checkpoint(reading: plain), checkpoint).provenance.map(\.name) == ["edits"])
        }
    }

    @Test func editsOfAnotherFormAreRefused() throws {
        try withTemporaryFolder { folder in
            let path = try saved([Self.edit], in: folder)
            let whole = try text(path)
            for (part, other) in [
                (#""28": 0.0"#, #""28": -1.0"#), (#""28": 0.0"#, #""028": 0.0"#), (#""28": 0.0"#, #""28": "0""#),
                (#""schema_version": 2"#, #""schema_version": 1"#), ("step-00000007", "step-00000008"),
            ] {
                #expect(whole.contains(part))
                try DurableFile.write(whole.replacing(part, with: other), to: path.appending("state.json"))
                #expect(throws: CheckpointError.self, "\(other)") { _ = try Checkpoint(reading: path) }
            }
        }
    }

    private func text(_ path: FilePath) throws -> String {
        String(decoding: try DurableFile.read(path.appending("state.json")), as: UTF8.self)
    }
}
