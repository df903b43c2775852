extension FeatureCache {
    /// Has the system keep only so many of this rank's files in memory as fit there, from now on, if not all of them do. The others are
    /// read past its memory.
    ///
    /// In an order that is random, a cache that is larger than the memory pushes out what it needs soon: most of it comes from the disk
    /// anyway, and making room takes more of the processor than reading does. A part that stays comes from memory each time.
    ///
    /// - Parameter byteCount: bytes of the files that may stay in memory.
    /// - Returns: the share of the bytes that is left to the disk, from 0 to 1.
    @discardableResult
    package func keepInMemory(byteCount: Int) -> Double {
        let own = ownShards?.sorted() ?? Array(shards.indices)
        let sizes = own.map { index.shards[$0].sampleCount * identity.sampleByteCount }
        let total = sizes.reduce(0, +)
        var kept = 0
        var left: Set<Int> = []
        for (shard, size) in zip(own, sizes) {
            if kept + size <= byteCount { kept += size } else { left.insert(shard) }
        }
        let isChanged = onDisk.withLock { onDisk in
            defer { onDisk = left }
            return onDisk != left
        }
        if isChanged { files.closeAll() }
        return left.isEmpty ? 0 : Double(total - kept) / Double(total)
    }

    /// Whether some files are read past the system's memory.
    var leavesFilesToDisk: Bool { onDisk.withLock { !$0.isEmpty } }
}
