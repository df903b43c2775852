/// A function or class that a pickle may ask for. Each stands for a meaning that is built in here; none is ever called.
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
    /// A class whose objects are kept closed.
    case opaque
    /// Not on the list. The pickle is read on, to see what it is, and then refused.
    case refused

    /// The meaning of `name` in `module`.
    init(_ module: String, _ name: String) {
        // No name on the list has other characters, and looking up those takes its time.
        let isASCII = module.utf8.allSatisfy { $0 < 0x80 } && name.utf8.allSatisfy { $0 < 0x80 }
        self = isASCII ? Self.known["\(module).\(name)"] ?? .refused : .refused
    }

    private static let known: [String: PickleName] = {
        var known: [String: PickleName] = [
            "torch._utils._rebuild_tensor": .rebuildTensor(version: 1),
            "torch._utils._rebuild_tensor_v2": .rebuildTensor(version: 2),
            "torch._utils._rebuild_tensor_v3": .rebuildTensor(version: 3),
            "torch._utils._rebuild_parameter": .rebuildParameter,
            "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
            "torch._tensor._rebuild_from_type_v2": .rebuildFromType,
            "torch.storage.UntypedStorage": .untypedStorage, "torch.UntypedStorage": .untypedStorage,
            "torch.Size": .size,
        ]
        for (storage, elementType) in storages { known["torch.\(storage)Storage"] = .storage(elementType) }
        for (name, elementType) in elementTypes { known["torch.\(name)"] = .elementType(elementType) }
        for name in dictionaries { known[name] = .dictionary }
        for name in closed { known[name] = .opaque }
        return known
    }()

    private static let storages: [(String, ElementType)] = [
        ("Double", .float64), ("Float", .float32), ("Half", .float16), ("BFloat16", .bfloat16), ("Long", .int64),
        ("Int", .int32), ("Short", .int16), ("Char", .int8), ("Byte", .uint8), ("Bool", .bool),
        ("ComplexFloat", .complex64),
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

    /// Settings and records that training programs put beside the weights. Add a class here only if a file that has its
    /// objects is still a file of tensors.
    private static let closed = [
        "argparse.Namespace", "types.SimpleNamespace", "collections.Counter", "collections.deque", "_codecs.encode",
        "builtins.set", "builtins.frozenset", "builtins.list", "builtins.tuple", "builtins.int", "builtins.float",
        "builtins.str", "builtins.bool", "builtins.bytes", "builtins.bytearray", "builtins.complex", "builtins.slice",
        "builtins.range", "__builtin__.set", "__builtin__.frozenset", "__builtin__.list", "__builtin__.tuple",
        "__builtin__.int", "__builtin__.long", "__builtin__.float", "__builtin__.str", "__builtin__.unicode",
        "__builtin__.bool", "__builtin__.bytearray", "__builtin__.complex",
        "datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta", "datetime.timezone",
        "pathlib.Path", "pathlib.PosixPath", "pathlib.PurePosixPath", "pathlib.WindowsPath", "pathlib.PureWindowsPath",
        "pathlib._local.PosixPath", "pathlib._local.PurePosixPath", "pathlib._local.WindowsPath",
        "decimal.Decimal", "fractions.Fraction", "uuid.UUID",
        "numpy.dtype", "numpy.ndarray", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
        "numpy.dtypes.Float64DType", "numpy.dtypes.Float32DType", "numpy.dtypes.Int64DType",
        "torch.device", "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer",
        "torch.torch_version.TorchVersion", "torch.complex128", "torch.strided",
        "omegaconf.dictconfig.DictConfig", "omegaconf.listconfig.ListConfig", "omegaconf.base.ContainerMetadata",
        "omegaconf.base.Metadata", "omegaconf.nodes.AnyNode", "omegaconf.nodes.StringNode",
        "omegaconf.nodes.IntegerNode", "omegaconf.nodes.FloatNode", "omegaconf.nodes.BooleanNode", "typing.Any",
        "yacs.config.CfgNode", "fvcore.common.config.CfgNode", "easydict.EasyDict", "addict.addict.Dict",
        "addict.Dict", "mmcv.utils.config.ConfigDict", "mmengine.config.config.ConfigDict",
        "ml_collections.config_dict.config_dict.ConfigDict", "pytorch_lightning.utilities.parsing.AttributeDict",
        "lightning.pytorch.utilities.parsing.AttributeDict", "lightning_fabric.utilities.data.AttributeDict",
        "lightning.fabric.utilities.data.AttributeDict",
        "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
        "pytorch_lightning.callbacks.early_stopping.EarlyStopping",
    ]
}
