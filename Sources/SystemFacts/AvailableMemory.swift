import Glibc

/// Memory that a process could still use, for itself or for files that the system keeps there for it.
public enum AvailableMemory {
    /// Bytes: the least of what the machine has, of what each control group of this process leaves it, and of what a limit of its address
    /// space (`ulimit -v`) does. Nil where the system does not say.
    ///
    /// Control groups of version 2 (memory.max) and 1 (memory.limit_in_bytes), those above included. Pages of files count as
    /// available, since they make room for others.
    ///
    /// - Parameter root: another folder in place of "/", for tests.
    public static func byteCount(root: String = "") -> Int? {
        // A text of the same form.
        let machine = ProcessStatus(text: ProcessStatus.text(of: "\(root)/proc/meminfo"))
        return ([machine.byteCount("MemAvailable"), ofAddressSpace] + groupFolders(root).map(ofGroup)).compactMap { $0 }
            .min()
    }

    /// Nil if it is not limited.
    private static var ofAddressSpace: Int? {
        guard let limit = addressSpaceLimit, let used = ProcessStatus().byteCount("VmSize") else { return nil }
        return max(0, limit - used)
    }

    /// Bytes that the address space of this process may have (`ulimit -v`); nil without a limit.
    public static var addressSpaceLimit: Int? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else { return nil }
        return Int(exactly: limit.rlim_cur)
    }

    /// The folders of this process' groups and of those above, as far as they can be seen: in a container the names may be those of the
    /// host, and then the topmost folder is this process' own.
    private static func groupFolders(_ root: String) -> [String] {
        ProcessStatus.text(of: "\(root)/proc/self/cgroup").split(separator: "\n").flatMap { line -> [String] in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let mounts =
                fields[1].isEmpty
                ? ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
                : fields[1].split(separator: ",").contains("memory") ? ["/sys/fs/cgroup/memory"] : []
            let names = fields[2].split(separator: "/")
            return mounts.flatMap { mount in
                (0...names.count).map { "\(root)\(mount)/\(names.prefix($0).joined(separator: "/"))" }
            }
        }
    }

    private static func ofGroup(_ folder: String) -> Int? {
        func number(_ name: String) -> Int? {
            ProcessStatus.text(of: "\(folder)/\(name)").split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
        }
        // "max" is no number: there is no limit.
        guard let limit = number("memory.max") ?? number("memory.limit_in_bytes"),
            let used = number("memory.current") ?? number("memory.usage_in_bytes")
        else { return nil }
        let statistics = ProcessStatus.text(of: "\(folder)/memory.stat")
        let names = ["inactive_file", "active_file"]
        let fileBytes = names.reduce(0) { sum, name in
            // Version 1 has the groups below only in the totals.
            sum + (Self.number(of: "total_\(name)", in: statistics) ?? Self.number(of: name, in: statistics) ?? 0)
        }
        return max(0, limit - max(0, used - fileBytes))
    }

    /// The number of the line "name number"; nil if there is none.
    private static func number(of name: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count == 2, words[0] == name { return Int(words[1]) }
        }
        return nil
    }
}
