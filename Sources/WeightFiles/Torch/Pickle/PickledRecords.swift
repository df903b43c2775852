/// A pickle of one dictionary of plain data, as CIFAR's files are: lists of numbers and texts, and an array of bytes. It is read
/// as the pickles of weights are: nothing in it is executed, and what names that are not known would give stays closed.
package struct PickledRecords {
    private let heap: PickleHeap
    private let dictionary: Int
    private let pickle: UnsafeRawBufferPointer

    /// Why it cannot be used, as the end of a sentence that starts with "it".
    package struct Problem: Error {
        package let reason: String
    }

    /// - Parameter pickle: must outlive this.
    /// - Throws: `Problem`.
    package init(_ pickle: UnsafeRawBufferPointer) throws {
        var reader = PickleReader(pickle)
        let value: PickleValue
        do {
            value = try reader.read()
        } catch  where reader.attack == nil {
            throw Problem(reason: "is no sound pickle (\(error))")
        }
        if let name = reader.attack {
            throw Problem(
                reason:
                    "asks for \(printable(name)), by which it would run a program wherever Python opens it; nothing of it "
                    + "was run here")
        }
        guard case .dictionary(let index) = value else {
            throw Problem(reason: "holds \(reader.heap.kind(of: value)), not a dictionary")
        }
        (heap, dictionary, self.pickle) = (reader.heap, index, pickle)
    }

    /// The value of a key, which Python 3 may have pickled as bytes.
    private func value(_ key: String) -> PickleValue? {
        heap.dictionaries[dictionary].last { entry in
            switch entry.key {
            case .text(let text): text.utf8.elementsEqual(key.utf8)
            case .bytes(let range): pickle[range].elementsEqual(key.utf8)
            default: false
            }
        }?.value
    }

    private func sequence(_ key: String) -> [PickleValue]? {
        guard case .sequence(let index)? = value(key) else { return nil }
        return heap.sequences[index]
    }

    /// A list of integers; nil if it is not there or holds anything else.
    package func integers(_ key: String) -> [Int]? {
        guard let values = sequence(key) else { return nil }
        let integers = values.compactMap { if case .integer(let number) = $0 { number } else { nil } }
        return integers.count == values.count ? integers : nil
    }

    /// A list of texts; nil if it is not there or holds anything else.
    package func texts(_ key: String) -> [String]? {
        guard let values = sequence(key) else { return nil }
        let texts = values.compactMap { value -> String? in
            switch value {
            case .text(let text): text
            case .bytes(let range): String(validating: pickle[range], as: UTF8.self)
            default: nil
            }
        }
        return texts.count == values.count ? texts : nil
    }

    /// Where in the pickle the elements of its only array of bytes of that shape are; nil if there is none or are several.
    ///
    /// NumPy's arrays are made of a state: version, shape, element type, order, elements. An array object is not looked into, its
    /// state is found among the pickle's tuples; the element type is known by the number of bytes, the order must be rows first.
    package func bytes(rowCount: Int, columnCount: Int) -> Range<Int>? {
        let found = heap.sequences.compactMap { state -> Range<Int>? in
            guard state.count == 5, case .sequence(let shape) = state[1], case .bool(false) = state[3],
                case .bytes(let range) = state[4], range.count == rowCount * columnCount
            else { return nil }
            let sizes = heap.sequences[shape].compactMap { if case .integer(let size) = $0 { size } else { nil } }
            return sizes == [rowCount, columnCount] ? range : nil
        }
        return found.count == 1 ? found[0] : nil
    }
}
