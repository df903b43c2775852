import DurableFiles
import Foundation
import SystemPackage

/// One line of `metrics.jsonl`.
public struct MetricsRecord: Codable, Equatable, Sendable {
    public enum Kind: String, Codable, Sendable {
        /// A step in the middle of an epoch.
        case step
        /// The end of an epoch, with test figures where it was evaluated.
        case epoch
    }

    public var kind: Kind
    /// Steps completed since the start of the run.
    public var step: Int
    /// Epochs begun, from 1.
    public var epoch: Int
    /// Mean cross-entropy over the samples of the epoch so far, in nats.
    public var loss: Double
    /// Share of the epoch's training samples so far that were classified correctly before their step.
    public var accuracy: Double
    public var learningRate: Double
    /// max|U^T U - I|.
    public var orthogonalityError: Double?
    /// Shares of test images whose class is the first, or among the first five; absent where not evaluated.
    public var testTop1: Double?
    public var testTop5: Double?
    /// Wall-clock seconds since the process started training.
    public var seconds: Double?

    public init(
        kind: Kind, step: Int, epoch: Int, loss: Double, accuracy: Double, learningRate: Double,
        orthogonalityError: Double? = nil, testTop1: Double? = nil, testTop5: Double? = nil, seconds: Double? = nil
    ) {
        self.kind = kind
        self.step = step
        self.epoch = epoch
        self.loss = loss
        self.accuracy = accuracy
        self.learningRate = learningRate
        self.orthogonalityError = orthogonalityError
        self.testTop1 = testTop1
        self.testTop5 = testTop5
        self.seconds = seconds
    }

    enum CodingKeys: String, CodingKey {
        case kind, step, epoch, loss, accuracy, seconds
        case learningRate = "learning_rate"
        case orthogonalityError = "orthogonality_error"
        case testTop1 = "test_top1"
        case testTop5 = "test_top5"
    }
}

/// The file `metrics.jsonl` of a run: one JSON object a line, in order of steps.
public struct MetricsLog {
    private let path: FilePath

    /// Opens the log of a run that goes on after `step`: lines of later steps, which the run will write again, and a
    /// last line cut short by a kill are removed.
    public init(_ path: FilePath, continuingAfter step: Int) throws {
        self.path = path
        let kept = try Self.read(path).filter { $0.step <= step }
        try DurableFile.write(kept.map(Self.line).joined(), to: path)
    }

    /// Appends one line. Throws `DurableFileError`.
    public func append(_ record: MetricsRecord) throws {
        do {
            let descriptor = try FileDescriptor.open(path, .writeOnly, options: [.append])
            try descriptor.closeAfter { _ = try descriptor.writeAll(Self.line(record).utf8) }
        } catch let error as Errno {
            throw DurableFileError.failed(operation: "write", path: path, code: error.rawValue)
        }
    }

    /// The records of a log; none if there is no such file. Lines that are not records are left out.
    public static func read(_ path: FilePath) throws -> [MetricsRecord] {
        let bytes: [UInt8]
        do {
            bytes = try DurableFile.read(path)
        } catch DurableFileError.missing {
            return []
        }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            try? JSONDecoder().decode(MetricsRecord.self, from: Data(line))
        }
    }

    private static func line(_ record: MetricsRecord) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(record) else {
            preconditionFailure("a metrics record with a number that is not finite: \(record)")
        }
        return String(decoding: data, as: UTF8.self) + "\n"
    }
}
