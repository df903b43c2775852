import DurableFiles
import Foundation
import FoundationXML
import SystemPackage

/// The boxes of one image in the XML of ImageNet and Stanford Dogs (that of PASCAL VOC):
///
///     <annotation>
///       <size><width>500</width><height>375</height><depth>3</depth></size>
///       <object><name>n02085620</name><bndbox><xmin>25</xmin><ymin>10</ymin><xmax>276</xmax><ymax>498</ymax></bndbox></object>
///     </annotation>
///
/// A box reaches from xmin and ymin to xmax and ymax, 0 to width and 0 to height in these data sets. The files come from
/// outside: their size and depth are capped, and a document type, with which XML can refer to other files or grow without
/// bound, is refused.
struct ObjectAnnotation: Equatable {
    struct Object: Equatable {
        let name: String
        let box: BoundingBox
    }

    let width: Int
    let height: Int
    let objects: [Object]

    /// The largest file that is read; those of the data sets have less than 10 KB.
    static let byteLimit = 1 << 20
    static let depthLimit = 16
    static let objectLimit = 1000

    /// - Throws: `DatasetError.malformed`, `DurableFileError`.
    init(contentsOf path: FilePath) throws {
        func failure(_ reason: String) -> DatasetError { .malformed(path: path, place: nil, reason: reason) }
        let byteCount = try DurableFile.byteCount(of: path)
        guard byteCount <= Self.byteLimit else {
            throw failure("it has \(byteCount) bytes, more than the annotation of an image")
        }
        try self.init(DurableFile.read(path), path: path)
    }

    /// The annotation in `bytes`; `path` is for messages.
    init(_ bytes: [UInt8], path: FilePath) throws {
        func failure(_ reason: String) -> DatasetError { .malformed(path: path, place: nil, reason: reason) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw failure("it is not UTF-8 text") }
        guard !text.contains("<!DOCTYPE"), !text.contains("<!ENTITY") else {
            throw failure("it declares a document type, which annotations do not have")
        }
        let parser = XMLParser(data: Data(bytes))
        parser.shouldResolveExternalEntities = false
        let handler = Handler()
        parser.delegate = handler
        let isWhole = parser.parse()
        if let problem = handler.problem { throw failure(problem) }
        // The parser may say that it succeeded although it reported errors.
        guard isWhole, !handler.hasFailed, handler.isClosed else {
            throw failure("it is not well-formed XML (line \(parser.lineNumber))")
        }
        guard handler.hasAnnotation else { throw failure("it has no <annotation>") }
        guard let width = handler.size["width"], let height = handler.size["height"],
            (1...1_000_000).contains(width), (1...1_000_000).contains(height)
        else { throw failure("its <size> has no width and height in pixels") }
        (self.width, self.height) = (Int(width), Int(height))
        objects = try handler.objects.enumerated().map { index, fields in
            guard let name = fields.name, !name.isEmpty else { throw failure("object \(index + 1) has no name") }
            let edges = try ["xmin", "ymin", "xmax", "ymax"].map { edge in
                guard let value = fields.edges[edge] else { throw failure("object \(index + 1) has no \(edge)") }
                return value
            }
            let box = BoundingBox(x: edges[0], y: edges[1], width: edges[2] - edges[0], height: edges[3] - edges[1])
            if let problem = box.problem { throw failure("the box of object \(index + 1) cannot be: \(problem)") }
            return Object(name: name, box: box)
        }
    }

    /// Collects what is needed while the parser goes through the elements.
    private final class Handler: NSObject, XMLParserDelegate {
        var hasAnnotation = false
        var size: [String: Double] = [:]
        var objects: [(name: String?, edges: [String: Double])] = []
        /// What ended the parse, if it was not the end of the text.
        var problem: String?

        /// Whether the parser reported an error.
        private(set) var hasFailed = false
        /// Whether all elements have ended.
        var isClosed: Bool { elements.isEmpty }

        private var elements: [String] = []
        private var text = ""

        private func stop(_ parser: XMLParser, _ reason: String) {
            problem = problem ?? reason
            parser.abortParsing()
        }

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            elements.append(name)
            text = ""
            if elements.count > ObjectAnnotation.depthLimit {
                return stop(parser, "its elements are nested too deeply")
            }
            if elements == ["annotation"] { hasAnnotation = true }
            if elements == ["annotation", "object"] {
                if objects.count == ObjectAnnotation.objectLimit { return stop(parser, "it has too many objects") }
                objects.append((nil, [:]))
            }
        }

        func parser(_ parser: XMLParser, parseErrorOccurred parseError: any Error) {
            hasFailed = true
        }

        func parser(_ parser: XMLParser, foundCharacters characters: String) {
            text += characters
        }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
        ) {
            guard !elements.isEmpty else { return stop(parser, "it is not well-formed XML") }
            defer {
                elements.removeLast()
                text = ""
            }
            let value = text.trimmingCharacters(in: .whitespacesAndNewlines)
            switch elements {
            case ["annotation", "size", "width"], ["annotation", "size", "height"]:
                guard let number = Double(value) else { return stop(parser, "the \(name) is \"\(value)\"") }
                size[name] = number
            case ["annotation", "object", "name"]:
                objects[objects.count - 1].name = value
            case ["annotation", "object", "bndbox", "xmin"], ["annotation", "object", "bndbox", "ymin"],
                ["annotation", "object", "bndbox", "xmax"], ["annotation", "object", "bndbox", "ymax"]:
                guard let number = Double(value), number.isFinite else {
                    return stop(parser, "the \(name) of object \(objects.count) is \"\(value)\"")
                }
                objects[objects.count - 1].edges[name] = number
            default: break
            }
        }
    }
}
