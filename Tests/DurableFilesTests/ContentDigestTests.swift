import DurableFiles
import Foundation
import SystemPackage
import Testing

struct ContentDigestTests {
    @Test func `digests are the standard's`() {
        // FIPS 180-2, appendix B.1, and the digest of nothing.
        #expect(
            ContentDigest(of: "abc").hexadecimal == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            ContentDigest(of: "").hexadecimal == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func `pieces, files and arrays agree`() throws {
        try withTemporaryFolder { folder throws in
            let bytes = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 >> 3) }
            try DurableFile.write(bytes, to: folder.appending("a"))
            var hasher = ContentHasher()
            for start in stride(from: 0, to: bytes.count, by: 333_333) {
                hasher.update(Array(bytes[start..<min(bytes.count, start + 333_333)]))
            }
            #expect(hasher.finalize() == ContentDigest(of: bytes))
            #expect(try ContentDigest.ofFile(folder.appending("a")) == ContentDigest(of: bytes))
        }
    }

    @Test func `only 64 lower-case hexadecimal digits are a digest`() throws {
        let good = ContentDigest(of: "abc")
        #expect(ContentDigest(hexadecimal: good.hexadecimal) == good)
        for bad in [
            "", "abc", good.hexadecimal.uppercased(), good.hexadecimal.dropLast() + "g", good.hexadecimal + "0",
        ] {
            #expect(ContentDigest(hexadecimal: bad) == nil)
        }
        let encoded = try JSONEncoder().encode([good])
        #expect(try JSONDecoder().decode([ContentDigest].self, from: encoded) == [good])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([ContentDigest].self, from: Data(#"["abc"]"#.utf8))
        }
    }
}
