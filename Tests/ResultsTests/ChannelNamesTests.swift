import DurableFiles
import Results
import SystemPackage
import TemporaryFolders
import Testing

/// Names that users give to channels.
struct ChannelNamesTests {
    private func read(_ text: String) throws -> ChannelNames {
        try withTemporaryFolder { folder in
            let path = folder.appending("names.yaml")
            try DurableFile.write(text, to: path)
            return try ChannelNames(reading: path, channelCount: 40)
        }
    }

    private func reason(_ text: String) -> String {
        do {
            _ = try read(text)
            return "accepted"
        } catch { return "\(error)" }
    }

    @Test func namesAreReadByChannel() throws {
        let names = try read("28: dotted wing\n0: \"beak: hooked\"\n3:  \n")
        #expect(names.names == [28: "dotted wing", 0: "beak: hooked"])
        #expect(try read("").names.isEmpty)
        #expect(try read(#"{"5": "JSON"}"#)[5] == "JSON")
    }

    @Test func anyTextIsWrittenSoThatItIsReadBack() throws {
        let texts = [
            "<img src=x onerror=alert(1)>", "a\nb\tc\r", "\u{202E}right to left", "\"quoted\" \\", "- a", "null",
            "\u{7F}\u{1B}[31m",
            String(repeating: "ü", count: 300), "# no comment", "a \u{FEFF}mark", "😀",
        ]
        let names = ChannelNames(.init(uniqueKeysWithValues: texts.enumerated().map { ($0.offset, $0.element) }))
        let read = try read(names.yaml)
        for (channel, text) in texts.enumerated() { #expect(read[channel] == text) }
    }

    @Test(arguments: [
        ("40: x", "channel 40 is none of the 40 channels"), ("wing: x", "the key 'wing' of channel is no number"),
        ("1: [a]", "the name of channel 1 is no text"), ("a", "the file is no mapping"),
        ("1: 'a", "neither JSON nor YAML"),
    ])
    func namesThatCannotBeAreRefused(_ text: String, _ expected: String) {
        #expect(reason(text).contains(expected), "\(reason(text))")
    }

    @Test func aNameHasALimit() {
        #expect(reason("1: \(String(repeating: "x", count: 1001))").contains("more than 1000 characters"))
    }
}
