import RunConfiguration
import Testing

/// A configuration file that explains itself.
@Suite struct CommentedConfigurationTests {
    private func read(_ text: String) throws -> RunConfiguration {
        try RunConfiguration(yaml: text, source: "commented")
    }

    @Test func readingItBackGivesAnEqualConfiguration() throws {
        for overrides in [
            [],
            ["backbone.name=resnet50", "backbone.weights=a b.pth", "training.epochs=7", "head.channels_per_class=10"],
            ["cache.views=3", "cache.augmentation.flip=0.5", "training.distillation.weight=none", "head.bias=false"],
        ] {
            let configuration = try RunConfiguration(
                yaml: "", source: "test",
                overrides: ["run.directory=r", "dataset.root=d", "cache.directory=c"] + overrides)
            let text = configuration.commentedYAML(introduction: ["One: two", "# three"])
            #expect(try read(text) == configuration, "\(text)")
        }
    }

    @Test func everyKeyIsThereOnceWithItsExplanation() throws {
        let keys = RunConfiguration.keys.map(\.path)
        #expect(Set(RunConfiguration.explanations.keys) == Set(keys))
        #expect(RunConfiguration.explanations.values.allSatisfy { $0.allSatisfy { $0.last == "." && $0.count < 110 } })
        let configuration = try read("{run: {directory: r}, dataset: {root: d}, cache: {directory: c}}")
        let lines = configuration.commentedYAML(introduction: []).split(separator: "\n").map {
            $0.drop { $0 == " " || $0 == "#" }
        }
        for key in keys {
            let name = key.split(separator: ".").last!
            #expect(lines.contains { $0.hasPrefix("\(name): ") }, "\(key)")
        }
    }

    /// What stands behind a # can be used as it stands, but for places and digests.
    @Test func whatIsCommentedOutIsValid() throws {
        let configuration = try read("{run: {directory: r}, dataset: {root: d}, cache: {directory: c}}")
        let text = configuration.commentedYAML(introduction: [])
        let places = ["weights", "start", "start_digest", "name", "prefix"]
        let uncommented = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
            guard let match = line.wholeMatch(of: #/( *)# ([a-z0-9_]+):( .*)?/#), !places.contains(String(match.2))
            else {
                return String(line)
            }
            return "\(match.1)\(match.2):\(match.3 ?? "")"
        }
        _ = try read(uncommented.joined(separator: "\n"))
    }
}
