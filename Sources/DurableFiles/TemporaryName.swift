import Synchronization

/// The name of a file or folder that is being written and does not yet have its real name.
struct TemporaryName: Equatable {
    /// What every temporary starts with; the leading dot hides it from listings and globs.
    static let prefix = ".infodisent-tmp-"

    /// How long a temporary of another machine must have been left alone before it counts as stale, in seconds.
    static let foreignAge = 3600

    let writer: ProcessIdentity
    let count: Int

    /// A name that no other call, process or machine uses.
    static func make() -> TemporaryName {
        TemporaryName(writer: .own, count: counter.add(1, ordering: .relaxed).newValue)
    }

    private init(writer: ProcessIdentity, count: Int) {
        self.writer = writer
        self.count = count
    }

    /// Reads a name back; nil when it is not a temporary's.
    init?(_ name: String) {
        guard name.hasPrefix(Self.prefix), let countStart = name.lastIndex(of: "-"),
            let count = Int(name[countStart...].dropFirst()),
            let writer = ProcessIdentity(name[..<countStart].dropFirst(Self.prefix.count))
        else { return nil }
        self.init(writer: writer, count: count)
    }

    var text: String { "\(Self.prefix)\(writer.text)-\(count)" }

    private static let counter = Atomic<Int>(0)
}
