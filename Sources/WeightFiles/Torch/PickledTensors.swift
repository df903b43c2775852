/// The tensors of what `torch.save` saved, each with the way to it for its name: the keys of dictionaries, the places in
/// lists, and the names of the parts of a pickled network, joined by dots, so that the `conv1.weight` that lies under the key
/// `state_dict` is `state_dict.conv1.weight`.
///
/// A pickled network, of whatever class, is a closed box with three tables in it, `_parameters`, `_buffers` and `_modules`;
/// these are looked into as the pickle describes them. Nothing else of an object is.
struct PickledTensors {
    struct Found {
        let name: String
        /// Its place in the heap.
        let tensor: Int
        /// Whether it lies in a pickled network rather than in a dictionary.
        let isInObject: Bool
    }

    private(set) var tensors: [Found] = []
    private(set) var others: [WeightLayout.Other] = []

    /// How far containers may lie in each other.
    static let depthLimit = 64
    /// Containers and tensors looked at, however many ways lead to one.
    static let visitLimit = 2_000_000
    static let tensorLimit = 200_000
    static let nameByteCountLimit = 1024
    /// Bytes of all names.
    static let nameByteCountSumLimit = 64 << 20
    /// How many other things are remembered.
    static let otherLimit = 100

    private let heap: PickleHeap
    private var visitCount = 0
    private var nameByteCountSum = 0
    /// The containers that the walk is in: none is entered again from inside.
    private var ancestors: [Container] = []

    private enum Container: Equatable {
        case sequence(Int)
        case dictionary(Int)
        case object(Int)
    }

    /// - Throws: `LayoutFault`.
    init(in root: PickleValue, _ heap: PickleHeap) throws {
        self.heap = heap
        if case .tensor = root { throw LayoutFault.noTensors(root: heap.kind(of: root), keys: []) }
        try walk(root, "", isInObject: false)
        guard !tensors.isEmpty else {
            throw LayoutFault.noTensors(root: heap.kind(of: root), keys: keys(of: root))
        }
    }

    /// `prefix` is the way to `value`, with a dot at its end.
    private mutating func walk(_ value: PickleValue, _ prefix: String, isInObject: Bool) throws {
        switch value {
        case .dictionary(let index):
            try entering(.dictionary(index)) { walker throws in
                try walker.take(walker.heap.dictionaries[index], prefix, isInObject: isInObject)
            }
        case .sequence(let index):
            try entering(.sequence(index)) { walker throws in
                let elements = walker.heap.sequences[index]
                try walker.count(1 + elements.count / 16)
                for (place, element) in elements.enumerated() where Self.mayHoldTensors(element) {
                    try walker.take(element, prefix + String(place), isInObject: isInObject)
                }
            }
        case .object(let index):
            try entering(.object(index)) { walker throws in try walker.takeParts(of: index, prefix) }
        default: break
        }
    }

    private mutating func entering(_ container: Container, _ body: (inout Self) throws -> Void) throws {
        guard ancestors.count < Self.depthLimit, !ancestors.contains(container) else { return }
        ancestors.append(container)
        try body(&self)
        ancestors.removeLast()
    }

    private mutating func take(
        _ members: [(key: PickleValue, value: PickleValue)], _ prefix: String, isInObject: Bool
    ) throws {
        try count(1 + members.count / 16)
        let isRoot = ancestors.count == 1
        var (holdsTensors, closed): (Bool, [(key: String, value: PickleValue)]) = (false, [])
        for (key, value) in members {
            let text: String
            switch key {
            case .text(let key): text = key
            case .integer(let number): text = String(number)
            default: continue
            }
            let before = tensors.count
            if Self.mayHoldTensors(value) { try take(value, prefix + text, isInObject: isInObject) }
            if case .tensor = value { holdsTensors = true }
            if tensors.count == before, closed.count < Self.otherLimit { closed.append((text, value)) }
        }
        // What lies beside whole networks and beside tensors; not what is deep in settings or in the state of an optimizer.
        guard isRoot || ancestors.count == 2 && holdsTensors && !isInObject else { return }
        for (key, value) in closed where others.count < Self.otherLimit {
            let name = prefix + key
            let isLong = name.utf8.count > Self.nameByteCountLimit
            let isTensor = if case .tensor = value { true } else { false }
            others.append(
                .init(
                    name: isLong ? printable(name) : name,
                    kind: isLong && isTensor ? "a tensor whose name is too long" : heap.kind(of: value)))
        }
    }

    private static func mayHoldTensors(_ value: PickleValue) -> Bool {
        switch value {
        case .tensor, .dictionary, .sequence, .object: true
        default: false
        }
    }

    private mutating func take(_ value: PickleValue, _ name: String, isInObject: Bool) throws {
        guard name.utf8.count <= Self.nameByteCountLimit else { return }
        guard case .tensor(let tensor) = value else {
            return try walk(value, name + ".", isInObject: isInObject)
        }
        try count(1)
        nameByteCountSum += name.utf8.count
        guard tensors.count < Self.tensorLimit, nameByteCountSum <= Self.nameByteCountSumLimit else {
            throw LayoutFault.tooManyNames(limit: Self.tensorLimit)
        }
        tensors.append(Found(name: name, tensor: tensor, isInObject: isInObject))
    }

    /// The three tables of a part of a network; what was put into an object that is a dictionary of a class of its own.
    private mutating func takeParts(of object: Int, _ prefix: String) throws {
        try take(heap.objects[object].items, prefix, isInObject: false)
        guard case .dictionary(let state) = attributes(of: object) else { return }
        let passing = textSet(heap.value("_non_persistent_buffers_set", in: state))
        for table in ["_parameters", "_buffers"] {
            guard case .dictionary(let members)? = heap.value(table, in: state) else { continue }
            let kept = heap.dictionaries[members].filter { key, _ in
                if case .text(let name) = key { !passing.contains(Array(name.utf8)) } else { false }
            }
            try take(kept, prefix, isInObject: true)
        }
        guard case .dictionary(let modules)? = heap.value("_modules", in: state) else { return }
        try take(heap.dictionaries[modules], prefix, isInObject: true)
    }

    /// Of an object with slots the state is a pair, the dictionary first.
    private func attributes(of object: Int) -> PickleValue {
        let state = heap.objects[object].state
        if case .sequence(let pair) = state, let first = heap.sequences[pair].first { return first }
        return state
    }

    private func textSet(_ value: PickleValue?) -> Set<[UInt8]> {
        guard case .sequence(let elements)? = value else { return [] }
        return Set(
            heap.sequences[elements].compactMap { if case .text(let text) = $0 { Array(text.utf8) } else { nil } })
    }

    private mutating func count(_ visits: Int) throws {
        visitCount += visits
        guard visitCount <= Self.visitLimit else { throw LayoutFault.tooManyNames(limit: Self.visitLimit) }
    }

    /// The text keys of a dictionary, for a message.
    private func keys(of value: PickleValue) -> [String] {
        guard case .dictionary(let dictionary) = value else { return [] }
        return heap.dictionaries[dictionary].compactMap {
            if case .text(let key) = $0.key { printable(key, limit: 64) } else { nil }
        }
    }
}
