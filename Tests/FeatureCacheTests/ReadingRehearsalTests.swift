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

    @Test func aFullDiskIsAnErrorThatNamesTheFolder() throws {
        try withSmallDisk(byteCount: 1 << 20) { folder in
            let error = #expect(throws: DurableFileError.self) { try seconds(in: folder) { _ in 1 } }
            #expect(error.map { "\($0)".contains(folder.string) } ?? false, "\(String(describing: error))")
        }
    }
}
