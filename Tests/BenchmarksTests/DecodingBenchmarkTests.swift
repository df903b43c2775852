import Benchmarks
import ImageCoding
import Testing

@Suite struct DecodingBenchmarkTests {
    @Test func itMeasuresEverySizeAndShowsIt() throws {
        let benchmark = try DecodingBenchmark(
            transform: InputTransform(resize: 32, crop: 28), sizes: [(64, 48), (320, 240)], threadCount: 2,
            seconds: 0.02)
        #expect(benchmark.rows.map(\.width) == [64, 320])
        for row in benchmark.rows {
            #expect(row.decoding > 0 && row.resizing > 0 && row.normalising > 0 && row.imagesPerSecondPerThread > 0)
            #expect(row.byteCount > 500)
        }
        // 25 times the pixels are not decoded in twice the time.
        #expect(benchmark.rows[1].decoding > 2 * benchmark.rows[0].decoding)
        #expect(benchmark.lines.count == 4 && benchmark.lines[3].contains("320x240"))
    }
}
