import DurableFiles
import Foundation
import Glibc
import Synchronization

/// Threads that read rows before they are asked for, into memory of bounded size.
///
/// As long as the system has the rows in memory anyway, that only costs time: then the threads rest, and a row is read when it
/// is asked for. What decides is whether reads have to wait, which is looked at anew with each batch, and sooner if the batches
/// are small; so it holds for any disk and any file system.
final class ReadAhead: @unchecked Sendable {
    /// Rows are distinct within a batch, not beyond.
    private struct Key: Hashable {
        let batch: Int
        let row: CacheRow
    }

    /// The bytes of a row, and the memory that they are in.
    fileprivate struct ReadRow {
        let room: BlockRoom
        let bytes: UnsafeRawBufferPointer
    }

    private enum Entry {
        case planned
        case reading
        case ready(ReadRow)
    }

    private let cache: FeatureCache
    private let packing: RowPacking
    /// Rows that have memory at a time.
    private let rowLimit: Int
    /// Rows that a thread reads at a time.
    private let groupLimit: Int
    private let rowsOfBatch: @Sendable (Int) -> [CacheRow]?

    /// Guards all that follows.
    private let monitor = Monitor()
    /// A row is ready, or will not be.
    private let isReady = Monitor.Condition()
    /// There is something to do for the threads.
    private let isWork = Monitor.Condition()

    private var entries: [Key: Entry] = [:]
    private var entryCounts: [Int: Int] = [:]
    /// The keys of planned entries, in the order in which they will be asked for; some may have been asked for already.
    private var queue: ArraySlice<Key> = []
    /// Rows that have a room: being read, ready, or in use.
    private var roomCount = 0
    private let rooms: BlockRooms
    private var waitingCount = 0
    /// Nil if no rows are held.
    private let held: HeldRows?
    /// Threads that use rows.
    private var userCount = 0

    /// The batch that rows are asked for from.
    private var currentBatch = -1
    /// The next batch to be planned; nil behind the last.
    private var nextBatch: Int? = 0
    private var isPlanning = false
    /// Batches that are planned before they begin, at most: where most rows are held, the few that are read would be of a great many.
    private var planLimit = 2
    /// Rows of the current batch that were asked for before it was planned.
    private var early: Set<CacheRow> = []
    private var isResting: Bool
    private var isStopped = false
    private var hasThreads = false
    /// Reads since it was last decided whether to rest, and those that had to wait.
    private var readCount = 0
    private var waitCount = 0

    /// Threads that read, one row at a time or some: enough to keep a disk or a file server busy.
    private static let threadCount = 16
    /// More reads in one call save nothing more.
    private static let largestGroup = 32
    /// Reads by which it is decided whether to rest.
    private static let decisionCount = 32
    /// Reads ahead by which it is decided within a batch, so that little is read ahead of what is in memory anyway.
    static let decisionCountWithinBatch = 128

    init(
        _ cache: FeatureCache, byteCountLimit: Int, holding: FeatureReader.Holding? = nil,
        rowsOfBatch: @escaping @Sendable (Int) -> [CacheRow]?
    ) {
        self.cache = cache
        packing = cache.packing
        self.rowsOfBatch = rowsOfBatch
        rowLimit = max(1, byteCountLimit / BlockRoom.allocatedByteCount(for: cache.identity.sampleByteCount))
        // So that all threads have something to do, and as much again is ready; and no more files are in use than may be open.
        groupLimit = max(1, min(Self.largestGroup, min(rowLimit, cache.files.limit) / (2 * Self.threadCount)))
        rooms = BlockRooms(count: rowLimit, byteCount: cache.identity.sampleByteCount)
        held = holding.flatMap { $0.byteCountLimit > 0 ? HeldRows(cache, $0) : nil }
        isResting = cache.readsWithoutWaiting.load(ordering: .relaxed)
        monitor.locked {
            if !isResting { startThreads() }
        }
    }

    /// Ends the threads, each when it has read its rows.
    func stop() {
        monitor.locked {
            isStopped = true
            cache.readsWithoutWaiting.store(isResting, ordering: .relaxed)
            monitor.broadcast(isWork)
        }
    }

    /// Goes on to the next batch.
    func begin() {
        monitor.locked {
            currentBatch += 1
            nextBatch = nextBatch.map { max($0, currentBatch) }
            early = []
            decideWhetherToRest()
            // What is no longer held was not planned to be read.
            if userCount == 0, held?.giveWay() == true { nextBatch = nextBatch.map { _ in currentBatch } }
            // What was not asked for of earlier batches, if anything.
            if entryCounts.keys.contains(where: { $0 < currentBatch }) {
                for (key, entry) in entries where key.batch < currentBatch { drop(key, entry) }
            }
            monitor.broadcast(isWork)
        }
    }

    // MARK: - Asking for rows

    /// A row that somebody is using.
    struct TakenRow {
        let row: CacheRow
        fileprivate var place: HeldRows.Place?
        fileprivate var ready: ReadRow?
    }

    /// Gives rows of this batch to `body`, to be read one by one: whatever there is of them already is taken at once, since the lock
    /// is what threads would wait for.
    func withRows<Result>(_ rows: [CacheRow], _ body: (inout [TakenRow]) throws -> Result) rethrows -> Result {
        var taken = monitor.locked {
            userCount += 1
            return rows.map(takeIfThere)
        }
        defer {
            monitor.locked {
                taken.forEach(finish)
                userCount -= 1
            }
        }
        return try body(&taken)
    }

    /// Gives the content of a row to `use`, and reads it into `memory` if it is neither held nor read ahead.
    /// - Throws: as `FeatureCache.read`.
    func read(
        _ taken: inout TakenRow, into memory: UnsafeMutableRawBufferPointer, _ use: (RowContent) -> Void
    ) throws {
        if let place = taken.place {
            use(packing.content(of: place.bytes))
            return cache.counters.countAhead()
        }
        if let ready = taken.ready ?? wait(for: taken.row) {
            taken.ready = ready
            use(.stored(ready.bytes))
            hold(&taken, ready.bytes)
            monitor.locked { release(ready.room) }
            taken.ready = nil
            return cache.counters.countAhead()
        }
        var hasWaited = false
        try cache.read(taken.row, into: memory, hasWaited: &hasWaited)
        use(.stored(UnsafeRawBufferPointer(memory)))
        monitor.locked {
            if isResting { count(hasWaited) }
        }
        hold(&taken, UnsafeRawBufferPointer(memory))
    }

    /// Holds a row that has been used, if there is room.
    private func hold(_ taken: inout TakenRow, _ bytes: UnsafeRawBufferPointer) {
        guard let held, monitor.locked({ held.hasRoom }) else { return }
        taken.place = packing.withPacked(bytes) { packed in
            let place = monitor.locked { held.makePlace(byteCount: packed.count) }
            place?.fill(from: packed)
            return place
        }
    }

    /// Waits for a row that is being read; nil if it is not.
    private func wait(for row: CacheRow) -> ReadRow? {
        monitor.locked {
            let key = Key(batch: currentBatch, row: row)
            while true {
                switch entries[key] {
                case nil:
                    if !isResting, nextBatch == currentBatch { early.insert(row) }
                    return nil
                case .planned:
                    set(key, nil)
                    return nil
                case .reading:
                    waitingCount += 1
                    monitor.wait(for: isReady)
                    waitingCount -= 1
                case .ready(let ready):
                    set(key, nil)
                    return ready
                }
            }
        }
    }

    // MARK: - Reading ahead

    /// Starts them when they are first needed, with the lock held.
    private func startThreads() {
        guard !hasThreads else { return }
        hasThreads = true
        for _ in 0..<min(Self.threadCount, rowLimit) {
            Thread.detachNewThread { self.readRows() }
        }
    }

    private func readRows() {
        // Made when it is first needed. Without it, a row at a time is there as soon as it can be.
        var reads: DirectReads?
        var limit = groupLimit
        while let (keys, rooms) = nextRows(limit: limit) {
            if keys.count > 1, reads == nil {
                reads = DirectReads(limit: groupLimit)
                if reads == nil { limit = 1 }
            }
            // What is wrong with a row is found out by whoever asks for it.
            let found = cache.readOnce(keys.map(\.row), within: rooms, using: keys.count > 1 ? reads : nil)
            monitor.locked {
                for ((key, room), read) in zip(zip(keys, rooms), found) { place(read, key, room) }
                if waitingCount > 0 { monitor.broadcast(isReady) }
            }
        }
    }

    /// The next rows to be read, and memory for them; waits until there are some and room for one. Nil when the threads are to end.
    ///
    /// Several at a time only where reads go past the system's memory, which are then under way together.
    private func nextRows(limit: Int) -> ([Key], [BlockRoom])? {
        monitor.locked {
            while !isStopped {
                if isResting || roomCount >= rowLimit || isPlanning {
                    monitor.wait(for: isWork)
                } else if !queue.isEmpty {
                    let limit = min(cache.leavesFilesToDisk ? limit : 1, rowLimit - roomCount)
                    var keys: [Key] = []
                    while keys.count < limit, let key = queue.popFirst() {
                        guard case .planned = entries[key] else { continue }
                        guard held?.place(of: key.row) == nil else {
                            set(key, nil)
                            continue
                        }
                        set(key, .reading)
                        keys.append(key)
                    }
                    guard !keys.isEmpty else { continue }
                    roomCount += keys.count
                    return (keys, keys.map { _ in rooms.take()! })
                } else if let batch = nextBatch, batch <= currentBatch + planLimit {
                    plan(batch)
                } else {
                    monitor.wait(for: isWork)
                }
            }
            return nil
        }
    }

    /// Plans a batch. The lock is given up while its rows are listed, which may take a while at the start of an epoch.
    private func plan(_ batch: Int) {
        isPlanning = true
        let rows = monitor.unlocked { rowsOfBatch(batch) }
        isPlanning = false
        defer { monitor.broadcast(isWork) }
        // In the meantime the threads may have gone to rest and the batches gone on.
        guard nextBatch == batch else { return }
        guard let rows else {
            nextBatch = nil
            return
        }
        nextBatch = batch + 1
        planLimit = max(2, 4 * rowLimit / max(1, rows.count))
        guard batch >= currentBatch, !isResting else { return }
        queue = []
        for row in rows {
            let key = Key(batch: batch, row: row)
            guard entries[key] == nil, batch > currentBatch || !early.contains(row), held?.place(of: row) == nil
            else { continue }
            set(key, .planned)
            queue.append(key)
        }
    }

    // MARK: - With the lock held

    private func takeIfThere(_ row: CacheRow) -> TakenRow {
        let key = Key(batch: currentBatch, row: row)
        if let place = held?.place(of: row) {
            if let entry = entries[key] { drop(key, entry) }
            return TakenRow(row: row, place: place)
        }
        guard case .ready(let ready) = entries[key] else { return TakenRow(row: row) }
        set(key, nil)
        return TakenRow(row: row, ready: ready)
    }

    private func finish(_ taken: TakenRow) {
        if let ready = taken.ready { release(ready.room) }
        // Where it is already, or its new place.
        if let place = taken.place { held?.hold(place, of: taken.row) }
    }

    private func set(_ key: Key, _ entry: Entry?) {
        let before = entries.updateValue(entry ?? .planned, forKey: key)
        if entry == nil { entries[key] = nil }
        let change = (entry == nil ? 0 : 1) - (before == nil ? 0 : 1)
        guard change != 0 else { return }
        let count = entryCounts[key.batch, default: 0] + change
        entryCounts[key.batch] = count == 0 ? nil : count
    }

    private func drop(_ key: Key, _ entry: Entry) {
        switch entry {
        case .planned: set(key, nil)
        case .reading: break  // its thread will drop it
        case .ready(let ready):
            set(key, nil)
            release(ready.room)
        }
    }

    private func release(_ room: BlockRoom) {
        roomCount -= 1
        rooms.giveBack(room)
        if isResting {
            if roomCount == 0 { rooms.clear() }
        } else if roomCount <= rowLimit - rowLimit / 8 {
            // Not for each row: a thread that is awake goes on as long as there is room.
            monitor.signal(isWork)
        }
    }

    /// Puts a row that was read where it will be asked for, if it still may be.
    private func place(_ read: FeatureCache.RowRead, _ key: Key, _ room: BlockRoom) {
        if !isResting {
            count(read.hasWaited)
            if readCount >= Self.decisionCountWithinBatch { decideWhetherToRest() }
        }
        if let bytes = read.bytes, key.batch >= currentBatch {
            cache.counters.countRow(byteCount: bytes.count)
            set(key, .ready(ReadRow(room: room, bytes: bytes)))
        } else {
            set(key, nil)
            release(room)
        }
    }

    private func count(_ hasWaited: Bool) {
        readCount += 1
        if hasWaited { waitCount += 1 }
    }

    private func decideWhetherToRest() {
        guard readCount >= Self.decisionCount else { return }
        if isResting, waitCount * 8 >= readCount {
            isResting = false
            startThreads()
        } else if !isResting, waitCount * 64 < readCount {
            isResting = true
            for (key, entry) in entries { if case .planned = entry { set(key, nil) } }
            queue = []
            if roomCount == 0 { rooms.clear() }
        }
        (readCount, waitCount) = (0, 0)
    }
}
