/// The ways in which a zip archive is not what it should be. Offsets count from the front of the file.
public enum ZipFault: Equatable, Sendable {
    /// The end record, by which an archive is read, is not at the end of the file.
    case noEndRecord
    /// The end record, or the one for large archives, contradicts itself or the file.
    case badEndRecord
    /// The archive is one part of several.
    case severalParts
    case tooManyRecords(count: UInt64)
    /// The list of records does not fill the place that the end record gives it.
    case badDirectory(offset: Int)
    case badName(offset: Int)
    case repeatedName(String)
    /// The record is encrypted.
    case encrypted(String)
    /// The record is compressed in a way other than deflate.
    case unknownCompression(String, method: Int)
    /// The record's own header is not where the list says, or is the header of another record.
    case badRecordHeader(String)
    /// A field for sizes over 4 GiB is missing or too short.
    case badLargeSizes(String)
    /// The record's bytes lie outside the file, or among those of another one.
    case overlap(String)
    /// A record that is not compressed has two sizes.
    case sizesDiffer(String)
    /// The inflated sizes of the compressed records together are above `limit`, or one of them is more than deflate can
    /// reach: a "zip bomb".
    case inflatesTooFar(String, limit: Int)
    /// The compressed bytes are damaged, or inflate to another number of bytes than stated.
    case badCompression(String)
    case wrongChecksum(String)
}

extension ZipFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noEndRecord: "it has no end record; it was cut short, or something was put behind it"
        case .badEndRecord: "its end record contradicts the file"
        case .severalParts: "it is one part of an archive of several files"
        case .tooManyRecords(let count): "it claims \(count) records, more than \(ZipArchive.recordCountLimit)"
        case .badDirectory(let offset): "its list of records is damaged at byte \(offset)"
        case .badName(let offset):
            "the record listed at byte \(offset) has a name that is not text or longer than "
                + "\(ZipArchive.nameByteCountLimit) bytes"
        case .repeatedName(let name): "two of its records are named \"\(printable(name))\""
        case .encrypted(let name): "its record \"\(printable(name))\" is encrypted"
        case .unknownCompression(let name, let method):
            "its record \"\(printable(name))\" is compressed by method \(method), which is not deflate"
        case .badRecordHeader(let name): "the header of its record \"\(printable(name))\" is damaged"
        case .badLargeSizes(let name): "the sizes of its record \"\(printable(name))\" are damaged"
        case .overlap(let name): "its record \"\(printable(name))\" overlaps another one or lies outside the file"
        case .sizesDiffer(let name): "its record \"\(printable(name))\" is not compressed but has two sizes"
        case .inflatesTooFar(let name, let limit):
            "its record \"\(printable(name))\" claims to inflate too far: all together may have \(limit) bytes"
        case .badCompression(let name): "the compressed data of its record \"\(printable(name))\" is damaged"
        case .wrongChecksum(let name): "the data of its record \"\(printable(name))\" does not match its checksum"
        }
    }
}
