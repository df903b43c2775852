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
    /// Something that is known to exist and never looked into: settings, dates, state of an optimizer.
    case opaque

    /// What it is, for a message.
    var kind: String {
        switch self {
        case .none: "nothing (None)"
        case .bool, .integer, .float: "a number"
        case .text: "a text"
        case .bytes: "bytes"
        case .sequence: "a list"
        case .dictionary: "a dictionary"
        case .name: "a class"
        case .storage: "a storage"
        case .tensor: "a single tensor"
        case .opaque: "an object"
        }
    }
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

    var sequences: [[PickleValue]] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [Storage] = []
    var tensors: [Tensor] = []

    /// The value of a text key of a dictionary, the last one given. Bytes are compared: Swift's own comparison of texts takes
    /// quadratic time on hostile ones.
    func value(_ key: String, in dictionary: Int) -> PickleValue? {
        dictionaries[dictionary].last {
            if case .text(let text) = $0.key { text.utf8.elementsEqual(key.utf8) } else { false }
        }?.value
    }
}
