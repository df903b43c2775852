import Checkpoints
import DurableFiles
import StrictJSON
import SystemPackage
import TemporaryFolders
import Testing
import WeightFiles

struct CheckpointTests {
    /// Runs `body` with the folder of a saved checkpoint.
    private func withCheckpoint(_ body: (FilePath) throws -> Void) throws {
        try withTemporaryFolder { folder throws in
            try body(HeadFixture().save(step: 42, in: CheckpointStore(runDirectory: folder)))
        }
    }

    private func error(
        reading directory: FilePath, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> CheckpointError? {
        #expect(throws: CheckpointError.self, sourceLocation: sourceLocation) { try Checkpoint(reading: directory) }
    }

    @Test func `what was saved is read back`() throws {
        try withCheckpoint { path in
            let fixture = HeadFixture()
            #expect(path.lastComponent?.string == "step-00000042")
            #expect(
                try DurableDirectory.names(in: path) == ["head.safetensors", "optimizer.safetensors", "state.json"])
            let checkpoint = try Checkpoint(reading: path)
            #expect(checkpoint.channelMap == fixture.channelMap)
            #expect(checkpoint.classifier == fixture.classifier)
            #expect(checkpoint.channelCount == 12 && checkpoint.classCount == 5)
            #expect(checkpoint.optimizer.map(\.name) == ["count", "first", "second"])
            #expect(checkpoint.optimizer.last == fixture.optimizer[0])
            var state = checkpoint.state
            #expect(Set(state.files.keys) == ["head.safetensors", "optimizer.safetensors"])
            state.files = [:]
            #expect(state == fixture.state(step: 42))
            #expect(checkpoint.orthogonalityError < 1e-6)
            let head = try SafetensorsFile(path.appending("head.safetensors"))
            #expect(head.entry("channel_map")?.shape == [12, 12])
            #expect(head.entry("classifier")?.shape == [5, 12])
        }
    }

    @Test func `a checkpoint comes back from its bytes`() throws {
        try withCheckpoint { path in
            let checkpoint = try Checkpoint(reading: path)
            let copy = try Checkpoint(bytes: checkpoint.bytes)
            #expect(copy.directory == path && copy.state == checkpoint.state)
            #expect(copy.channelCount == 12 && copy.channelMap == checkpoint.channelMap)
            #expect(copy.classifier == checkpoint.classifier && copy.optimizer == checkpoint.optimizer)
            #expect(copy.orthogonalityError == checkpoint.orthogonalityError)
        }
    }

    @Test func `a bias is read back, and one that does not fit is refused by name`() throws {
        try withTemporaryFolder { folder throws in
            var fixture = HeadFixture()
            fixture.bias = [0.5, -1, 0, 3, 2]
            let path = try fixture.save(step: 42, in: CheckpointStore(runDirectory: folder))
            let checkpoint = try Checkpoint(reading: path)
            #expect(checkpoint.bias == fixture.bias)
            #expect(try Checkpoint(bytes: checkpoint.bytes).bias == fixture.bias)
            #expect(CheckpointHealth(of: checkpoint).bias?.maximum == 3)
            let head = path.appending("head.safetensors")
            let others: [SafetensorsWriter.Entry] = [
                .floats("channel_map", [12, 12], fixture.channelMap),
                .floats("classifier", [5, 12], fixture.classifier),
            ]
            for (entry, problem) in [
                (.floats("classifier_bias", [4], [1, 2, 3, 4]), "classifier_bias is not [5]"),
                (.floats("classifier_bias", [5, 1], [1, 2, 3, 4, 5]), "classifier_bias is not [5]"),
                (.float16("classifier_bias", [5], [1, 2, 3, 4, 5]), "classifier_bias is not [5] of F32"),
                (.floats("classifier_biases", [5], [1, 2, 3, 4, 5]), "holds \"classifier_biases\", which no head has"),
            ] as [(SafetensorsWriter.Entry, String)] {
                try replaceHead(of: path, others + [entry])
                let error = try #require(try error(reading: path))
                #expect(error.description.contains(problem), "\(error.description)")
            }
            try replaceHead(of: path, others + [.floats("classifier_bias", [5], [1, 2, .nan, 4, 5])])
            #expect(try error(reading: path) == .notFinite(path: head, tensor: "classifier_bias", index: 2))
        }
    }

    @Test func `a mask is read back, and one that does not fit the weights is refused by name`() throws {
        try withTemporaryFolder { folder throws in
            var fixture = HeadFixture()
            fixture.mask = fixture.classifier.indices.map { fixture.classifier[$0] != 0 || $0 % 2 == 0 }
            let path = try fixture.save(step: 42, in: CheckpointStore(runDirectory: folder))
            let checkpoint = try Checkpoint(reading: path)
            #expect(checkpoint.mask == fixture.mask && checkpoint.bias == nil)
            #expect(try Checkpoint(bytes: checkpoint.bytes).mask == fixture.mask)
            let kept = try #require(CheckpointHealth(of: checkpoint).keptPerClass)
            #expect(kept.minimum > 0 && kept.maximum <= 12)
            let head = path.appending("head.safetensors")
            let others: [SafetensorsWriter.Entry] = [
                .floats("channel_map", [12, 12], fixture.channelMap),
                .floats("classifier", [5, 12], fixture.classifier),
            ]
            func replace(_ shape: [Int], _ bytes: [UInt8], _ type: ElementType = .uint8) throws -> CheckpointError? {
                try replaceHead(
                    of: path,
                    others + [.init(name: "classifier_mask", elementType: type, shape: shape, elements: bytes)])
                return try error(reading: path)
            }
            var bytes = [UInt8](repeating: 1, count: 60)
            let used = try #require(fixture.classifier.firstIndex { $0 != 0 })
            bytes[used] = 0
            #expect(
                try replace([5, 12], bytes)
                    == .weightOutsideMask(
                        path: head, classIndex: used / 12, channel: used % 12, value: fixture.classifier[used]))
            bytes[used] = 2
            for error in [
                try replace([5, 12], bytes), try replace([12, 5], bytes), try replace([60], bytes),
                try replace([5, 12], bytes, .int8),
            ] {
                guard case .malformedTensors(head, let problem) = error, problem.contains("classifier_mask") else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
        }
    }

    @Test func `bytes that end too soon are refused`() throws {
        try withCheckpoint { path in
            let bytes = try Checkpoint(reading: path).bytes
            for count in [0, 7, 8, 100, bytes.count / 2, bytes.count - 1] {
                #expect(throws: CheckpointError.self, "\(count) of \(bytes.count)") {
                    try Checkpoint(bytes: Array(bytes.prefix(count)))
                }
            }
            #expect(throws: CheckpointError.self) { try Checkpoint(bytes: [UInt8](repeating: 255, count: 64)) }
        }
    }

    @Test func `equal runs have equal bytes, in whatever folder`() throws {
        try withTemporaryFolder { folder throws in
            let paths = try ["one", "another/run"].map {
                try HeadFixture().save(step: 42, in: CheckpointStore(runDirectory: folder.appending($0)))
            }
            for name in ["head.safetensors", "optimizer.safetensors", "state.json"] {
                #expect(
                    try DurableFile.read(paths[0].appending(name)) == DurableFile.read(paths[1].appending(name)),
                    "\(name)")
            }
            let state = String(decoding: try DurableFile.read(paths[0].appending("state.json")), as: UTF8.self)
            #expect(!state.contains(folder.string))
            #expect(state.contains("\"accuracy\": 0.30000000000000004"))
            let keys = state.split(separator: "\n").filter { $0.hasPrefix("  \"") }.map { $0.split(separator: "\"")[1] }
            #expect(keys == keys.sorted())
        }
    }

    @Test(arguments: ["head.safetensors", "optimizer.safetensors", "state.json"])
    func `a missing file is named`(name: String) throws {
        try withCheckpoint { path in
            try DurableFile.remove(path.appending(name))
            #expect(try error(reading: path) == .incomplete(path: path.appending(name)))
        }
    }

    @Test(arguments: ["head.safetensors", "optimizer.safetensors", "state.json"])
    func `truncations and flipped bits anywhere are one clear error`(name: String) throws {
        try withCheckpoint { path in
            let file = path.appending(name)
            let bytes = try DurableFile.read(file)
            let step = max(1, bytes.count / 60)
            for position in stride(from: 0, to: bytes.count, by: step) {
                var flipped = bytes
                flipped[position] ^= 1 << UInt8(position % 8)
                for damaged in [Array(bytes[..<position]), flipped, bytes + [0]] {
                    try DurableFile.write(damaged, to: file)
                    let error = try error(reading: path)
                    #expect(error?.exitCode == 65)
                    #expect(error?.description.contains(file.string) == true)
                }
            }
        }
    }

    @Test func `a state of another version is named`() throws {
        try withCheckpoint { path in
            let file = path.appending("state.json")
            let text = String(decoding: try DurableFile.read(file), as: UTF8.self)
            try DurableFile.write(text.replacing("\"schema_version\": 1", with: "\"schema_version\": 9"), to: file)
            #expect(try error(reading: path) == .unknownVersion(path: file, found: 9, supported: 3))
        }
    }

    @Test func `a state that was changed by hand is refused`() throws {
        try withCheckpoint { path in
            let file = path.appending("state.json")
            let text = String(decoding: try DurableFile.read(file), as: UTF8.self)
            for (old, new) in [
                ("\"step\": 42", "\"step\": 43"), ("\"step\": 42", "\"step\": 42.0"), ("\"step\": 42", "\"step\":  42"),
                ("\"step\": 42", "\"step\": -42"), ("\"crane\"", "\"heron\""), ("\"epoch\"", "\"epochs\""),
                ("\"step\": 42", "\"step\": 42, \"step\": 42"), ("{\n", "{\n  \"a\": 1,\n"),
                ("\"loss\": 5.0", "\"loss\": 5"),
            ] {
                let changed = text.replacing(old, with: new, maxReplacements: 1)
                #expect(changed != text)
                try DurableFile.write(changed, to: file)
                guard case .malformedState = try error(reading: path) else {
                    Issue.record("\(new)")
                    continue
                }
            }
        }
    }

    /// Writes another head and makes the state agree with it, as a faulty program could.
    private func replaceHead(of path: FilePath, _ entries: [SafetensorsWriter.Entry]) throws {
        let fixture = HeadFixture()
        let head = path.appending("head.safetensors")
        try SafetensorsWriter.write(entries, to: head)
        var state = fixture.state(step: 42)
        state.files = [
            "head.safetensors": try ContentDigest.ofFile(head),
            "optimizer.safetensors": try ContentDigest.ofFile(path.appending("optimizer.safetensors")),
        ]
        let digest = ContentDigest(of: state.json.text())
        guard case .object(var members) = state.json else { return }
        members["state_sha256"] = .string(digest.hexadecimal)
        try DurableFile.write(JSONValue.object(members).text(indented: true) + "\n", to: path.appending("state.json"))
    }

    @Test func `tensors of the wrong names, types and shapes are refused`() throws {
        try withCheckpoint { path in
            let fixture = HeadFixture()
            let map = SafetensorsWriter.Entry.floats("channel_map", [12, 12], fixture.channelMap)
            let classifier = SafetensorsWriter.Entry.floats("classifier", [5, 12], fixture.classifier)
            try replaceHead(of: path, [map, classifier])
            _ = try Checkpoint(reading: path)
            for entries in [
                [map], [classifier], [map, classifier, .floats("more", [], [1])],
                [map, .floats("classifier", [12, 5], fixture.classifier)],
                [map, .floats("classifier", [60], fixture.classifier)],
                [.floats("channel_map", [144], fixture.channelMap), classifier],
                [.floats("channel_map", [9, 16], fixture.channelMap), classifier],
                [.floats("channel_map", [0, 0], []), .floats("classifier", [5, 0], [])],
                [.float16("channel_map", [12, 12], fixture.channelMap), classifier],
                [.floats("channel_map", [2, 2], [1, 0, 0, 1]), classifier],
            ] as [[SafetensorsWriter.Entry]] {
                try replaceHead(of: path, entries)
                guard case .malformedTensors = try error(reading: path) else {
                    Issue.record("\(entries.map(\.shape))")
                    continue
                }
            }
        }
    }

    @Test func `a classifier with a weight for each side of a channel is read back, with its mask`() throws {
        try withTemporaryFolder { folder throws in
            var fixture = HeadFixture()
            // The negative sides: the same, but channel 3 is only used there.
            fixture.classifier = (0..<5).flatMap { label in
                var row = Array(fixture.classifier[label * 12..<(label + 1) * 12])
                row[3] = 0
                var negative = row
                negative[3] = 0.25
                return row + negative
            }
            fixture.mask = fixture.classifier.map { $0 != 0 }
            let path = try fixture.save(step: 42, in: CheckpointStore(runDirectory: folder))
            let checkpoint = try Checkpoint(reading: path)
            #expect(checkpoint.classifier == fixture.classifier && checkpoint.mask == fixture.mask)
            #expect(checkpoint.channelCount == 12 && checkpoint.weightsPerClass == 24)
            let copy = try Checkpoint(bytes: checkpoint.bytes)
            #expect(copy.classifier == fixture.classifier && copy.weightsPerClass == 24)
            let file = try SafetensorsFile(path.appending("head.safetensors"))
            #expect(file.entry("classifier")?.shape == [5, 24] && file.entry("classifier_mask")?.shape == [5, 24])

            let health = CheckpointHealth(of: checkpoint)
            let unused = (0..<12).filter { channel in (0..<5).allSatisfy { fixture.classifier[$0 * 24 + channel] == 0 }
            }
            #expect(health.channelCount == 12 && health.weightsPerClass == 24 && unused.contains(3))
            #expect(health.deadChannels == unused.filter { $0 != 3 })
            #expect(
                health.keptPerClass?.maximum
                    == (0..<5).map { label in
                        Double(fixture.classifier[label * 24..<(label + 1) * 24].count { $0 != 0 })
                    }.max())
            #expect(health.duplicateChannels.isEmpty)

            let head = path.appending("head.safetensors")
            let map = SafetensorsWriter.Entry.floats("channel_map", [12, 12], fixture.channelMap)
            var negative = fixture.classifier
            negative[24 + 12 + 5] = -1
            try replaceHead(of: path, [map, .floats("classifier", [5, 24], negative)])
            #expect(
                try error(reading: path) == .negativeWeight(path: head, classIndex: 1, channel: 5, value: -1))
            for entries in [
                [map, .floats("classifier", [5, 36], Array(repeating: 1, count: 180))],
                [map, .floats("classifier", [10, 12], fixture.classifier)],
                [
                    map, .floats("classifier", [5, 24], fixture.classifier),
                    .init(
                        name: "classifier_mask", elementType: .uint8, shape: [5, 12],
                        elements: [UInt8](repeating: 1, count: 60)),
                ],
            ] as [[SafetensorsWriter.Entry]] {
                try replaceHead(of: path, entries)
                guard case .malformedTensors = try error(reading: path) else {
                    Issue.record("\(entries.map(\.shape))")
                    continue
                }
            }
        }
    }

    @Test func `values that are not finite, negative weights and a map that is not orthogonal are refused`() throws {
        try withCheckpoint { path in
            let fixture = HeadFixture()
            let head = path.appending("head.safetensors")
            func error(_ change: (inout HeadFixture) -> Void) throws -> CheckpointError? {
                var changed = fixture
                change(&changed)
                try replaceHead(
                    of: path,
                    [
                        .floats("channel_map", [12, 12], changed.channelMap),
                        .floats("classifier", [5, 12], changed.classifier),
                    ])
                return try self.error(reading: path)
            }
            #expect(
                try error { $0.channelMap[17] = .nan } == .notFinite(path: head, tensor: "channel_map", index: 17))
            #expect(
                try error { $0.classifier[3] = .infinity } == .notFinite(path: head, tensor: "classifier", index: 3))
            #expect(
                try error { $0.classifier[26] = -1e-20 }
                    == .negativeWeight(path: head, classIndex: 2, channel: 2, value: -1e-20))
            guard case .notOrthogonal(head, let deviation, 1e-5) = try error({ $0.channelMap[0] += 1e-3 }) else {
                Issue.record("a map that is not orthogonal was accepted")
                return
            }
            #expect(deviation > 1e-5 && deviation < 1e-2)
        }
    }

    @Test func `a training that has diverged is not saved`() throws {
        try withTemporaryFolder { folder throws in
            let store = CheckpointStore(runDirectory: folder)
            var fixture = HeadFixture()
            fixture.channelMap[5] = .nan
            #expect(throws: CheckpointError.self) { try fixture.save(step: 1, in: store) }
            fixture = HeadFixture()
            var state = fixture.state(step: 1)
            state.metrics["loss"] = .nan
            #expect(throws: CheckpointError.metricNotFinite(name: "loss")) {
                try store.save(
                    state, channelMap: fixture.channelMap, classifier: fixture.classifier, optimizer: fixture.optimizer)
            }
            #expect(try store.list().isEmpty)
        }
    }
}
