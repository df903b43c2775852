import DurableFiles
import ImageCoding
import Synchronization
import SystemPackage
import Tensors

/// Looks at every image of a data set once: what it is, whether it can be decoded, whether it is there twice.
///
/// Memory holds 32 bytes for each image, the images in work and a few examples of each finding, whatever the data set's size;
/// the result does not depend on the number of workers.
public struct DatasetAudit: Sendable {
    public let dataset: Dataset
    /// Examples kept of each finding.
    public let exampleLimit: Int
    /// Whether images are decoded to the last pixel; else only their headers are read.
    public let decodes: Bool

    public init(_ dataset: Dataset, exampleLimit: Int = 20, decodes: Bool = true) {
        self.dataset = dataset
        self.exampleLimit = exampleLimit
        self.decodes = decodes
    }

    /// Images with a shorter side are called tiny.
    static let tinySide = 32

    /// Goes through the data set.
    ///
    /// - Parameter progress: called with the number of images done and of all images, from any thread, never twice at a time.
    /// Images that cannot be read are findings.
    public func run(
        team: WorkerTeam, progress: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) -> AuditReport {
        let state = Mutex(AuditState(count: dataset.count, exampleLimit: exampleLimit))
        team.forEach(dataset.count) { _, index in
            let observation = observe(dataset[index])
            state.withLock { state in
                state.add(observation, index)
                progress(state.completed, dataset.count)
            }
        }
        return state.withLock { $0.report(on: dataset) }
    }

    /// What there is to say about one image.
    private func observe(_ sample: Sample) -> Observation {
        var result = Observation()
        let bytes: [UInt8]
        do {
            bytes = try dataset.bytes(of: sample)
        } catch {
            result.found(.unreadable, "\(error)")
            return result
        }
        var hasher = ContentHasher()
        hasher.update(bytes)
        result.digest = hasher.finalizeBytes()
        result.byteCount = bytes.count
        let facts = ImageHeader(of: bytes)
        result.facts = facts
        examine(bytes, of: sample, facts, &result)
        guard let facts else { return result }
        if let extensions = Self.extensions[facts.format],
            !extensions.contains(where: sample.path.lowercased().hasSuffix)
        {
            result.found(.wrongExtension, "a \(facts.format.title) image")
        }
        if facts.colour == .cmyk || facts.colour == .ycck {
            result.found(.cmyk, facts.colour.rawValue.uppercased())
        }
        let orientation = ExifOrientation(of: bytes)
        if orientation != .upright { result.found(.exifRotated, "orientation \(orientation.rawValue)") }
        if min(facts.width, facts.height) < Self.tinySide {
            result.found(.tiny, "\(facts.width) x \(facts.height) pixels")
        }
        examineAnnotations(of: sample, facts, &result)
        return result
    }

    private static let extensions: [ImageFormat: [String]] = [
        .jpeg: [".jpg", ".jpeg"], .png: [".png"], .webp: [".webp"], .tiff: [".tif", ".tiff"], .bmp: [".bmp", ".dib"],
        .gif: [".gif"], .netpbm: [".ppm", ".pgm", ".pbm", ".pnm"],
    ]

    /// Decodes the image.
    private func examine(_ bytes: [UInt8], of sample: Sample, _ facts: ImageHeader?, _ result: inout Observation) {
        guard decodes || facts == nil else { return }
        do {
            _ = try ImageDecoder.decode(bytes, path: dataset.path(of: sample))
        } catch ImageCodingError.truncated(_, let format, let byteCount) {
            result.found(.truncated, "\(format), ends after \(byteCount) bytes")
        } catch ImageCodingError.corrupt(_, let format, let reason) {
            result.found(.corrupt, "\(format): \(reason)")
        } catch ImageCodingError.empty {
            result.found(.unreadable, "an empty file")
        } catch ImageCodingError.unknownFormat(_, let found) {
            result.found(.unreadable, "no image that is read: it \(found)")
        } catch ImageCodingError.unsupported(_, let format, let reason) {
            result.found(.unreadable, "\(format) of a kind that is not read: \(reason)")
        } catch {
            result.found(.unreadable, "\(error)")
        }
    }

    /// Looks whether boxes and parts are in the image.
    private func examineAnnotations(of sample: Sample, _ facts: ImageHeader, _ result: inout Observation) {
        do {
            let boxes = try dataset.boxes(of: sample) ?? []
            result.boxCount = boxes.count
            if let outside = boxes.first(where: { !$0.isInside(width: facts.width, height: facts.height) }) {
                result.found(
                    .boxOutside,
                    "\(outside.width) x \(outside.height) at \(outside.x), \(outside.y) in \(facts.width) x \(facts.height) pixels"
                )
            }
        } catch {
            result.found(.damagedAnnotation, "\(error)")
        }
        for (part, location) in (sample.parts ?? []).enumerated() where location.isVisible {
            result.visiblePartCount += 1
            let isInside =
                (0...Double(facts.width)).contains(location.x) && (0...Double(facts.height)).contains(location.y)
            if !isInside, !result.findings.contains(where: { $0.kind == .partOutside }) {
                result.found(
                    .partOutside,
                    "\(dataset.partNames[part]) at \(location.x), \(location.y) in \(facts.width) x \(facts.height) pixels"
                )
            }
        }
    }
}

/// What was seen of one image.
struct Observation {
    /// SHA-256 of the file; empty if it cannot be read.
    var digest: [UInt8] = []
    var byteCount = 0
    var facts: ImageHeader?
    var boxCount = 0
    var visiblePartCount = 0
    var findings: [(kind: AuditReport.FindingKind, detail: String)] = []

    mutating func found(_ kind: AuditReport.FindingKind, _ detail: String) {
        findings.append((kind, detail))
    }
}
