import DurableFiles
import Glibc

/// A feature map in a cache: a row of a shard.
struct CacheRow: Hashable, Sendable {
    let shard: Int
    let row: Int
}

extension FeatureCache {
    /// The feature maps of a view of samples, [n, H, W, D]; those of skipped samples are zero.
    ///
    /// - Parameter view: below `viewCount` for training images, 0 for others.
    /// - Throws: `FeatureCacheError.corruptRow` for one that is damaged, or what the cache's mender throws;
    ///   `DurableFileError`.
    public func features(of sampleIndices: [Int], view: Int = 0) throws -> [Float] {
        let rows = rows(of: sampleIndices, view: view)
        return try features(count: rows.count) { position, memory, use in
            try read(rows[position], into: memory)
            use(.stored(UnsafeRawBufferPointer(memory)))
        }
    }

    /// The features of `rowCount` rows, of each of which `read` gives the content to its last argument; it may use the memory it is given.
    func features(
        count rowCount: Int,
        reading read: (
            _ position: Int, _ memory: UnsafeMutableRawBufferPointer, _ use: (RowContent) -> Void
        ) throws -> Void
    ) throws -> [Float] {
        let (elementCount, packing) = (identity.featureMap.elementCount, packing)
        // What needs no widening can be read into its place.
        let isAsStored = identity.precision == .f32
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: isAsStored ? 0 : identity.sampleByteCount, alignment: 64)
        defer { memory.deallocate() }
        return try [Float](unsafeUninitializedCapacity: rowCount * elementCount) { buffer, count in
            for position in 0..<rowCount {
                let end = (position + 1) * elementCount
                let destination = UnsafeMutableBufferPointer(rebasing: buffer[count..<end])
                let place = isAsStored ? UnsafeMutableRawBufferPointer(destination) : memory
                try read(position, place) { content in
                    if case .stored(let bytes) = content, bytes.baseAddress == UnsafeRawPointer(destination.baseAddress)
                    {
                        return
                    }
                    packing.widen(content, into: destination)
                }
                count = end
            }
        }
    }

    var packing: RowPacking { RowPacking(precision: identity.precision, map: identity.featureMap) }

    /// Where a view of each of some samples is.
    func rows(of samples: [Int], view: Int) -> [CacheRow] { samples.map { row(of: $0, view: view) } }

    /// Where a view of a sample is.
    func row(of sample: Int, view: Int) -> CacheRow {
        guard let shard = index.shard(ofView: view, plainShard: samples.shard(of: sample)) else {
            preconditionFailure("\(samples.path(of: sample)) has no view \(view)")
        }
        return CacheRow(shard: shard, row: samples.row(of: sample))
    }

    // MARK: - A row

    /// How often a file may change while a row is read from it.
    private static let changeLimit = 4

    /// Fills `memory` with the bytes of a row, verified; has it mended if it is damaged.
    ///
    /// - Parameter hasWaited: is set if the thread had to wait for the disk.
    /// - Throws: as `features(of:)`.
    func read(
        _ row: CacheRow, into memory: UnsafeMutableRawBufferPointer, hasWaited: UnsafeMutablePointer<Bool>? = nil
    ) throws {
        do {
            try readOnce(row, into: memory, hasWaited: hasWaited)
        } catch let fault as ShardFault {
            try mending.mend(row, fault, of: self) { try readOnce(row, into: memory) }
        }
        counters.countRow(byteCount: memory.count)
    }

    /// Fills `memory` with the bytes of a row, verified.
    /// - Throws: `ShardFault` if it is damaged; `DurableFileError`.
    private func readOnce(
        _ row: CacheRow, into memory: UnsafeMutableRawBufferPointer, hasWaited: UnsafeMutablePointer<Bool>? = nil
    ) throws {
        _ = try readOnce(row, hasWaited) { file, offset in
            try file.read(into: memory, from: offset)
            return UnsafeRawBufferPointer(memory)
        }
    }

    /// The bytes of a row, verified, that `read` gives from a place in a file.
    private func readOnce(
        _ row: CacheRow, _ hasWaited: UnsafeMutablePointer<Bool>?,
        reading read: (PositionedFile, Int) throws -> UnsafeRawBufferPointer
    ) throws -> UnsafeRawBufferPointer {
        for _ in 0..<Self.changeLimit {
            let file = try file(row.shard)
            do {
                return try readOnce(row, of: file, hasWaited, reading: read)
            } catch is FileChanged {
                forget(row.shard, file)
            } catch let fault as ShardFault {
                forget(row.shard, file)
                // The damaged file may be one that has been replaced by a sound one.
                guard isCurrent(file) else { continue }
                throw fault
            } catch let error as DurableFileError {
                forget(row.shard, file)
                switch error {
                case .failed(_, _, ESTALE): continue  // it was replaced on the server
                case .shorter: continue  // it has become so: a look at its front says what is wrong
                default: throw try fault(of: error)
                }
            }
        }
        throw ShardFault(problem: "it goes on changing while it is read")
    }

    private func readOnce(
        _ row: CacheRow, of file: PositionedFile, _ hasWaited: UnsafeMutablePointer<Bool>?,
        reading read: (PositionedFile, Int) throws -> UnsafeRawBufferPointer
    ) throws -> UnsafeRawBufferPointer {
        let ticket = try ticket(for: row, of: file)
        let waitCount = hasWaited.map { _ in Self.waitCount }
        let bytes = try read(file, ticket.offset)
        if let waitCount { hasWaited?.pointee = Self.waitCount != waitCount }
        try verify(bytes, of: row, file, ticket)
        return bytes
    }

    private func ticket(for row: CacheRow, of file: PositionedFile) throws -> CacheShard.Ticket {
        try shards[row.shard].ticket(forRow: row.row, of: file, row.shard, in: index, counters)
    }

    /// Makes sure that what was read of a row just now is what it should be.
    /// - Throws: `ShardFault` if it is not; `FileChanged`; `DurableFileError`.
    private func verify(
        _ bytes: UnsafeRawBufferPointer, of row: CacheRow, _ file: PositionedFile, _ ticket: CacheShard.Ticket
    ) throws {
        var isSound = true
        if let digest = ticket.digest {
            var hasher = ContentHasher()
            hasher.update(bytes)
            isSound = hasher.finalizeBytes() == digest
            counters.countHashed(byteCount: bytes.count)
        }
        // After the read, so that what was read is what was verified.
        guard try file.currentVersion() == file.version else { throw FileChanged() }
        guard isSound else {
            throw ShardFault(problem: "its features do not have the digest they should", row: row.row)
        }
        if ticket.digest != nil,
            let problem = identity.precision.problem(of: bytes, channelCount: identity.featureMap.channelCount)
        {
            throw ShardFault(problem: problem, row: row.row)
        }
        if ticket.digest != nil, file.version.isSettled {
            shards[row.shard].markVerified(row: row.row, version: file.version)
        }
    }

    // MARK: - Rows at a time

    /// What came of reading a row: its bytes, nil if something is wrong, and whether the thread had to wait for the disk.
    struct RowRead {
        var bytes: UnsafeRawBufferPointer?
        var hasWaited = false
    }

    /// The bytes of rows, verified, each somewhere in its room. Those that are read past the system's memory are under way together.
    ///
    /// - Parameters:
    ///   - rows: `reads.limit` at most.
    ///   - reads: nil to read one after the other.
    /// - Returns: no bytes for a row that something is wrong with: `read` says what, or has it mended.
    func readOnce(_ rows: [CacheRow], within rooms: [BlockRoom], using reads: DirectReads?) -> [RowRead] {
        var results = [RowRead](repeating: RowRead(), count: rows.count)
        func readAlone(_ position: Int) {
            // So that a wait for memory is not taken for one for the disk.
            rooms[position].touch()
            results[position].bytes = try? readOnce(rows[position], &results[position].hasWaited) {
                try $0.read(identity.sampleByteCount, from: $1, within: rooms[position])
            }
        }
        guard let reads else {
            rows.indices.forEach(readAlone)
            return results
        }
        var direct: [(position: Int, file: PositionedFile, ticket: CacheShard.Ticket)] = []
        var alone: [Int] = []
        for (position, row) in rows.enumerated() {
            if let file = try? file(row.shard), file.bypassesCache, let ticket = try? ticket(for: row, of: file) {
                direct.append((position, file, ticket))
            } else {
                alone.append(position)
            }
        }
        let requests = direct.map {
            DirectReads.Request(
                identity.sampleByteCount, from: $0.ticket.offset, of: $0.file, within: rooms[$0.position])
        }
        let found = reads.read(requests) { alone.forEach(readAlone) }
        for (read, bytes) in zip(direct, found) {
            if let bytes, (try? verify(bytes, of: rows[read.position], read.file, read.ticket)) != nil {
                results[read.position] = RowRead(bytes: bytes, hasWaited: true)
            } else {
                readAlone(read.position)
            }
        }
        return results
    }

    // MARK: - Files

    /// How often this thread had to wait for anything so far. What is in memory is read without.
    private static var waitCount: Int {
        var usage = rusage()
        getrusage(threadUsage, &usage)
        return usage.ru_nvcsw
    }

    /// RUSAGE_THREAD.
    private static let threadUsage: __rusage_who_t = 1

    /// Whether an open file is still the one that has its name.
    private func isCurrent(_ file: PositionedFile) -> Bool {
        // One that is gone is what the next attempt to open it will find.
        (try? FileVersion(ofFileAt: file.path)) == file.version
    }

    private func file(_ shard: Int) throws -> PositionedFile {
        try files.file(shard) {
            counters.countOpened(shard)
            return try open(shard)
        }
    }

    private func forget(_ shard: Int, _ file: PositionedFile) {
        files.close(shard, file)
        shards[shard].forget(file.version)
    }

    /// Opens the file of a shard.
    /// - Throws: `ShardFault` if there is none; `DurableFileError`.
    private func open(_ shard: Int) throws -> PositionedFile {
        let path = path(ofShard: shard)
        let isLeftToDisk = onDisk.withLock { $0.contains(shard) }
        do {
            do {
                return try PositionedFile(path, bypassesCache: isLeftToDisk)
            } catch DurableFileError.missing {
                // A network file system shows what another host has written once the folder has been looked at again.
                _ = try DurableDirectory.names(in: directory)
                return try PositionedFile(path, bypassesCache: isLeftToDisk)
            }
        } catch let error as DurableFileError {
            throw try fault(of: error)
        }
    }

    /// What is wrong with a shard whose file gave an error.
    /// - Throws: the error, if it is not one that another file of that name would mend.
    private func fault(of error: DurableFileError) throws -> ShardFault {
        switch error {
        case .missing: return ShardFault(problem: "it is not there")
        case .notAFile: return ShardFault(problem: "it is not a regular file")
        case .shorter: return ShardFault(problem: "it was cut short")
        case .failed(_, _, EIO): return ShardFault(problem: "the disk cannot read it (errno \(EIO))")
        case .failed(_, _, EBADMSG), .failed(_, _, EUCLEAN):
            return ShardFault(problem: "the file system says that it is damaged")
        default: throw error
        }
    }

    // MARK: - All of it

    /// Reads and verifies every own feature map; `progress` is called after each file with the number of those checked so far
    /// and of all.
    /// - Throws: as `features(of:)`, for the first that is damaged.
    public func verify(progress: (_ checkedShardCount: Int, _ shardCount: Int) -> Void = { _, _ in }) throws {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: identity.sampleByteCount, alignment: 64)
        defer { memory.deallocate() }
        let own = ownShards?.sorted() ?? Array(shards.indices)
        let rows = own.map { shard in
            (0..<index.shards[shard].sampleCount).map { CacheRow(shard: shard, row: $0) }
        }
        let ahead = ReadAhead(self, byteCountLimit: FeatureReader.byteCountLimit) { number in
            number < rows.count ? rows[number] : nil
        }
        defer { ahead.stop() }
        for (count, rows) in rows.enumerated() {
            ahead.begin()
            for row in rows {
                try ahead.withRows([row]) { try ahead.read(&$0[0], into: memory) { _ in } }
            }
            progress(count + 1, own.count)
        }
    }
}
