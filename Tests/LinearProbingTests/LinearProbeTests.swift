import DisentangledHead
import DurableFiles
import Foundation
import LinearProbing
import SeededNumbers
import SystemPackage
import TemporaryFolders
import Tensors
import Testing

/// What Reference/record_probe.py wrote.
private struct RecordedProbe: Decodable {
    let features: [Float]
    let labels: [Int]
    let channelCount, classCount: Int
    let strength: Double
    let weights, bias: [Double]
}

@Suite("Linear probe")
struct LinearProbeTests {
    @Test("At convergence it is PyTorch's logistic regression")
    func reference() throws {
        let url = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/probe.json")
        let recorded = try JSONDecoder().decode(RecordedProbe.self, from: Data(contentsOf: url))
        let features = Tensor(shape: [recorded.labels.count, recorded.channelCount], values: recorded.features)
        let probe = try LinearProbe.fit(
            features: features, labels: recorded.labels, classCount: recorded.classCount,
            strengths: [recorded.strength], tolerance: 1e-12, team: three)
        #expect(relativeDifference(probe.classifier.weights, recorded.weights) < 1e-4)
        #expect(relativeDifference(probe.classifier.bias ?? [], recorded.bias) < 1e-4)
    }

    private func clusters(_ count: Int, spread: Double, seed: UInt64) -> (features: Tensor, labels: [Int]) {
        let labels = (0..<count).map { $0 % 5 }
        let centres = normals(5 * 12, seed: 90).map { 3 * $0 }
        let noise = normals(count * 12, seed: seed)
        let values = (0..<count * 12).map { Float(centres[labels[$0 / 12] * 12 + $0 % 12] + spread * noise[$0]) }
        return (Tensor(shape: [count, 12], values: values), labels)
    }

    @Test("It separates what can be separated, and generalises")
    func separable() throws {
        let train = clusters(200, spread: 0.5, seed: 91)
        let test = clusters(100, spread: 0.5, seed: 92)
        let probe = try LinearProbe.fit(features: train.features, labels: train.labels, classCount: 5, team: three)
        let (fitted, predicted) = (
            try probe.predict(train.features, team: alone), try probe.predict(test.features, team: alone)
        )
        #expect(fitted == train.labels)
        #expect(predicted == test.labels)
        #expect(LinearProbe.defaultStrengths.contains(probe.regularisation))
    }

    @Test("One and three workers give the same bits; a constant feature does no harm")
    func workers() throws {
        var data = clusters(60, spread: 4, seed: 93)
        for row in 0..<60 { data.features.values[row * 12 + 3] = 7 }
        let first = try LinearProbe.fit(features: data.features, labels: data.labels, classCount: 5, team: alone)
        let second = try LinearProbe.fit(features: data.features, labels: data.labels, classCount: 5, team: three)
        #expect(first == second)
        #expect(first.classifier.weights.allSatisfy { $0.isFinite })
    }

    @Test("Noise asks for more regularisation than signal")
    func strengths() throws {
        let noise = normalTensor([100, 60], seed: 94)
        let labels = randomLabels(100, classCount: 2, seed: 95)
        let probe = try LinearProbe.fit(
            features: noise, labels: labels, classCount: 2, strengths: [1e-6, 100], team: alone)
        let unregularised = try LinearProbe.fit(
            features: noise, labels: labels, classCount: 2, strengths: [1e-6], team: alone)
        func norm(_ probe: LinearProbe) -> Float { probe.classifier.weights.reduce(0) { $0 + $1 * $1 } }
        #expect(norm(unregularised) > 0)
        if probe.regularisation == 100 { #expect(norm(probe) < norm(unregularised) / 100) }
    }

    /// The rows of clusters in `shardCount` logical shards, in a file of `folder` where there is one.
    private func rows(_ features: Tensor, shardCount: Int, in folder: FilePath? = nil) throws -> FeatureRows {
        let rows = try FeatureRows(
            shards: (0..<shardCount).map { ($0, Array(stride(from: $0, to: features.shape[0], by: shardCount))) },
            of: shardCount, width: 12, folders: folder.map { [$0.appending("none"), $0] } ?? [],
            memoryLimit: folder == nil ? .max : 0)
        #expect(rows.isInMemory == (folder == nil))
        for shard in rows.shards {
            for (row, sample) in shard.samples.enumerated() {
                try rows.set(Array(features.values[sample * 12..<(sample + 1) * 12]), fromRow: shard.firstRow + row)
            }
        }
        return rows
    }

    @Test("Rows in a file give the bits of rows in memory, and leave nothing behind")
    func rowsInAFile() throws {
        // More than a block a shard.
        let data = clusters(1200, spread: 4, seed: 96)
        try withTemporaryFolder { folder in
            let inMemory = try LinearProbe.fit(
                rows: rows(data.features, shardCount: 3), labels: data.labels, classCount: 5, team: alone)
            for team in [alone, three, WorkerTeam(workerCount: 5)] {
                let inFile = try LinearProbe.fit(
                    rows: rows(data.features, shardCount: 3, in: folder), labels: data.labels, classCount: 5,
                    team: team)
                #expect(inFile == inMemory)
            }
            #expect(try DurableDirectory.names(in: folder) == [])
        }
    }

    @Test("The number of logical shards, some of them empty, changes the fit by rounding alone")
    func shards() throws {
        let data = clusters(60, spread: 4, seed: 97)
        func weights(_ shardCount: Int) throws -> [Float] {
            try LinearProbe.fit(
                rows: rows(data.features, shardCount: shardCount), labels: data.labels, classCount: 5,
                strengths: [1e-2], tolerance: 1e-12, team: three
            ).classifier.weights
        }
        let one = try weights(1).map { Double($0) }
        for count in [2, 7, 80] { #expect(relativeDifference(try weights(count), one) < 1e-3, "\(count) shards") }
    }

    @Test("Features of very different and correlated scales are fitted as well as others")
    func illConditioned() throws {
        let data = clusters(300, spread: 2, seed: 98)
        var features = data.features
        for row in 0..<300 {
            for column in 0..<12 {
                let sum = (0...column).reduce(Float(0)) { $0 + data.features.values[row * 12 + $1] }
                features.values[row * 12 + column] =
                    1000 + sum * Float(sign: .plus, exponent: column - 6, significand: 1)
            }
        }
        // An invertible linear map of the features: without a penalty on the weights the fit is the same function.
        let (plain, mapped) = (
            try LinearProbe.fit(
                features: data.features, labels: data.labels, classCount: 5, strengths: [1e-6], tolerance: 1e-8,
                team: three),
            try LinearProbe.fit(
                features: features, labels: data.labels, classCount: 5, strengths: [1e-6], tolerance: 1e-8, team: three)
        )
        let agreeing = zip(
            try plain.predict(data.features, team: alone), try mapped.predict(features, team: alone)
        ).count { $0 == $1 }
        #expect(agreeing >= 297)
    }

    @Test("Inputs that do not fit are errors")
    func badInputs() {
        func fit(_ features: Tensor, _ labels: [Int], strengths: [Double] = [0.1]) throws {
            _ = try LinearProbe.fit(
                features: features, labels: labels, classCount: 2, strengths: strengths, team: alone)
        }
        #expect(throws: HeadError.shapeMismatch(tensor: "features", expected: [3, 2], found: [2, 2])) {
            try fit(Tensor(zeros: [2, 2]), [0, 1, 1])
        }
        #expect(throws: HeadError.labelOutOfRange(label: -1, classCount: 2)) {
            try fit(Tensor(zeros: [2, 2]), [0, -1])
        }
        #expect(throws: HeadError.tooFewSamples(count: 1, needed: 2)) { try fit(Tensor(zeros: [1, 2]), [0]) }
        #expect(throws: HeadError.notFinite(tensor: "features", step: nil)) {
            try fit(Tensor(shape: [2, 1], values: [1, .nan]), [0, 1])
        }
        #expect(throws: HeadError.self) { try fit(Tensor(zeros: [2, 2]), [0, 1], strengths: []) }
        #expect(throws: HeadError.self) { try fit(Tensor(zeros: [2, 2]), [0, 1], strengths: [-1]) }
    }
}

extension LinearProbe {
    /// The class with the largest logit for each row of features [N, D].
    fileprivate func predict(_ features: Tensor, team: WorkerTeam) throws -> [Int] {
        let (logits, classCount) = (try logits(features, team: team), classifier.classCount)
        return (0..<features.shape[0]).map { row in
            Ranking.first(of: logits[row * classCount..<(row + 1) * classCount]) ?? 0
        }
    }
}
