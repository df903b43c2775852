import SystemPackage
import WeightFiles

/// The tensors of a file below one place, under the names that they have there: those of `state_dict.module.` without that.
///
/// Words that wrappers put into names are passed over wherever they stand.
struct NetworkTensors: WeightSource {
    /// The whole file.
    let file: any WeightSource
    /// What all names here have before them in the file, without the words of wrappers.
    let prefix: String
    let tensorNames: [String]
    /// The file's names.
    private let fileNames: [String: String]

    /// - Parameter siblings: first components of names that lie beside the place, on the level of its last component, and are
    ///   taken for names here: libraries keep a classifier beside the network it is for.
    init(_ file: any WeightSource, _ names: TensorNames, given: [String], under prefix: String, siblings: [String] = [])
    {
        self.file = file
        self.prefix = prefix
        var fileNames: [String: String] = [:]
        func take(_ range: Range<Int>, dropping count: Int) {
            for name in names.names[range] {
                let rest = String(decoding: name.bare.utf8.dropFirst(count), as: UTF8.self)
                if fileNames[rest] == nil { fileNames[rest] = given[name.index] }
            }
        }
        take(names.range(under: prefix), dropping: prefix.utf8.count)
        let parent = prefix.split(separator: ".").dropLast().map { $0 + "." }.joined()
        for sibling in prefix.isEmpty ? [] : siblings {
            take(names.range(under: parent + sibling + "."), dropping: parent.utf8.count)
        }
        self.fileNames = fileNames
        tensorNames = fileNames.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// What most of the tensors `names`, or of all, have before them in the file, words of wrappers included. (Wrappers inside of
    /// the network change the names of some.)
    func prefixInFile(of names: [String]? = nil) -> String {
        var counts: [String: Int] = [:]
        for name in names ?? tensorNames {
            let whole = fileName(name)
            guard whole.hasSuffix(name) else { continue }
            counts[String(whole.dropLast(name.count)), default: 0] += 1
        }
        return counts.min { ($1.value, $0.key) < ($0.value, $1.key) }?.key ?? prefix
    }

    /// The name that the file gives a tensor.
    func fileName(_ name: String) -> String { fileNames[name] ?? prefix + name }

    var path: FilePath { file.path }
    var metadata: [String: String] { file.metadata }
    var configuration: SavedConfiguration? { file.configuration }
    var preprocessing: SavedConfiguration? { file.preprocessing }

    func entry(_ name: String) -> TensorEntry? { fileNames[name].flatMap(file.entry) }
    func floats(_ name: String) throws -> [Float] { try file.floats(fileName(name)) }
}
