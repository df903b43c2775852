import SystemFacts
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
}
