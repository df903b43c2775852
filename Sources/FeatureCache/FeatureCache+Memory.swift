extension FeatureCache {
    /// Has the system keep this rank's files in memory, from now on, if all of them fit there. If not, all are read past it.
    ///
    /// In an order that is random, a cache that is larger than the memory pushes out what it needs soon: most of it comes from the disk
    /// anyway, and making room takes more of the processor than reading does. Memory is better used for rows that are
    /// held without their zeros (`FeatureReader.Holding`).
    ///
    /// - Parameter byteCount: bytes of the files that may stay in memory.
    /// - Returns: whether they do.
    @discardableResult
    package func keepInMemory(ifWithin byteCount: Int) -> Bool {
        let own = ownShards ?? Set(shards.indices)
        let total = own.reduce(0) { $0 + index.shards[$1].sampleCount } * identity.sampleByteCount
        let left = total <= byteCount ? [] : own
        let isChanged = onDisk.withLock { onDisk in
            defer { onDisk = left }
            return onDisk != left
        }
        if isChanged { files.closeAll() }
        return left.isEmpty
    }

    /// Whether files are read past the system's memory.
    var leavesFilesToDisk: Bool { onDisk.withLock { !$0.isEmpty } }
}
