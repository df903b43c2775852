import DurableFiles
import Foundation
import SystemPackage
import Testing
import WeightFiles

/// Files that `Reference/make_torch_fixtures.py` wrote with PyTorch.
enum TorchFixture {
    static func path(_ name: String) throws -> FilePath {
        let folder = try #require(
            Bundle.module.url(forResource: "Torch", withExtension: nil, subdirectory: "Fixtures"))
        return FilePath(folder.path).appending(name.contains(".") ? name : name + ".pth")
    }

    static func bytes(_ name: String) throws -> [UInt8] { try DurableFile.read(path(name)) }
}

extension WeightContents {
    /// The contents of a file in memory.
    init(bytes: [UInt8]) throws {
        self = try bytes.withUnsafeBytes { bytes throws in try WeightContents(of: bytes) }
    }

    /// Names and elements of all tensors.
    func elements(in bytes: [UInt8]) throws -> [String: [UInt8]] {
        try bytes.withUnsafeBytes { file in
            var elements: [String: [UInt8]] = [:]
            for index in tensors.indices {
                elements[tensors[index].entry.name] = try withBytes(of: index, in: file) { Array($0) }
            }
            return elements
        }
    }

    var names: [String] { tensors.map(\.entry.name) }
}
