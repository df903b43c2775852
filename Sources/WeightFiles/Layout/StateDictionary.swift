/// The dictionary of tensors that a training program saved, found among what it saved beside it.
struct StateDictionary {
    /// Keys under which programs keep a network's weights, the more telling first.
    private static let containers = [
        "state_dict", "model", "model_state_dict", "net", "backbone", "module", "student", "encoder",
    ]

    /// Keys of a moving average of them: of timm and torchvision, of DINO (the teacher), of I-JEPA (the target encoder).
    private static let averages = [
        "state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict", "ema", "teacher", "target_encoder",
    ]

    /// How many containers may lie in each other.
    private static let depthLimit = 8
    private static let nameByteCountLimit = 1024

    /// Names and places in the heap.
    private(set) var tensors: [(name: String, tensor: Int)] = []
    var layout: WeightLayout

    /// - Throws: `LayoutFault`.
    init(in root: PickleValue, _ heap: PickleHeap, form: WeightLayout.Form, useEMA: Bool) throws {
        layout = WeightLayout(form: form)
        guard case .dictionary(let outermost) = root else { throw LayoutFault.noTensors(root: root.kind, keys: []) }
        var current = outermost
        for _ in 0..<Self.depthLimit {
            guard let next = try container(in: current, heap, useEMA: useEMA) else { break }
            current = next
        }
        collect(current, heap)
        guard !tensors.isEmpty else {
            throw LayoutFault.noTensors(root: root.kind, keys: Self.textKeys(of: outermost, heap))
        }
    }

    /// The container to look into next, noted in the layout; nil when the dictionary itself is what is looked for.
    ///
    /// A container is preferred to tensors beside it: a dictionary of tensors has no dictionaries in it, but programs keep
    /// single tensors, such as the best accuracy, beside a container.
    private mutating func container(in dictionary: Int, _ heap: PickleHeap, useEMA: Bool) throws -> Int? {
        let plain = Self.present(Self.containers, in: dictionary, heap)
        let averages = layout.usesEMA ? [] : Self.present(Self.averages, in: dictionary, heap)
        if useEMA, let average = averages.first {
            layout.usesEMA = true
            layout.container.append(average.key)
            return average.dictionary
        }
        guard let container = plain.first else {
            if let average = averages.first, Self.tensorCount(of: dictionary, heap, atMost: 2) < 2 {
                throw LayoutFault.onlyEMA((layout.container + [average.key]).joined(separator: ", "))
            }
            return nil
        }
        layout.alternatives += (averages + plain.dropFirst()).map { "\"\($0.key)\"" }
        layout.container.append(container.key)
        return container.dictionary
    }

    private mutating func collect(_ dictionary: Int, _ heap: PickleHeap) {
        for (key, value) in heap.dictionaries[dictionary] {
            guard case .text(let name) = key else { continue }
            guard name.utf8.count <= Self.nameByteCountLimit else {
                layout.ignored.append(.init(name: printable(name), reason: "its name is too long"))
                continue
            }
            if case .tensor(let tensor) = value {
                tensors.append((name, tensor))
            } else {
                layout.ignored.append(.init(name: name, reason: "not a tensor but \(value.kind)"))
            }
        }
    }

    /// Those of `keys` under which there are tensors, directly or in a container.
    private static func present(
        _ keys: [String], in dictionary: Int, _ heap: PickleHeap
    ) -> [(key: String, dictionary: Int)] {
        keys.compactMap { key in
            guard case .dictionary(let found)? = heap.value(key, in: dictionary), holdsTensors(found, heap) else {
                return nil
            }
            return (key, found)
        }
    }

    /// Looks into each dictionary once, so that neither circles nor many ways to one dictionary take long.
    private static func holdsTensors(_ dictionary: Int, _ heap: PickleHeap) -> Bool {
        var seen: Set<Int> = []
        var next = [dictionary]
        while let current = next.popLast() {
            guard seen.insert(current).inserted else { continue }
            if tensorCount(of: current, heap, atMost: 1) > 0 { return true }
            for key in containers + averages {
                if case .dictionary(let inner)? = heap.value(key, in: current) { next.append(inner) }
            }
        }
        return false
    }

    private static func tensorCount(of dictionary: Int, _ heap: PickleHeap, atMost limit: Int) -> Int {
        heap.dictionaries[dictionary].lazy.filter {
            if case (.text, .tensor) = $0 { true } else { false }
        }.prefix(limit).count
    }

    private static func textKeys(of dictionary: Int, _ heap: PickleHeap) -> [String] {
        heap.dictionaries[dictionary].compactMap {
            if case .text(let key) = $0.key { printable(key, limit: 64) } else { nil }
        }
    }
}
