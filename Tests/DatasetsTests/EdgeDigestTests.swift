import Datasets
import DurableFiles
import Foundation
import SystemPackage
import Testing

@Suite struct EdgeDigestTests {
    private func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 11) }
    }

    /// SHA-256 of some bytes, as hexadecimal digits.
    private func sha(_ bytes: [UInt8]) -> String { ContentDigest(of: bytes).hexadecimal }

    @Test func itIsTheDocumentedDigest() {
        func length(_ count: Int) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } }
        for count in [0, 1, 4096, 8192] {
            #expect(EdgeDigest(ofFile: bytes(count)).description == sha(length(count) + bytes(count)))
        }
        for count in [8193, 100_000] {
            let all = bytes(count)
            #expect(EdgeDigest(ofFile: all).description == sha(length(count) + all[..<4096] + all[(count - 4096)...]))
        }
        let digest = EdgeDigest(ofFile: bytes(5))
        #expect(EdgeDigest(bytes: digest.bytes) == digest && EdgeDigest(bytes: [1, 2]) == nil)
    }

    @Test func changesAtTheEdgesAndOfTheLengthAreNoticed() {
        let original = bytes(20_000)
        let digest = EdgeDigest(ofFile: original)
        for place in [0, 4095, 20_000 - 4096, 19_999] {
            var changed = original
            changed[place] ^= 1
            #expect(EdgeDigest(ofFile: changed) != digest)
        }
        #expect(EdgeDigest(ofFile: Array(original[..<10_000] + original[9_999...])) != digest)
        // What it does not see, as documented.
        var middle = original
        middle[10_000] ^= 1
        #expect(EdgeDigest(ofFile: middle) == digest)
    }

    @Test func aSampleHasTheDigestOfItsBytesWhereverTheyAre() throws {
        let folder = try DatasetFolder()
        for (name, label) in [("train", 0), ("train-1", 1), ("test", 0)] {
            try folder.write(
                TarMaker.archive([("1.jpg", bytes(30_000 + label)), ("1.cls", Array("\(label)".utf8))]),
                to: "\(name).tar")
        }
        let archives = try folder.load()
        let files = try DatasetFolder()
        for name in ["train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg"] {
            try files.write(bytes(name.contains("train/a") ? 9_000 : 12), to: name)
        }
        for dataset in [archives, try files.load()] {
            for sample in dataset.train + dataset.test {
                #expect(try dataset.edgeDigest(of: sample) == EdgeDigest(ofFile: dataset.bytes(of: sample)))
            }
        }
        try files.remove("train/a/1.jpg")
        let plain = try archives.edgeDigest(of: archives.train[0])
        #expect(plain != (try archives.edgeDigest(of: archives.train[1])))
    }
}
