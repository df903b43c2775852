import DurableFiles
import Foundation
import Results
import SystemPackage
import TemporaryFolders
import Testing

/// Lists of edits: what is read, and what is refused.
struct HeadEditsTests {
    private let head = ContentDigest(of: "a head")

    private func read(_ text: String) throws -> HeadEdits {
        try withTemporaryFolder { folder in
            let path = folder.appending("edits.json")
            try DurableFile.write(text, to: path)
            return try HeadEdits(reading: path, head: head, channelCount: 4, classCount: 3)
        }
    }

    private func reason(_ text: String) -> String {
        do {
            _ = try read(text)
            return "accepted"
        } catch { return "\(error)" }
    }

    private func list(_ rest: String) -> String {
        #"{"schema": "infodisent-edits-1", "checkpoint": "\#(head)"\#(rest)}"#
    }

    @Test func factorsOfChannelsAndClassesMultiply() throws {
        let edits = try read(list(#", "channels": {"2": 0.5, "3": 0}, "classes": {"1": {"2": 3}}"#))
        #expect(edits.factor(of: 2, for: 0) == 0.5)
        #expect(edits.factor(of: 2, for: 1) == 1.5)
        #expect(edits.factor(of: 0, for: 1) == 1)
        #expect(edits.weight(0.1, of: 2, for: 1) == Float(Double(Float(0.1)) * 1.5))
        #expect(edits.weight(7, of: 3, for: 2) == 0)
    }

    @Test func whatIsEncodedIsReadBack() throws {
        let edits = HeadEdits(checkpoint: head, channels: [0: 0, 3: 0.1], classes: [2: [1: 1e-3]])
        #expect(try read(String(decoding: JSONEncoder().encode(edits), as: UTF8.self)) == edits)
    }

    @Test func yamlIsReadToo() throws {
        let edits = try read("schema: infodisent-edits-1\ncheckpoint: \(head)\nchannels:\n  1: 0\n")
        #expect(edits.channels == [1: 0])
    }

    @Test(arguments: [
        ("", "both its schema and its checkpoint"),
        ("{", "neither JSON nor YAML"),
        ("[1]", "the file is no mapping"),
        (#"{"schema": "infodisent-edits-2", "checkpoint": "x"}"#, "its schema is 'infodisent-edits-2'"),
        (#"{"schema": "infodisent-edits-1", "checkpoint": "x"}"#, "no SHA-256"),
        (
            #"{"schema": "infodisent-edits-1", "checkpoint": "0000000000000000000000000000000000000000000000000000000000000000"}"#,
            "but this checkpoint's head is"
        ),
    ])
    func listsThatAreNoneAreRefused(_ text: String, _ expected: String) { #expect(reason(text).contains(expected)) }

    @Test(arguments: [
        (#", "chanels": {}"#, "'chanels' is none of its keys"),
        (#", "channels": [0]"#, "channels is no mapping"),
        (#", "channels": {"4": 0}"#, "channels 4 is none of the 4 channels"),
        (#", "channels": {"-1": 0}"#, "the key '-1' of channels is no number"),
        (#", "channels": {"01": 0}"#, "the key '01' of channels is no number"),
        (#", "channels": {"1": 0, "1": 1}"#, "1"),
        (#", "channels": {"1": -0.5}"#, "channels 1 is '-0.5'"),
        (#", "channels": {"1": "nan"}"#, "channels 1 is 'nan'"),
        (#", "channels": {"1": 1e9}"#, "channels 1 is '1e9'"),
        (#", "channels": {"1": {}}"#, "channels 1 is no text"),
        (#", "classes": {"3": {"0": 1}}"#, "classes 3 is none of the 3 classes"),
        (#", "classes": {"0": {"9": 1}}"#, "classes 0, channels 9 is none of the 4 channels"),
    ])
    func entriesThatCannotBeAreNamed(_ entries: String, _ expected: String) {
        let reason = reason(list(entries))
        #expect(reason.contains("cannot be used") && reason.contains(expected), "\(reason)")
    }
}
