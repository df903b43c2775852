import DurableFiles
import Inference
import MessagePassing
import SystemPackage

/// What passes through the backbone have given so far, so that a scorecard that was ended goes on where it was.
///
/// Each rank adds the rows of its images to a file of its own; whichever ranks read them again, and however many, a row belongs to
/// its image. The folder belongs to one scorecard by the digest in its name, and goes when that is done. A run that cannot be
/// written to is fine: then nothing is remembered.
package struct PassLog {
    private let folder: FilePath?
    private let file: FilePath?
    /// The rows that are done, by image.
    let rows: [Int: ImageRow]

    /// Collective.
    ///
    /// - Parameters:
    ///   - identity: all that the rows depend on.
    ///   - width: numbers of a row.
    init(of model: TrainedModel, identity: [String], width: Int, on communicator: any Communicator) throws {
        let digest = ContentDigest(of: identity.joined(separator: "\0")).hexadecimal.prefix(16)
        let folder = model.runDirectory?.appending("metrics").appending("passes-\(digest)")
        let bytes = try communicator.fromRank0(allowing: .seconds(600)) {
            folder.map { Self.consolidated($0, width: width) } ?? []
        }
        rows = Dictionary(Self.rows(bytes, width: width).map { ($0.sample, $0) }) { first, _ in first }
        let isKept = folder.map { DurableDirectory.exists($0) } ?? false
        self.folder = isKept ? folder : nil
        file = isKept ? folder?.appending("rank-\(communicator.rank).rows") : nil
    }

    func append(_ row: ImageRow) {
        guard let file else { return }
        try? DurableFile.append(Self.bytes(row), to: file)
    }

    /// Removes what is not needed any more. For rank 0, when all are done.
    func remove() {
        if let folder { try? DurableDirectory.remove(folder) }
    }

    /// The rows of all files, in one file from now on.
    private static func consolidated(_ folder: FilePath, width: Int) -> [UInt8] {
        do {
            try DurableFile.createDirectory(folder)
            let names = try DurableDirectory.names(in: folder).filter { $0.hasSuffix(".rows") }.sorted()
            let found = names.flatMap { name -> [ImageRow] in
                rows((try? DurableFile.read(folder.appending(name))) ?? [], width: width)
            }
            let all = Dictionary(found.map { ($0.sample, $0) }) { first, _ in first }
            let bytes = all.keys.sorted().flatMap { Self.bytes(all[$0]!) }
            try DurableFile.write(bytes, to: folder.appending("earlier.rows"))
            for name in names where name != "earlier.rows" { try DurableFile.remove(folder.appending(name)) }
            return bytes
        } catch {
            return []
        }
    }

    /// Sample, number of values, values, and a sum over these that a row which was not written whole does not have.
    package static func bytes(_ row: ImageRow) -> [UInt8] {
        let words = row.words
        return (words + [check(words)]).withUnsafeBytes { Array($0) }
    }

    private static func check(_ words: [UInt32]) -> UInt32 {
        words.reduce(2_166_136_261) { ($0 ^ $1) &* 16_777_619 }
    }

    /// The rows up to the first that is not whole.
    package static func rows(_ bytes: [UInt8], width: Int) -> [ImageRow] {
        let length = width + 3
        var rows: [ImageRow] = []
        for start in stride(from: 0, to: bytes.count - 4 * length + 1, by: 4 * length) {
            let words = bytes[start..<start + 4 * length].withUnsafeBytes { bytes in
                (0..<length).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self) }
            }
            guard words[1] == UInt32(width), check(Array(words.dropLast())) == words[length - 1] else { break }
            rows.append(
                ImageRow(sample: Int(words[0]), values: words[2..<2 + width].map { Float(bitPattern: $0) }))
        }
        return rows
    }
}
