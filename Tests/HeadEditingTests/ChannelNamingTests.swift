import Checkpoints
import DurableFiles
import Extraction
import HeadEditing
import Inference
import Results
import SmallModel
import SystemPackage
import TemporaryFolders
import Tensors
import Testing
import Training

/// Names of channels become part of a checkpoint, and stay there.
@Suite struct ChannelNamingTests {
    private static let names = ChannelNames([
        0: "<img src=x onerror=alert(1)>", 3: "\u{202E}\u{5D0}\nline", 7: String(repeating: "long", count: 75),
    ])

    @Test func aNamedCheckpointHasTheSameHeadAndATrainingGoesOnFromIt() throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            run.configuration.checkpoint.every = 3
            run.configuration.checkpoint.keep = 10
            try run.train()
            let all = try CheckpointStore(runDirectory: folder.appending("run")).list()
            let model = try TrainedModel(all[0])
            let output = folder.appending("named")
            let saved = try ChannelNaming(Self.names, of: model).save(in: output)
            let named = try TrainedModel(output)
            #expect(named.checkpoint.directory == saved && named.runDirectory == output)
            #expect(named.checkpoint.state.channelNames == Self.names.names && named.checkpoint.state.edits.isEmpty)
            #expect(named.headDigest == model.headDigest, "what is known of the head by its digest stays true")
            #expect(named.checkpoint.optimizer == model.checkpoint.optimizer)
            #expect(DurableFile.exists(output.appending("metrics.jsonl")))
            #expect(throws: HeadEditingError.namesNothing(checkpoint: saved)) {
                _ = try ChannelNaming(Self.names, of: named)
            }
            // The rest of the training ends where it ended, with the names.
            run.configuration.run.directory = output
            let end = try Checkpoint(reading: run.train().checkpoint)
            let expected = try Checkpoint(reading: all[all.count - 1])
            #expect(end.headDigest == expected.headDigest && end.state.step == expected.state.step)
            #expect(end.state.channelNames == Self.names.names && expected.state.channelNames.isEmpty)
            // Names that are taken away leave the bytes of a checkpoint that never had any.
            let bare = try ChannelNaming(ChannelNames(), of: named).save(in: folder.appending("bare"))
            #expect(
                try DurableFile.read(bare.appending("state.json")) == DurableFile.read(all[0].appending("state.json")))
        }
    }

    @Test func aRunsOwnNamesCountBeforeThoseOfItsCheckpoint() throws {
        try withSmallModel { model in
            let folder = try #require(model.runDirectory).removingLastComponent().appending("named")
            _ = try ChannelNaming(Self.names, of: model).save(in: folder)
            let named = try TrainedModel(folder)
            func names() throws -> ChannelNames {
                try ChannelNames(
                    ofRun: named.runDirectory, recorded: named.checkpoint.state.channelNames,
                    channelCount: named.head.channelCount)
            }
            #expect(try names() == Self.names)
            #expect(ChannelNames.fileName == RunPlaces.channelNamesName)
            #expect(ChannelNames.lengthLimit == CheckpointState.channelNameLimit)
            try DurableFile.write("5: wing\n", to: folder.appending(ChannelNames.fileName))
            #expect(try names().names == [5: "wing"])
            #expect(RunPlaces.channelNames(ofCheckpoint: named.checkpoint.directory) != nil)
        }
    }

    @Test func anEditedHeadKeepsTheNamesThatItsChannelsHave() throws {
        try withSmallModel { model in
            let run = try #require(model.runDirectory)
            let folder = run.removingLastComponent()
            try DurableFile.write(Self.names.yaml, to: run.appending(ChannelNames.fileName))
            let edits = HeadEdits(checkpoint: model.headDigest, channels: [0: 0.5, 1: 0.5, 2: 0.5])
            func saved(_ names: ChannelNames?, as name: String) throws -> CheckpointState {
                let editing = try HeadEditing(edits, from: "edits.json", of: model, names: names)
                let comparison = try editing.compare(on: model.cache(), team: WorkerTeam())
                return try Checkpoint.state(of: editing.save(in: folder.appending(name), comparison))
            }
            #expect(try saved(nil, as: "kept").channelNames == Self.names.names)
            #expect(try saved(ChannelNames([1: "tail"]), as: "new").channelNames == [1: "tail"])
            #expect(try saved(ChannelNames(), as: "none").channelNames.isEmpty)
        }
    }
}
