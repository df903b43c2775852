import DurableFiles
import SystemPackage
import Tensors

extension FeatureCache {
    /// Bytes of the file that a rehearsal reads: more than a processor's own caches hold.
    private static let rehearsedByteCount = 32 << 20

    /// Core-seconds that reading a sample's features takes, with all threads of `team` busy: rows that have been verified before, of
    /// a file that the system has in memory, to floats.
    ///
    /// - Parameters:
    ///   - samplesPerRead: samples that are asked for together.
    ///   - folder: where the file is made, without a name.
    ///   - time: takes the time of what it is given.
    /// - Throws: `DurableFileError` where the file cannot be made; what `time` throws.
    package static func readingSeconds(
        precision: CachePrecision, featureMap: FeatureMapShape, samplesPerRead: Int, in folder: FilePath,
        team: WorkerTeam, time: (() throws -> Void) throws -> Double
    ) throws -> Double {
        let (elementCount, rowByteCount) = (featureMap.elementCount, precision.byteCount(of: featureMap))
        let rowCount = max(samplesPerRead, rehearsedByteCount / rowByteCount)
        let file = try ScratchFile(in: folder, byteCount: rowCount * rowByteCount)
        let row = [UInt8](repeating: 0, count: rowByteCount)
        for number in 0..<rowCount {
            try row.withUnsafeBytes { try file.write($0, at: number * rowByteCount) }
        }
        return try secondsPerSample(
            rowCount: rowCount, elementCount: elementCount, scratchByteCount: rowByteCount,
            samplesPerRead: samplesPerRead, team: team, time: time
        ) { number, memory, destination in
            try file.read(into: memory, at: number * rowByteCount)
            precision.widen(
                UnsafeRawBufferPointer(memory), channelCount: featureMap.channelCount, into: destination)
        }
    }

    /// Core-seconds that taking a sample's features from this process' memory takes, with all threads of `team` busy: a row that is held,
    /// to floats.
    ///
    /// - Parameters:
    ///   - features: of some samples, [N, H, W, D], whose rows come in turn.
    ///   - samplesPerRead: samples that are asked for together.
    ///   - time: takes the time of what it is given.
    /// - Returns: the seconds, and the bytes of memory that a row takes in the mean.
    /// - Throws: what `time` throws.
    package static func heldReadingSeconds(
        of features: Tensor, precision: CachePrecision, featureMap: FeatureMapShape, samplesPerRead: Int,
        team: WorkerTeam, time: (() throws -> Void) throws -> Double
    ) throws -> (seconds: Double, byteCount: Int) {
        let packing = RowPacking(precision: precision, map: featureMap)
        let (elementCount, sampleCount) = (featureMap.elementCount, features.values.count / featureMap.elementCount)
        precondition(sampleCount > 0 && sampleCount * elementCount == features.values.count, "whole maps of features")
        let rows = features.values.withUnsafeBufferPointer { values in
            (0..<sampleCount).map { sample in
                let map = UnsafeBufferPointer(
                    rebasing: values[sample * elementCount..<(sample + 1) * elementCount])
                return [UInt8](unsafeUninitializedCapacity: packing.rowByteCount) { bytes, count in
                    _ = precision.narrow(
                        map, channelCount: featureMap.channelCount, into: UnsafeMutableRawBufferPointer(bytes))
                    count = packing.rowByteCount
                }.withUnsafeBytes { packing.withPacked($0) { [UInt8]($0) } }
            }
        }
        let meanByteCount = rows.reduce(0) { $0 + $1.count } / sampleCount
        let rowCount = max(samplesPerRead, rehearsedByteCount / meanByteCount)
        // Behind the last row, what may be read.
        let held = UnsafeMutableRawBufferPointer.allocate(
            byteCount: (0..<rowCount).reduce(packing.slackByteCount) { $0 + rows[$1 % sampleCount].count },
            alignment: 64)
        defer { held.deallocate() }
        var starts: [Int] = []
        var end = 0
        for number in 0..<rowCount {
            let row = rows[number % sampleCount]
            row.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: held[end...]).copyMemory(from: $0) }
            starts.append(end)
            end += row.count
        }
        nonisolated(unsafe) let memory = UnsafeRawBufferPointer(held)
        let rowStarts = starts
        let seconds = try secondsPerSample(
            rowCount: rowCount, elementCount: elementCount, scratchByteCount: 0, samplesPerRead: samplesPerRead,
            team: team, time: time
        ) { number, _, destination in
            let row = UnsafeRawBufferPointer(
                rebasing: memory[rowStarts[number]...].prefix(rows[number % sampleCount].count))
            packing.widen(packing.content(of: row), into: destination)
        }
        return (seconds, meanByteCount)
    }

    /// Core-seconds that `read` takes for a row, with all threads of `team` busy: it is given the number of one, memory of its own and the
    /// place for its floats.
    private static func secondsPerSample(
        rowCount: Int, elementCount: Int, scratchByteCount: Int, samplesPerRead: Int, team: WorkerTeam,
        time: (() throws -> Void) throws -> Double,
        read: @escaping @Sendable (Int, UnsafeMutableRawBufferPointer, UnsafeMutableBufferPointer<Float>) throws -> Void
    ) throws -> Double {
        // Whole rounds of all threads.
        let readCount = max(1, rowCount / (samplesPerRead * team.workerCount)) * team.workerCount
        let seconds = try time {
            try team.forEach(readCount) { _, turn in
                let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: scratchByteCount, alignment: 64)
                defer { memory.deallocate() }
                _ = try [Float](unsafeUninitializedCapacity: samplesPerRead * elementCount) { buffer, count in
                    for sample in 0..<samplesPerRead {
                        // 9973 is a prime: rows far from each other.
                        let number = (turn * samplesPerRead + sample) * 9973 % rowCount
                        try read(
                            number, memory, UnsafeMutableBufferPointer(rebasing: buffer[count..<count + elementCount]))
                        count += elementCount
                    }
                }
            }
        }
        return seconds * Double(team.workerCount) / Double(readCount * samplesPerRead)
    }
}
