import DisentangledHead
import DurableFiles
import Explorer
import Foundation
import HeadEditing
import Results
import SystemPackage
import TemporaryFolders
import Tensors
import Testing

/// The pages of a report: their files, and what a browser makes of them.
@Suite struct PagesTests {
    private let hostile = [
        "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>",
        String(repeating: "long", count: 75), "\u{202E}right to left\nand a line {{script}} {{data}}",
    ]

    @Test func theFolderHasEachPictureOnceAndThePageIsShort() throws {
        try SmallReport.with { small, folder in
            let output = folder.appending("report")
            try ExplorerPages(small.report, pictures: small.pictures).write(into: output, replacing: false)
            #expect(try DurableDirectory.names(in: output) == ["files", "index.html"])
            let images = try DurableDirectory.names(in: output.pushing("files/images"))
            #expect(Set(images) == Set(small.pictures.keys.map { "\($0).webp" }))
            let page = String(decoding: try DurableFile.read(output.appending("index.html")), as: UTF8.self)
            #expect(page.utf8.count < 4000 && page.contains("default-src 'none'"))
            #expect(!page.contains("http:") && !page.contains("https:") && !page.contains("{{"))
        }
    }

    @Test func anotherFolderThanThatOfAReportIsNotReplaced() throws {
        try SmallReport.with { small, folder in
            let own = folder.pushing("report/files")
            try DurableFile.createDirectory(own)
            try DurableFile.write("mine", to: own.appending("notes.txt"))
            let pages = try ExplorerPages(small.report, pictures: small.pictures)
            #expect(throws: ExplorerError.foreignFolder(path: own)) {
                try pages.write(into: folder.appending("report"), replacing: true)
            }
            #expect(DurableFile.exists(own.appending("notes.txt")))
        }
    }

    @Test func namesFromOutsideCannotBecomeMarkup() throws {
        try SmallReport.with { small, _ in
            let report = try renamed(small.report, classNames: hostile, channelName: hostile[0])
            let text = try ExplorerPages(report, pictures: small.pictures).singleFile()
            #expect(!text.contains("<img") && !text.contains("'owned'</script>"))
            #expect(text.contains("\\u003cimg src=x"))
            let scripts = text.components(separatedBy: "</script>").count - 1
            #expect(scripts == text.components(separatedBy: "<script").count - 1)
        }
    }

    @Test(.enabled(if: Chromium.path != nil, "there is no Chromium here"), arguments: [true, false])
    func aBrowserShowsHostileNamesAsText(isSingleFile: Bool) throws {
        try SmallReport.with { small, folder in
            let report = try renamed(small.report, classNames: hostile, channelName: hostile[0])
            let pages = try ExplorerPages(report, pictures: small.pictures)
            let output = folder.appending("report")
            if isSingleFile {
                try DurableFile.createDirectory(output)
                try DurableFile.write(pages.singleFile(), to: output.appending("index.html"))
            } else {
                try pages.write(into: output, replacing: false)
            }
            for address in isSingleFile ? ["image-\(report.images[0].id)"] : ["class-0", "channel-0", "confusions"] {
                let (html, errors) = try Chromium.page(output.appending("index.html"), address)
                #expect(errors.isEmpty, "\(address)")
                #expect(html.contains("data-ready") && !html.contains("<h1>This cannot be shown"), "\(address)")
                #expect(!html.contains("<title>owned") && !html.contains("<img src=\"x\""), "\(address)")
                if address == "class-0" { #expect(html.contains("&lt;img src=x onerror=")) }
            }
        }
    }

    @Test(
        .enabled(if: Chromium.path != nil, "there is no Chromium here"),
        arguments: [
            [], ["channels_per_image: 6"], ["signs: untied"], ["signs: positive"], ["mode: posthoc"],
            ["loss: binary_cross_entropy"],
        ])
    func whatIfOnThePageIsWhatTheProgramSays(settings: [String]) throws {
        try SmallReport.with {
            for setting in settings {
                switch setting {
                case "channels_per_image: 6": $0.configuration.head.channelsPerImage = 6
                case "signs: untied": $0.configuration.head.signs = .untied
                case "signs: positive": $0.configuration.head.signs = .positive
                case "mode: posthoc":
                    $0.configuration.head.mode = .posthoc
                    ($0.configuration.head.prototypesBegin, $0.configuration.head.prototypesEnd) = (10, 3)
                default: $0.configuration.head.loss = .binaryCrossEntropy
                }
            }
        } _: { small, folder in
            let head = small.model.head
            let output = folder.appending("report")
            let named = try SmallReport(small.model, names: ChannelNames(Self.names))
            try ExplorerPages(named.report, pictures: named.pictures).write(into: output, replacing: false)
            let image = small.report.images[1]
            let sample = try #require(Int(image.id))
            let map = small.cache.identity.featureMap
            let features = Tensor(
                shape: [1, map.height, map.width, map.channelCount], values: try small.cache.features(of: [sample]))
            // Some that matter in this image: where not all count, one that does is switched off.
            let values = try head.forward(features, team: WorkerTeam()).pooled.values
            let first = Ranking.top(6, of: values.prefix(head.channelCount).map { abs($0) }[...]).filter { $0 != 0 }
            let edits = HeadEdits(
                checkpoint: small.model.headDigest, channels: [first[0]: 0, first[1]: 0.3, first[2]: 2, 0: 1.7],
                // Of the class that is shown, and of another one; one channel with both kinds.
                classes: [1: [first[2]: 0.7, first[3]: 0], 2: [first[3]: 1.3, first[4]: 2]])
            let edited = try edits.applied(to: head)
            if let count = head.channelsPerImage {
                // Which channels count is found again with the edited weights, here and, as their sums say, on the page.
                let kept = try [head, edited].map { head in
                    let values = try head.forward(features, team: WorkerTeam()).pooled.values
                    return Set(values.indices.filter { values[$0] != 0 }.map { $0 % head.channelCount })
                }
                #expect(kept.allSatisfy { $0.count == count } && kept[0] != kept[1])
            }
            for (name, head) in [("", head), ("/factors-", edited)] {
                let own = edits.classes.flatMap { label, factors in factors.map { "\(label).\($0.key):\($0.value)" } }
                let list = (edits.channels.map { "\($0.key):\($0.value)" } + own).sorted().joined(separator: ",")
                let address = "image-\(image.id)/class-1/versus-none/check" + (name.isEmpty ? "" : name + list)
                let (html, errors) = try Chromium.page(output.appending("index.html"), address)
                #expect(errors.isEmpty)
                let state = try #require(html.firstMatch(of: #/id="state">([^<]+)</script>/#)?.output.1)
                let found = try JSONDecoder().decode(PageState.self, from: Data(state.utf8))
                let expected = try head.forward(features, team: WorkerTeam()).logits
                for (own, other) in zip(found.probabilities, head.loss.probabilities(expected[...])) {
                    #expect(abs(own - Double(other)) <= 1e-5)
                }
                #expect(found.logits.count == expected.count)
                for (own, other) in zip(found.logits, expected) {
                    #expect(abs(own - Double(other)) <= 1e-5 * max(1, abs(Double(other))), "\(address)")
                }
                #expect(
                    abs(found.sum - found.total) <= 1e-5 * max(1, abs(found.total)), "the parts add up to the score")
                #expect(found.total == found.logits[1])
                // What the page saves is what the program reads.
                let (saved, names) = (folder.appending("edits.json"), folder.appending("names.yaml"))
                try DurableFile.write(found.edits, to: saved)
                let read = try HeadEdits(
                    reading: saved, head: small.model.headDigest, channelCount: head.channelCount,
                    classCount: head.classCount)
                #expect(read == (name.isEmpty ? HeadEdits(checkpoint: small.model.headDigest, channels: [:]) : edits))
                try DurableFile.write(found.names, to: names)
                #expect(try ChannelNames(reading: names, channelCount: head.channelCount).names == Self.names)
            }
        }
    }

    @Test func aModelOfImageNetsSizeFitsAHundredMegabytes() throws {
        let (classCount, channelCount) = (1000, 2048)
        func example(_ number: Int, _ sign: Float) -> ChannelReport.Example {
            .init(
                picture: "\(number)", path: "train/n01440764/n01440764_\(10000 + number).JPEG",
                label: number % classCount,
                activation: sign * Float(number % 977) / 31, row: number % 7, column: number % 5, purity: 0.123456789)
        }
        let bins = (0..<16).map { 1000 * $0 + 7 }
        let channels = (0..<channelCount).map { channel in
            ChannelReport(
                channel: channel, use: 12.345678,
                classes: (0..<20).map { .init(label: $0 * 49, weight: 0.1234567, meanContribution: 0.123456789012345) },
                positive: (0..<5).map { example(channel * 10 + $0, 1) },
                negative: (0..<5).map { example(channel * 10 + 5 + $0, -1) },
                histogram: .init(
                    lowest: -12.345678, highest: 12.345678, negative: bins, positive: bins, withoutNegative: 12345,
                    withoutPositive: 12345), topImageCount: 12345,
                companions: (0..<8).map { .init(channel: $0, imageCount: 12345) })
        }
        let classes = (0..<classCount).map { label in
            let examples = (0..<3).map { _ in
                ClassReport.Example(
                    picture: "1281167", path: "val/n01440764/ILSVRC2012_val_00000293.JPEG", predicted: label,
                    probability: 0.12345678, image: nil)
            }
            return ClassReport(
                label: label, trainImageCount: 1300, testImageCount: 50, correctCount: 40, bias: 0.1234567,
                channels: (0..<20).map { .init(channel: $0, meanContribution: 0.123456789012345) }, rest: 0.123456789,
                strongest: examples, typical: examples, weakest: examples)
        }
        let numbers = (0..<channelCount).map { Float($0 * 7919 % 1009) / 307 }
        let images = (0..<60).map { number in
            ImageReport(
                id: "\(number)", picture: "\(number)", path: "val/\(number).JPEG", label: 1, explained: 1,
                topScores: (0..<5).map {
                    ClassScore(label: $0, className: "tench, Tinca tinca", logit: 1, probability: 0.2)
                },
                logits: PackedFloats(Array(numbers.prefix(classCount))), positive: PackedFloats(numbers),
                negative: PackedFloats(numbers.map { -$0 }), maximumPixels: PackedIntegers(numbers.map { Int32($0) }),
                minimumPixels: PackedIntegers(numbers.map { Int32($0) }),
                maps: (0..<120).map {
                    .init(channel: $0, scale: 1, values: PackedBytes([Int8](repeating: 77, count: 49)))
                })
        }
        let report = ModelReport(
            checkpoint: "step-00123456", headDigest: ContentDigest(of: "head"), backbone: "resnet50",
            classNames: (0..<classCount).map { "class with a name of a usual length, or two (n0\(1_000_000 + $0))" },
            channelCount: channelCount, featureMap: SpatialSize(height: 7, width: 7), channelNames: [:],
            classifier: .init(
                sides: "tied", reading: "extrema", loss: "cross_entropy", channelsPerImage: nil,
                bias: PackedFloats([Float](repeating: 1, count: classCount)),
                weights: PackedFloats((0..<classCount * channelCount).map { Float($0 % 1009) / 307 })), images: images,
            channels: channels, classes: classes,
            confusions: (0..<30000).map { .init(label: $0 % classCount, predicted: $0 / 30, count: 3) }, origins: [])
        try withTemporaryFolder { folder in
            let output = folder.appending("report")
            try ExplorerPages(report, pictures: [:]).write(into: output, replacing: false)
            let data = output.pushing("files/data")
            let sizes = try DurableDirectory.names(in: data).map { try DurableFile.byteCount(of: data.appending($0)) }
            #expect(sizes.reduce(0, +) + PictureSize.reportByteCount < 90_000_000)
            #expect(sizes.max()! < 2_500_000, "no page waits for much")
            // The pictures of prototypes and of nine examples a class.
            let size = PictureSize(pictureCount: 20_480 + 9000 + 60)
            #expect(size.side >= 96)
            if let copy = ProcessInfo.processInfo.environment["INFODISENT_KEEP_REPORT"] {
                try FileManager.default.copyItem(atPath: output.string, toPath: copy)
            }
        }
    }

    private static let names = [0: "<b>dotted</b> wing", 3: "\u{202E}\u{5D0} \u{FEFF}\"quoted\" \\ \u{7F}"]

    private struct PageState: Decodable {
        let logits: [Double]
        let probabilities: [Double]
        /// Of the parts that are shown.
        let sum: Double
        let total: Double
        let edits: String
        let names: String
    }
}
