/// A function or class that a pickle asks for. Those that describe tensors stand for a meaning that is built in here; what
/// any other would give is a closed box. None is ever called.
enum PickleName: Equatable {
    /// `torch._utils._rebuild_tensor` and its successors, by how many versions there were before: their arguments differ.
    case rebuildTensor(version: Int)
    /// Gives its first argument, a tensor, as it is.
    case rebuildParameter
    /// Calls its first argument with its third.
    case rebuildFromType
    /// The class of a storage.
    case storage(ElementType)
    /// The class of a storage of bytes.
    case untypedStorage
    /// `torch.float32` and the like.
    case elementType(ElementType)
    /// A dictionary: `OrderedDict` and what is like it.
    case dictionary
    /// `torch.Size`: gives its argument.
    case size
    /// A set, or a list or tuple that is made by its class: gives its argument, or nothing in a row.
    case collection
    /// Anything else, by its place among `PickleHeap.typeNames`. Its objects stay closed.
    case closed(Int)

    /// The built-in meaning of `name` in `module`; nil if it has none.
    static func known(_ module: String, _ name: String) -> PickleName? {
        // No name on the list has other characters, and looking up those takes its time.
        let isASCII = module.utf8.allSatisfy { $0 < 0x80 } && name.utf8.allSatisfy { $0 < 0x80 }
        return isASCII ? known["\(module).\(name)"] : nil
    }

    private static let known: [String: PickleName] = {
        var known: [String: PickleName] = [
            "torch._utils._rebuild_tensor": .rebuildTensor(version: 1),
            "torch._utils._rebuild_tensor_v2": .rebuildTensor(version: 2),
            "torch._utils._rebuild_tensor_v3": .rebuildTensor(version: 3),
            "torch._utils._rebuild_parameter": .rebuildParameter,
            "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
            // As PyTorch before 1.0 keeps parameters: the class itself, called with a tensor.
            "torch.nn.parameter.Parameter": .rebuildParameter,
            "torch._tensor._rebuild_from_type_v2": .rebuildFromType,
            "torch.storage.UntypedStorage": .untypedStorage, "torch.UntypedStorage": .untypedStorage,
            "torch.Size": .size,
        ]
        for (storage, elementType) in storages { known["torch.\(storage)Storage"] = .storage(elementType) }
        for (name, elementType) in elementTypes { known["torch.\(name)"] = .elementType(elementType) }
        for name in dictionaries { known[name] = .dictionary }
        for name in ["set", "frozenset", "list", "tuple"] {
            known["builtins.\(name)"] = .collection
            known["__builtin__.\(name)"] = .collection
        }
        return known
    }()

    private static let storages: [(String, ElementType)] = [
        ("Double", .float64), ("Float", .float32), ("Half", .float16), ("BFloat16", .bfloat16), ("Long", .int64),
        ("Int", .int32), ("Short", .int16), ("Char", .int8), ("Byte", .uint8), ("Bool", .bool),
        ("ComplexFloat", .complex64),
    ]

    /// Bytes of an element of storages that are not read.
    static let unreadWidths = [
        "torch.ComplexDoubleStorage": 16, "torch.QInt8Storage": 1, "torch.QUInt8Storage": 1, "torch.QInt32Storage": 4,
        "torch.QUInt4x2Storage": 1, "torch.QUInt2x4Storage": 1,
    ]

    private static let elementTypes: [(String, ElementType)] = [
        ("float64", .float64), ("float32", .float32), ("float16", .float16), ("bfloat16", .bfloat16),
        ("complex64", .complex64), ("float8_e4m3fn", .float8E4M3), ("float8_e5m2", .float8E5M2),
        ("float8_e8m0fnu", .float8E8M0), ("int64", .int64), ("int32", .int32), ("int16", .int16), ("int8", .int8),
        ("uint64", .uint64), ("uint32", .uint32), ("uint16", .uint16), ("uint8", .uint8), ("bool", .bool),
    ]

    private static let dictionaries = [
        "collections.OrderedDict", "collections.defaultdict", "builtins.dict", "__builtin__.dict",
    ]
}

// MARK: - Attacks

extension PickleName {
    /// Whether a file that asks for `name` in `module` would run a program, or code from the file, wherever it is opened with
    /// Python. No training program keeps such a thing. It would do no harm here, but whoever has the file should know.
    static func runsPrograms(_ module: String, _ name: String) -> Bool {
        if programModules.contains(module) { return true }
        if systemModules.contains(module) {
            return systemFunctions.contains(name) || systemFamilies.contains { name.utf8.starts(with: $0.utf8) }
        }
        let outermost = name.utf8.prefix { $0 != UInt8(ascii: ".") }
        return importModules.contains(module) && importFunctions.contains { outermost.elementsEqual($0.utf8) }
    }

    private static let programModules: Set<String> = [
        "subprocess", "_posixsubprocess", "pty", "commands", "popen2", "runpy", "shutil", "webbrowser", "code", "pdb",
        "timeit", "pip", "pip._internal",
    ]
    private static let systemModules: Set<String> = ["os", "posix", "nt"]
    private static let systemFunctions: Set<String> = [
        "system", "popen", "startfile", "remove", "unlink", "rmdir", "removedirs", "rename", "renames", "replace",
        "truncate",
        "kill", "killpg", "chmod", "chown", "link", "symlink", "putenv",
    ]
    private static let systemFamilies = ["exec", "spawn", "posix_spawn", "fork", "popen"]
    private static let importModules: Set<String> = ["builtins", "__builtin__", "io", "_io", "importlib", "imp"]
    private static let importFunctions = [
        "eval", "exec", "execfile", "compile", "__import__", "open", "breakpoint", "import_module", "reload",
        "load_source",
        "load_module",
    ]
}
