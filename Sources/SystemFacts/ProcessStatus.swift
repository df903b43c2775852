import Glibc

/// What the system says about this process, from /proc/self/status.
public struct ProcessStatus: Sendable {
    private let fields: [Substring: Substring]

    /// The status as it is now; without any field where there is no /proc.
    public init() { self.init(text: Self.text(of: "/proc/self/status")) }

    /// Reads a text in the form of /proc/self/status: a line "Name: value" for each field.
    public init(text: String) {
        fields = Dictionary(
            text.split(separator: "\n").compactMap { line in
                line.firstIndex(of: ":").map { (line[..<$0], line[line.index(after: $0)...]) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Bytes of memory that are in use.
    public var residentByteCount: Int? { byteCount("VmRSS") }
    /// The most bytes of memory that were ever in use.
    public var peakByteCount: Int? { byteCount("VmHWM") }

    /// For each processor number, whether this process may run on it ("Cpus_allowed_list: 0-3,8"); nil if that is unknown.
    public var allowedProcessors: [Bool]? {
        guard let value = fields["Cpus_allowed_list"] else { return nil }
        var allowed: [Bool] = []
        for range in value.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let ends = range.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last,
                last < Self.processorLimit
            else { return nil }
            if allowed.count <= last { allowed += Array(repeating: false, count: last + 1 - allowed.count) }
            for processor in first...last { allowed[processor] = true }
        }
        return allowed.isEmpty ? nil : allowed
    }

    /// More processors than any machine has.
    private static let processorLimit = 1 << 20

    func byteCount(_ name: Substring) -> Int? {
        guard let words = fields[name]?.split(whereSeparator: \.isWhitespace), words.count == 2, words[1] == "kB" else {
            return nil
        }
        return Int(words[0]).map { $0 << 10 }
    }

    /// The text of a small file of /proc; empty when it cannot be read.
    static func text(of path: String) -> String {
        guard let file = fopen(path, "re") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
