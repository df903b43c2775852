/// Reads one pickle: an interpreter of the instructions that `torch.save` writes, which builds values and calls nothing.
///
/// A pickle is a program for a stack machine whose general form can run anything. Here a name of a function or class is
/// looked up in `PickleName` and, when it is called, replaced by what it is known to give. What other names would give are
/// closed boxes: training programs keep anything beside weights. Names by which programs are run are taken down.
///
/// Time and memory grow with the length of the pickle and end at the limits below; nothing is reserved on a claim.
struct PickleReader {
    /// Instructions, and values copied by an instruction. A tensor takes about thirty.
    static let stepLimit = 16_000_000
    static let stackLimit = 1_000_000
    /// Unfinished tuples, lists and dictionaries inside each other.
    static let markLimit = 1000
    static let memoLimit = 8_000_000
    /// Bytes of a text that is looked at. Longer ones are data: arrays of numbers, in the oldest protocols.
    static let textByteCountLimit = 1 << 20
    /// Bytes of the name of a class or a storage.
    static let nameByteCountLimit = 256
    /// Axes of a tensor.
    static let axisLimit = 64
    /// Bytes of an integer.
    static let integerByteCountLimit = 1024

    let pickle: UnsafeRawBufferPointer
    private(set) var offset: Int
    private(set) var heap = PickleHeap()
    /// The first name by which a program would be run (`PickleName.runsPrograms`).
    private(set) var attack: String?

    private var stack: [PickleValue] = []
    /// Heights of the stack.
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private var steps = 0
    /// Where the instruction at work starts.
    private var place = 0
    private var storagePlaces: [StorageID: Int] = [:]

    private struct StorageID: Hashable {
        let key: String
        let elementType: ElementType
        let elementCount: Int
        let start: Int
    }

    /// A reader of the pickle that starts at `offset`; what follows its end mark is left alone.
    init(_ pickle: UnsafeRawBufferPointer, at offset: Int = 0) {
        self.pickle = pickle
        self.offset = offset
    }

    /// The value of the pickle; `offset` is behind it then. `attack` is known even when this throws.
    ///
    /// - Throws: `PickleFault`.
    mutating func read() throws -> PickleValue {
        while true {
            try spend(1)
            place = offset
            let code = try byte()
            guard let instruction = PickleInstruction(rawValue: code) else {
                throw PickleFault.unknownInstruction(code, offset: place)
            }
            if instruction == .stop { return try pop() }
            try execute(instruction)
        }
    }

    private mutating func execute(_ instruction: PickleInstruction) throws {
        switch instruction {
        case .stop: break
        case .protocolVersion:
            let version = Int(try byte())
            guard (2...5).contains(version) else { throw PickleFault.unknownProtocol(version) }
        case .frame:
            guard try length(8) <= pickle.count - offset else { throw PickleFault.cut(offset: pickle.count) }
        case .mark:
            guard marks.count < Self.markLimit else { throw tooMuch("levels of nesting", Self.markLimit) }
            marks.append(stack.count)
        case .pop: _ = try pop()
        case .popMark: _ = try popToMark()

        case .none: try push(.none)
        case .true: try push(.bool(true))
        case .false: try push(.bool(false))
        case .uint8: try push(.integer(Int(try byte())))
        case .uint16: try push(.integer(try length(2)))
        case .int32: try push(.integer(Int(Int32(truncatingIfNeeded: try length(4)))))
        case .long1: try pushInteger(byteCount: Int(try byte()))
        case .long4: try pushInteger(byteCount: try length(4))
        case .double:
            let bits = UInt64(bigEndian: try take(8).loadUnaligned(as: UInt64.self))
            try push(.float(Double(bitPattern: bits)))
        case .shortText: try pushText(byteCount: Int(try byte()))
        case .text: try pushText(byteCount: try length(4))
        case .longText: try pushText(byteCount: try length(8))
        case .shortOldText: try pushOldText(byteCount: Int(try byte()))
        case .oldText: try pushOldText(byteCount: try length(4))
        case .shortBytes: try pushBytes(byteCount: Int(try byte()))
        case .bytes: try pushBytes(byteCount: try length(4))
        case .longBytes, .byteArray: try pushBytes(byteCount: try length(8))

        case .emptyTuple, .emptyList, .emptySet: try pushSequence([])
        case .tuple1: try pushSequence(try pop(1))
        case .tuple2: try pushSequence(try pop(2))
        case .tuple3: try pushSequence(try pop(3))
        case .tuple, .frozenSet: try pushSequence(try popToMark())
        case .append: try append(try pop(1))
        case .appends, .addItems: try append(try popToMark())
        case .emptyDictionary: try pushDictionary([])
        case .setItem: try setItems(try pop(2))
        case .setItems: try setItems(try popToMark())

        case .global: try pushName(module: try line(), name: try line())
        case .stackGlobal:
            guard case .text(let name) = try pop(), case .text(let module) = try pop() else { throw unexpected() }
            try pushName(module: module, name: name)
        case .reduce:
            let arguments = try pop()
            try push(try call(try pop(), with: arguments))
        case .newObject:
            _ = try pop(1)
            try makeObject(try pop())
        case .newObjectWithKeywords:
            _ = try pop(2)
            try makeObject(try pop())
        case .build: try build(with: try pop())
        case .persistentID: try pushStorage(try pop())

        case .put: try keep(Int(try byte()))
        case .longPut: try keep(try length(4))
        case .memoize: try keep(memo.count)
        case .get: try fetch(Int(try byte()))
        case .longGet: try fetch(try length(4))
        }
    }

    // MARK: Limits

    private mutating func spend(_ count: Int) throws {
        steps += count
        guard steps <= Self.stepLimit else { throw tooMuch("steps", Self.stepLimit) }
    }

    private func tooMuch(_ limit: String, _ value: Int) -> PickleFault {
        .tooMuch(limit: limit, value: value, offset: place)
    }

    private func unexpected() -> PickleFault { .unexpectedValue(offset: place) }

    // MARK: Bytes

    private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count <= pickle.count - offset else { throw PickleFault.cut(offset: pickle.count) }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: pickle[offset..<offset + count])
    }

    private mutating func byte() throws -> UInt8 { try take(1)[0] }

    /// An unsigned number of 2, 4 or 8 bytes.
    private mutating func length(_ byteCount: Int) throws -> Int {
        let value = try take(byteCount).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let length = Int(exactly: value) else { throw PickleFault.cut(offset: pickle.count) }
        return length
    }

    /// Text up to the end of the line, a part of a name.
    private mutating func line() throws -> String {
        let rest = pickle[offset...].prefix(Self.nameByteCountLimit + 1)
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
            if rest.count <= Self.nameByteCountLimit { throw PickleFault.cut(offset: pickle.count) }
            throw tooMuch("bytes of a name", Self.nameByteCountLimit)
        }
        guard let text = String(validating: pickle[offset..<end], as: UTF8.self) else {
            throw PickleFault.badText(offset: place)
        }
        offset = end + 1
        return text
    }

    // MARK: Scalars

    private mutating func pushInteger(byteCount: Int) throws {
        guard byteCount <= Self.integerByteCountLimit else {
            throw tooMuch("bytes of an integer", Self.integerByteCountLimit)
        }
        let start = offset
        let bytes = try take(byteCount)
        guard byteCount <= 8 else { return try push(.bytes(start..<offset)) }
        let isNegative = (bytes.last ?? 0) & 0x80 != 0
        let value = bytes.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) }
        try push(.integer(value))
    }

    private mutating func pushText(byteCount: Int) throws {
        guard byteCount <= Self.textByteCountLimit else { return try pushBytes(byteCount: byteCount) }
        guard let text = String(validating: try take(byteCount), as: UTF8.self) else {
            throw PickleFault.badText(offset: place)
        }
        try push(.text(text))
    }

    /// A text of Python 2, which is bytes that are mostly ASCII.
    private mutating func pushOldText(byteCount: Int) throws {
        let start = offset
        // A longer one is no text, but the elements of an array.
        guard byteCount <= Self.textByteCountLimit else { return try pushBytes(byteCount: byteCount) }
        let text = String(validating: try take(byteCount), as: UTF8.self)
        try push(text.map { .text($0) } ?? .bytes(start..<offset))
    }

    private mutating func pushBytes(byteCount: Int) throws {
        let start = offset
        _ = try take(byteCount)
        try push(.bytes(start..<offset))
    }

    // MARK: Stack

    private mutating func push(_ value: PickleValue) throws {
        guard stack.count < Self.stackLimit else { throw tooMuch("values on the stack", Self.stackLimit) }
        stack.append(value)
    }

    /// The top value. What lies below a mark is out of reach until the mark is taken.
    private mutating func pop() throws -> PickleValue {
        guard stack.count > marks.last ?? 0 else { throw unexpected() }
        return stack.removeLast()
    }

    private mutating func pop(_ count: Int) throws -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else { throw unexpected() }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws -> [PickleValue] {
        guard let mark = marks.popLast() else { throw unexpected() }
        defer { stack.removeLast(stack.count - mark) }
        return Array(stack[mark...])
    }

    private mutating func keep(_ key: Int) throws {
        guard let value = stack.last, stack.count > marks.last ?? 0 else { throw unexpected() }
        guard memo.count < Self.memoLimit else { throw tooMuch("kept values", Self.memoLimit) }
        memo[key] = value
    }

    private mutating func fetch(_ key: Int) throws {
        guard let value = memo[key] else { throw PickleFault.missingMemo(key, offset: place) }
        try push(value)
    }

    // MARK: Containers

    private mutating func pushSequence(_ elements: [PickleValue]) throws {
        heap.sequences.append(elements)
        try push(.sequence(heap.sequences.count - 1))
    }

    private mutating func pushDictionary(_ members: [(key: PickleValue, value: PickleValue)]) throws {
        try push(dictionary(members))
    }

    private mutating func dictionary(_ members: [(key: PickleValue, value: PickleValue)]) -> PickleValue {
        heap.dictionaries.append(members)
        return .dictionary(heap.dictionaries.count - 1)
    }

    private mutating func append(_ elements: [PickleValue]) throws {
        guard stack.count > marks.last ?? 0 else { throw unexpected() }
        switch stack.last {
        case .sequence(let index): heap.sequences[index] += elements
        case .object: break
        default: throw unexpected()
        }
    }

    private mutating func setItems(_ elements: [PickleValue]) throws {
        guard stack.count > marks.last ?? 0, elements.count.isMultiple(of: 2) else { throw unexpected() }
        switch stack.last {
        case .dictionary(let index):
            for item in stride(from: 0, to: elements.count, by: 2) {
                heap.dictionaries[index].append((elements[item], elements[item + 1]))
            }
        case .object(let index):
            for item in stride(from: 0, to: elements.count, by: 2) {
                heap.objects[index].items.append((elements[item], elements[item + 1]))
            }
        default: throw unexpected()
        }
    }

    /// Gives the top value its attributes: a state dictionary its versions, an object what it consists of.
    private mutating func build(with state: PickleValue) throws {
        guard stack.count > marks.last ?? 0 else { throw unexpected() }
        switch stack.last {
        case .object(let index): heap.objects[index].state = state
        case .dictionary, .sequence, .tensor, .storage, .name: break
        default: throw unexpected()
        }
    }

    // MARK: Names and calls

    private mutating func pushName(module: String, name: String) throws {
        guard module.utf8.count <= Self.nameByteCountLimit, name.utf8.count <= Self.nameByteCountLimit else {
            throw tooMuch("bytes of a name", Self.nameByteCountLimit)
        }
        if attack == nil, PickleName.runsPrograms(module, name) { attack = "\(module).\(name)" }
        try push(.name(PickleName.known(module, name) ?? .closed(heap.type("\(module).\(name)"))))
    }

    /// An object of a class, without the arguments that it would be made from.
    private mutating func makeObject(_ type: PickleValue) throws {
        switch type {
        case .name(.dictionary): try pushDictionary([])
        case .name(.closed(let type)): try push(object(of: type))
        case .object(let index): try push(object(of: heap.objects[index].type))
        case .name: try push(object("a class of PyTorch"))
        default: throw unexpected()
        }
    }

    private mutating func object(of type: Int) -> PickleValue {
        heap.objects.append(.init(type: type))
        return .object(heap.objects.count - 1)
    }

    private mutating func object(_ name: String) -> PickleValue { object(of: heap.type(name)) }

    /// What the function or class would give for the arguments, a tuple.
    private mutating func call(_ function: PickleValue, with tuple: PickleValue) throws -> PickleValue {
        guard case .sequence(let index) = tuple else { throw unexpected() }
        let arguments = heap.sequences[index]
        switch function {
        case .name(.rebuildTensor(let version)): return try tensor(arguments, version: version)
        case .name(.rebuildParameter):
            switch arguments.first {
            case .tensor?, .object?: return arguments[0]
            default: throw unexpected()
            }
        case .name(.rebuildFromType):
            // Function, class, its arguments, attributes. The function cannot be this one again: it would nest.
            guard arguments.count == 4 else { throw unexpected() }
            switch arguments[0] {
            case .name(.rebuildTensor): return try call(arguments[0], with: arguments[2])
            case .name(.closed(let type)): return object(of: type)
            default: throw unexpected()
            }
        case .name(.dictionary): return try orderedDictionary(arguments)
        case .name(.size):
            guard arguments.count == 1, case .sequence = arguments[0] else { throw unexpected() }
            return arguments[0]
        case .name(.collection):
            if case .sequence? = arguments.first { return arguments[0] }
            heap.sequences.append([])
            return .sequence(heap.sequences.count - 1)
        case .name(.closed(let type)): return object(of: type)
        case .object(let index): return object(of: heap.objects[index].type)
        default: throw unexpected()
        }
    }

    /// A dictionary from nothing, or, as Python 2 writes it, from a list of pairs. The argument of a default dictionary is the
    /// class of its values.
    private mutating func orderedDictionary(_ arguments: [PickleValue]) throws -> PickleValue {
        guard case .sequence(let list)? = arguments.first else { return dictionary([]) }
        try spend(heap.sequences[list].count)
        var members: [(key: PickleValue, value: PickleValue)] = []
        for element in heap.sequences[list] {
            guard case .sequence(let pair) = element, heap.sequences[pair].count == 2 else { throw unexpected() }
            members.append((heap.sequences[pair][0], heap.sequences[pair][1]))
        }
        return dictionary(members)
    }

    // MARK: Tensors

    /// A storage from what torch.save keeps of it: ('storage', class, key, device, number of elements), and in streams a
    /// sixth element, a view (key, start, number of elements) of it or nothing.
    private mutating func pushStorage(_ identity: PickleValue) throws {
        guard case .sequence(let index) = identity else { throw unexpected() }
        let parts = heap.sequences[index]
        guard case .text(let kind)? = parts.first else { throw unexpected() }
        if kind.utf8.elementsEqual("module".utf8), parts.count > 1, case .name = parts[1] {
            // The class of a network's part, with its source text beside it.
            return try push(parts[1])
        }
        guard kind.utf8.elementsEqual("storage".utf8), parts.count == 5 || parts.count == 6,
            case .name(let type) = parts[1], case .text(let key) = parts[2], case .integer(let count) = parts[4]
        else { throw unexpected() }
        // PyTorch's keys are numbers.
        let isPlain = key.utf8.count <= Self.nameByteCountLimit && key.utf8.allSatisfy { $0 < 0x80 }
        let elementType: ElementType
        switch type {
        case .storage(let type): elementType = type
        case .untypedStorage: elementType = .uint8
        case .closed(let type):
            if isPlain { heap.unreadWidths[key] = PickleName.unreadWidths[heap.typeNames[type]] }
            return try push(object(of: type))
        default: throw unexpected()
        }
        guard count >= 0, count <= Int.max / 16, isPlain else { throw unexpected() }
        var range = 0..<count
        if parts.count == 6, case .sequence(let view) = parts[5] {
            let view = heap.sequences[view]
            guard view.count == 3, case .integer(let start) = view[1], case .integer(let length) = view[2], start >= 0,
                length >= 0, start <= count, length <= count - start
            else { throw PickleFault.badTensor(offset: place) }
            range = start..<start + length
        }
        let id = StorageID(key: key, elementType: elementType, elementCount: range.count, start: range.lowerBound)
        let known = storagePlaces[id]
        if known == nil {
            storagePlaces[id] = heap.storages.count
            heap.storages.append(
                .init(key: key, elementType: elementType, elementCount: range.count, start: range.lowerBound))
        }
        try push(.storage(known ?? heap.storages.count - 1))
    }

    /// (storage, offset, shape, strides), then from version 2 (requires gradient, hooks), in version 3 (element type), and
    /// at the end perhaps what the view does with the numbers.
    private mutating func tensor(_ arguments: [PickleValue], version: Int) throws -> PickleValue {
        let count = [1: 4, 2: 6, 3: 7][version]!
        guard arguments.count == count || (version > 1 && arguments.count == count + 1) else { throw unexpected() }
        if arguments.count > count {
            switch arguments[count] {
            case .none: break
            case .dictionary(let index) where heap.dictionaries[index].isEmpty: break
            default: return object("a tensor whose numbers are not what they seem (a negated or conjugated view)")
            }
        }
        if case .object = arguments[0] { return arguments[0] }  // of a class that has no meaning here
        guard case .storage(let storage) = arguments[0], case .integer(let offset) = arguments[1],
            case .sequence(let shapeIndex) = arguments[2], case .sequence(let strideIndex) = arguments[3]
        else { throw unexpected() }
        var elementType = heap.storages[storage].elementType
        if version == 3 {
            switch arguments[6] {
            case .name(.elementType(let type)): elementType = type
            case .name(.closed(let type)): return object(of: type)
            default: throw unexpected()
            }
        }
        let tensor = PickleHeap.Tensor(
            storage: storage, elementType: elementType, shape: try axes(shapeIndex), strides: try axes(strideIndex),
            offset: offset, place: place)
        guard let checked = tensor.checked(storageByteCount: heap.storages[storage].byteCount) else {
            throw PickleFault.badTensor(offset: place)
        }
        heap.tensors.append(checked)
        return .tensor(heap.tensors.count - 1)
    }

    private func axes(_ sequence: Int) throws -> [Int] {
        let values = heap.sequences[sequence]
        guard values.count <= Self.axisLimit else { throw tooMuch("axes of a tensor", Self.axisLimit) }
        return try values.map {
            guard case .integer(let value) = $0 else { throw unexpected() }
            return value
        }
    }
}

extension PickleFault: Error {}

extension PickleHeap.Tensor {
    /// The same tensor, when it lies within a storage of that many bytes; strides that mean nothing are set to 0.
    func checked(storageByteCount: Int) -> PickleHeap.Tensor? {
        guard shape.count == strides.count, offset >= 0, shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }),
            TensorEntry.byteCount(of: shape, elementType) != nil
        else { return nil }
        let strides = zip(shape, strides).map { $0 > 1 ? $1 : 0 }
        let capacity = storageByteCount / elementType.byteCount
        guard !shape.contains(0) else {
            return offset <= capacity ? with(strides: strides, offset: 0) : nil
        }
        var last = offset
        for (length, stride) in zip(shape, strides) {
            let (reach, overflow) = (length - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflows) = last.addingReportingOverflow(reach)
            guard !overflow, !overflows else { return nil }
            last = sum
        }
        return last < capacity ? with(strides: strides, offset: offset) : nil
    }

    private func with(strides: [Int], offset: Int) -> PickleHeap.Tensor {
        .init(
            storage: storage, elementType: elementType, shape: shape, strides: strides, offset: offset, place: place)
    }

    /// Whether the elements lie together, slowest axis first.
    var isContiguous: Bool {
        var expected = 1
        for (length, stride) in zip(shape, strides).reversed() where length != 1 {
            guard stride == expected else { return shape.contains(0) }
            expected *= length  // no overflow: the product of the shape was checked
        }
        return true
    }
}
