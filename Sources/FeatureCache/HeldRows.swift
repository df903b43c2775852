import Glibc

/// Rows that stay in this process' memory, packed, once somebody has used them.
///
/// The first that come stay, as many as there is room for. With a new random order in each epoch there is nothing better: each row is asked
/// for at most once an epoch, so no more of them can be there already than were held when it began.
///
/// Its owner's lock guards it, but for `fill`, which only the caller of `makePlace` may do, and for what is read of a place.
final class HeldRows {
    /// The memory of a row, which nobody changes once it is held.
    struct Place {
        fileprivate let memory: UnsafeMutableRawBufferPointer

        var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory) }

        func fill(from bytes: UnsafeRawBufferPointer) { memory.copyMemory(from: bytes) }
    }

    /// Bytes behind a row that may be read.
    private let slackByteCount: Int
    private let isMemoryShort: @Sendable () -> Bool
    /// Bytes of memory, at most.
    private var byteCountLimit: Int
    /// By the number of a row.
    private var places: [Place?]
    /// The number of the first row of each shard of this rank; others are not held.
    private let firstRows: [Int?]

    private var segments: [UnsafeMutableRawBufferPointer] = []
    /// Bytes of the last segment that are taken.
    private var usedByteCount = 0

    /// Whether there was no memory when more was asked for, so that others are short of it too.
    private var isRefused = false
    private var lastLook = ContinuousClock.now
    /// How often it is asked whether memory is short.
    private static let lookInterval = Duration.seconds(1)
    /// Several pages of 2 MiB.
    private static let segmentLength = 32 << 20
    /// A cache line.
    private static let alignment = 64

    init(_ cache: FeatureCache, _ holding: FeatureReader.Holding) {
        slackByteCount = cache.packing.slackByteCount
        isMemoryShort = holding.isMemoryShort
        byteCountLimit = holding.byteCountLimit
        var firstRows: [Int?] = []
        var rowCount = 0
        for (number, shard) in cache.index.shards.enumerated() {
            let isOwn = cache.ownShards?.contains(number) != false
            firstRows.append(isOwn ? rowCount : nil)
            rowCount += isOwn ? shard.sampleCount : 0
        }
        self.firstRows = firstRows
        places = [Place?](repeating: nil, count: rowCount)
    }

    deinit { clear() }

    private func number(_ row: CacheRow) -> Int? { firstRows[row.shard].map { $0 + row.row } }

    /// Where a row is held; nil if it is not.
    func place(of row: CacheRow) -> Place? { number(row).flatMap { places[$0] } }

    /// Whether a place for a row may still be had.
    private(set) var hasRoom = true

    /// A place for a row, to be filled and then held. Nil if there is no room.
    func makePlace(byteCount: Int) -> Place? {
        // What is read behind the last row of a segment is memory too.
        let length = (byteCount + slackByteCount + Self.alignment - 1) & ~(Self.alignment - 1)
        if usedByteCount + length > segments.last?.count ?? 0 {
            hasRoom = grow(byLeast: length)
            guard hasRoom else { return nil }
        }
        let place = Place(
            memory: UnsafeMutableRawBufferPointer(rebasing: segments.last![usedByteCount...].prefix(byteCount)))
        usedByteCount += length
        return place
    }

    /// Holds a row from now on.
    func hold(_ place: Place, of row: CacheRow) {
        if let number = number(row) { places[number] = place }
    }

    /// Gives all memory back to the system if that has become short, and takes no more than half of it from now on. No place may be in use.
    /// Returns whether it did.
    func giveWay() -> Bool {
        let now = ContinuousClock.now
        guard now - lastLook > Self.lookInterval || isRefused && !segments.isEmpty else { return false }
        lastLook = now
        guard isRefused || !segments.isEmpty && isMemoryShort() else { return false }
        if !segments.isEmpty { byteCountLimit = segments.reduce(0) { $0 + $1.count } / 2 }
        for index in places.indices { places[index] = nil }
        clear()
        (hasRoom, isRefused) = (true, false)
        return true
    }

    /// Takes another segment from the system. False if there may be no more, or are.
    private func grow(byLeast byteCount: Int) -> Bool {
        let taken = segments.reduce(0) { $0 + $1.count }
        let length = max(byteCount, min(Self.segmentLength, byteCountLimit - taken))
        guard taken + length <= byteCountLimit else { return false }
        // Each time: in a second more could be taken than there is.
        guard !isMemoryShort(),
            let memory = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else {
            isRefused = true
            return false
        }
        // A wish.
        _ = madvise(memory, length, MADV_HUGEPAGE)
        segments.append(UnsafeMutableRawBufferPointer(start: memory, count: length))
        usedByteCount = 0
        return true
    }

    private func clear() {
        for segment in segments { munmap(segment.baseAddress, segment.count) }
        (segments, usedByteCount) = ([], 0)
    }
}
