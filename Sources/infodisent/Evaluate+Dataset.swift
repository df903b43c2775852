import ArgumentParser
import Datasets
import DeployedModels
import DurableFiles
import Foundation
import MessagePassing
import Results
import SystemPackage
import Tensors

extension Evaluate {
    /// Evaluates the head on another dataset's images, which go through the backbone; nothing is kept of them. Collective.
    func evaluate(on root: FilePath, team: WorkerTeam, on communicator: any Communicator) throws {
        let model = try source.deploy(on: communicator)
        communicator.activity.begin(step: 0, "reading the dataset's listing")
        let dataset = try communicator.together {
            try communicator.activity.allowing(.seconds(3600)) {
                try Dataset.load(
                    root: root, options: DatasetOptions(crop: model.configuration.dataset.crop), team: team)
            }
        }
        Console.note(dataset.recognition)
        dataset.notes.forEach(Console.note)
        let part = images ?? (dataset.hasOwnSplit ? .test : .all)
        let matched = try model.match(dataset, split: part.split, classes: classes)
        if !matched.unknownClasses.isEmpty || !matched.missingClasses.isEmpty {
            Console.note(
                "\(matched.unknownClasses.count) classes of \(root) are unknown to the head and left out, and "
                    + "\(matched.missingClasses.count) of its \(model.head.classCount) classes have no image there.")
        }
        let predictions = try model.predictions(
            of: matched, team: team, communicator: communicator, progress: Console.showProgress)
        try communicator.together {
            guard communicator.rank == 0 else { return }
            if let path = self.predictions {
                try DurableFile.write(Self.csv(predictions, classNames: model.classNames), to: path)
            }
            let result = EvaluationResult(
                checkpoint: model.checkpointName, backbone: model.backboneName, head: model.head,
                predictions: predictions, ownLastLayer: nil, blackBox: nil, team: team, dataset: root.string,
                evaluatedClassCount: matched.classCount)
            try Console.result(json ? try jsonText(result) : result.table)
        }
    }
}

/// The images of another dataset that a head is evaluated on.
enum EvaluatedImages: String, CaseIterable, ExpressibleByArgument {
    case test, train, all

    var split: Split? {
        switch self {
        case .test: .test
        case .train: .train
        case .all: nil
        }
    }
}

extension DeployedModel.ClassMatch: ExpressibleByArgument {}
