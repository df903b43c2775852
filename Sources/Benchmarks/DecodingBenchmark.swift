import CounterRandom
import Dispatch
import Foundation
public import ImageCoding
import Synchronization
import SystemPackage

/// What it costs to make a network's input of a JPEG file, for a few sizes of photographs.
///
/// The photographs are made up (a smooth scene with noise, so that files are not much smaller than real ones) and stored
/// without chroma subsampling, which makes decoding slower than most files are, never faster.
public struct DecodingBenchmark: Sendable {
    /// Figures of one size of photographs: shortest times in seconds on one thread, and the rate of all threads.
    public struct Row: Sendable {
        public let width: Int
        public let height: Int
        /// Bytes of the file.
        public let byteCount: Int
        /// Of what is needed of the JPEG into RGB.
        public let decoding: Double
        /// Of the resize and the crop.
        public let resizing: Double
        /// Of the normalised floats.
        public let normalising: Double
        /// Images a second of one core while all threads are busy with all of it.
        public let imagesPerSecondPerThread: Double
    }

    public let transform: InputTransform
    public let threadCount: Int
    public let rows: [Row]

    /// Sizes that data sets have: CUB and ImageNet on average, a larger photograph, and one from a camera.
    public static let usualSizes = [(width: 500, height: 375), (1024, 768), (2048, 1536), (4000, 3000)]

    /// Measures; about two seconds for each size.
    ///
    /// - Parameters:
    ///   - threadCount: threads that work at the same time on images of their own.
    ///   - seconds: how long each figure is measured for, at least.
    public init(
        transform: InputTransform = InputTransform(resize: 256, crop: 224),
        sizes: [(width: Int, height: Int)] = usualSizes, threadCount: Int, seconds: Double = 0.5
    ) throws {
        precondition(threadCount > 0 && seconds > 0 && !sizes.isEmpty, "there is nothing to measure")
        self.transform = transform
        self.threadCount = threadCount
        rows = try sizes.map { size in
            let bytes = ImageEncoder.jpeg(Self.photograph(width: size.width, height: size.height), quality: 85)
            @Sendable func decode() throws -> ImagePart {
                try ImageDecoder.decode(bytes, path: "benchmark.jpg", needed: transform.neededPart)
            }
            let part = try decode()
            let pixels = transform.pixels(of: part)
            let all = Self.perSecond(threadCount: threadCount, seconds: seconds) {
                transform.normalised(transform.pixels(of: (try? decode()) ?? part)).count
            }
            func time(_ body: () -> Int) -> Double { Self.shortestTime(seconds: seconds, body) }
            return Row(
                width: size.width, height: size.height, byteCount: bytes.count,
                decoding: time { (try? decode())?.width ?? 0 },
                resizing: time { transform.pixels(of: part).width },
                normalising: time { transform.normalised(pixels).count },
                imagesPerSecondPerThread: all / Double(threadCount))
        }
    }

    /// Seconds in which one thread turns all of these files into the network's input, the shortest of `repetitions`.
    ///
    /// - Parameter files: image files and their names, for errors.
    /// - Throws: `ImageCodingError` for the first that cannot be decoded.
    public static func seconds(
        files: [(name: String, bytes: [UInt8])], transform: InputTransform, repetitions: Int
    ) throws -> Double {
        var shortest = Double.infinity
        for _ in 0..<max(1, repetitions) {
            let start = SuspendingClock.now
            for file in files {
                let input = transform.normalised(
                    try transform.pixels(ofFile: file.bytes, path: FilePath(file.name)))
                // The result is used, so that the work is not left out.
                if input.isEmpty { return 0 }
            }
            shortest = min(shortest, (SuspendingClock.now - start) / .seconds(1))
        }
        return shortest
    }

    /// The shortest time of `body`, which other work on the machine disturbs least.
    private static func shortestTime(seconds: Double, _ body: () -> Int) -> Double {
        let start = SuspendingClock.now
        var shortest = Double.infinity
        repeat {
            let before = SuspendingClock.now
            // The result is used, so that the work is not left out.
            if body() < 0 { break }
            shortest = min(shortest, (SuspendingClock.now - before) / .seconds(1))
        } while (SuspendingClock.now - start) / .seconds(1) < seconds
        return shortest
    }

    /// How often all threads together carry out `body` in a second.
    private static func perSecond(threadCount: Int, seconds: Double, _ body: @Sendable () -> Int) -> Double {
        _ = body()
        let count = Atomic<Int>(0)
        let start = SuspendingClock.now
        DispatchQueue.concurrentPerform(iterations: threadCount) { _ in
            while (SuspendingClock.now - start) / .seconds(1) < seconds {
                // The result is used, so that the work is not left out.
                if body() < 0 { return }
                count.wrappingAdd(1, ordering: .relaxed)
            }
        }
        return Double(count.load(ordering: .relaxed)) / ((SuspendingClock.now - start) / .seconds(1))
    }

    /// A made-up photograph: soft shapes, edges, and noise of a few levels.
    static func photograph(width: Int, height: Int) -> PixelImage {
        var image = PixelImage(width: width, height: height)
        var stream = RandomStream(seed: 0, purpose: .test, width, height)
        for y in 0..<height {
            let wave = 60 * sin(Double(y) / 37)
            for x in 0..<width {
                let noise = Int(stream.nextWord() & 31) - 16
                let base = 110 + wave + 50 * sin(Double(x) / 53 + Double(y) / 91)
                let edge = (x / 64 + y / 48) % 5 == 0 ? 40 : 0
                let place = (y * width + x) * 3
                image.pixels[place] = UInt8(clamping: Int(base) + edge + noise)
                image.pixels[place + 1] = UInt8(clamping: Int(base * 0.8) + noise)
                image.pixels[place + 2] = UInt8(clamping: 200 - Int(base) + noise)
            }
        }
        return image
    }

    /// The figures as a table, a line each, for people.
    public var lines: [String] {
        func milliseconds(_ seconds: Double) -> String { String(format: "%.2f ms", seconds * 1000) }
        func row(_ columns: [String]) -> String {
            zip(columns, [12, 10, 11, 11, 11, 20]).map { text, width in
                String(repeating: " ", count: max(0, width - text.count)) + text
            }.joined()
        }
        let isSquashed = transform.squash ? ", squashed" : ""
        return [
            "JPEG to network input (resize \(transform.resize)\(isSquashed), crop \(transform.crop), "
                + "\(transform.interpolation.rawValue)), \(threadCount) thread\(threadCount == 1 ? "" : "s"):",
            row(["photograph", "file", "decode", "resize", "normalise", "images/s per core"]),
        ]
            + rows.map { figures in
                row([
                    "\(figures.width)x\(figures.height)", "\(figures.byteCount / 1024) KiB",
                    milliseconds(figures.decoding), milliseconds(figures.resizing), milliseconds(figures.normalising),
                    String(format: "%.0f", figures.imagesPerSecondPerThread),
                ])
            }
    }
}
