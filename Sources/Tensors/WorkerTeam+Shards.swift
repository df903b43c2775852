extension WorkerTeam {
    /// How this team computes the gradients of `shardCount` logical shards: `outer` shares out the shards, `inner` works on
    /// one.
    ///
    /// Shards are independent of each other, so they are what the threads share out; with more threads than shards the
    /// threads work together inside each shard instead. Either way a gradient has the same bits.
    package func sharing(_ shardCount: Int) -> (outer: WorkerTeam, inner: WorkerTeam) {
        workerCount <= shardCount ? (self, WorkerTeam(workerCount: 1)) : (WorkerTeam(workerCount: 1), self)
    }
}
