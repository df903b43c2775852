import Foundation
import ImageCoding
import SystemPackage
import Testing

/// What Reference/record.py wrote.
struct Recorded: Decodable {
    struct File: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let width: Int
        let height: Int
        var testDescription: String { name }
    }
    struct Orientation: Decodable, Sendable {
        let orientation: UInt8
        let width: Int
        let height: Int
        let crc: UInt32
    }
    struct Resizing: Decodable, Sendable {
        let width: Int
        let height: Int
        let interpolation: Interpolation
        let crc: UInt32
    }
    struct Transform: Decodable, Sendable {
        let source: String
        let transform: InputTransform
        let pixelsCRC: UInt32
        let floatsCRC: UInt32
    }
    struct Heat: Decodable, Sendable {
        let width: Int
        let height: Int
        let values: [Float]
        let interpolation: Interpolation
        let toWidth: Int
        let toHeight: Int
        let expected: [Float]
    }
    struct Views: Decodable, Sendable {
        struct Change: Decodable, Sendable {
            let name: String
            let value: Double
        }
        struct Case: Decodable, Sendable {
            let crop: Int
            let interpolation: Interpolation
            /// x, y, width and height.
            let part: [Int]?
            let mirrored: Bool
            let angle: Double
            let shear: Double
            let changes: [Change]
            let crc: UInt32
        }
        struct Grid: Decodable, Sendable {
            let hue: Double
            let crc: UInt32
        }
        let cases: [Case]
        let colourGrid: [Grid]
    }
    let files: [File]
    let orientations: [Orientation]
    let resizing: [Resizing]
    let transforms: [Transform]
    let heatMaps: [Heat]
    let views: Views

    static let all: Recorded = {
        try! JSONDecoder().decode(Recorded.self, from: Data(Recorded.bytes(of: "recorded.json")))
    }()

    static func path(of name: String) -> FilePath {
        FilePath(Bundle.module.bundlePath).appending("Fixtures").appending(name)
    }

    static func bytes(of name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(fileURLWithPath: path(of: name).string)))
    }

    static func image(_ name: String) throws -> PixelImage {
        try ImageDecoder.decode(bytes(of: name), path: path(of: name))
    }
}

/// CRC-32 of zlib, byte by byte.
func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var checksum = UInt32.max
    for byte in bytes { checksum = crcTable[Int(UInt8(truncatingIfNeeded: checksum) ^ byte)] ^ (checksum >> 8) }
    return ~checksum
}

private let crcTable: [UInt32] = (0..<256).map { index in
    var value = UInt32(index)
    for _ in 0..<8 { value = (value & 1 == 1 ? 0xEDB8_8320 : 0) ^ (value >> 1) }
    return value
}

func crc32(of image: PixelImage) -> UInt32 {
    image.pixels.withUnsafeBytes(crc32)
}

/// A picture without structure, for tests that need no recorded values.
func noise(width: Int, height: Int) -> PixelImage {
    PixelImage(
        width: width, height: height,
        pixels: (0..<width * height * 3).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) })
}
