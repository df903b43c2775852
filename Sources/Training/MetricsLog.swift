import DurableFiles
import Foundation
public import Results
public import SystemPackage

/// The file `metrics.jsonl` of a run: one JSON object a line, in order of steps.
public struct MetricsLog {
    private let path: FilePath
    /// Wall-clock seconds of training that the kept lines tell of.
    let secondsBefore: Double

    /// Opens the log of a run that goes on after `step`: lines of later steps, which the run will write again, and a
    /// last line cut short by a kill are removed.
    public init(_ path: FilePath, continuingAfter step: Int) throws {
        self.path = path
        let kept = try Self.read(path).filter { $0.step <= step }
        secondsBefore = kept.last?.seconds ?? 0
        try DurableFile.write(kept.map(Self.line).joined(), to: path)
    }

    /// Appends one line. Throws `DurableFileError`.
    public func append(_ record: MetricsRecord) throws {
        try DurableFile.append(Array(Self.line(record).utf8), to: path)
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

    /// Writes the ends of epochs as comma-separated values (RFC 4180) with a header line; a figure that an epoch does not have is
    /// empty. Equal runs have equal tables: it holds no times.
    func writeTable(to table: FilePath) throws {
        func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
        let rows = try Self.read(path).filter { $0.kind == .epoch }.map { record in
            ["\(record.step)", "\(record.epoch)"]
                + [
                    record.loss, record.accuracy, record.learningRate, record.orthogonalityError, record.testTop1,
                    record.testTop5,
                ].map(text)
        }
        let header = [
            "step", "epoch", "loss", "accuracy", "learning_rate", "orthogonality_error", "test_top1", "test_top5",
        ]
        try DurableFile.write(([header] + rows).map { $0.joined(separator: ",") + "\r\n" }.joined(), to: table)
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
