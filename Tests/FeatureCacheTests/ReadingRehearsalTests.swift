import DurableFiles
import FeatureCache
import SystemPackage
import TemporaryFolders
import Tensors
import Testing

@Suite struct ReadingRehearsalTests {
    private func seconds(
        in folder: FilePath, precision: CachePrecision = .f16, workers: Int = 1,
        time: (() throws -> Void) throws -> Double
    ) throws -> Double {
        try FeatureCache.readingSeconds(
            precision: precision, featureMap: FeatureMapShape(height: 8, width: 8, channelCount: 192),
            samplesPerRead: 8,
            in: folder, team: WorkerTeam(workerCount: workers), time: time)
    }

    @Test(arguments: CachePrecision.allCases, [1, 2, 3]) func aSampleTakesItsShareOfTheThreadsTime(
        precision: CachePrecision, workers: Int
    ) throws {
        try withTemporaryFolder { folder throws in
            var count = 0
            let seconds = try seconds(in: folder, precision: precision, workers: workers) { body in
                count += 1
                try body()
                return 1
            }
            // 32 MiB in rows of 12 to 48 KiB, of which those that are no whole round of reads are left out.
            let map = FeatureMapShape(height: 8, width: 8, channelCount: 192)
            let rowCount = Double((32 << 20) / precision.byteCount(of: map))
            #expect(count == 1 && seconds >= Double(workers) / rowCount)
            #expect(seconds <= Double(workers) / (rowCount - Double(8 * workers)))
            #expect(try DurableDirectory.names(in: folder).isEmpty)
        }
    }

    /// Half of the features of f16 and f32 are zeros, and are not held: a bit is.
    @Test(arguments: [(CachePrecision.f16, 192 + 24), (.f32, 2 * 192 + 24), (.int8, 0)], [1, 3])
    func aHeldSampleTakesTheMemoryOfItsFeatures(of row: (CachePrecision, Int), workers: Int) throws {
        let map = FeatureMapShape(height: 4, width: 8, channelCount: 192)
        let features = Tensor(
            shape: [3, 4, 8, 192], values: (0..<3 * map.elementCount).map { $0 % 2 == 0 ? 0 : Float($0 % 17 + 1) })
        var count = 0
        let (seconds, byteCount) = try FeatureCache.heldReadingSeconds(
            of: features, precision: row.0, featureMap: map, samplesPerRead: 8, team: WorkerTeam(workerCount: workers)
        ) { body in
            count += 1
            try body()
            return 1
        }
        #expect(byteCount == (row.0 == .int8 ? CachePrecision.int8.byteCount(of: map) : row.1 * 32))
        let rowCount = Double((32 << 20) / byteCount)
        #expect(count == 1 && seconds >= Double(workers) / rowCount)
        #expect(seconds <= Double(workers) / (rowCount - Double(8 * workers)))
    }

    @Test func aFullDiskIsAnErrorThatNamesTheFolder() throws {
        try withSmallDisk(byteCount: 1 << 20) { folder in
            let error = #expect(throws: DurableFileError.self) { try seconds(in: folder) { _ in 1 } }
            #expect(error.map { "\($0)".contains(folder.string) } ?? false, "\(String(describing: error))")
        }
    }
}
