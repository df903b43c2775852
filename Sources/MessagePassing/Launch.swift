/// How this process was started, judged from its environment.
package enum Launch: Equatable {
    /// By hand, or as the only process: MPI is not needed.
    case alone
    /// By mpirun, or by srun with PMIx.
    case together
    /// By something that started several processes which cannot find each other.
    case apart(launcher: String)

    package init(environment: (String) -> String?) {
        if ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMIX_NAMESPACE"].contains(where: { environment($0) != nil }) {
            self = .together
        } else if let count = environment("SLURM_STEP_NUM_TASKS").flatMap({ Int($0) }), count > 1 {
            self = .apart(launcher: "srun")
        } else if let count = environment("PMI_SIZE").flatMap({ Int($0) }), count > 1 {
            // Another MPI's mpirun, such as MPICH's.
            self = .apart(launcher: "A launcher that is not Open MPI's")
        } else {
            self = .alone
        }
    }

    /// Settings of Open MPI that are made unless the user made them, as environment variables.
    ///
    /// Those of mpirun itself (oversubscription, binding, keepalive of its daemons) cannot be made here: mpirun has read
    /// its own before this process exists. The launchers in Launch/ make them.
    package static func settings(hasFastNetwork: Bool, memoryAccessIsAllowed: Bool) -> [(name: String, value: String)] {
        // Waiting ranks give way to others on the same core. Without it, three ranks on two cores take 5 ms instead of
        // 5 us for the smallest operation; mpirun sets it only when it sees that one of its hosts is oversubscribed.
        var settings = [("OMPI_MCA_mpi_yield_when_idle", "1")]
        // Start-up without looking for fast networks (0.2 s), unless there is one.
        if !hasFastNetwork { settings.append(("OMPI_MCA_pml", "ob1")) }
        // In containers that forbid reading another process's memory the shared-memory transport fails; this makes it copy.
        if !memoryAccessIsAllowed { settings.append(("OMPI_MCA_btl_vader_single_copy_mechanism", "none")) }
        return settings
    }
}
