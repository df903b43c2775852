import Checkpoints
import Foundation
import SystemPackage
import Testing

/// What others do to a run: processes that want the same folder, files that are no files, limits, and file systems that lack
/// something.
@Suite struct InterferenceTests {
    private static let isPatient = ProcessInfo.processInfo.environment["INFODISENT_LONG_TESTS"] != nil

    private func shell(
        _ command: String, environment: [String: String] = [:], in folder: Folder
    ) throws -> Process {
        try Tool.start(
            URL(fileURLWithPath: "/bin/bash"), ["-c", command],
            environment: ProcessInfo.processInfo.environment.merging(environment) { $1 }, in: folder)
    }

    private var program: String { Tool.products.appending(path: Tool.infodisent.rawValue).path }

    /// Waits for a process that must end soon; kills it if it does not.
    private func finish(_ process: Process, limit: Double = 60, in folder: Folder) throws -> Tool.Outcome {
        let end = Date().addingTimeInterval(limit)
        while process.isRunning, Date() < end { usleep(20_000) }
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            Issue.record("it did not end within \(limit) s: \(try folder.text("stderr"))")
        }
        return try Tool.finish(process, in: folder)
    }

    // MARK: Other processes

    @Test(.enabled(if: Mpirun.isRunnable)) func ranksThatOutliveTheirMpirunAreWaitedFor() throws {
        let command = ["train", "--config", "small.yaml", "--set", "training.epochs=400"]
        let reference = try SmallExperiment.folder()
        #expect(try Tool.infodisent.run(command, in: reference).exitCode == 0)
        let folder = try SmallExperiment.folder()
        let run = try Mpirun.start(ranks: 3, command, in: folder)
        for _ in 0..<500 where !folder.exists("run/checkpoints/latest") { usleep(20_000) }
        let ranks = try Mpirun.ranks(of: run)
        try #require(!ranks.isEmpty)
        kill(run.processIdentifier, SIGKILL)
        run.waitUntilExit()
        let outcome = try Tool.infodisent.run(command, in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        Mpirun.waitForEnd(of: ranks)
        let name = try reference.text("run/checkpoints/latest").trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(
            try folder.contents(of: "run/checkpoints/\(name)") == reference.contents(of: "run/checkpoints/\(name)"))
    }

    /// Half a minute without a sign of life is what a holder has.
    @Test(.enabled(if: isPatient)) func aFrozenProcessLosesItsRunAndDoesNotWriteWhenItWakesUp() throws {
        let reference = try SmallExperiment.folder()
        let command = ["train", "--config", "small.yaml", "--set", "training.epochs=600"]
        #expect(try Tool.infodisent.run(command, in: reference).exitCode == 0)
        let folder = try SmallExperiment.folder()
        let frozen = try Tool.infodisent.start(command, in: folder)
        for _ in 0..<500 where !folder.exists("run/checkpoints/latest") { usleep(20_000) }
        kill(frozen.processIdentifier, SIGSTOP)
        let stopped = try folder.text("run/checkpoints/latest")
        let outcome = try Tool.inspect.run(["run", "--verify"], in: folder)
        #expect(outcome.exitCode == 0)
        let next = try Tool.infodisent.run(command + ["--threads", "1"], in: folder)
        #expect(next.exitCode == 0, "\(next.errors)")
        let name = try folder.text("run/checkpoints/latest").trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(name != stopped)
        let before = try folder.contents(of: "run")
        kill(frozen.processIdentifier, SIGCONT)
        let woken = try finish(frozen, in: folder)
        #expect(woken.exitCode == 75, "\(woken.errors)")
        #expect(try folder.contents(of: "run") == before, "nothing was written, and nothing removed")
        #expect(
            try folder.contents(of: "run/checkpoints/\(name)") == reference.contents(of: "run/checkpoints/\(name)"))
        let hidden = try FileManager.default.contentsOfDirectory(atPath: folder.url("run").path)
        #expect(!hidden.contains { $0.hasPrefix(".infodisent") }, "\(hidden)")
    }

    @Test func anInspectionDuringATrainingNeverBlamesACheckpoint() throws {
        let folder = try SmallExperiment.folder()
        let training = try Tool.infodisent.start(
            [
                "train", "--config", "small.yaml", "--set", "training.epochs=100000", "--set", "checkpoint.every=1",
                "--set",
                "checkpoint.keep=1",
            ], in: folder)
        defer {
            kill(training.processIdentifier, SIGKILL)
            training.waitUntilExit()
        }
        for _ in 0..<500 where !folder.exists("run/checkpoints/latest") { usleep(20_000) }
        let other = try Folder()
        for option in [[], ["--verify"], ["--json"], [], ["--verify"], ["--json"], [], ["--verify"]] {
            let outcome = try Tool.inspect.run([folder.url("run").path] + option, in: other)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
        }
        // The folder of one step is gone soon, and that is what is said of it.
        for _ in 0..<8 {
            let name = try folder.text("run/checkpoints/latest").trimmingCharacters(in: .whitespacesAndNewlines)
            let outcome = try Tool.inspect.run([folder.url("run/checkpoints/\(name)").path], in: other)
            #expect(outcome.exitCode == 0 || outcome.exitCode == 66, "\(outcome.errors)")
            #expect(
                !outcome.errors.contains("damaged") && !outcome.errors.contains("not complete"), "\(outcome.errors)")
        }
    }

    // MARK: Files that are none

    @Test(arguments: ["features/index.json", "run/checkpoints/latest", "run/metrics.jsonl", "run/.lock"])
    func aPipeInThePlaceOfAFileIsSaidToBeNone(name: String) throws {
        let folder = try SmallExperiment.trainedFolder()
        try? FileManager.default.removeItem(at: folder.url(name))
        try #require(mkfifo(folder.url(name).path, 0o600) == 0)
        let outcome = try finish(Tool.infodisent.start(["train", "--config", "small.yaml"], in: folder), in: folder)
        #expect(outcome.exitCode == 66 && outcome.errors.contains("\(name) is not a regular file"), "\(outcome.errors)")
    }

    @Test func aLockThatIsALinkMakesNothing() throws {
        let folder = try SmallExperiment.trainedFolder()
        try folder.remove("run/.lock")
        try FileManager.default.createSymbolicLink(
            atPath: folder.url("run/.lock").path, withDestinationPath: folder.url("target").path)
        let outcome = try Tool.infodisent.run(["train", "--config", "small.yaml"], in: folder)
        #expect(outcome.exitCode == 74 && outcome.errors.contains(".lock"), "\(outcome.errors)")
        #expect(!folder.exists("target"))
    }

    @Test func temporariesOfKilledProcessesGoAlsoWhenThereIsNothingToTrain() throws {
        let folder = try SmallExperiment.trainedFolder()
        let killed = try Tool.infodisent.start(
            ["train", "--config", "small.yaml", "--set", "run.directory=other", "--set", "training.epochs=100000"],
            in: folder)
        for _ in 0..<500 where !folder.exists("other/.infodisent-claim-1/owner") { usleep(20_000) }
        let owner = try folder.text("other/.infodisent-claim-1/owner").prefix { $0 != " " }
        kill(killed.processIdentifier, SIGKILL)
        killed.waitUntilExit()
        let names = ["run/.infodisent-tmp-\(owner)-7", "run/checkpoints/.infodisent-tmp-\(owner)-8"]
        for name in names {
            try FileManager.default.createDirectory(at: folder.url(name), withIntermediateDirectories: true)
        }
        try Tool.infodisent.succeed("train", "--config", "small.yaml", in: folder)
        for name in names { #expect(!folder.exists(name)) }
    }

    @Test func aCheckpointBeyondTheLastStepIsRefused() throws {
        let folder = try SmallExperiment.trainedFolder()
        let store = CheckpointStore(runDirectory: folder.path.appending("run"))
        let latest = try #require(try store.latest()).checkpoint
        var state = latest.state
        state.step = 5000
        try store.save(
            state, channelMap: latest.channelMap, classifier: latest.classifier, optimizer: latest.optimizer)
        let outcome = try Tool.infodisent.run(["train", "--config", "small.yaml"], in: folder)
        #expect(outcome.exitCode == 78 && outcome.errors.contains("is of step 5000, but a run of this training.epochs"))
        #expect(!outcome.errors.contains("run the same command again"), "\(outcome.errors)")
        // As it says: it goes once that is removed.
        try folder.remove("run/checkpoints/step-00005000")
        try Tool.infodisent.succeed("train", "--config", "small.yaml", in: folder)
    }

    // MARK: Signals

    @Test func aSignalThatComesBeforeTheProgramHasStartedIsNotLost() throws {
        let folder = try SmallExperiment.folder()
        for signal in [SIGTERM, SIGINT, SIGUSR1, SIGHUP] {
            let process = try Tool.infodisent.start(
                ["train", "--config", "small.yaml", "--set", "training.epochs=100000"], in: folder)
            // From the first moment in which it can be told that it hears them: before its libraries have started.
            for _ in 0..<20_000 where process.isRunning && !catches(signal, process.processIdentifier) { usleep(200) }
            kill(process.processIdentifier, signal)
            let outcome = try finish(process, in: folder)
            #expect(outcome.exitCode == 75, "signal \(signal): \(outcome.errors)")
        }
    }

    @Test func aSignalEndsACommandThatHasNothingToKeep() throws {
        let folder = try SmallExperiment.trainedFolder()
        let process = try Tool.infodisent.start(["evaluate", "--checkpoint", "run"], in: folder)
        kill(process.processIdentifier, SIGTERM)
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal || process.terminationStatus == 0)
    }

    private func catches(_ signal: Int32, _ process: pid_t) -> Bool {
        let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        guard let mask = status.firstMatch(of: #/SigCgt:\s*([0-9a-f]+)/#).flatMap({ UInt64($0.1, radix: 16) }) else {
            return false
        }
        return mask & 1 << UInt64(signal - 1) != 0
    }

    @Test func aStopThatWillNotFitIsSaidBeforehand() throws {
        let folder = try SmallExperiment.folder()
        let short = try Tool.infodisent.run(
            ["train", "--config", "small.yaml", "--stop-within", "0.000001"], in: folder)
        #expect(short.exitCode == 0, "\(short.errors)")
        #expect(short.errors.contains("To stop with a checkpoint may take ") && short.errors.contains("a checkpoint "))
        #expect(short.errors.contains("leaves it 1e-06 s (--stop-within)"), "\(short.errors)")
        try folder.remove("run")
        for options in [[], ["--stop-within", "600"]] {
            let long = try Tool.infodisent.run(
                ["train", "--config", "small.yaml", "--set", "run.directory=run\(options.count)"] + options, in: folder)
            #expect(long.exitCode == 0 && !long.errors.contains("To stop with"), "\(long.errors)")
        }
    }

    // MARK: Limits, and what a file system lacks

    /// The library that stands between the program and the system, if there is a compiler.
    private func makeShim(in folder: Folder) throws -> String? {
        let source = """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <errno.h>
            #include <fcntl.h>
            #include <stdarg.h>
            #include <stdlib.h>
            #include <unistd.h>
            int flock(int descriptor, int operation) {
                (void)descriptor; (void)operation;
                errno = getenv("SHIM_FLOCK") ? atoi(getenv("SHIM_FLOCK")) : 0;
                return errno ? -1 : 0;
            }
            static int lock(int descriptor, int command, void *argument, const char *name) {
                if ((command == 37 || command == F_SETLK) && getenv("SHIM_LOCK")) {
                    errno = atoi(getenv("SHIM_LOCK"));
                    return -1;
                }
                int (*next)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);
                return next(descriptor, command, argument);
            }
            int fcntl(int descriptor, int command, ...) {
                va_list list; va_start(list, command); void *argument = va_arg(list, void *); va_end(list);
                return lock(descriptor, command, argument, "fcntl");
            }
            int fcntl64(int descriptor, int command, ...) {
                va_list list; va_start(list, command); void *argument = va_arg(list, void *); va_end(list);
                return lock(descriptor, command, argument, "fcntl64");
            }
            int fsync(int descriptor) {
                static int (*next)(int);
                if (!next) { next = (int (*)(int))dlsym(RTLD_NEXT, "fsync"); }
                while (getenv("SHIM_HANG") && access(getenv("SHIM_HANG"), F_OK) == 0) { sleep(1); }
                return next(descriptor);
            }
            """
        try folder.write(Data(source.utf8), to: "shim.c")
        for compiler in ["clang", "cc", "gcc"] {
            let process = try shell("\(compiler) -shared -fPIC -O -o shim.so shim.c -ldl", in: folder)
            process.waitUntilExit()
            if process.terminationStatus == 0 { return folder.url("shim.so").path }
        }
        print("Skipped: file systems without locks, because there is no C compiler.")
        return nil
    }

    @Test func trainingNeedsNoLocks() throws {
        let reference = try SmallExperiment.trainedFolder()
        let folder = try SmallExperiment.folder()
        guard let shim = try makeShim(in: folder) else { return }
        let train = "exec \(program) train --config small.yaml"
        // Lustre without flock; NFS without a lock service.
        for (flock, lock) in [(ENOSYS, ENOSYS), (ENOLCK, ENOLCK), (EOPNOTSUPP, 0)] {
            try? FileManager.default.removeItem(at: folder.url("run"))
            var environment = ["LD_PRELOAD": shim, "SHIM_FLOCK": "\(flock)"]
            if lock != 0 { environment["SHIM_LOCK"] = "\(lock)" }
            let outcome = try finish(shell(train, environment: environment, in: folder), in: folder)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"))
        }
        // Others are kept out all the same.
        let environment = ["LD_PRELOAD": shim, "SHIM_FLOCK": "\(ENOLCK)", "SHIM_LOCK": "\(ENOLCK)"]
        let first = try shell(
            train + " --set training.epochs=100000 --set run.directory=long", environment: environment, in: folder)
        for _ in 0..<500 where !folder.exists("long/checkpoints/latest") { usleep(20_000) }
        let other = try Folder()
        let second = try finish(
            shell(
                "cd \(folder.path) && \(train) --set training.epochs=100000 --set run.directory=long",
                environment: environment, in: other), in: other)
        #expect(second.exitCode == 78 && second.errors.contains("Another process is training in"), "\(second.errors)")
        #expect(second.errors.contains("process \(first.processIdentifier) on "), "\(second.errors)")
        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()
        // Another error is what it is.
        let failed = try finish(
            shell(train, environment: ["LD_PRELOAD": shim, "SHIM_FLOCK": "\(EIO)"], in: folder), in: folder)
        #expect(failed.exitCode == 74 && failed.errors.contains("cannot lock") && failed.errors.contains("errno 5"))
    }

    @Test func aSecondSIGTERMEndsAStepThatDoesNotEndButNotBeforeItsTime() throws {
        let folder = try SmallExperiment.folder()
        guard let shim = try makeShim(in: folder) else { return }
        let hang = folder.url("hang").path
        let process = try shell(
            "exec \(program) train --config small.yaml --set training.epochs=100000 --stop-within 2",
            environment: ["LD_PRELOAD": shim, "SHIM_HANG": hang], in: folder)
        for _ in 0..<500 where !folder.exists("run/checkpoints/latest") { usleep(20_000) }
        // From now on nothing reaches the disk.
        try folder.write(Data(), to: "hang")
        sleep(1)
        for signal in [SIGTERM, SIGTERM, SIGUSR1, SIGHUP] {
            kill(process.processIdentifier, signal)
            usleep(100_000)
        }
        sleep(1)
        #expect(process.isRunning, "more signals are the same wish")
        sleep(2)
        kill(process.processIdentifier, SIGTERM)
        let outcome = try finish(process, limit: 20, in: folder)
        #expect(outcome.exitCode == -SIGTERM, "\(outcome)")
        #expect(outcome.errors.contains("Signal received"))
        try folder.remove("hang")
        #expect(try Tool.inspect.run(["run", "--verify"], in: folder).exitCode == 0)
    }

    @Test(arguments: [
        "evaluate --checkpoint run", "evaluate --checkpoint run --threads 4",
        // Its buffers are what OpenBLAS would ask for without end.
        "bench forward --backbone resnet18 --engine openblas",
    ])
    func aLimitOfTheAddressSpaceIsAnErrorThatSaysWhatIsMissing(command: String) throws {
        let folder = try SmallExperiment.trainedFolder()
        // The least that the program and its libraries start with, which is not enough for more.
        var limit = 120_000
        var outcome: Tool.Outcome
        repeat {
            outcome = try finish(
                shell("ulimit -v \(limit) && exec \(program) \(command)", in: folder), limit: 60, in: folder)
            limit += 20_000
        } while outcome.exitCode == 127 && limit < 600_000
        #expect(outcome.exitCode == 74, "\(outcome)")
        let sentences = ["Memory is short", "memory could not be had", "Memory or address space is used up"]
        #expect(sentences.contains { outcome.errors.contains($0) }, "\(outcome)")
    }

    @Test func aRoomyLimitOfTheAddressSpaceChangesNothing() throws {
        let folder = try SmallExperiment.trainedFolder()
        let roomy = try finish(
            shell("ulimit -v 2000000 && exec \(program) evaluate --checkpoint run --threads 2", in: folder), in: folder)
        #expect(roomy.exitCode == 0, "\(roomy)")
    }
}
