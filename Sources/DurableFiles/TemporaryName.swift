import Glibc
import Synchronization
import SystemPackage

/// The name of a file or folder that is being written and does not yet have its real name.
struct TemporaryName: Equatable {
    /// What every temporary starts with; the leading dot hides it from listings and globs.
    static let prefix = ".infodisent-tmp-"

    /// How long a temporary of another machine must have been left alone before it counts as stale, in seconds.
    static let foreignAge = 3600

    /// Stands for the boot and the process namespace: process numbers mean something only within it.
    let machine: String
    let processIdentifier: pid_t
    /// Clock ticks from boot to the start of the process, so that a recycled number is not taken for the writer.
    let processStart: UInt64
    let count: Int

    /// A name that no other call, process or machine uses.
    static func make() -> TemporaryName {
        TemporaryName(
            machine: thisMachine, processIdentifier: getpid(), processStart: startOfProcess(getpid()) ?? 0,
            count: counter.add(1, ordering: .relaxed).newValue)
    }

    private init(machine: String, processIdentifier: pid_t, processStart: UInt64, count: Int) {
        self.machine = machine
        self.processIdentifier = processIdentifier
        self.processStart = processStart
        self.count = count
    }

    /// Reads a name back; nil when it is not a temporary's.
    init?(_ name: String) {
        guard name.hasPrefix(Self.prefix) else { return nil }
        let parts = name.dropFirst(Self.prefix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, let process = pid_t(parts[1]), process > 0, let start = UInt64(parts[2]),
            let count = Int(parts[3])
        else { return nil }
        self.init(machine: String(parts[0]), processIdentifier: process, processStart: start, count: count)
    }

    var text: String { "\(Self.prefix)\(machine)-\(processIdentifier)-\(processStart)-\(count)" }

    /// Whether the writer is known to be alive, known to be dead, or (on another machine) not known: nil.
    var isWriterAlive: Bool? {
        guard machine == Self.thisMachine else { return nil }
        return Self.startOfProcess(processIdentifier) == processStart
    }

    private static let counter = Atomic<Int>(0)

    private static let thisMachine: String = {
        var hasher = ContentHasher()
        hasher.update(systemText("/proc/sys/kernel/random/boot_id"))
        var namespace = stat()
        if stat("/proc/self/ns/pid", &namespace) == 0 { hasher.update(Array("\(namespace.st_ino)".utf8)) }
        return String(hasher.finalize().hexadecimal.prefix(8))
    }()

    /// Field 22 of /proc/PID/stat; nil when there is no such process (or it is a zombie, which writes nothing).
    private static func startOfProcess(_ process: pid_t) -> UInt64? {
        let text = systemText("/proc/\(process)/stat")
        // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
        guard let nameEnd = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = text[(nameEnd + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, fields[0].first != UInt8(ascii: "Z") else { return nil }
        return UInt64(String(decoding: fields[19], as: UTF8.self))
    }

    /// The text of a small file of /proc; empty when it cannot be read.
    private static func systemText(_ path: String) -> [UInt8] {
        (try? DurableFile.read(FilePath(path))) ?? []
    }
}
