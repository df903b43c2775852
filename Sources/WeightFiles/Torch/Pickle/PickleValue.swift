/// A value that a pickle describes. Values that hold others are places in a `PickleHeap`, so that no chain of values, however
/// deep or circular, is ever walked by recursion: not by us, and not by Swift when it frees them.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    case float(Double)
    case text(String)
    /// Bytes, or an integer of more than 64 bits; where they are in the pickle.
    case bytes(Range<Int>)
    /// A tuple, list or set, by its place among the sequences.
    case sequence(Int)
    /// A dictionary, by its place among the dictionaries.
    case dictionary(Int)
    case name(PickleName)
    /// By its place among the storages.
    case storage(Int)
    /// By its place among the tensors.
    case tensor(Int)
    /// Something that is known to exist, by its place among the objects: settings, dates, functions, a network's modules.
    case object(Int)
}

/// Everything the values of a pickle are made of.
struct PickleHeap {
    /// Numbers that tensors are views of.
    struct Storage: Equatable {
        let key: String
        let elementType: ElementType
        let elementCount: Int
        /// Where it starts, in elements, within the storage of that key: views of very old files.
        var start = 0

        /// `elementCount` fits `elementType`: checked when the storage is made.
        var byteCount: Int { elementCount * elementType.byteCount }
    }

    /// A tensor, checked against its storage.
    struct Tensor: Equatable {
        let storage: Int
        let elementType: ElementType
        let shape: [Int]
        /// In elements, one for each axis; 0 for axes of length 1, where it means nothing.
        let strides: [Int]
        /// In elements.
        let offset: Int
        /// Where it is described in the pickle.
        let place: Int
    }

    /// An object of a class that has no meaning here. Nothing is asked of it; what the pickle would give it is kept.
    struct Object {
        /// Of its class, or of the function that makes it, among `typeNames`.
        let type: Int
        /// What it gets for its attributes, mostly a dictionary.
        var state = PickleValue.none
        /// What is put into it by keys.
        var items: [(key: PickleValue, value: PickleValue)] = []
    }

    /// Of classes and functions, each once.
    private(set) var typeNames: [String] = []
    private var typePlaces: [String: Int] = [:]
    var objects: [Object] = []
    var sequences: [[PickleValue]] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [Storage] = []
    /// Bytes of an element of the storages that are not read (quantised numbers, large complex ones), by their keys.
    var unreadWidths: [String: Int] = [:]
    var tensors: [Tensor] = []

    /// The place of a name among `typeNames`. Names that are not ASCII share one: comparing them takes its time.
    mutating func type(_ name: String) -> Int {
        let name = name.utf8.allSatisfy { $0 < 0x80 } ? name : "a class whose name is not ASCII"
        if let place = typePlaces[name] { return place }
        typePlaces[name] = typeNames.count
        typeNames.append(name)
        return typeNames.count - 1
    }

    /// What a value is, for a message.
    func kind(of value: PickleValue) -> String {
        switch value {
        case .none: "nothing (None)"
        case .bool, .integer, .float: "a number"
        case .text: "a text"
        case .bytes: "bytes"
        case .sequence: "a list"
        case .dictionary: "a dictionary"
        case .name: "a class or function"
        case .storage: "a storage"
        case .tensor: "a single tensor"
        case .object(let object): "an object of \(printable(typeNames[objects[object].type]))"
        }
    }

    /// The value of a text key of a dictionary, the last one given. Bytes are compared: Swift's own comparison of texts takes
    /// quadratic time on hostile ones.
    func value(_ key: String, in dictionary: Int) -> PickleValue? {
        Self.value(key, among: dictionaries[dictionary])
    }

    static func value(_ key: String, among members: [(key: PickleValue, value: PickleValue)]) -> PickleValue? {
        members.last {
            if case .text(let text) = $0.key { text.utf8.elementsEqual(key.utf8) } else { false }
        }?.value
    }
}
