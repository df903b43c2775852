/// The header of a tar entry: one block of 512 bytes, in the layout of POSIX ustar or of GNU tar.
struct TarHeader {
    static let blockByteCount = 512

    let name: String
    let byteCount: Int
    let kind: Kind

    enum Kind: Equatable {
        case file
        /// A folder, a link, a device: nothing with bytes of its own.
        case other
        /// GNU: the content is the name of the next entry.
        case longName
        /// GNU: the content is the target of the next entry, a link.
        case longLink
        /// pax: the content is attributes of the next entry.
        case attributes
        /// pax: the content is attributes of all entries that follow.
        case globalAttributes
    }

    /// What a block is that cannot be a header.
    struct Problem: Error {
        let reason: String
    }

    /// Reads a block; nil for one of zeros, which marks the end.
    init?(_ block: [UInt8]) throws(Problem) {
        precondition(block.count == Self.blockByteCount, "a header is a block of 512 bytes")
        if block.allSatisfy({ $0 == 0 }) { return nil }
        try Self.checkSum(of: block)
        byteCount = try Self.number(block[124..<136], "size")
        switch block[156] {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): kind = .file
        case UInt8(ascii: "1"), UInt8(ascii: "2"), UInt8(ascii: "3"), UInt8(ascii: "4"), UInt8(ascii: "5"),
            UInt8(ascii: "6"):
            kind = .other
        case UInt8(ascii: "L"): kind = .longName
        case UInt8(ascii: "K"): kind = .longLink
        case UInt8(ascii: "x"): kind = .attributes
        case UInt8(ascii: "g"): kind = .globalAttributes
        case UInt8(ascii: "S"): throw Problem(reason: "it is a sparse file, which is not read in place")
        case let type: throw Problem(reason: "it is of the unknown type \(type)")
        }
        var name = try Self.text(block[0..<100])
        // POSIX puts the front of a long name here; old GNU headers ("ustar  ") keep times in its place.
        if block[257..<263].elementsEqual(Array("ustar\0".utf8)) {
            let prefix = try Self.text(block[345..<500])
            if !prefix.isEmpty { name = prefix + "/" + name }
        }
        self.name = name
    }

    /// The largest size that is believed, far beyond any disk and far from the largest integer.
    private static let sizeLimit = 1 << 50

    private static func checkSum(of block: [UInt8]) throws(Problem) {
        let stated = try number(block[148..<156], "check sum")
        var (unsigned, signed) = (0, 0)
        for (index, byte) in block.enumerated() {
            let byte = (148..<156).contains(index) ? UInt8(ascii: " ") : byte
            unsigned += Int(byte)
            signed += Int(Int8(bitPattern: byte))
        }
        // Some old programs added signed bytes.
        guard stated == unsigned || stated == signed else {
            throw Problem(reason: "its header has the check sum \(unsigned), but states \(stated)")
        }
    }

    /// Octal digits, or a binary number where the first bit is set (GNU, for files of 8 GiB and more).
    private static func number(_ field: ArraySlice<UInt8>, _ what: String) throws(Problem) -> Int {
        if field.first! & 0x80 != 0 {
            guard field.first! == 0x80 else { throw Problem(reason: "its \(what) is negative or far too large") }
            var value = 0
            for byte in field.dropFirst() {
                guard value <= sizeLimit >> 8 else { throw Problem(reason: "its \(what) is far too large") }
                value = value << 8 | Int(byte)
            }
            return value
        }
        let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit), value <= sizeLimit >> 3 else {
                throw Problem(reason: "its \(what) is no octal number: it is not a tar archive, or a damaged one")
            }
            value = value << 3 | Int(digit - UInt8(ascii: "0"))
        }
        return value
    }

    private static func text(_ field: ArraySlice<UInt8>) throws(Problem) -> String {
        guard let text = String(validating: field.prefix { $0 != 0 }, as: UTF8.self) else {
            throw Problem(reason: "its name is not UTF-8")
        }
        return text
    }
}
