/// The instructions that `torch.save` and the picklers of Python 2 and 3 write in protocols 2 to 5. Missing on purpose are
/// those of protocols 0 and 1 (text forms, and `INST` and `OBJ`, which call classes), extension codes, and buffers outside of
/// the pickle.
enum PickleInstruction: UInt8 {
    case stop = 0x2E
    case protocolVersion = 0x80
    case frame = 0x95
    case mark = 0x28
    case pop = 0x30
    case popMark = 0x31

    case none = 0x4E
    case `true` = 0x88
    case `false` = 0x89
    case uint8 = 0x4B
    case uint16 = 0x4D
    case int32 = 0x4A
    case long1 = 0x8A
    case long4 = 0x8B
    case double = 0x47
    case shortText = 0x8C
    case text = 0x58
    case longText = 0x8D
    case shortOldText = 0x55
    case oldText = 0x54
    case shortBytes = 0x43
    case bytes = 0x42
    case longBytes = 0x8E
    case byteArray = 0x96

    case emptyTuple = 0x29
    case tuple1 = 0x85
    case tuple2 = 0x86
    case tuple3 = 0x87
    case tuple = 0x74
    case emptyList = 0x5D
    case append = 0x61
    case appends = 0x65
    case emptyDictionary = 0x7D
    case setItem = 0x73
    case setItems = 0x75
    case emptySet = 0x8F
    case addItems = 0x90
    case frozenSet = 0x91

    case global = 0x63
    case stackGlobal = 0x93
    case reduce = 0x52
    case newObject = 0x81
    case newObjectWithKeywords = 0x92
    case build = 0x62
    case persistentID = 0x51

    case put = 0x71
    case longPut = 0x72
    case memoize = 0x94
    case get = 0x68
    case longGet = 0x6A
}
