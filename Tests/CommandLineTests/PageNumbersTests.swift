import Foundation
import Testing

/// Every number that a page holds is one that a command says as JSON.
///
/// Values are compared as JSON has them, digit by digit; numbers that a page has packed are unpacked. What is compared on a page is all that
/// it holds: a piece or a key of another name fails the test.
@Suite struct PageNumbersTests {
    private typealias Object = [String: Any]

    private let folder: Folder
    private let images: [String]

    /// A trained model with a name, its report, and some of the report's images explained and predicted by their own commands.
    init() throws {
        folder = try SmallExperiment.trainedFolder()
        try folder.write(Data("3: \"a \\\"wing\\\"\"\n".utf8), to: "names.yaml")
        try Tool.infodisent.succeed(
            "edit", "--checkpoint", "run", "--names", "names.yaml", "--output", "named", in: folder)
        try folder.write(
            Data(
                try Tool.infodisent.succeed(
                    "report", "--checkpoint", "named", "--output", "report", "--images", "6", "--json", in: folder
                ).utf8), to: "report.json")
        let report = try Self.object(folder.bytes("report.json"))
        images = try Self.objects(report["images"]).map { "birds/\($0["path"] as? String ?? "")" }
        for command in [
            ["explain", "--checkpoint", "named", "--output", "explanation", "--channels", "7"] + images,
            ["prototypes", "--checkpoint", "named", "--output", "prototypes"],
        ] {
            let outcome = try Tool.infodisent.run(command, in: folder)
            try #require(outcome.exitCode == 0, "\(outcome.errors)")
        }
    }

    // MARK: - The report

    @Test func theReportsPagesHoldWhatReportSaysAsJSON() throws {
        let report = try Self.object(folder.bytes("report.json"))
        let pieces = try pieces(ofFolder: "report")
        try expectPieces(pieces, hold: report)
        // Nothing of the pages is left out above.
        let kinds = Set(pieces.keys.map { $0.prefix { $0 != "-" } })
        #expect(kinds == ["overview", "classifier", "classes", "channels", "image"])
        #expect(try Self.objects(report["images"]).count == 6 && Self.objects(report["classes"]).count == 4)
    }

    @Test func theReportsAccuracyIsWhatEvaluateSaysAndItsCurvesAreTheLog() throws {
        let overview = try #require(try pieces(ofFolder: "report")["overview"] as? Object)
        let evaluation = try Tool.infodisent.succeed("evaluate", "--checkpoint", "named", "--json", in: folder)
        #expect(try overview["evaluation"] as? NSDictionary == Self.object(Data(evaluation.utf8)) as NSDictionary)
        let epochs = try folder.text("run/metrics.jsonl").split(separator: "\n").map {
            var line = try Self.object(Data($0.utf8))
            line["seconds"] = nil
            return line
        }.filter { $0["kind"] as? String == "epoch" }
        #expect(try Self.objects(overview["epochs"]) as NSArray == epochs as NSArray && !epochs.isEmpty)
        #expect(overview["channel_names"] as? [String: String] == ["3": "a \"wing\""])
    }

    @Test func itsPrototypesAreThoseOfPrototypes() throws {
        let table = try Self.object(folder.bytes("prototypes/prototypes.json"))
        let report = try Self.object(folder.bytes("report.json"))
        let page = try pieces(ofFolder: "prototypes")
        for channels in [try Self.objects(report["channels"]), try Self.records(page, "channels")] {
            #expect(!channels.isEmpty)
            for record in channels {
                let number = try #require(record["channel"] as? Int)
                let own = try Self.objects(table["channels"])[number]
                #expect(own["name"] as? String == (number == 3 ? "a \"wing\"" : nil))
                for side in ["positive", "negative"] {
                    let shown = try Self.objects(record[side]).map { example in
                        try [
                            "sample": #require((example["picture"] as? String).flatMap { Int($0) }),
                            "path": #require(example["path"]), "label": #require(example["label"]),
                            "activation": #require(example["activation"]),
                            "position": ["row": #require(example["row"]), "column": #require(example["column"])],
                        ] as Object
                    }
                    let said = try Self.objects(own[side]).map {
                        var prototype = $0
                        prototype["content_digest"] = nil
                        return prototype
                    }
                    #expect(shown as NSArray == said as NSArray, "channel \(number)")
                }
            }
        }
    }

    // MARK: - Explained images

    @Test func thePageOfExplainHoldsWhatItSaysAsJSON() throws {
        let pieces = try pieces(ofFile: "explanation/index.html")
        let overview = try #require(pieces["overview"] as? Object)
        let weights = try Self.floats(pieces, "classifier")
        let bias = try Self.floats(overview["bias"])
        let classCount = try #require(overview["class_names"] as? [String]).count
        let channelCount = try #require(overview["channel_count"] as? Int)
        let columns = try #require((overview["feature_map"] as? Object)?["width"] as? Int)
        let said = try Self.objects(JSONSerialization.jsonObject(with: folder.bytes("explanation/explanations.json")))
        #expect(said.count == images.count && weights.count == classCount * channelCount)
        for (number, explanation) in said.enumerated() {
            let image = try #require(pieces["image-\(number)"] as? Object)
            let scores = try Self.objects(explanation["top_scores"])
            #expect(try Self.objects(image["top_scores"]) as NSArray == scores as NSArray)
            let logits = try Self.floats(image["logits"])
            for score in scores { #expect(logits[score["label"] as! Int] == Self.float(score["logit"])) }
            let label = try #require(explanation["label"] as? Int)
            #expect(image["explained"] as? Int == label && bias[label] == Self.float(explanation["bias"]))
            let (high, low) = try (Self.floats(image["positive"]), Self.floats(image["negative"]))
            let pixels = try (Self.integers(image["maximum_pixels"]), Self.integers(image["minimum_pixels"]))
            var rest = Set((0..<channelCount).filter { weights[label * channelCount + $0] * (high[$0] + low[$0]) != 0 })
            for part in try Self.objects(explanation["contributions"]) {
                let channel = try #require(part["channel"] as? Int)
                let weight = weights[label * channelCount + channel]
                #expect(weight == Self.float(part["weight"]))
                #expect(high[channel] == Self.float(part["positive_activation"]))
                #expect(low[channel] == Self.float(part["negative_activation"]))
                for (key, pixel) in [("positive", pixels.0[channel]), ("negative", pixels.1[channel])] {
                    let position = try #require(part["\(key)_position"] as? [String: Int])
                    #expect(position["row"]! * columns + position["column"]! == pixel)
                }
                #expect(weight * (high[channel] + low[channel]) == Self.float(part["contribution"]))
                #expect(part["name"] as? String == (channel == 3 ? "a \"wing\"" : nil))
                rest.remove(channel)
            }
            #expect(rest.isEmpty, "the page would show contributions that the JSON does not have")
        }
    }

    @Test func reportExplainAndPredictSayTheSameOfAnImage() throws {
        let report = try Self.objects(Self.object(folder.bytes("report.json"))["images"])
        let explained = try Self.objects(
            JSONSerialization.jsonObject(with: folder.bytes("explanation/explanations.json")))
        let outcome = try Tool.infodisent.run(
            ["predict", "--checkpoint", "named", "--json", "--explain", "9"] + images, in: folder)
        let predicted = try outcome.output.split(separator: "\n").map { try Self.object(Data($0.utf8)) }
        #expect(report.count == 6 && explained.count == 6 && predicted.count == 6)
        for ((shown, explanation), prediction) in zip(zip(report, explained), predicted) {
            let scores = try Self.objects(explanation["top_scores"])
            #expect(try Self.objects(prediction["classes"]) as NSArray == scores as NSArray)
            let parts = try Self.objects(explanation["contributions"])
            let channels = try Self.objects(prediction["channels"])
            #expect(channels.count == min(9, parts.count))
            for (channel, part) in zip(channels, parts) {
                for key in ["channel", "contribution", "name"] {
                    #expect(channel[key] as? NSObject == part[key] as? NSObject)
                }
            }
            // Computed with other images beside it, so in another order of sums.
            for (one, other) in try zip(Self.objects(shown["top_scores"]), scores) {
                #expect(one["label"] as? Int == other["label"] as? Int)
                let (logit, expected) = (Self.float(one["logit"]), Self.float(other["logit"]))
                #expect(abs(logit - expected) <= 1e-5 * max(1, abs(expected)))
            }
        }
    }

    // MARK: - What is compared

    /// Compares all pieces with the JSON of a report.
    private func expectPieces(_ pieces: Object, hold report: Object) throws {
        var overview = try #require(pieces["overview"] as? Object)
        let classifier = try #require(report["classifier"] as? Object)
        let (classes, channels) = try (Self.objects(report["classes"]), Self.objects(report["channels"]))
        let images = try Self.objects(report["images"])
        func take(_ key: String) -> NSObject? { overview.removeValue(forKey: key) as? NSObject }
        let lines = classes.map { $0.filter { ["test_image_count", "correct_count"].contains($0.key) } }
        #expect(take("classes") == lines as NSArray)
        let channelLines = try channels.map { channel in
            let first = try Self.objects(channel["positive"]).first ?? Self.objects(channel["negative"]).first
            var line: Object = try ["channel": #require(channel["channel"]), "use": #require(channel["use"])]
            line["label"] = try Self.objects(channel["classes"]).first?["label"]
            line["example"] = first
            return line
        }
        #expect(take("channels") == channelLines as NSArray)
        let imageLines = try images.map { image in
            var line = image.filter { ["id", "picture", "path", "label", "explained"].contains($0.key) }
            let first = try Self.objects(image["top_scores"])[0]
            (line["predicted"], line["probability"]) = (first["label"], first["probability"])
            return line
        }
        #expect(take("images") == imageLines as NSArray)
        #expect(take("layout") != nil)
        for key in ["sides", "reading", "loss", "channels_per_image", "bias"] {
            #expect(take(key) == classifier[key] as? NSObject, "\(key)")
        }
        for (key, value) in overview { #expect(value as? NSObject == report[key] as? NSObject, "\(key)") }
        #expect(try Self.records(pieces, "classes") as NSArray == classes as NSArray)
        #expect(try Self.records(pieces, "channels") as NSArray == channels as NSArray)
        #expect(pieces.keys.count { $0.hasPrefix("image-") } == images.count)
        for image in images {
            let id = try #require(image["id"] as? String)
            #expect(pieces["image-\(id)"] as? NSObject == image as NSDictionary)
        }
        #expect(try Self.floats(pieces, "classifier") == Self.floats(classifier["weights"]))
    }

    // MARK: - Reading

    /// The pieces of a page in a folder: `infodisent("NAME",JSON);` in files of their own.
    private func pieces(ofFolder name: String) throws -> Object {
        var pieces: Object = [:]
        for (file, data) in try folder.contents(of: "\(name)/files/data") {
            let text = String(decoding: data, as: UTF8.self)
            let match = try #require(text.wholeMatch(of: #/infodisent\("([a-z0-9-]+)",(.*)\);\n/#.dotMatchesNewlines()))
            #expect(file == "\(match.output.1).js")
            pieces[String(match.output.1)] = try Self.json(Data(match.output.2.utf8))
        }
        return pieces
    }

    /// The pieces of a page that is one file, without its pictures.
    private func pieces(ofFile name: String) throws -> Object {
        var pieces: Object = [:]
        let block = #/<script type="application\/json" data-name="([a-z0-9-]+)">(.*?)<\/script>/#.dotMatchesNewlines()
        for match in try folder.text(name).matches(of: block) where !match.output.1.hasPrefix("picture-") {
            pieces[String(match.output.1)] = try Self.json(Data(match.output.2.utf8))
        }
        return pieces
    }

    /// The records of pieces NAME-0, NAME-1 and so on, one after the other.
    private static func records(_ pieces: Object, _ name: String) throws -> [Object] {
        try numbered(pieces, name).flatMap { try objects($0) }
    }

    /// The numbers of pieces NAME-0, NAME-1 and so on.
    private static func floats(_ pieces: Object, _ name: String) throws -> [Float] {
        try numbered(pieces, name).flatMap { try floats($0) }
    }

    private static func numbered(_ pieces: Object, _ name: String) -> [Any] {
        pieces.compactMap { key, value in
            key.hasPrefix("\(name)-") ? Int(key.dropFirst(name.count + 1)).map { ($0, value) } : nil
        }.sorted { $0.0 < $1.0 }.map(\.1)
    }

    private static func json(_ data: Data) throws -> Any {
        try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)
    }
    private static func object(_ data: Data) throws -> Object { try #require(try json(data) as? Object) }
    private static func objects(_ value: Any?) throws -> [Object] { try #require(value as? [Object]) }
    /// Not a number for anything else, which equals nothing.
    private static func float(_ value: Any?) -> Float { (value as? Double).map { Float($0) } ?? .nan }
    private static func floats(_ value: Any?) throws -> [Float] {
        try packed(value).map { Float(bitPattern: $0) }
    }
    private static func integers(_ value: Any?) throws -> [Int] { try packed(value).map { Int(Int32(bitPattern: $0)) } }
    private static func packed(_ value: Any?) throws -> [UInt32] {
        let text = try #require(value as? String)
        let data = try #require(Data(base64Encoded: text))
        return stride(from: 0, to: data.count, by: 4).map { start in
            (0..<4).reduce(0) { $0 | UInt32(data[start + $1]) << (8 * UInt32($1)) }
        }
    }
}
