/// Something with a place in a total order: of two different ones, exactly one precedes the other.
public protocol TotallyOrdered {
    func precedes(_ other: Self) -> Bool
}

/// The first `capacity` of the entries offered so far, in order.
///
/// As the order is total, the result does not depend on the order in which entries are offered, and lists of parts merge into
/// the list of the whole.
public struct TopList<Entry: TotallyOrdered> {
    public let capacity: Int
    /// The first ones, in order.
    @inlinable public var entries: [Entry] { list }
    // Inlined into other targets, where code that is not would not be specialised.
    @usableFromInline var list: [Entry] = []

    @inlinable
    public init(capacity: Int) {
        precondition(capacity >= 0, "a list of \(capacity) entries")
        self.capacity = capacity
    }

    /// Takes in an entry if it is among the first. O(capacity) if it is, O(1) otherwise.
    @inlinable
    public mutating func offer(_ entry: Entry) {
        if list.count == capacity {
            guard let last = list.last, entry.precedes(last) else { return }
            list.removeLast()
        }
        let place = list.firstIndex { entry.precedes($0) } ?? list.count
        list.insert(entry, at: place)
    }

    @inlinable
    public mutating func merge(_ other: Self) {
        for entry in other.list { offer(entry) }
    }
}

extension TopList: Sendable where Entry: Sendable {}
extension TopList: Equatable where Entry: Equatable {}
