import Datasets
import DurableFiles
import Glibc
public import SystemPackage

/// The images that a user names: files, folders (all images below, in order) and lists with one path a line, one after the other.
/// Lists are read as far as they are asked for, so that they may have any length.
public struct ImagePaths {
    /// What stands for a list on standard input.
    public static let standardInput: FilePath = "-"

    private enum Source {
        case file(FilePath)
        case folder([FilePath])
        case list(PathList)
    }

    private var sources: [Source] = []
    /// Number of images, where no list is among what was named.
    public let count: Int?
    /// What was passed over in folders, a sentence each.
    public let notes: [String]
    private var source = 0
    private var place = 0

    /// - Parameter named: image files, folders, and lists: text files with names that end in .txt, .lst or .list, anything that is
    ///   neither file nor folder, such as a pipe, and "-" for standard input.
    /// - Throws: `DatasetError` for a folder without images, `DurableFileError` for a list that cannot be opened.
    public init(_ named: [FilePath]) throws {
        var (count, notes): (Int?, [String]) = (0, [])
        for path in named {
            if path == Self.standardInput {
                sources.append(.list(PathList(standardInput: path)))
                count = nil
            } else if DurableDirectory.exists(path) {
                let images = try ImageFolder.images(below: path)
                sources.append(.folder(images.paths))
                notes += images.notes
                count? += images.paths.count
            } else if Self.isList(path) {
                sources.append(.list(try PathList(path)))
                count = nil
            } else {
                sources.append(.file(path))
                count? += 1
            }
        }
        self.count = count
        self.notes = notes
    }

    private static func isList(_ path: FilePath) -> Bool {
        let name = path.lastComponent?.string.lowercased() ?? ""
        if [".txt", ".lst", ".list"].contains(where: name.hasSuffix) { return true }
        return access(path.string, F_OK) == 0 && !DurableFile.exists(path)
    }

    /// The next image; nil after the last.
    /// - Throws: `PredictionError`, `DurableFileError` of a list.
    package mutating func next() throws -> FilePath? {
        while source < sources.count {
            switch sources[source] {
            case .file(let path):
                source += 1
                return path
            case .folder(let paths):
                if place < paths.count {
                    place += 1
                    return paths[place - 1]
                }
            case .list(let list):
                if let path = try list.next() { return path }
            }
            (source, place) = (source + 1, 0)
        }
        return nil
    }

    /// The next images, at most `limit`.
    mutating func next(_ limit: Int) throws -> [FilePath] {
        var paths: [FilePath] = []
        while paths.count < limit, let path = try next() { paths.append(path) }
        return paths
    }
}

/// A text file with one path a line, read piece by piece.
private final class PathList {
    private let path: FilePath
    private let descriptor: Int32
    private let isOwn: Bool
    private var buffer: [UInt8] = []
    private var position = 0
    private var isAtEnd = false
    private var line = 0

    /// Bytes of the longest path that Linux takes.
    private static let lineLimit = 4096
    private static let pieceByteCount = 1 << 16

    init(standardInput path: FilePath) {
        (self.path, descriptor, isOwn) = (path, STDIN_FILENO, false)
    }

    init(_ path: FilePath) throws {
        self.path = path
        isOwn = true
        descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT
                ? DurableFileError.missing(path: path)
                : DurableFileError.failed(operation: "open", path: path, code: errno)
        }
    }

    deinit { if isOwn { close(descriptor) } }

    /// The path on the next line that is not empty; nil at the end.
    func next() throws -> FilePath? {
        while let bytes = try nextLine() {
            line += 1
            let text = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
            if text.isEmpty { continue }
            guard text.count < Self.lineLimit else {
                throw PredictionError.badList(
                    path: name, line: line,
                    problem: "it is longer than the \(Self.lineLimit) bytes that a path may have")
            }
            guard !text.contains(0), let path = String(validating: text, as: UTF8.self) else {
                throw PredictionError.badList(path: name, line: line, problem: "it is no text in UTF-8")
            }
            return FilePath(path)
        }
        return nil
    }

    private var name: String { isOwn ? path.string : "standard input" }

    private func nextLine() throws -> ArraySlice<UInt8>? {
        while true {
            if let end = buffer[position...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { position = end + 1 }
                return buffer[position..<end]
            }
            guard !isAtEnd, buffer.count - position <= Self.lineLimit else {
                defer { position = buffer.count }
                return position < buffer.count ? buffer[position...] : nil
            }
            buffer.removeFirst(position)
            position = 0
            var piece = [UInt8](repeating: 0, count: Self.pieceByteCount)
            let count = read(descriptor, &piece, piece.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw DurableFileError.failed(operation: "read", path: FilePath(name), code: errno)
            }
            isAtEnd = count == 0
            buffer += piece[..<count]
        }
    }
}
