import MessagePassing
import Testing

@Suite struct LaunchTests {
    private func launch(_ environment: [String: String]) -> Launch { Launch { environment[$0] } }

    @Test func aBareProcessIsAlone() {
        #expect(launch([:]) == .alone)
        #expect(launch(["HOME": "/root", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_MCA_pml": "ob1"]) == .alone)
    }

    @Test func theScriptOfABatchJobIsAlone() {
        #expect(launch(["SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_NTASKS": "12"]) == .alone)
    }

    @Test func ranksOfMpirunAndOfSrunWithPMIxBelongTogether() {
        #expect(launch(["OMPI_COMM_WORLD_SIZE": "1"]) == .together)
        #expect(launch(["PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "3"]) == .together)
    }

    @Test func severalProcessesThatCannotFindEachOtherAreRefused() {
        #expect(launch(["SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "1"]) == .apart(launcher: "srun"))
        #expect(launch(["SLURM_STEP_NUM_TASKS": "1"]) == .alone)
        guard case .apart = launch(["PMI_SIZE": "2", "PMI_RANK": "0"]) else {
            Issue.record("ranks of another MPI pass for one process")
            return
        }
    }

    @Test func settingsDependOnWhatTheHostHas() {
        func names(_ hasFastNetwork: Bool, _ memoryAccessIsAllowed: Bool) -> [String] {
            Launch.settings(hasFastNetwork: hasFastNetwork, memoryAccessIsAllowed: memoryAccessIsAllowed).map(\.name)
        }
        #expect(names(false, true) == ["OMPI_MCA_mpi_yield_when_idle", "OMPI_MCA_pml"])
        #expect(names(true, true) == ["OMPI_MCA_mpi_yield_when_idle"])
        #expect(names(true, false).last == "OMPI_MCA_btl_vader_single_copy_mechanism")
    }
}
