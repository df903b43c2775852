import ArgumentParser
import Checkpoints
import DurableFiles
import PrintableText
import StrictJSON
import SystemPackage

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "infodisent-inspect",
        abstract: "Show what a checkpoint is and how its head is.",
        discussion: """
            CHECKPOINT is a run directory, its checkpoints folder, the folder of one step, or a file of weights: \
            safetensors, or what torch.save wrote (.pth, .pt, .bin), of which nothing is executed.
            Exit codes: 0 done, 64 wrong usage, 65 bad data, 66 input missing, 70 internal, 74 I/O.
            """)

    @Argument(help: "What to look at.", completion: .file())
    var checkpoint: String

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(
        help: "Only check: digests, shapes, finite values, A >= 0, orthogonality; of a file of weights, all its data.")
    var verify = false

    @Option(help: ArgumentHelp("Compare with another checkpoint.", valueName: "other"))
    var diff: String?

    func validate() throws {
        if verify && diff != nil {
            throw ValidationError("--diff checks both checkpoints already; leave out --verify.")
        }
        for path in [checkpoint, diff ?? "."] where path.isEmpty || path.utf8.contains(0) {
            throw ValidationError("a path is empty or holds a zero byte.")
        }
        if let diff, DurableFile.exists(FilePath(checkpoint)) || DurableFile.exists(FilePath(diff)) {
            throw ValidationError("--diff compares checkpoints, not files.")
        }
    }

    func run() throws {
        let path = FilePath(checkpoint)
        if DurableFile.exists(path) {
            let report = try WeightFileReport(path, checkingElements: verify)
            show(report.json) { report.text }
        } else if let diff {
            let (first, second) = try (Self.checkpoint(at: path), Self.checkpoint(at: FilePath(diff)))
            let report = ComparisonReport(first, second)
            show(report.json) { report.text }
        } else if verify {
            try verify(path)
        } else {
            try describe(path)
        }
    }

    /// A checkpoint and, in case it is damaged, its state, which is good by itself then.
    private struct Inspected {
        let directory: FilePath
        let state: CheckpointState
        let checkpoint: Result<Checkpoint, any Error>

        init(_ path: FilePath) throws {
            self = try CheckpointStore.withCheckpoint(at: path) { directory in
                let state = try Checkpoint.state(of: directory)
                let checkpoint = Result { try Checkpoint(reading: directory) }
                switch checkpoint {
                // Whichever of its files was read last.
                case .failure(CheckpointError.removed), .failure(CheckpointError.noCheckpoint):
                    throw CheckpointError.removed(path: directory)
                default: break
                }
                return Inspected(directory: directory, state: state, checkpoint: checkpoint)
            }
        }

        private init(directory: FilePath, state: CheckpointState, checkpoint: Result<Checkpoint, any Error>) {
            (self.directory, self.state, self.checkpoint) = (directory, state, checkpoint)
        }
    }

    /// What the state says comes first, so that it is seen of a damaged checkpoint too.
    private func describe(_ path: FilePath) throws {
        let inspected = try Inspected(path)
        let (directory, state) = (inspected.directory, inspected.state)
        let places = RunPlaces(ofCheckpoint: directory)
        let provenance = ProvenanceReport(directory: directory, state: state, places: places)
        if !json { print(provenance.text.printableLines) }
        let checkpoint = try inspected.checkpoint.get()
        let health = HealthReport(CheckpointHealth(of: checkpoint))
        show(
            .object([
                "checkpoint": .string(directory.string), "state": state.json, "health": health.json,
                "places": places.map { .object($0.paths.mapValues { .string($0.string) }) } ?? .null,
                "optimizer": .object(
                    Dictionary(
                        uniqueKeysWithValues: checkpoint.optimizer.map { tensor in
                            (tensor.name, .array(tensor.shape.map { .integer($0) }))
                        })),
            ])
        ) { "\n" + health.text }
    }

    private static func checkpoint(at path: FilePath) throws -> Checkpoint {
        try CheckpointStore.withCheckpoint(at: path, Checkpoint.init(reading:))
    }

    private func verify(_ path: FilePath) throws {
        func ok(_ what: String) {
            if !json { print("ok  \(what)".printableLines) }
        }
        let inspected = try Inspected(path)
        let (directory, state) = (inspected.directory, inspected.state)
        ok("state.json: schema version \(state.fileSchemaVersion), digest, step \(state.step)")
        let checkpoint = try inspected.checkpoint.get()
        for (name, digest) in state.files.sorted(by: { $0.key < $1.key }) { ok("\(name): digest \(digest)") }
        ok("channel_map [\(checkpoint.channelCount), \(checkpoint.channelCount)] is finite")
        ok(
            "channel_map is orthogonal: max|U^T U - I| = \(checkpoint.orthogonalityError), at most "
                + "\(Checkpoint.orthogonalityLimit)")
        ok(
            "classifier [\(checkpoint.classCount), \(checkpoint.weightsPerClass)] is finite and "
                + (checkpoint.keepsClassifier ? "was kept, with weights of any sign" : "not negative"))
        ok("optimizer is finite, tensors: \(checkpoint.optimizer.count)")
        if json {
            print(
                JSONValue.object([
                    "checkpoint": .string(directory.string), "verified": .bool(true), "step": .integer(state.step),
                    "orthogonality_error": .number(checkpoint.orthogonalityError),
                ]).text(indented: true))
        }
    }

    private func show(_ value: JSONValue, _ text: () -> String) {
        print(json ? value.text(indented: true) : text().printableLines)
    }
}
