import WeightFiles

/// Reads a file as a loader would, and the elements of its tensors. Errors are what damaged files are expected to give;
/// everything else (a trap, a read outside of the file, a hang, too much memory) ends the fuzzer.
func read(_ file: UnsafeRawBufferPointer) {
    for useEMA in [false, true] {
        guard let contents = try? WeightContents(of: file, useEMA: useEMA) else { continue }
        precondition(contents.layout.notes.allSatisfy { !$0.isEmpty })
        for index in contents.tensors.indices {
            let tensor = contents.tensors[index]
            let byteCount = tensor.entry.elementCount * tensor.entry.elementType.byteCount
            precondition(contents.index(of: tensor.entry.name) == index)
            // What a small file may be expanded to is bounded, and too much for every round of a fuzzer.
            guard byteCount <= 1 << 20, contents.storages[tensor.storage].byteCount <= 1 << 20 else { continue }
            try? contents.withBytes(of: index, in: file) { elements in
                precondition(elements.count == byteCount)
                // Touches every byte, so that the sanitizer sees where they are.
                precondition(elements.reduce(0) { $0 | UInt($1) } <= 255)
            }
        }
    }
}
