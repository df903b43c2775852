/// The names of a file's tensors as networks have them: without the words that programs put into names when they wrap a
/// network or its parts, and in an order in which everything below one beginning lies together.
///
/// Names that no network has, because they are long or not ASCII, are left out. What is compared are bytes: Swift's own
/// comparison of texts takes its time for hostile ones.
package struct TensorNames: Sendable {
    package struct Name: Equatable, Sendable {
        /// Without the words of wrappers.
        package let bare: String
        /// Its place among the names given.
        package let index: Int
    }

    /// Sorted by the bytes of the bare names.
    package let names: [Name]
    /// Of the names given, those that were left out.
    package let leftOut: [Int]

    /// The words that stand for nothing: of data-parallel training and `torch.optim.swa_utils`, compilation, fully sharded
    /// training (of PyTorch and of fairscale), activation checkpoints, Lightning.
    package static let wrapperWords = [
        "module", "_orig_mod", "_fsdp_wrapped_module", "_fpw_module", "_checkpoint_wrapped_module", "_forward_module",
    ]

    static let byteCountLimit = 512
    /// How many places `prefixes(before:)` gives.
    static let placeLimit = 64

    package init(_ given: [String]) {
        var names: [Name] = []
        var leftOut: [Int] = []
        for (index, name) in given.enumerated() {
            if name.utf8.count <= Self.byteCountLimit, name.utf8.allSatisfy({ $0 < 0x80 }) {
                names.append(Name(bare: Self.bare(name), index: index))
            } else {
                leftOut.append(index)
            }
        }
        Self.sort(&names)
        // Two networks in one file, one of them wrapped: their tensors keep the names that tell them apart.
        let repeated = Set(
            zip(names, names.dropFirst()).lazy.filter { $0.bare.utf8.elementsEqual($1.bare.utf8) }
                .flatMap { [$0.index, $1.index] })
        if !repeated.isEmpty {
            names = names.map { repeated.contains($0.index) ? Name(bare: given[$0.index], index: $0.index) : $0 }
            Self.sort(&names)
        }
        self.names = names
        self.leftOut = leftOut
    }

    private static func sort(_ names: inout [Name]) {
        names.sort { $0.bare.utf8.lexicographicallyPrecedes($1.bare.utf8) }
    }

    /// `name` without the words of wrappers.
    package static func bare(_ name: String) -> String {
        let components = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard components.contains(where: isWrapperWord) else { return name }
        let kept = components.filter { !isWrapperWord($0) }
        return kept.isEmpty ? name : kept.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".")
    }

    private static func isWrapperWord(_ component: Substring.UTF8View) -> Bool {
        guard let first = component.first, first == UInt8(ascii: "_") || first == UInt8(ascii: "m") else {
            return false
        }
        return wrapperWords.contains { component.elementsEqual($0.utf8) }
    }

    /// The bare form of what a user gives as the beginning of names: with a dot at its end, unless it is empty.
    package static func prefix(_ text: String) -> String {
        text.utf8.split(separator: UInt8(ascii: ".")).filter { !isWrapperWord($0) }
            .map { String(decoding: $0, as: UTF8.self) + "." }.joined()
    }

    /// The places among `names` of those that begin with `prefix`.
    package func range(under prefix: String) -> Range<Int> {
        func firstPlace(_ isBehind: (String) -> Bool) -> Int {
            var (low, high) = (0, names.count)
            while low < high {
                let middle = (low + high) / 2
                if isBehind(names[middle].bare) { high = middle } else { low = middle + 1 }
            }
            return low
        }
        let start = firstPlace { !$0.utf8.lexicographicallyPrecedes(prefix.utf8) }
        let end = firstPlace { !$0.utf8.starts(with: prefix.utf8) && prefix.utf8.lexicographicallyPrecedes($0.utf8) }
        return start..<max(start, end)
    }

    /// What stands before `anchor` in the names that have it at their front or behind a dot: the beginnings under which there
    /// may be a network whose names begin so. Short ones first; not more than `placeLimit`.
    package func prefixes(before anchor: String) -> [String] {
        var found: Set<String> = []
        let anchor = Array(anchor.utf8)
        let first = anchor.first
        for name in names {
            name.bare.utf8.withContiguousStorageIfAvailable { bytes in
                var start = 0
                while start + anchor.count <= bytes.count {
                    if start == bytes.count || first == nil || bytes[start] == first,
                        bytes[start..<start + anchor.count].elementsEqual(anchor)
                    {
                        found.insert(String(decoding: bytes[..<start], as: UTF8.self))
                    }
                    guard let dot = bytes[start...].firstIndex(of: UInt8(ascii: ".")) else { return }
                    start = dot + 1
                }
            }
        }
        return Array(
            found.sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }.prefix(Self.placeLimit))
    }
}

// MARK: - What names have in common

extension TensorNames {
    /// The whole components that all of `names` begin with, with a dot at the end; empty if there are none.
    package static func sharedBeginning(of names: [String]) -> String {
        guard let first = names.first, names.count > 1 else { return "" }
        var shared = Array(first.utf8)
        for name in names.dropFirst() {
            shared.removeLast(shared.count - zip(shared, name.utf8).prefix { $0 == $1 }.count)
            if shared.isEmpty { return "" }
        }
        guard let dot = shared.lastIndex(of: UInt8(ascii: ".")) else { return "" }
        return String(decoding: shared[...dot], as: UTF8.self)
    }

    /// `names` by their component behind what all of them begin with, each with the number of names, in the order of the
    /// first of each: `optimizer (640 tensors)`, `fc.weight`.
    package static func groups(of names: [String], behind prefix: String) -> [(name: String, count: Int)] {
        var groups: [(name: String, count: Int)] = []
        var places: [[UInt8]: Int] = [:]
        for name in names {
            let bytes = Array(name.utf8)
            let shared = zip(bytes, prefix.utf8).prefix { $0 == $1 }.count
            // Back to the front of a component.
            let start = bytes[..<shared].lastIndex(of: UInt8(ascii: ".")).map { $0 + 1 } ?? 0
            let end = bytes[start...].firstIndex(of: UInt8(ascii: ".")) ?? bytes.count
            let key = Array(bytes[..<end])
            if let place = places[key] {
                groups[place].count += 1
                groups[place].name = String(decoding: key, as: UTF8.self)
            } else {
                places[key] = groups.count
                groups.append((name, 1))
            }
        }
        return groups
    }
}
