import Backbones
import DisentangledHead
import DurableFiles
import Evaluation
import FieldCoding
import ImageCoding
import Inference
public import MessagePassing
public import Results
import SystemPackage
public import Tensors

extension DeployedModel {
    /// What is said about each image.
    public struct PredictionOptions: Sendable {
        /// How many classes, those with the largest logits.
        public var classCount: Int
        /// How many channels, those with the largest contributions to the first class.
        public var channelCount: Int
        /// What a user calls them.
        public var names: ChannelNames

        public init(classCount: Int, channelCount: Int, names: ChannelNames = ChannelNames()) {
            self.classCount = classCount
            self.channelCount = channelCount
            self.names = names
        }
    }

    /// Images that went through, and how many of them could not be read.
    public struct PredictionCounts: Equatable, Sendable {
        public var images = 0
        public var unreadable = 0
    }

    /// What is written about an image.
    private struct Row: Sendable {
        let text: String
        let isReadable: Bool
    }

    /// Images of one rank that are on their way at a time.
    private static let batchSize = 64

    /// Judges images, whichever there are, and hands the text that `format` makes of each to `emit`, in the order of `paths`.
    /// Collective: the ranks share the images out; rank 0 alone reads `paths` and calls `emit`, and the texts are those of one
    /// process. Few images are in memory at a time.
    ///
    /// - Parameters:
    ///   - paths: looked at on rank 0 only.
    ///   - progress: receives the number of images done.
    /// - Throws: on all ranks, the error of `paths` or `emit`. An image that cannot be read is no error but a record of it.
    public func predict(
        _ paths: ImagePaths?, options: PredictionOptions, team: WorkerTeam,
        communicator: any Communicator = SingleProcess(), progress: (Int) -> Void = { _ in },
        format: @Sendable (ImagePrediction) throws -> String, emit: (String) throws -> Void
    ) throws -> PredictionCounts {
        var paths = paths
        let workspaces = WorkerLocal(team) { makeWorkspace() }
        let alone = WorkerTeam(workerCount: 1)
        var counts = PredictionCounts()
        communicator.activity.begin(step: 0, "predicting")
        while true {
            let batch = try communicator.together {
                // Whoever writes a list that is a pipe takes the time it takes.
                try communicator.activity.allowing(.seconds(86_400)) {
                    try paths?.next(Self.batchSize * communicator.size) ?? []
                }
            }
            let (isLast, own) = try share(batch, on: communicator)
            if isLast { break }
            let rows = try communicator.together {
                try team.map(own.count) { worker, index in
                    let prediction = prediction(
                        ofImageAt: own[index], options, workspace: workspaces[worker], alone: alone)
                    communicator.activity.progress()
                    return Row(text: try format(prediction), isReadable: prediction.error == nil)
                }
            }
            var writer = FieldWriter()
            writer.append(list: rows) { writer, row in
                writer.append(row.isReadable ? 1 : 0)
                writer.append(row.text)
            }
            let messages = try communicator.gather(writer.bytes, to: 0)
            try communicator.together {
                for (rank, message) in messages.enumerated() {
                    for row in try Self.rows(message, ofRank: rank) {
                        try emit(row.text)
                        counts.images += 1
                        if !row.isReadable { counts.unreadable += 1 }
                    }
                }
            }
            progress(counts.images)
        }
        var sums = [Int64(counts.images), Int64(counts.unreadable)]
        try communicator.sum(&sums)
        return PredictionCounts(images: Int(sums[0]), unreadable: Int(sums[1]))
    }

    /// The part of rank 0's images that each rank gets; the last round has none.
    private func share(
        _ batch: [FilePath], on communicator: any Communicator
    ) throws -> (isLast: Bool, own: [FilePath]) {
        let size = communicator.size
        var messages = [[UInt8]](repeating: [], count: size)
        if communicator.rank == 0 {
            for rank in 0..<size {
                var writer = FieldWriter()
                writer.append(batch.isEmpty ? 1 : 0)
                let part = batch[rank * batch.count / size..<(rank + 1) * batch.count / size]
                writer.append(list: Array(part)) { $0.append($1.string) }
                messages[rank] = writer.bytes
            }
        }
        var reader = FieldReader(try communicator.exchange(messages)[0])
        do {
            let isLast = try reader.readCount() == 1
            let own = try reader.readList(ofAtLeast: 8) { reader throws(FieldFault) in FilePath(try reader.readText()) }
            return (isLast, own)
        } catch let fault as FieldFault {
            throw MessagePassingError.malformedMessage(rank: 0, subject: "list of images", problem: fault.problem)
        }
    }

    private static func rows(_ message: [UInt8], ofRank rank: Int) throws -> [Row] {
        var reader = FieldReader(message)
        do {
            return try reader.readList(ofAtLeast: 16) { reader throws(FieldFault) in
                let isReadable = try reader.readCount() == 1
                return Row(text: try reader.readText(), isReadable: isReadable)
            }
        } catch let fault as FieldFault {
            throw MessagePassingError.malformedMessage(rank: rank, subject: "predictions", problem: fault.problem)
        }
    }

    /// What is said about one image, on the calling thread.
    private func prediction(
        ofImageAt path: FilePath, _ options: PredictionOptions, workspace: BackboneWorkspace, alone: WorkerTeam
    ) -> ImagePrediction {
        do {
            let bytes = try DurableFile.read(path)
            let result = try forward(input.pixels(ofFile: bytes, path: path), workspace: workspace, alone: alone)
            let logits = result.logits(ofImage: 0)
            let probabilities = head.loss.probabilities(logits)
            let classes = Ranking.top(options.classCount, of: logits).map { label in
                ClassScore(
                    label: label, className: classNames[label], logit: logits[label], probability: probabilities[label])
            }
            return ImagePrediction(
                path: path.string, classes: classes,
                channels: options.channelCount == 0
                    ? []
                    : try channels(options, of: classes[0].label, result.pooled, bytes, path))
        } catch {
            return ImagePrediction(path: path.string, error: "\(error)")
        }
    }

    /// The channels that an explanation of the logit of `label` shows first.
    private func channels(
        _ options: PredictionOptions, of label: Int, _ pooled: PooledActivations, _ bytes: [UInt8], _ path: FilePath
    ) throws -> [ImagePrediction.Channel] {
        let size = try imageSize(bytes, path)
        let all = head.contributions(to: label, pooled, mapWidth: featureMap.width)
        return all.prefix(options.channelCount).map { contribution in
            let side = contribution.dominantSide
            let cell = contribution.position(of: side)
            let part = input.part(
                left: Double(cell.column) / Double(featureMap.width), top: Double(cell.row) / Double(featureMap.height),
                right: Double(cell.column + 1) / Double(featureMap.width),
                bottom: Double(cell.row + 1) / Double(featureMap.height), ofWidth: size.width, height: size.height)
            return ImagePrediction.Channel(
                channel: contribution.channel, name: options.names[contribution.channel],
                contribution: contribution.contribution, side: side,
                activation: contribution.activation(of: side), cell: cell,
                box: part.map { .init(x: $0.x, y: $0.y, width: $0.width, height: $0.height) })
        }
    }

    /// The size of the image that the input is made from: as stored, or as it is shown where EXIF is followed.
    private func imageSize(_ bytes: [UInt8], _ path: FilePath) throws -> (width: Int, height: Int) {
        guard let header = ImageHeader(of: bytes) else {
            let image = try input.decode(bytes, path: path)
            return (image.width, image.height)
        }
        let isSwapped = input.exif == .apply && ExifOrientation(of: bytes).swapsSides
        return isSwapped ? (header.height, header.width) : (header.width, header.height)
    }
}
