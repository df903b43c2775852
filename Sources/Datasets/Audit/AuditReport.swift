import DurableFiles
import SystemPackage

/// What was found in a data set.
public struct AuditReport: Encodable, Sendable {
    public let root: String
    public let kind: String
    /// Which layout it is, and what it was recognised by.
    public let recognition: String
    public let fingerprint: ContentDigest
    /// SHA-256 over path, split, label and content of all images in order: unlike the fingerprint it changes with any bit.
    public let contents: ContentDigest
    public let notes: [String]
    public let splits: [SplitCounts]
    public let classes: [ClassCounts]
    /// Images by the format that their bytes are in.
    public let formats: [String: Int]
    /// Images by colour model.
    public let colours: [String: Int]
    public let sizes: Sizes
    public let boxes: BoxCounts
    /// What deserves a look, errors first.
    public let findings: [Finding]

    public struct SplitCounts: Encodable, Sendable {
        public let split: Split
        public let imageCount: Int
        /// Classes with at least one image.
        public let classCount: Int
        public let byteCount: Int
        public let smallestClass: Int
        public let largestClass: Int
    }

    public struct ClassCounts: Encodable, Sendable {
        public let name: String
        /// What people call the class, where that is something else.
        public let title: String
        public let train: Int
        public let test: Int
    }

    /// Of the images whose header can be read.
    public struct Sizes: Encodable, Sendable {
        public var smallestWidth = 0
        public var largestWidth = 0
        public var smallestHeight = 0
        public var largestHeight = 0
        /// Images whose shorter side is below each of `limits`, and not below the one before; the last is the rest.
        public var shorterSides: [Int]

        public static let limits = [32, 64, 128, 224, 256, 384, 512, 1024]

        init() { shorterSides = [Int](repeating: 0, count: Self.limits.count + 1) }
    }

    public struct BoxCounts: Encodable, Sendable {
        public var imageCount = 0
        public var boxCount = 0
        public var visiblePartCount = 0
    }

    public struct Finding: Encodable, Sendable {
        public let kind: FindingKind
        public let severity: Severity
        /// How often; groups of the same content count once.
        public let count: Int
        /// What it means, for a person.
        public let text: String
        /// The first of them, in the order of the data set.
        public let examples: [Example]
    }

    public struct Example: Encodable, Sendable {
        /// Numbers among all images, those for training first: one image, or those of a group.
        public let images: [Int]
        public let paths: [String]
        public let detail: String
    }

    public enum Severity: String, Encodable, Comparable, Sendable {
        /// It spoils results, or stops a run.
        case error
        /// It may.
        case warning
        /// Good to know.
        case note

        public static func < (first: Severity, second: Severity) -> Bool { first.rank < second.rank }

        private var rank: Int { self == .error ? 0 : self == .warning ? 1 : 2 }
    }

    public enum FindingKind: String, Encodable, CaseIterable, Hashable, Sendable {
        case unreadable
        case truncated
        case corrupt
        case leak
        case conflictingLabels = "conflicting_labels"
        case duplicate
        case damagedAnnotation = "damaged_annotation"
        case boxOutside = "box_outside"
        case partOutside = "part_outside"
        case wrongExtension = "wrong_extension"
        case cmyk
        case exifRotated = "exif_rotated"
        case tiny
        case classWithoutTest = "class_without_test"
        case officialOrder = "official_order"
        case naturalOrder = "natural_order"

        var severity: Severity {
            switch self {
            case .unreadable, .truncated, .corrupt, .leak, .damagedAnnotation: .error
            case .conflictingLabels, .duplicate, .boxOutside, .partOutside, .exifRotated, .tiny, .naturalOrder: .warning
            case .wrongExtension, .cmyk, .classWithoutTest, .officialOrder: .note
            }
        }
    }

    /// Whether something was found that spoils results or stops a run.
    public var hasErrors: Bool { findings.contains { $0.severity == .error } }

    private enum CodingKeys: String, CodingKey {
        case root, kind, recognition, fingerprint, contents, notes, splits, classes, formats, colours, sizes, boxes,
            findings
    }
}
