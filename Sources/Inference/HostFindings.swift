import Datasets
import DurableFiles
import FieldCoding
import Glibc
import MessagePassing
import RunConfiguration

/// What one rank of a host finds out for the others there: a million files need not be looked at by each of them.
struct HostFindings {
    let dataset: Dataset
    /// Of the weight file's bytes.
    let weightDigest: ContentDigest

    init(_ experiment: Experiment) {
        dataset = experiment.dataset
        weightDigest = experiment.weightDigest
    }

    fileprivate init(_ bytes: [UInt8]) throws {
        var reader = FieldReader(bytes)
        let digest = try reader.readText()
        guard let weightDigest = ContentDigest(hexadecimal: digest) else {
            throw FieldFault(problem: "\(digest) is no digest")
        }
        self.weightDigest = weightDigest
        dataset = try Dataset(bytes: try reader.readBytes())
        try reader.requireEnd()
    }

    fileprivate var bytes: [UInt8] {
        var writer = FieldWriter()
        writer.append(weightDigest.hexadecimal)
        writer.append(bytes: dataset.bytes)
        return writer.bytes
    }

    /// The ranks on this host that were given the same configuration, in the same current folder: the lowest of them lists the
    /// dataset and hashes the weights for all. Collective.
    static func sharingRanks(
        _ configuration: RunConfiguration, on communicator: any Communicator
    ) throws -> [Int] {
        guard communicator.size > 1 else { return [communicator.rank] }
        let folder = getcwd(nil, 0).map { path in
            defer { free(path) }
            return String(cString: path)
        }
        // Zero bytes occur in no value.
        let place = [communicator.hostName, folder ?? ""] + configuration.entries.map { "\($0.key)=\($0.value)" }
        let places = try communicator.allGather(Array(place.joined(separator: "\0").utf8))
        return places.indices.filter { places[$0] == places[communicator.rank] }
    }
}

extension HostFindings? {
    private static var pieceByteCount: Int { 1 << 20 }

    /// What the first of `ranks` has found, on the others; nil where each has to look for itself. Collective.
    /// - Throws: `MessagePassingError`.
    func shared(among ranks: [Int], on communicator: any Communicator) throws -> HostFindings? {
        guard communicator.size > 1 else { return nil }
        let (finder, others) = (ranks[0], ranks.filter { $0 != communicator.rank })
        let bytes = self.flatMap { $0.dataset.canBeShared && !others.isEmpty ? $0.bytes : nil } ?? []
        var longest = [UInt32(clamping: (bytes.count + Self.pieceByteCount - 1) / Self.pieceByteCount)]
        try communicator.maximum(&longest)
        // In pieces, because there may be a hundred ranks and as many megabytes.
        var received: [UInt8] = []
        for piece in 0..<Int(longest[0]) {
            let range = (piece * Self.pieceByteCount..<(piece + 1) * Self.pieceByteCount).clamped(to: bytes.indices)
            var messages = Array(repeating: [UInt8](), count: communicator.size)
            for rank in others { messages[rank] = Array(bytes[range]) }
            received += try communicator.exchange(messages)[finder]
        }
        guard finder != communicator.rank, !received.isEmpty else { return nil }
        do {
            return try HostFindings(received)
        } catch let fault as FieldFault {
            throw MessagePassingError.malformedMessage(
                rank: finder, subject: "listing of the dataset", problem: fault.problem)
        }
    }
}
