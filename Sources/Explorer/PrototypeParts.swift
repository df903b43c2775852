import ExplanationMetrics
import Results
import Scorecard
import Tensors

/// Which parts of objects the patches of prototypes hold, where the dataset knows parts (PIP-Net's patch and purity).
struct PrototypeParts {
    private let names: [String]
    private let places: [Int: ImagePlaces]
    private let map: SpatialSize

    init(names: [String], places: [Int: ImagePlaces], _ table: PrototypeTable) {
        self.names = names
        self.places = places
        map = table.featureMap
    }

    /// The part that most patches of a channel's side hold; nil where no part is known or visible.
    func share(of prototypes: [Prototype]) -> ChannelReport.PartShare? {
        var hits = [Int](repeating: 0, count: names.count)
        var visible = hits
        for prototype in prototypes {
            guard let places = places[prototype.sample] else { continue }
            let patch = PartPurity.patch(
                row: prototype.position.row, column: prototype.position.column, width: map.width, height: map.height)
            let (held, seen) = (places.parts(in: patch), places.visibleParts)
            for part in names.indices {
                if seen >> UInt32(part) & 1 == 1 { visible[part] += 1 }
                if held >> UInt32(part) & 1 == 1 { hits[part] += 1 }
            }
        }
        guard let best = PartPurity.purity(hits: hits, visible: visible), hits[best.part] > 0 else { return nil }
        return .init(part: names[best.part], hitCount: hits[best.part], visibleCount: visible[best.part])
    }
}
