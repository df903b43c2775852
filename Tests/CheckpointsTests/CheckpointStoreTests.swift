import Checkpoints
import DurableFiles
import SystemPackage
import TemporaryFolders
import Testing

struct CheckpointStoreTests {
    private func names(_ paths: [FilePath]) -> [String] { paths.map { $0.lastComponent!.string } }

    @Test func `a run without checkpoints has none`() throws {
        try withTemporaryFolder { folder throws in
            let store = CheckpointStore(runDirectory: folder)
            #expect(try store.latest() == nil)
            #expect(try store.list() == [])
            #expect(try store.prune(keeping: 1) == [])
            #expect(throws: CheckpointError.noCheckpoint(path: folder)) { try CheckpointStore.resolve(folder) }
            let none = folder.appending("none")
            #expect(throws: DurableFileError.missing(path: none)) { try CheckpointStore.resolve(none) }
        }
    }

    @Test func `latest is the one saved last, also when it is not the newest`() throws {
        try withTemporaryFolder { folder throws in
            let store = CheckpointStore(runDirectory: folder)
            for step in [10, 200_000_000, 20] { try HeadFixture().save(step: step, in: store) }
            #expect(try names(store.list()) == ["step-00000010", "step-00000020", "step-200000000"])
            #expect(try DurableFile.read(store.directory.appending("latest")) == Array("step-00000020\n".utf8))
            let latest = try store.latest()
            #expect(latest?.checkpoint.state.step == 20)
            #expect(latest?.warnings == [])
        }
    }

    @Test func `a latest that is missing, nonsense or leads elsewhere falls back to the newest, with a warning`() throws
    {
        try withTemporaryFolder { folder throws in
            let store = CheckpointStore(runDirectory: folder)
            for step in [1, 2, 3] { try HeadFixture().save(step: step, in: store) }
            let pointer = store.directory.appending("latest")
            for text in [
                "", "step-00000009\n", "step-1\n", "../checkpoints/step-00000001\n", "step-00000001", "\u{0}\n",
            ] {
                try DurableFile.write(text, to: pointer)
                let latest = try store.latest()
                #expect(latest?.checkpoint.state.step == 3, "\(text)")
                #expect(latest?.warnings.count == 1)
                #expect(latest?.warnings.first?.contains("latest") == true)
                #expect(try CheckpointStore.resolve(folder).lastComponent?.string == "step-00000003")
            }
            try DurableFile.remove(pointer)
            #expect(try store.latest()?.checkpoint.state.step == 3)
        }
    }

    @Test func `damaged checkpoints are passed over with a warning each, until none is left`() throws {
        try withTemporaryFolder { folder throws in
            let store = CheckpointStore(runDirectory: folder)
            let paths = try [1, 2, 3].map { try HeadFixture().save(step: $0, in: store) }
            try DurableFile.write("x", to: paths[2].appending("head.safetensors"))
            #expect(try store.latest()?.checkpoint.state.step == 2)
            #expect(try store.latest()?.warnings.count == 1)
            try DurableFile.remove(paths[1].appending("optimizer.safetensors"))
            #expect(try store.latest()?.checkpoint.state.step == 1)
            #expect(try store.latest()?.warnings.count == 2)
            try DurableFile.write("{}", to: paths[0].appending("state.json"))
            let error = #expect(throws: CheckpointError.self) { try store.latest() }
            guard case .noneUsable(store.directory, let problems) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(problems.count == 3)
        }
    }

    @Test func `what a killed save leaves is not seen and is removed by the next`() throws {
        try withTemporaryFolder { folder throws in
            let store = CheckpointStore(runDirectory: folder)
            try HeadFixture().save(step: 1, in: store)
            let staging = store.directory.appending(".infodisent-tmp-00000000-1-1-1")
            try DurableFile.createDirectory(staging)
            try DurableFile.write("half", to: staging.appending("head.safetensors"))
            #expect(run("/usr/bin/touch", "-d", "2 hours ago", staging.string) == 0)
            #expect(try names(store.list()) == ["step-00000001"])
            #expect(try store.latest()?.checkpoint.state.step == 1)
            try HeadFixture().save(step: 2, in: store)
            #expect(try DurableDirectory.names(in: store.directory) == ["latest", "step-00000001", "step-00000002"])
        }
    }

    @Test func `a step is saved again over itself`() throws {
        try withTemporaryFolder { folder throws in
            let store = CheckpointStore(runDirectory: folder)
            try HeadFixture(seed: 1).save(step: 5, in: store)
            try HeadFixture(seed: 2).save(step: 5, in: store)
            #expect(try store.latest()?.checkpoint.channelMap == HeadFixture(seed: 2).channelMap)
            #expect(try DurableDirectory.names(in: store.directory) == ["latest", "step-00000005"])
        }
    }

    @Test func `pruning keeps the newest and the one that latest names`() throws {
        try withTemporaryFolder { folder throws in
            let store = CheckpointStore(runDirectory: folder)
            for step in [1, 2, 3, 4, 5] { try HeadFixture().save(step: step, in: store) }
            #expect(try names(store.prune(keeping: 3)) == ["step-00000001", "step-00000002"])
            #expect(try names(store.list()) == ["step-00000003", "step-00000004", "step-00000005"])
            try DurableFile.write("step-00000003\n", to: store.directory.appending("latest"))
            #expect(try names(store.prune(keeping: 1)) == ["step-00000004"])
            #expect(try names(store.list()) == ["step-00000003", "step-00000005"])
            #expect(try store.prune(keeping: 10) == [])
        }
    }

    @Test func `a channel map that has drifted is not saved, and what was saved before stays`() throws {
        try withTemporaryFolder { folder throws in
            let store = CheckpointStore(runDirectory: folder)
            try HeadFixture().save(step: 1, in: store)
            var drifted = HeadFixture()
            for index in drifted.channelMap.indices { drifted.channelMap[index] *= 1.0001 }
            let error = #expect(throws: CheckpointError.self) { try drifted.save(step: 2, in: store) }
            guard case .hasDrifted(step: 2, let deviation, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(abs(deviation - 2e-4) < 2e-5 && error?.exitCode == 70)
            #expect(try store.latest()?.checkpoint.state.step == 1)
        }
    }

    @Test func `a run directory, its checkpoints folder and a step all lead to the checkpoint`() throws {
        try withTemporaryFolder { folder throws in
            let store = CheckpointStore(runDirectory: folder)
            let first = try HeadFixture().save(step: 1, in: store)
            let second = try HeadFixture().save(step: 2, in: store)
            #expect(try CheckpointStore.resolve(folder) == second)
            #expect(try CheckpointStore.resolve(store.directory) == second)
            #expect(try CheckpointStore.resolve(first) == first)
            #expect(try CheckpointStore.resolve(store.directory.appending("latest")) == second)
            let file = first.appending("state.json")
            #expect(throws: CheckpointError.notAFolder(path: file)) { try CheckpointStore.resolve(file) }
        }
    }

    @Test func `a full disk leaves the checkpoints that were there`() throws {
        let outcome: Void? = try withSmallDisk(byteCount: 65536) { folder throws in
            let store = CheckpointStore(runDirectory: folder)
            try HeadFixture().save(step: 1, in: store)
            let error = #expect(throws: DurableFileError.self) {
                try HeadFixture(channelCount: 120).save(step: 2, in: store)
            }
            #expect(error?.description.contains("The disk is full") == true)
            #expect(try DurableDirectory.names(in: store.directory) == ["latest", "step-00000001"])
            #expect(try store.latest()?.checkpoint.state.step == 1)
        }
        if outcome == nil { print("skipped: mounting a small disk needs root") }
    }
}

extension CheckpointStore.Latest: Equatable {
    public static func == (one: Self, other: Self) -> Bool {
        one.checkpoint.state == other.checkpoint.state && one.warnings == other.warnings
    }
}
