/// Reads one pickle: an interpreter of the instructions that `torch.save` writes, which builds values and calls nothing.
///
/// A pickle is a program for a stack machine whose general form can run anything. Here a name of a function or class is
/// looked up in `PickleName` and, when it is called, replaced by what it is known to give; objects of settings classes stay
/// closed. Names that are not on the list end the reading, at its end, so that the message can say what the file is.
///
/// Time and memory grow with the length of the pickle and end at the limits below; nothing is reserved on a claim.
struct PickleReader {
    /// Instructions, and values copied by an instruction. A tensor takes about thirty.
    static let stepLimit = 4_000_000
    static let stackLimit = 1_000_000
    /// Unfinished tuples, lists and dictionaries inside each other.
    static let markLimit = 1000
    static let memoLimit = 2_000_000
    /// Bytes of one text.
    static let textByteCountLimit = 1 << 20
    /// Bytes of the name of a class or a storage.
    static let nameByteCountLimit = 256
    /// Axes of a tensor.
    static let axisLimit = 64
    /// Refused names that are remembered.
    static let refusedLimit = 1000
    /// Bytes of an integer.
    static let integerByteCountLimit = 1024

    let pickle: UnsafeRawBufferPointer
    private(set) var offset: Int
    private(set) var heap = PickleHeap()
    /// Names that are not on the list, in the order in which they were asked for.
    private(set) var refused: [String] = []

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

    /// The value of the pickle; `offset` is behind it then. Names that are refused are in `refused` even when this throws.
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
        case .build:
            // The attributes of an object: of a state dictionary its versions; of a closed object nobody asks.
            _ = try pop()
            switch stack.last {
            case .dictionary, .opaque: break
            default: throw unexpected()
            }
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
        guard byteCount <= Self.textByteCountLimit else { throw tooMuch("bytes of a text", Self.textByteCountLimit) }
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
        case .opaque: break
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
        case .opaque: break
        default: throw unexpected()
        }
    }

    // MARK: Names and calls

    private mutating func pushName(module: String, name: String) throws {
        guard module.utf8.count <= Self.nameByteCountLimit, name.utf8.count <= Self.nameByteCountLimit else {
            throw tooMuch("bytes of a name", Self.nameByteCountLimit)
        }
        let meaning = PickleName(module, name)
        // The first is reported; what the file is can be told from a few more.
        if meaning == .refused, refused.count < Self.refusedLimit { refused.append("\(module).\(name)") }
        try push(.name(meaning))
    }

    /// An object of a class, without the arguments that it would be made from.
    private mutating func makeObject(_ type: PickleValue) throws {
        switch type {
        case .name(.dictionary): try pushDictionary([])
        case .name(.opaque), .name(.refused), .opaque: try push(.opaque)
        default: throw unexpected()
        }
    }

    /// What the function or class would give for the arguments, a tuple.
    private mutating func call(_ function: PickleValue, with tuple: PickleValue) throws -> PickleValue {
        guard case .sequence(let index) = tuple else { throw unexpected() }
        let arguments = heap.sequences[index]
        switch function {
        case .name(.rebuildTensor(let version)): return try tensor(arguments, version: version)
        case .name(.rebuildParameter):
            guard case .tensor? = arguments.first else { throw unexpected() }
            return arguments[0]
        case .name(.rebuildFromType):
            // Function, class, its arguments, attributes. The function cannot be this one again: it would nest.
            guard arguments.count == 4, case .name(.rebuildTensor) = arguments[0] else { throw unexpected() }
            return try call(arguments[0], with: arguments[2])
        case .name(.dictionary): return try orderedDictionary(arguments)
        case .name(.size):
            guard arguments.count == 1, case .sequence = arguments[0] else { throw unexpected() }
            return arguments[0]
        case .name(.opaque), .name(.refused), .opaque: return .opaque
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
        if kind.utf8.elementsEqual("module".utf8) {
            // The class of a module, with its source text beside it.
            refused.append("the source of a class")
            return try push(.name(.refused))
        }
        guard kind.utf8.elementsEqual("storage".utf8), parts.count == 5 || parts.count == 6,
            case .name(let type) = parts[1], case .text(let key) = parts[2], case .integer(let count) = parts[4]
        else { throw unexpected() }
        let elementType: ElementType
        switch type {
        case .storage(let type): elementType = type
        case .untypedStorage: elementType = .uint8
        case .refused: return try push(.opaque)
        default: throw unexpected()
        }
        guard count >= 0, count <= Int.max / 16, key.utf8.count <= Self.nameByteCountLimit,
            key.utf8.allSatisfy({ $0 < 0x80 })  // PyTorch's keys are numbers
        else { throw unexpected() }
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
            default: throw PickleFault.unsupportedTensor(offset: place)
            }
        }
        if case .opaque = arguments[0] { return .opaque }  // of a refused class
        guard case .storage(let storage) = arguments[0], case .integer(let offset) = arguments[1],
            case .sequence(let shapeIndex) = arguments[2], case .sequence(let strideIndex) = arguments[3]
        else { throw unexpected() }
        var elementType = heap.storages[storage].elementType
        if version == 3 {
            guard case .name(.elementType(let type)) = arguments[6] else { throw unexpected() }
            elementType = type
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
