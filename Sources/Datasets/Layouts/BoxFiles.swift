import SystemPackage
import Tensors

/// Annotations of one XML file for each image, which are read when they are asked for: half a million of them would take
/// minutes, and most runs need none.
enum BoxFiles: Hashable, Sendable {
    /// FOLDER/<breed>/<image without extension>
    case dogs(folder: FilePath)
    /// FOLDER/train/<wnid>/<image>.xml and FOLDER/val/<image>.xml
    case imageNet(folder: FilePath)

    /// The file that belongs to a sample.
    func path(for sample: Sample) -> FilePath {
        let components = sample.path.split(separator: "/")
        let image = String(
            components.last!.prefix(upTo: components.last!.lastIndex(of: ".") ?? components.last!.endIndex))
        switch self {
        case .dogs(let folder):
            return folder.appending(String(components[components.count - 2])).appending(image)
        case .imageNet(let folder):
            return components[0] == "train"
                ? folder.appending("train").appending(String(components[1])).appending(image + ".xml")
                : folder.appending("val").appending(image + ".xml")
        }
    }

    /// The boxes of a sample, clipped to the size of the image that the annotation states; nil if it has no annotation.
    /// - Throws: `DatasetError.malformed`, also for an annotation without a box inside its image.
    func boxes(of sample: Sample) throws -> [BoundingBox]? {
        let path = path(for: sample)
        guard (try? FileStatus(of: path))?.kind == .file else { return nil }
        let annotation = try ObjectAnnotation(contentsOf: path)
        let boxes = annotation.objects.compactMap {
            $0.box.clipped(toWidth: annotation.width, height: annotation.height)
        }
        guard !boxes.isEmpty else {
            throw DatasetError.malformed(path: path, place: nil, reason: "it has no box inside its image")
        }
        return boxes
    }

    /// The samples with their boxes read. Throws `DatasetError` for the first that cannot be.
    func filled(_ samples: [Sample], _ team: WorkerTeam) throws -> [Sample] {
        try team.map(samples.count) { _, index in
            let sample = samples[index]
            return Sample(
                path: sample.path, label: sample.label, source: sample.source,
                boxes: try sample.boxes ?? boxes(of: sample), parts: sample.parts)
        }
    }
}
