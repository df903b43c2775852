public import Datasets
import Evaluation
public import MessagePassing
public import Results
public import RunControl
public import Tensors

extension DeployedModel {
    /// Which images of another dataset a model is evaluated on.
    public enum ClassMatch: String, CaseIterable, Sendable {
        /// All; the dataset must have exactly the model's classes.
        case all
        /// Those of the classes that both have.
        case common
    }

    /// The images of a dataset with the labels that the model has for their classes.
    public struct MatchedImages: Sendable {
        public let dataset: Dataset
        /// Numbers of the samples in the dataset, with the model's labels.
        let samples: [(number: Int, label: Int)]
        /// The model's classes that are among them.
        public let classCount: Int
        /// Classes of the dataset whose images are left out, and of the model that it has no image of.
        public let unknownClasses: [String]
        public let missingClasses: [String]
        public var imageCount: Int { samples.count }
    }

    /// The images of a dataset, or of one of its parts, with the model's labels: classes are matched by their names, whatever
    /// their order.
    /// - Throws: `PredictionError.classesDiffer` naming the classes that only one of them has, or with `common`,
    ///   `.nothingInCommon`.
    public func match(_ dataset: Dataset, split: Split?, classes: ClassMatch) throws -> MatchedImages {
        var labels: [String: Int] = [:]
        for (label, name) in classNames.enumerated() { labels[name] = label }
        let numbers =
            switch split {
            case .train: 0..<dataset.train.count
            case .test: dataset.train.count..<dataset.count
            case nil: 0..<dataset.count
            }
        var samples: [(number: Int, label: Int)] = []
        var found = Set<Int>()
        var unknown = Set<Int>()
        for number in numbers {
            let label = dataset[number].label
            if let own = labels[dataset.classNames[label]] {
                samples.append((number, own))
                found.insert(own)
            } else {
                unknown.insert(label)
            }
        }
        let missing = classNames.indices.filter { !found.contains($0) }.map { classNames[$0] }
        let unknownNames = unknown.sorted().map { dataset.classNames[$0] }
        if classes == .all, !unknownNames.isEmpty || !missing.isEmpty {
            throw PredictionError.classesDiffer(
                dataset: dataset.root.string, unknown: unknownNames, missing: missing)
        }
        guard !samples.isEmpty else {
            throw PredictionError.nothingInCommon(
                dataset: dataset.root.string, found: dataset.classNames, known: classNames)
        }
        return MatchedImages(
            dataset: dataset, samples: samples, classCount: found.count, unknownClasses: unknownNames,
            missingClasses: missing)
    }

    /// The predictions for another dataset's images, in its order, with the model's labels. Collective: the ranks share the
    /// images out; rank 0 gets the predictions, the others get an empty array.
    /// - Throws: on all ranks, the error of an image that cannot be read.
    public func predictions(
        of images: MatchedImages, team: WorkerTeam, communicator: any Communicator = SingleProcess(),
        progress: @escaping ProgressHandler = { _ in }
    ) throws -> [Prediction] {
        let (samples, dataset, total) = (images.samples, images.dataset, images.samples.count)
        let (rank, size) = (communicator.rank, communicator.size)
        let share = rank * total / size..<(rank + 1) * total / size
        let workspaces = WorkerLocal(team) { makeWorkspace() }
        let alone = WorkerTeam(workerCount: 1)
        communicator.activity.begin(step: 0, "evaluating")
        let records = try communicator.together {
            var records: [PredictionRecord] = []
            // In pieces, so that progress can be shown in order.
            for start in stride(from: share.lowerBound, to: share.upperBound, by: Self.pieceLength) {
                let piece = start..<min(start + Self.pieceLength, share.upperBound)
                records += try team.map(piece.count) { worker, index in
                    let place = piece.lowerBound + index
                    let sample = dataset[samples[place].number]
                    let pixels = try dataset.pixels(of: sample, bytes: dataset.bytes(of: sample), through: input)
                    let result = try forward(pixels, workspace: workspaces[worker], alone: alone)
                    communicator.activity.progress()
                    return PredictionRecord(result, row: 0, head: head, sample: place)
                }
                progress(
                    .init(
                        activity: "evaluate", completed: total * records.count / share.count, total: total,
                        unit: "images"))
            }
            return records
        }
        return try PredictionRecord.gather(records, on: communicator).map { record in
            let (number, label) = samples[record.sample]
            return record.prediction(path: dataset[number].path, label: label)
        }
    }

    private static let pieceLength = 64
}
