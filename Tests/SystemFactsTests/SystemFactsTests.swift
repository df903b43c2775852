import Foundation
import SystemFacts
import TemporaryFolders
import Testing

@Suite struct SystemFactsTests {
    @Test func thisProcessUsesMemoryAndMayRunSomewhere() throws {
        let status = ProcessStatus()
        let (resident, peak) = (try #require(status.residentByteCount), try #require(status.peakByteCount))
        #expect(resident > 1 << 20 && peak >= resident)
        #expect(try #require(status.allowedProcessors).contains(true))
    }

    @Test func listsOfProcessorsAreRead() {
        func allowed(_ list: String) -> [Bool]? {
            ProcessStatus(text: "Name:\tx\nCpus_allowed_list:\t\(list)\nVmRSS:\t 12 kB\n").allowedProcessors
        }
        #expect(allowed("0-2,5") == [true, true, true, false, false, true])
        #expect(allowed("3") == [false, false, false, true])
        for damaged in ["", "3-1", "a", "0-999999999", "-1"] { #expect(allowed(damaged) == nil, "\(damaged)") }
        #expect(ProcessStatus(text: "VmRSS:\t 12 kB\n").residentByteCount == 12 << 10)
        #expect(ProcessStatus(text: "VmRSS:\t twelve kB\n").residentByteCount == nil)
        #expect(ProcessStatus(text: "").allowedProcessors == nil)
    }

    @Test func theProcessorSaysWhatItCanDo() {
        let features = ProcessorFeatures(
            text: "processor\t: 0\nflags\t\t: fpu avx2 fma\n\nprocessor\t: 1\nflags\t: none\n")
        #expect(features.has(["avx2", "fma"]) && !features.has(["avx2", "avx512f"]))
        #expect(features.missing(of: ["avx2", "avx512f", "bmi2"]) == ["avx512f", "bmi2"])
        // A system that says nothing is not known to lack anything, and not known to have it.
        #expect(ProcessorFeatures(text: "").missing(of: ["avx2"]).isEmpty && !ProcessorFeatures(text: "").has(["avx2"]))
        #expect(ProcessorFeatures.here.has(["avx2"]), "this package is compiled for it")
    }

    @Test func thisMachineHasMemory() throws {
        #expect(try #require(AvailableMemory.byteCount()) > 1 << 24)
    }

    /// A control group's files by their names.
    private func group(_ limit: String, _ used: String, _ statistics: String, version: Int = 2) -> [String: String] {
        version == 2
            ? ["memory.max": limit, "memory.current": used, "memory.stat": statistics]
            : ["memory.limit_in_bytes": limit, "memory.usage_in_bytes": used, "memory.stat": statistics]
    }

    private func available(_ groups: String, _ folders: [String: [String: String]], machine: String? = "1000 kB") throws
        -> Int?
    {
        try withTemporaryFolder { root throws in
            var files = ["proc/self/cgroup": groups]
            if let machine { files["proc/meminfo"] = "MemTotal:  9000 kB\nMemFree: 1 kB\nMemAvailable:  \(machine)\n" }
            for (folder, contents) in folders {
                for (name, text) in contents { files["sys/fs/cgroup/\(folder)/\(name)"] = text }
            }
            for (name, text) in files {
                let url = URL(fileURLWithPath: root.appending(name).string)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try text.write(to: url, atomically: true, encoding: .utf8)
            }
            return AvailableMemory.byteCount(root: root.string)
        }
    }

    @Test func theLeastOfMachineAndControlGroupsIsAvailable() throws {
        let own = group("500000\n", "300000\n", "anon 90000\nfile 9\ninactive_file 150000\nactive_file 50000\n")
        #expect(try available("0::/job/step\n", ["job/step": own]) == 400_000)
        // A group above, and a group that leaves more than the machine has.
        let tight = group("200000", "190000", "inactive_file 0\nactive_file 0\n")
        #expect(try available("0::/job/step\n", ["job/step": own, "job": tight]) == 10000)
        let wide = group("9000000", "0", "")
        #expect(try available("0::/job\n", ["job": wide]) == 1000 << 10)
        // No limit, no group, a group that is over its limit, and a container, whose own group is the topmost folder.
        #expect(try available("0::/job\n", ["job": group("max", "5", "")]) == 1000 << 10)
        #expect(try available("", [:]) == 1000 << 10)
        #expect(try available("0::/job\n", ["job": group("5", "90", "")]) == 0)
        #expect(try available("0::/host/name\n", [".": tight]) == 10000)
    }

    @Test func controlGroupsOfVersionOneAreRead() throws {
        let own = group(
            "500000", "300000", "inactive_file 1\nactive_file 1\ntotal_inactive_file 100000\ntotal_active_file 20000\n",
            version: 1)
        let text = "5:cpu,cpuacct:/x\n4:memory:/job\n0::/\n"
        #expect(try available(text, ["memory/job": own]) == 320_000)
        #expect(try available(text, ["memory/job": own], machine: "7 kB") == 7 << 10)
    }

    @Test func whatTheSystemDoesNotSayIsUnknown() throws {
        #expect(try available("", [:], machine: nil) == nil)
        #expect(try available("nonsense\n", [:], machine: "many kB") == nil)
        let damaged = group("500000", "", "")
        #expect(try available("0::/job\n", ["job": damaged]) == 1000 << 10)
    }
}
