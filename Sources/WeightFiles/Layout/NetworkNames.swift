/// Brings the names of a dictionary of tensors to those of the bare network: takes off what training programs put
/// before them.
///
/// A beginning is taken off when all tensors carry it, or when it selects the network from what was trained around it;
/// again and again, because wrappers nest. A name is never changed otherwise: `features.0.0.weight` is torchvision's own.
struct NetworkNames: Equatable {
    /// A tensor of the network: its place among the names given, and its name.
    struct Kept: Equatable {
        let index: Int
        var name: String
    }

    private(set) var kept: [Kept]
    private(set) var ignored: [(index: Int, reason: String)] = []
    private(set) var strippedPrefixes: [String] = []
    private(set) var renamedPrefixes: [String: String] = [:]
    /// Whether a beginning that says "moving average" was taken off.
    private(set) var usesEMA = false
    /// Beginnings of moving averages that were left out.
    private(set) var alternatives: [String] = []

    /// How many beginnings may follow each other.
    static let nestingLimit = 16

    /// What is around a whole network: data-parallel training, compilation.
    private static let wrappers = ["module.", "_orig_mod."]

    /// What holds the network while heads, text towers or momentum copies are beside it: MoCo, DINO, OpenCLIP, CLIP,
    /// PIP-Net, detection and segmentation frameworks, Lightning, SimSiam. The more telling name first. (torchvision's vision
    /// transformer has an `encoder.` of its own, with tensors beside it that show that.)
    private static let selectors = [
        "encoder_q.", "base_encoder.", "student.", "visual.trunk.", "visual.", "_net.", "backbone.", "model.", "net.",
        "encoder.",
    ]

    /// What holds a moving average of the network.
    private static let averages = ["teacher.", "target_encoder.", "model_ema.", "ema_model.", "module_ema."]

    /// First components of the tensors that every bare network begins with, under any of its spellings. Names outside a
    /// selector that begin so show that the selector is a part of the network rather than what holds it.
    private static let stems = [
        "conv1", "bn1", "layer1", "features", "stem", "stages", "blocks", "layers", "downsample_layers", "patch_embed",
        "pos_embed", "cls_token", "class_token", "conv_proj",
    ]

    /// Counts what an averaged model of torchvision has seen; not of the network.
    private static let averageCounter = "n_averaged"

    /// - Throws: `LayoutFault.onlyEMA`.
    init(_ names: [String], useEMA: Bool) throws {
        kept = names.indices.map { Kept(index: $0, name: names[$0]) }
        var mayUseEMA = useEMA
        for _ in 0..<Self.nestingLimit {
            guard try stripShared(mayUseEMA) || select(mayUseEMA) else { break }
            // One average is enough: what it holds is plain.
            if usesEMA { mayUseEMA = false }
        }
        joinBranches()
    }

    static func == (one: NetworkNames, other: NetworkNames) -> Bool {
        one.kept == other.kept && one.strippedPrefixes == other.strippedPrefixes
            && one.ignored.map(\.index) == other.ignored.map(\.index)
    }

    /// Takes off a beginning that all names carry; false when there is none.
    private mutating func stripShared(_ useEMA: Bool) throws -> Bool {
        // A counter beside the network does not make the beginning any less shared.
        guard let first = kept.first(where: { !Self.isCounter($0.name) })?.name else { return false }
        let known = Self.wrappers + Self.selectors + Self.averages
        let shared = known.filter { Self.begins(first, with: $0) }.first { prefix in
            kept.allSatisfy { Self.begins($0.name, with: prefix) || Self.isCounter($0.name) }
        }
        guard let shared else { return false }
        if Self.averages.contains(shared) {
            guard useEMA || usesEMA else { throw LayoutFault.onlyEMA(shared + "*") }
            usesEMA = true
        }
        keep(shared, reason: "a counter of the averaging")
        return true
    }

    /// Takes off a beginning that holds the network beside other things; false when there is none.
    private mutating func select(_ useEMA: Bool) throws -> Bool {
        let averages = usesEMA ? [] : Self.averages.filter(holdsNetwork)
        if useEMA, let average = averages.first {
            usesEMA = true
            keep(average, reason: "outside \(average)")
            return true
        }
        guard let selector = Self.selectors.first(where: holdsNetwork) else {
            if let average = averages.first { throw LayoutFault.onlyEMA(average + "*") }
            return false
        }
        alternatives += averages.map { $0 + "*" }
        keep(selector, reason: "outside \(selector)")
        return true
    }

    /// Whether several tensors carry the beginning and no other tensor looks like the front of a network.
    private func holdsNetwork(_ prefix: String) -> Bool {
        var count = 0
        for name in kept.lazy.map(\.name) {
            if Self.begins(name, with: prefix) {
                count += 1
            } else if Self.looksLikeStem(name) {
                return false
            }
        }
        return count > 1
    }

    private mutating func keep(_ prefix: String, reason: String) {
        strippedPrefixes.append(prefix)
        var rest: [Kept] = []
        for tensor in kept {
            if Self.begins(tensor.name, with: prefix) {
                let name = String(tensor.name.utf8.dropFirst(prefix.utf8.count)) ?? tensor.name
                rest.append(Kept(index: tensor.index, name: name))
            } else {
                ignored.append((tensor.index, reason))
            }
        }
        kept = rest
    }

    /// The two-branch network of BBN (iNaturalist, used by prototype papers) ends in two copies of its last block; the one
    /// for the conventional branch is a ResNet's `layer4.2`, the other one is left out.
    private mutating func joinBranches() {
        let (branch, other, place) = ("cb_block.", "rb_block.", "layer4.2.")
        guard kept.contains(where: { Self.begins($0.name, with: branch) }),
            kept.contains(where: { Self.begins($0.name, with: "layer4.1.") }),
            !kept.contains(where: { Self.begins($0.name, with: place) })
        else { return }
        renamedPrefixes[branch] = place
        var rest: [Kept] = []
        for tensor in kept {
            if Self.begins(tensor.name, with: other) {
                ignored.append((tensor.index, "the branch for rare classes"))
            } else if Self.begins(tensor.name, with: branch) {
                let name = place + (String(tensor.name.utf8.dropFirst(branch.utf8.count)) ?? "")
                rest.append(Kept(index: tensor.index, name: name))
            } else {
                rest.append(tensor)
            }
        }
        kept = rest
    }

    private static func isCounter(_ name: String) -> Bool { name.utf8.elementsEqual(averageCounter.utf8) }

    private static func looksLikeStem(_ name: String) -> Bool {
        let component = name.utf8.prefix { $0 != UInt8(ascii: ".") }
        return stems.contains { component.elementsEqual($0.utf8) }
    }

    /// Whether something follows `prefix` at the front of `name`, byte by byte: Swift's own comparison normalises, which
    /// takes quadratic time on hostile text.
    private static func begins(_ name: String, with prefix: String) -> Bool {
        name.utf8.count > prefix.utf8.count && name.utf8.starts(with: prefix.utf8)
    }
}
