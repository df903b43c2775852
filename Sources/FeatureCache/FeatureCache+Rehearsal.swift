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
        // Whole rounds of all threads.
        let readCount = max(1, rowCount / (samplesPerRead * team.workerCount)) * team.workerCount
        let seconds = try time {
            try team.forEach(readCount) { _, read in
                let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: rowByteCount, alignment: 64)
                defer { memory.deallocate() }
                _ = try [Float](unsafeUninitializedCapacity: samplesPerRead * elementCount) { buffer, count in
                    for sample in 0..<samplesPerRead {
                        // 9973 is a prime: rows far from each other.
                        let number = (read * samplesPerRead + sample) * 9973 % rowCount
                        try file.read(into: memory, at: number * rowByteCount)
                        let destination = UnsafeMutableBufferPointer(rebasing: buffer[count..<count + elementCount])
                        precision.widen(
                            UnsafeRawBufferPointer(memory), channelCount: featureMap.channelCount, into: destination)
                        count += elementCount
                    }
                }
            }
        }
        return seconds * Double(team.workerCount) / Double(readCount * samplesPerRead)
    }
}
