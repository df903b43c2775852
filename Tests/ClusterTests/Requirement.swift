import Foundation

/// What a test needs of the machine. A missing one skips the test, and a line says so once.
enum Requirement {
    static let mpirun = isThere("tests of the launcher", missing: missingPrograms(["mpirun"]))

    /// Simulated hosts: network namespaces, which only root can make.
    static let hosts: Bool = {
        var missing = missingPrograms(["mpirun", "ip", "nsenter", "unshare"])
        if getuid() != 0 { missing.append("root") }
        if missing.isEmpty, !canMakeNamespaces { missing.append("the right to make network namespaces") }
        return isThere("tests on simulated hosts", missing: missing)
    }()

    static let slurm =
        hosts
        && isThere(
            "tests with SLURM",
            missing: missingPrograms(["/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/sbin/munged", "sbatch"])
        )

    /// Tests of a minute and more.
    static let patience: Bool = {
        let isSet = ProcessInfo.processInfo.environment["INFODISENT_LONG_TESTS"] != nil
        if !isSet { print("Skipped: the longest cluster tests; set INFODISENT_LONG_TESTS=1 to run them.") }
        return isSet
    }()

    private static func isThere(_ tests: String, missing: [String]) -> Bool {
        if !missing.isEmpty { print("Skipped: \(tests), which need \(missing.joined(separator: ", ")).") }
        return missing.isEmpty
    }

    private static func missingPrograms(_ names: [String]) -> [String] {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return names.filter { name in
            name.hasPrefix("/")
                ? access(name, X_OK) != 0 : !folders.contains { access("\($0)/\(name)", X_OK) == 0 }
        }
    }

    private static let canMakeNamespaces: Bool = {
        let name = "infodisent-try-\(getpid())"
        guard (try? Job.run(["ip", "netns", "add", name]).exitCode) == 0 else { return false }
        return (try? Job.run(["ip", "netns", "delete", name]).exitCode) == 0
    }()
}
