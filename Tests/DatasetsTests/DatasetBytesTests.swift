import Datasets
import FieldCoding
import Testing

@Suite struct DatasetBytesTests {
    private func example() throws -> Dataset {
        let folder = try DatasetFolder()
        try folder.writeImages(["crow/1.jpg", "crow/2.jpg", "wren/1.jpg", "wren/2.jpg"])
        return try folder.load()
    }

    /// Every layout comes through: `DatasetFolder.load` sends each listing there and back.
    @Test func aListingComesBackAsItWas() throws {
        let dataset = try example()
        let copy = try Dataset(bytes: dataset.bytes)
        #expect(copy.fingerprint == dataset.fingerprint && copy.bytes == dataset.bytes)
        #expect(dataset.canBeShared)
    }

    @Test func aMessageThatEndsTooSoonIsAFault() throws {
        let bytes = try example().bytes
        for count in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: FieldFault.self, "\(count)") { try Dataset(bytes: Array(bytes[..<count])) }
        }
        #expect(throws: FieldFault.self) { try Dataset(bytes: bytes + [0]) }
    }

    @Test func aLabelWithoutAClassIsAFault() throws {
        let dataset = try example()
        var bytes = dataset.bytes
        let path = Array(dataset.train[0].path.utf8)
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: path) })
        bytes[place + path.count] = 2
        #expect(throws: FieldFault(problem: "\(dataset.train[0].path) is of class 2 of 2")) {
            try Dataset(bytes: bytes)
        }
    }
}
