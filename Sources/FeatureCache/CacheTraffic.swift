import Synchronization

/// What a process has read of a cache so far, of the disk or of what the system keeps of it in memory.
public struct CacheTraffic: Equatable, Sendable {
    /// Feature maps that were read.
    public var rowCount = 0
    /// Bytes that were read, the fronts of files included.
    public var readByteCount = 0
    /// Bytes whose digest was taken.
    public var hashedByteCount = 0
    /// How often a file was opened.
    public var openCount = 0
    /// Files that were opened at all.
    public var fileCount = 0
    /// Feature maps that were there before they were asked for.
    public var aheadCount = 0
    /// Files that were made anew.
    public var mendedCount = 0

    public init() {}
}

/// Counts the traffic of a cache, from any thread.
final class TrafficCounters: Sendable {
    private let rows = Atomic<Int>(0)
    private let readBytes = Atomic<Int>(0)
    private let hashedBytes = Atomic<Int>(0)
    private let opened = Atomic<Int>(0)
    private let ahead = Atomic<Int>(0)
    private let mended = Atomic<Int>(0)
    private let files: Mutex<[Bool]>

    init(shardCount: Int) {
        files = Mutex([Bool](repeating: false, count: shardCount))
    }

    func countRow(byteCount: Int) {
        rows.add(1, ordering: .relaxed)
        countRead(byteCount: byteCount)
    }
    func countRead(byteCount: Int) { readBytes.add(byteCount, ordering: .relaxed) }
    func countHashed(byteCount: Int) { hashedBytes.add(byteCount, ordering: .relaxed) }
    /// The front of a file, which is read and of which the digest is taken.
    func countFront(byteCount: Int) {
        countRead(byteCount: byteCount)
        countHashed(byteCount: byteCount)
    }
    func countOpened(_ shard: Int) {
        opened.add(1, ordering: .relaxed)
        files.withLock { $0[shard] = true }
    }
    func countAhead() { ahead.add(1, ordering: .relaxed) }
    func countMended() { mended.add(1, ordering: .relaxed) }

    var traffic: CacheTraffic {
        var traffic = CacheTraffic()
        traffic.rowCount = rows.load(ordering: .relaxed)
        traffic.readByteCount = readBytes.load(ordering: .relaxed)
        traffic.hashedByteCount = hashedBytes.load(ordering: .relaxed)
        traffic.openCount = opened.load(ordering: .relaxed)
        traffic.fileCount = files.withLock { $0.count { $0 } }
        traffic.aheadCount = ahead.load(ordering: .relaxed)
        traffic.mendedCount = mended.load(ordering: .relaxed)
        return traffic
    }
}
