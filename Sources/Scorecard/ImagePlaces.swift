import Datasets
import ExplanationMetrics
import ImageCoding
import Inference
import SystemPackage

/// Where the objects and their parts are in what the network sees of an image, in shares of its sides.
package struct ImagePlaces: Sendable {
    /// Boxes of the objects, as far as they are seen.
    let objects: [GridBox]
    /// Boxes of the parts; none where only points are known.
    let partBoxes: [GridBox]
    /// Of each part the places where it is visible: none, one, or one on each side of the object.
    let parts: [[(x: Double, y: Double)]]
}

/// What a dataset says of places.
package struct PlaceAnnotations: Sendable {
    /// Names of the parts, left and right ones being one; none for datasets without parts.
    package let partNames: [String]
    private let experiment: Experiment
    /// Of the part dataset, by path.
    private let drawn: [String: PartDataset.Annotation]
    /// Of FunnyBirds, whose places are in its part maps.
    private let birds: FunnyBirds?
    /// The merged part of each of the dataset's parts.
    private let merged: [Int]

    /// Reads the annotations of a part dataset, or what FunnyBirds says of the images of `split`.
    ///
    /// - Parameter split: nil for all images. FunnyBirds has part maps of some only, and then no parts at all.
    /// - Throws: `PartDatasetError`, `DatasetError`, `DurableFileError`.
    package init(_ experiment: Experiment, split: Split?) throws {
        self.experiment = experiment
        if let split, experiment.dataset.kind == DatasetKind.funnybirds.rawValue {
            birds = try FunnyBirds(
                root: experiment.dataset.root, splits: FunnyBirds.splits(of: experiment.dataset.samples(split)))
            drawn = [:]
            partNames = FunnyBirds.parts
            merged = Array(partNames.indices)
            return
        }
        birds = nil
        if experiment.dataset.kind == DatasetKind.parts.rawValue {
            let annotations = try PartDataset.annotations(of: experiment.dataset.root)
            drawn = Dictionary(annotations.map { ($0.path, $0) }) { first, _ in first }
            partNames = PartDataset.Part.allCases.map(\.rawValue)
            merged = Array(partNames.indices)
            return
        }
        drawn = [:]
        var names: [String] = []
        merged = experiment.dataset.partNames.map { name in
            let side = ["left ", "right "].first { name.hasPrefix($0) } ?? ""
            let plain = String(name.dropFirst(side.count))
            if let index = names.firstIndex(of: plain) { return index }
            names.append(plain)
            return names.count - 1
        }
        partNames = names
    }

    package var hasParts: Bool { !partNames.isEmpty }

    /// Variants of the parts of a class of the part dataset, as numbers that go on from part to part; nil for other datasets.
    func variants(ofSample number: Int) -> [Int]? {
        guard let bird = drawn[experiment.dataset[number].path]?.bird else { return nil }
        var first = 0
        return PartDataset.Part.allCases.map { part in
            defer { first += part.variantNames.count }
            return first + bird.variants[part]
        }
    }

    static let variantCount = PartDataset.Part.allCases.map(\.variantNames.count).reduce(0, +)

    /// Nil where the dataset says nothing about the image, and for one that is turned before the network sees it.
    ///
    /// - Parameter bytes: of the image file.
    /// - Throws: `ScorecardError.noAnnotation`, and the errors of annotations that are read on demand.
    package func places(ofSample number: Int, bytes: [UInt8]) throws -> ImagePlaces? {
        let dataset = experiment.dataset
        let sample = dataset[number]
        guard let header = ImageHeader(of: bytes),
            experiment.input.exif == .ignore || ExifOrientation(of: bytes) == .upright
        else { return nil }
        let frame =
            try dataset.cropRectangle(of: sample)?.clipped(toWidth: header.width, height: header.height)
            ?? PixelRectangle(width: header.width, height: header.height)
        func place(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
            experiment.input.place(
                ofX: x - Double(frame.x), y: y - Double(frame.y), width: frame.width, height: frame.height)
        }
        func box(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double) -> GridBox? {
            let (first, last) = (place(left, top), place(right, bottom))
            return GridBox(left: first.x, top: first.y, right: last.x, bottom: last.y).clipped
        }
        if dataset.kind == DatasetKind.parts.rawValue {
            guard let annotation = drawn[sample.path] else {
                throw ScorecardError.noAnnotation(
                    image: sample.path, file: dataset.root.appending("annotations.jsonl"))
            }
            let boxes = PartDataset.Part.allCases.map { part in
                annotation.parts.first { $0.part == part }.flatMap { region in
                    region.box.count == 4
                        ? box(
                            Double(region.box[0]), Double(region.box[1]), Double(region.box[2]), Double(region.box[3]))
                        : nil
                }
            }
            let seen = boxes.compactMap { $0 }
            return ImagePlaces(
                objects: GridBox(enclosing: seen).map { [$0] } ?? [], partBoxes: seen,
                parts: boxes.map { $0.map { [(($0.left + $0.right) / 2, ($0.top + $0.bottom) / 2)] } ?? [] })
        }
        if let birds {
            let map = try birds.readPartMap(ofImage: sample.path)
            let parts = map.parts.map { pieces in
                pieces.compactMap { map.box(around: $0) }
                    .compactMap { box($0.x, $0.y, $0.x + $0.width, $0.y + $0.height) }
            }
            let seen = parts.flatMap { $0 }
            return ImagePlaces(
                objects: GridBox(enclosing: seen).map { [$0] } ?? [], partBoxes: seen,
                parts: parts.map { $0.map { (($0.left + $0.right) / 2, ($0.top + $0.bottom) / 2) } })
        }
        let objects = try dataset.boxes(of: sample)?.compactMap { box($0.x, $0.y, $0.x + $0.width, $0.y + $0.height) }
        var parts = [[(x: Double, y: Double)]](repeating: [], count: partNames.count)
        for (index, part) in (sample.parts ?? []).enumerated() where part.isVisible && index < merged.count {
            let point = place(part.x, part.y)
            if (0...1).contains(point.x), (0...1).contains(point.y) { parts[merged[index]].append(point) }
        }
        guard objects != nil || sample.parts != nil else { return nil }
        return ImagePlaces(objects: objects ?? [], partBoxes: [], parts: parts)
    }
}

extension ImagePlaces {
    /// Of each part as a bit, whether it is visible.
    package var visibleParts: UInt32 {
        parts.enumerated().reduce(0) { $1.element.isEmpty ? $0 : $0 | 1 << UInt32($1.offset) }
    }

    /// Of each part as a bit, whether a box holds a place of it.
    package func parts(in box: GridBox) -> UInt32 {
        parts.enumerated().reduce(0) { bits, part in
            part.element.contains { box.contains(x: $0.x, y: $0.y) } ? bits | 1 << UInt32(part.offset) : bits
        }
    }
}
