import Glibc
import SystemPackage

/// A process as its files name it, so that others can tell whether it still lives.
struct ProcessIdentity: Hashable {
    /// Stands for the boot and the process namespace: process numbers mean something only within it.
    let machine: String
    let processIdentifier: pid_t
    /// Clock ticks from boot to the start of the process, so that a recycled number is not taken for it.
    let processStart: UInt64

    /// This process; another one after a fork.
    static var own: ProcessIdentity {
        ProcessIdentity(
            machine: thisMachine, processIdentifier: getpid(), processStart: startOfProcess(getpid()) ?? 0)
    }

    private init(machine: String, processIdentifier: pid_t, processStart: UInt64) {
        self.machine = machine
        self.processIdentifier = processIdentifier
        self.processStart = processStart
    }

    /// Reads `text` back; nil when it is not an identity's.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, let process = pid_t(parts[1]), process > 0,
            let start = UInt64(parts[2])
        else { return nil }
        self.init(machine: String(parts[0]), processIdentifier: process, processStart: start)
    }

    /// MACHINE-PID-START.
    var text: String { "\(machine)-\(processIdentifier)-\(processStart)" }

    /// Whether the process is known to be alive, known to be dead, or (on another machine) not known: nil.
    var isAlive: Bool? {
        guard machine == Self.thisMachine else { return nil }
        return Self.startOfProcess(processIdentifier) == processStart
    }

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
