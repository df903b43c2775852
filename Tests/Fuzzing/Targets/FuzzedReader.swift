import WeightFiles

/// Reads a file as a loader would, the elements of its tensors, and where networks may be among its names. Errors are what
/// damaged files are expected to give; everything else (a trap, a read outside of the file, a hang, too much memory) ends the
/// fuzzer.
func read(_ file: UnsafeRawBufferPointer) {
    guard let contents = try? WeightContents(of: file) else { return }
    precondition(contents.layout.others.allSatisfy { !$0.kind.isEmpty })
    search(contents.tensors.map(\.entry.name))
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

private func search(_ given: [String]) {
    let names = TensorNames(given)
    precondition(names.names.count + names.leftOut.count == given.count)
    for anchor in ["layer1.0.", "w", ""] {
        for prefix in names.prefixes(before: anchor) {
            let range = names.range(under: prefix)
            precondition(!range.isEmpty && names.names[range].allSatisfy { $0.bare.utf8.starts(with: prefix.utf8) })
            precondition(TensorNames.groups(of: given, behind: prefix).reduce(0) { $0 + $1.count } == given.count)
        }
    }
    precondition(given.allSatisfy { $0.utf8.starts(with: TensorNames.sharedBeginning(of: given).utf8) })
}
