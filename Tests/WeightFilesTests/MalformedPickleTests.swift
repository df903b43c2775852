import Testing
import WeightFiles

struct MalformedPickleTests {
    /// The fault of a stream whose object is this pickle, without its frame; nil when it is accepted.
    private func fault(_ body: [UInt8]) throws -> PickleFault? {
        do {
            _ = try WeightContents(bytes: Pickle.stream(Pickle.pickle(body)))
            return nil
        } catch TorchFault.pickle(let fault) {
            return fault
        } catch is LayoutFault {
            return nil
        }
    }

    /// The file of one tensor "w" in a storage of four floats.
    private func file(
        count: Int64 = 4, type: String = "FloatStorage", offset: Int64 = 0, shape: [Int64], strides: [Int64]
    ) -> [UInt8] {
        let tensor = Pickle.tensor(
            Pickle.storage(type, count: count), offset: offset, shape: shape, strides: strides)
        return Pickle.stream(Pickle.pickle(Pickle.dictionary([("w", tensor)])), [("0", 4, fourFloats)])
    }

    private func isBadTensor(_ file: [UInt8]) throws -> Bool {
        do {
            _ = try WeightContents(bytes: file)
            return false
        } catch TorchFault.pickle(.badTensor) {
            return true
        }
    }

    private func isTooMuch(_ body: [UInt8], _ limit: String) throws -> Bool {
        if case .tooMuch(limit, _, _) = try fault(body) { true } else { false }
    }

    @Test func `the valid forms these tests start from are accepted`() throws {
        let bytes = file(shape: [2, 2], strides: [1, 2])
        #expect(try WeightContents(bytes: bytes).elements(in: bytes)["w"]?.count == 16)
        #expect(try fault([0x4E]) == nil)
    }

    @Test func `instructions that torch.save does not write`() throws {
        // INST, OBJ, EXT1, PERSID, GET, PUT, INT, STRING, UNICODE, DICT, LIST, DUP, NEXT_BUFFER, and no instruction.
        for code: UInt8 in Array("ioPgpISVdl2".utf8) + [0x82, 0x83, 0x84, 0x97, 0x98, 0x00, 0xFF] {
            #expect(try fault([0x4E, code]) == .unknownInstruction(code, offset: offset(of: 3)), "\(code)")
        }
        #expect(try fault([0x80, 1]) == .unknownProtocol(1))
        #expect(try fault([0x80, 6]) == .unknownProtocol(6))
    }

    /// Where the byte at `index` of an object is in its stream.
    private func offset(of index: Int) -> Int {
        Pickle.stream([]).count - Pickle.pickle([0x5D, 0x28, 0x65]).count + index
    }

    @Test func `instructions that find other values than they work on`() throws {
        let empty: [UInt8] = [0x7D]
        for body: [UInt8] in [
            [], [0x30], [0x85], [0x4E, 0x86], [0x74], [0x28, 0x61], [0x5D, 0x28, 0x4E, 0x61, 0x61], [0x52],
            [0x4E, 0x4E, 0x52],
            [0x4E, 0x29, 0x52], [0x4E, 0x51], [0x29, 0x51], [0x4E, 0x4E, 0x62], empty + [0x73],
            empty + [0x28, 0x4E, 0x75],
            [0x4E, 0x28, 0x75], [0x4E, 0x28, 0x65], [0x4E, 0x4E, 0x61], [0x4E, 0x4E, 0x93], [0x4E, 0x29, 0x81],
            [0x71, 0], [0x94],
            Pickle.global("torch._utils", "_rebuild_tensor_v2") + [0x29, 0x52],
            Pickle.global("torch._utils", "_rebuild_parameter") + [0x29, 0x52],
            Pickle.global("torch._tensor", "_rebuild_from_type_v2") + [0x29, 0x52],
            Pickle.global("torch", "Size") + [0x29, 0x52], Pickle.global("torch", "float32") + [0x29, 0x52],
            Pickle.global("collections", "OrderedDict") + [0x5D, 0x4E, 0x61, 0x85, 0x52],
            Pickle.tuple([Pickle.text("storage"), [0x4E], [0x4E], [0x4E], [0x4E]]) + [0x51],
            Pickle.storage(count: -1), Pickle.storage(count: .max),
        ] {
            let fault = try fault(body)
            if case .unexpectedValue = fault { continue }
            Issue.record("\(body): \(String(describing: fault))")
        }
        #expect(try fault([0x68, 7]) == .missingMemo(7, offset: offset(of: 2)))
    }

    @Test func `texts that are not UTF-8`() throws {
        #expect(try fault([0x58, 1, 0, 0, 0, 0xFF]) == .badText(offset: offset(of: 2)))
        #expect(try fault([0x63, 0xFF, 0x0A, 0x0A]) == .badText(offset: offset(of: 2)))
        #expect(try fault([0x55, 1, 0xFF]) == nil)  // of Python 2: kept as bytes
    }

    @Test func `lengths that claim more than there is`() throws {
        for (code, byteCount): (UInt8, Int) in [
            (0x58, 4), (0x8D, 8), (0x42, 4), (0x8E, 8), (0x96, 8), (0x8C, 1), (0x43, 1), (0x55, 1), (0x54, 4),
            (0x8A, 1),
            (0x8B, 4), (0x95, 8),
        ] {
            for last: UInt8 in [0x7F, 0xFF] {
                let body = [code] + [UInt8](repeating: 0xFF, count: byteCount - 1) + [last]
                switch try fault(body) {
                case .cut, .tooMuch: break
                case let other: Issue.record("\(body): \(String(describing: other))")
                }
            }
        }
    }

    @Test func `limits of names, integers, axes, marks, values and steps`() throws {
        let text = [UInt8](repeating: 0x61, count: (1 << 20) + 1)
        #expect(try isTooMuch([0x63] + text, "bytes of a name"))
        #expect(
            try isTooMuch(
                [0x8C, 200] + text.prefix(200) + [0x58, 1, 1, 0, 0] + text.prefix(257) + [0x93], "bytes of a name"))
        #expect(try isTooMuch([0x8B] + littleEndian(UInt32(1025)) + text.prefix(1025), "bytes of an integer"))
        #expect(try isTooMuch([UInt8](repeating: 0x28, count: 1001), "levels of nesting"))
        #expect(try isTooMuch([UInt8](repeating: 0x4E, count: 1_000_001), "values on the stack"))
        #expect(try isTooMuch([0x4E] + [UInt8](repeating: 0x94, count: 8_000_001), "kept values"))
        #expect(try isTooMuch([0x4E] + [[UInt8]](repeating: [0x4E, 0x30], count: 8_000_000).joined(), "steps"))
        let axes = [Int64](repeating: 1, count: 65)
        #expect(throws: TorchFault.self) { try WeightContents(bytes: file(shape: axes, strides: axes)) }
        #expect(try WeightContents(bytes: file(shape: axes.dropLast(), strides: axes.dropLast())).names == ["w"])
    }

    @Test func `values nested a million deep are neither walked nor freed by recursion`() throws {
        // A tuple of a tuple of a tuple...
        #expect(try fault([0x4E] + [UInt8](repeating: 0x85, count: 1_000_000)) == nil)
        // A dictionary in a dictionary, each under a key that is looked into.
        let key = Pickle.text("model") + [0x71, 0]
        let inner: [UInt8] =
            key + [0x7D] + [[UInt8]](repeating: [0x71, 1, 0x30, 0x7D, 0x68, 0, 0x68, 1, 0x73], count: 300_000).joined()
        #expect(throws: LayoutFault.self) { try WeightContents(bytes: Pickle.stream(Pickle.pickle(inner))) }
    }

    @Test func `a dictionary that holds itself is looked into once`() throws {
        let members: [UInt8] = ["state_dict", "model", "net", "ema", "encoder"].flatMap {
            Pickle.text($0) + [0x68, 0, 0x73]
        }
        #expect(
            throws: LayoutFault.noTensors(root: "a dictionary", keys: ["state_dict", "model", "net", "ema", "encoder"])
        ) {
            try WeightContents(bytes: Pickle.stream(Pickle.pickle([0x7D, 0x71, 0] + members)))
        }
    }

    @Test func `a kept list that is copied again and again ends at the limit of steps`() throws {
        // A list of pairs, from which a dictionary is made many times.
        let pair = Pickle.tuple([Pickle.text("k"), [0x4E]]) + [0x71, 1]
        let list = [0x5D, 0x71, 2, 0x28] + pair + [[UInt8]](repeating: [0x68, 1], count: 1000).joined() + [0x65]
        let call = Pickle.global("collections", "OrderedDict") + [0x71, 3]
        let again = [[UInt8]](repeating: [0x30, 0x68, 3, 0x68, 2, 0x85, 0x52], count: 20_000).joined()
        #expect(try isTooMuch(list + call + again, "steps"))
    }

    @Test func `memo keys of any size cost what they hold`() throws {
        let keys: [UInt8] = (0..<1000).flatMap { [0x72] + littleEndian(UInt32.max - $0) }
        #expect(try fault([0x4E] + keys) == nil)
    }

    @Test func `tensors that lie outside their storage`() throws {
        let cases: [(offset: Int64, shape: [Int64], strides: [Int64])] = [
            (1, [4], [1]), (0, [5], [1]), (4, [], []), (0, [2, 2], [1, 3]), (0, [2], [4]), (-1, [1], [1]),
            (0, [-1], [1]),
            (0, [2], [-1]), (0, [2], [1, 1]), (.max, [2], [1]), (0, [.max], [1]), (0, [2, 2], [.max, .max]),
            (0, [1 << 32, 1 << 32], [0, 0]), (5, [0], [1]), (0, [.max, 4, 0], [1, 1, 1]),
        ]
        for (offset, shape, strides) in cases {
            #expect(
                try isBadTensor(file(offset: offset, shape: shape, strides: strides)), "\(offset) \(shape) \(strides)")
        }
        for (offset, shape, strides): (Int64, [Int64], [Int64]) in [
            (4, [0], [1]), (3, [], []), (3, [1, 1], [.max, .max]), (0, [2, 2], [1, 1]),
        ] {
            let bytes = file(offset: offset, shape: shape, strides: strides)
            #expect(try WeightContents(bytes: bytes).elements(in: bytes).count == 1)
        }
    }

    @Test func `views that expand a small storage are allowed to a limit`() throws {
        let floats: Int64 = (64 << 20) / 4
        #expect(try WeightContents(bytes: file(shape: [floats], strides: [0])).names == ["w"])
        let bytes = file(shape: [floats * 2], strides: [0])
        #expect(
            throws: LayoutFault.tooLarge(byteCount: 128 << 20, limit: (64 << 20) + 16 * bytes.count)
        ) { try WeightContents(bytes: bytes) }
    }

    @Test func `views that turn their numbers around are closed`() throws {
        let tensor =
            Pickle.global("torch._utils", "_rebuild_tensor_v2")
            + Pickle.tuple([
                Pickle.storage(count: 4), Pickle.long(0), Pickle.axes([4]), Pickle.axes([1]), [0x89], [0x4E],
                Pickle.dictionary([("neg", [0x88])]),
            ]) + [0x52]
        let plain = Pickle.tensor(Pickle.storage(count: 4), shape: [4], strides: [1])
        let bytes = Pickle.stream(
            Pickle.pickle(Pickle.dictionary([("w", tensor), ("v", plain)])), [("0", 4, fourFloats)])
        let contents = try WeightContents(bytes: bytes)
        #expect(contents.names == ["v"])
        #expect(contents.layout.others.map(\.name) == ["w"])
    }

    // MARK: Closed boxes

    /// The file of one tensor "w" with something beside it.
    private func file(beside object: [UInt8]) -> [UInt8] {
        let tensor = Pickle.tensor(Pickle.storage(count: 4), shape: [4], strides: [1])
        return Pickle.stream(
            Pickle.pickle(Pickle.dictionary([("x", object), ("w", tensor)])), [("0", 4, fourFloats)])
    }

    @Test func `objects and functions of any name stay closed`() throws {
        for (module, name) in [
            ("__main__", "Settings"), ("functools", "partial"), ("builtins", "getattr"), ("torch.hub", "load"),
            ("torch.storage", "_load_from_bytes"), ("collections", "OrderedDict.x"), ("a", "\u{E9}"),
            ("os", "stat_result"), ("posix", "listdir"),
            ("torch._utils", "_rebuild_qtensor"), ("operator", "attrgetter"), ("numpy", "ndarray"),
        ] {
            let function = Pickle.global(module, name)
            for object in [
                function, Pickle.text(module) + Pickle.text(name) + [0x93], function + [0x29, 0x52],
                function + [0x29, 0x81, 0x7D, 0x62], function + [0x29, 0x7D, 0x92],
                function + [0x29, 0x52, 0x29, 0x52],
                function + [0x29, 0x52, 0x4E, 0x61], function + [0x29, 0x52, 0x4E, 0x4E, 0x73],
                function + [0x29, 0x81, 0x28, 0x4E, 0x4E, 0x75], function + [0x29, 0x81, 0x29, 0x81],
                // What is made from them is closed too.
                Pickle.global("torch._utils", "_rebuild_parameter") + function + [0x29, 0x52, 0x85, 0x52],
                Pickle.global("torch._tensor", "_rebuild_from_type_v2")
                    + Pickle.tuple([function, [0x4E], [0x29], [0x4E]])
                    + [0x52],
                Pickle.tuple([Pickle.text("storage"), function, Pickle.text("9"), Pickle.text("cpu"), Pickle.long(1)])
                    + [0x51],
            ] {
                let bytes = file(beside: object)
                let contents = try WeightContents(bytes: bytes)
                #expect(try contents.elements(in: bytes) == ["w": fourFloats], "\(module).\(name)")
                #expect(contents.layout.others.map(\.name) == ["x"])
                #expect(contents.layout.others[0].kind.utf8.allSatisfy { $0 < 0x80 })
            }
        }
    }

    @Test func `names by which programs are run are refused, whatever follows them`() throws {
        for (module, name) in [
            ("os", "system"), ("posix", "popen"), ("os", "execvp"), ("posix", "posix_spawn"), ("nt", "remove"),
            ("builtins", "eval"), ("__builtin__", "execfile"),
            ("builtins", "exec.x"), ("subprocess", "Popen"), ("shutil", "rmtree"), ("runpy", "run_path"),
            ("importlib", "import_module"), ("io", "open"), ("pty", "spawn"),
        ] {
            for body in [
                Pickle.global(module, name), Pickle.text(module) + Pickle.text(name) + [0x93],
                Pickle.global(module, name) + [0x29, 0x52], Pickle.global(module, name) + [0x29, 0x81, 0x7D, 0x62],
                Pickle.global(module, name) + [0xFF],
            ] {
                #expect(throws: TorchFault.refusedName("\(module).\(name)")) {
                    try WeightContents(bytes: Pickle.stream(Pickle.pickle(body)))
                }
            }
        }
        let error = TorchFault.refusedName("os.\u{1B}[2J" + String(repeating: "x", count: 300))
        #expect("\(error)".contains("os.\\u{1b}[2Jx") && "\(error)".contains("..."))
    }

    /// Arrays of numbers are texts in the oldest protocols.
    @Test func `texts of any length are data`() throws {
        let text = [UInt8](repeating: 0x61, count: 3 << 20)
        for code: UInt8 in [0x58, 0x54] {
            let object =
                Pickle.global("_codecs", "encode") + [code] + littleEndian(UInt32(text.count)) + text
                + Pickle.text("latin1") + [0x86, 0x52]
            let bytes = file(beside: object)
            #expect(try WeightContents(bytes: bytes).elements(in: bytes) == ["w": fourFloats])
        }
    }

    /// A part of a network, as an object with its three tables.
    private func part(
        _ type: String, parameters: [(String, [UInt8])], buffers: [(String, [UInt8])] = [], passing: [String] = [],
        modules: [(String, [UInt8])]
    ) -> [UInt8] {
        let set: [UInt8] = [0x5D, 0x28] + passing.flatMap { Pickle.text($0) } + [0x65]
        let state = Pickle.dictionary([
            ("training", [0x89]), ("_parameters", Pickle.dictionary(parameters)),
            ("_buffers", Pickle.dictionary(buffers)),
            ("_non_persistent_buffers_set", Pickle.global("__builtin__", "set") + set + [0x85, 0x52]),
            ("_modules", Pickle.dictionary(modules)), ("_forward_hooks", Pickle.global("__main__", "hook")),
        ])
        return Pickle.global("__main__", type) + [0x29, 0x81] + state + [0x62]
    }

    @Test func `a pickled network gives the tensors of its tables and nothing else`() throws {
        let tensor = Pickle.tensor(Pickle.storage(count: 4), shape: [4], strides: [1])
        let inner = part(
            "Layer", parameters: [("weight", tensor), ("bias", [0x4E])],
            buffers: [("mean", tensor), ("table", tensor)],
            passing: ["table"], modules: [])
        let network = part(
            "Network", parameters: [], modules: [("layer", inner), ("none", [0x4E]), ("odd", [0x4B, 7])])
        let bytes = Pickle.stream(Pickle.pickle(network), [("0", 4, fourFloats)])
        let contents = try WeightContents(bytes: bytes)
        // A state dictionary has no buffers that are made anew each time.
        #expect(try contents.elements(in: bytes) == ["layer.weight": fourFloats, "layer.mean": fourFloats])
        #expect(contents.tensors[0].isInPickledNetwork)
        // In a dictionary, of which it is a value like any other.
        #expect(try WeightContents(bytes: file(beside: inner)).names == ["w", "x.mean", "x.weight"])
        // Tensors in other attributes are not looked for.
        let other = Pickle.global("a", "B") + [0x29, 0x81] + Pickle.dictionary([("weight", tensor)]) + [0x62]
        #expect(try WeightContents(bytes: file(beside: other)).names == ["w"])
    }

    /// Each of twenty parts has the next one twice: a million ways to the last.
    @Test func `networks whose parts are reached in very many ways end at a limit`() throws {
        let tensor = Pickle.tensor(Pickle.storage(count: 4), shape: [4], strides: [1])
        var network = part("Last", parameters: [("w", tensor)], modules: [])
        for level in 0..<20 {
            let key = UInt8(level)
            network = part("Part", parameters: [], modules: [("a", network + [0x71, key]), ("b", [0x68, key])])
        }
        let bytes = Pickle.stream(Pickle.pickle(network), [("0", 4, fourFloats)])
        let time = ContinuousClock().measure {
            #expect(throws: LayoutFault.tooManyNames(limit: 200_000)) { try WeightContents(bytes: bytes) }
        }
        #expect(time < .seconds(10))
    }

    @Test func `a network that holds itself is not entered from inside`() throws {
        let tensor = Pickle.tensor(Pickle.storage(count: 4), shape: [4], strides: [1])
        let tables =
            [0x7D] + Pickle.text("_parameters") + Pickle.dictionary([("w", tensor)]) + [0x73]
            + Pickle.text("_modules") + [0x7D] + Pickle.text("self") + [0x68, 0, 0x73, 0x73]
        let network = Pickle.global("__main__", "Network") + [0x29, 0x81, 0x71, 0] + tables + [0x62]
        let bytes = Pickle.stream(Pickle.pickle(network), [("0", 4, fourFloats)])
        #expect(try WeightContents(bytes: bytes).names == ["w"])
    }

    /// A pickler that comes back to a tuple from inside of it takes away what it has put on the stack for it.
    @Test func `values on the stack are dropped down to the mark`() throws {
        #expect(try fault([0x4E, 0x28, 0x4E, 0x4E, 0x31]) == nil)
        if case .unexpectedValue = try fault([0x4E, 0x31]) {} else { Issue.record("accepted") }
    }

    @Test func `storages that are not read are passed over in a stream`() throws {
        let tensor = Pickle.tensor(Pickle.storage(count: 4), shape: [4], strides: [1])
        for (type, width) in [("ComplexDoubleStorage", 16), ("QInt8Storage", 1), ("QInt32Storage", 4)] {
            let closed = Pickle.storage(type, key: "1", count: 2)
            let bytes = Pickle.stream(
                Pickle.pickle(Pickle.dictionary([("x", closed), ("w", tensor)])),
                [("1", 2, [UInt8](repeating: 0, count: 2 * width)), ("0", 4, fourFloats)])
            #expect(try WeightContents(bytes: bytes).elements(in: bytes) == ["w": fourFloats], "\(type)")
        }
    }

    @Test func `texts of Python 2 and dictionaries made of lists are read`() throws {
        let tensor = Pickle.tensor(Pickle.storage(count: 4), shape: [4], strides: [1])
        let pair = [0x5D, 0x28] + [0x55, 1, 0x77] + tensor + [0x65]
        let body = Pickle.global("collections", "OrderedDict") + [0x5D] + pair + [0x61, 0x85, 0x52]
        let bytes = Pickle.stream(Pickle.pickle(body), [("0", 4, fourFloats)])
        #expect(try WeightContents(bytes: bytes).elements(in: bytes) == ["w": fourFloats])
    }

    @Test func `a name given twice`() throws {
        let tensor = Pickle.tensor(Pickle.storage(count: 4), shape: [4], strides: [1])
        let bytes = Pickle.stream(
            Pickle.pickle(Pickle.dictionary([("w", tensor), ("w", tensor)])), [("0", 4, fourFloats)])
        #expect(throws: LayoutFault.repeatedName("w")) { try WeightContents(bytes: bytes) }
    }
}
