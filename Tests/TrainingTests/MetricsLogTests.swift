import DurableFiles
import Foundation
import Results
import SystemPackage
import Testing
import Training

@Suite struct MetricsLogTests {
    private let folder = FilePath(NSTemporaryDirectory()).appending("metrics-\(UUID().uuidString)")

    private func record(step: Int) -> MetricsRecord {
        MetricsRecord(
            kind: .step, step: step, epoch: 1, loss: 0.5, accuracy: 0.25, learningRate: 0.01, seconds: 1.5)
    }

    @Test func recordsAreReadBackInOrder() throws {
        try DurableFile.createDirectory(folder)
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let path = folder.appending("metrics.jsonl")
        let log = try MetricsLog(path, continuingAfter: 0)
        for step in 1...5 { try log.append(record(step: step)) }
        #expect(try MetricsLog.read(path) == (1...5).map { record(step: $0) })
    }

    @Test func aResumedRunForgetsLaterStepsAndATornLine() throws {
        try DurableFile.createDirectory(folder)
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let path = folder.appending("metrics.jsonl")
        var log = try MetricsLog(path, continuingAfter: 0)
        for step in 1...5 { try log.append(record(step: step)) }
        try DurableFile.write(DurableFile.read(path) + Array(#"{"kind":"step","st"#.utf8), to: path)
        log = try MetricsLog(path, continuingAfter: 3)
        try log.append(record(step: 4))
        #expect(try MetricsLog.read(path) == (1...4).map { record(step: $0) })
        let text = String(decoding: try DurableFile.read(path), as: UTF8.self)
        #expect(text.split(separator: "\n").count == 4 && text.hasSuffix("\n"))
    }

    @Test func aLogThatIsNotThereIsEmpty() throws {
        #expect(try MetricsLog.read(folder.appending("none.jsonl")).isEmpty)
    }
}
