import WeightFiles

/// Which of the networks of a file to take.
public struct NetworkChoice: Equatable, Sendable {
    /// What the names of its tensors begin with in the file; nil if the file has one such network.
    public var prefix: String?
    /// Whether to take the moving average of the weights that training programs keep beside the weights, or in their place. It
    /// is never taken by itself.
    public var useEMA: Bool

    public init(prefix: String? = nil, useEMA: Bool = false) {
        self.prefix = prefix
        self.useEMA = useEMA
    }
}

/// Finds networks in a file by trying: wherever names look as those of a family do, whatever stands before them, each of its
/// members asks for its tensors by name and shape. Nothing is read.
struct NetworkSearch: Sendable {
    let file: any WeightSource
    private let given: [String]
    private let names: TensorNames

    init(_ file: any WeightSource) {
        self.file = file
        given = file.tensorNames
        names = TensorNames(given)
    }

    /// The places where there may be a network of `family`: below any beginning, under each of the family's layouts.
    func places(of family: BackboneFamily) -> [CanonicalTensors] {
        var tensorCount = 0
        return family.layouts.flatMap { layout in
            names.prefixes(before: layout.anchor).compactMap { prefix in
                tensorCount += names.range(under: prefix).count
                guard tensorCount <= Self.tensorCountLimit else { return nil }
                let tensors = NetworkTensors(file, names, given: given, under: prefix, siblings: layout.siblings)
                guard layout.isLayout(FileTensors(tensors)) else { return nil }
                return CanonicalTensors(of: tensors, family: family, layout: layout)
            }
        }
    }

    /// How many tensors the places of a family may have together: a file whose names lie in each other again and again must not
    /// take long. A network has hundreds.
    private static let tensorCountLimit = 100_000

    /// A network that fits.
    struct Fit: Sendable {
        let tensors: CanonicalTensors
        /// The file's names of the tensors of the network up to its feature map, in an order that is the same for all places.
        let fileNames: [String]
        /// What the names begin with in the file.
        let prefixInFile: String

        var prefix: String { tensors.source.prefix }
        var isAveraged: Bool { AveragedWeights.areNamed(by: prefix) }
    }

    /// The places where `entry` fits, each network once.
    func fits(of entry: BackboneEntry, at places: [CanonicalTensors], acceptingOtherSizes: Bool) -> [Fit] {
        places.reduce(into: []) { fits, place in
            var loader = ParameterLoader(
                place, backbone: entry.name, isDryRun: true, acceptsOtherSizes: acceptingOtherSizes)
            guard let read = try? entry.read(from: &loader) else { return }
            let names = place.names(of: read.trunkNames)
            let fit = Fit(
                tensors: place, fileNames: names.map(place.source.fileName),
                prefixInFile: place.source.prefixInFile(of: names))
            if !fits.contains(where: { isSame($0, fit) }) { fits.append(fit) }
        }
    }

    /// Whether both are one network under two names, or under one name that two layouts know.
    private func isSame(_ one: Fit, _ other: Fit) -> Bool {
        one.fileNames.count == other.fileNames.count
            && zip(one.fileNames, other.fileNames).allSatisfy { file.isSameTensor($0, $1) }
    }

    // MARK: Choosing

    /// The network `entry` that `choice` means, and the others that fit.
    ///
    /// - Throws: `BackboneError`.
    func find(
        _ entry: BackboneEntry, of family: BackboneFamily, choice: NetworkChoice
    ) throws -> (chosen: Fit, others: [Fit], decisions: [String]) {
        let places = places(of: family)
        let fits = fits(of: entry, at: places, acceptingOtherSizes: true)
        let chosen: Fit
        do {
            guard let found = try pick(choice, among: fits, entry) else {
                throw misfit(of: entry, in: family, at: places, choice: choice)
            }
            chosen = found
        }
        // A beginning that was given decides nothing where the same network would have been taken without.
        var byDefault = choice
        byDefault.prefix = nil
        let usual = choice.prefix == nil ? chosen : (try? pick(byDefault, among: fits, entry)) ?? nil
        let isUsual = usual.map { isSame($0, chosen) } ?? false
        return (
            chosen, fits.filter { !isSame($0, chosen) },
            (isUsual ? [] : ["prefix \(chosen.prefix)"]) + chosen.tensors.decisions
        )
    }

    /// - Returns: nil if nothing fits where it is looked for.
    private func pick(_ choice: NetworkChoice, among fits: [Fit], _ entry: BackboneEntry) throws -> Fit? {
        var left = fits
        if let prefix = choice.prefix.map(TensorNames.prefix) {
            left = left.filter { $0.prefix.utf8.starts(with: prefix.utf8) }
            if let exact = left.first(where: { $0.prefix.utf8.elementsEqual(prefix.utf8) }) { left = [exact] }
        }
        guard !left.isEmpty else { return nil }
        let averaged = left.filter(\.isAveraged)
        if choice.useEMA {
            guard !averaged.isEmpty else {
                throw BackboneError.noAveragedWeights(
                    file: file.path.string, backbone: entry.name, found: left.map(\.prefixInFile))
            }
            left = averaged
        } else if choice.prefix == nil || averaged.count < left.count {
            guard averaged.count < left.count else {
                throw BackboneError.onlyAveragedWeights(
                    file: file.path.string, backbone: entry.name, found: averaged.map(\.prefixInFile))
            }
            left = left.filter { !$0.isAveraged }
        }
        // A state dictionary rather than the network that was pickled beside it.
        let plain = left.filter { !isPickled($0) }
        if !plain.isEmpty { left = plain }
        guard left.count == 1 else {
            throw BackboneError.severalNetworks(
                file: file.path.string, backbone: entry.name, prefixes: left.map(\.prefixInFile))
        }
        return left[0]
    }

    private func isPickled(_ fit: Fit) -> Bool { fit.fileNames.first.map(file.isInPickledNetwork) == true }

    // MARK: What does not fit

    /// Everything that is wrong at the place where most of the network fits.
    private func misfit(
        of entry: BackboneEntry, in family: BackboneFamily, at places: [CanonicalTensors], choice: NetworkChoice
    ) -> any Error {
        let prefix = choice.prefix.map(TensorNames.prefix) ?? ""
        let candidates = places.filter { $0.source.prefix.utf8.starts(with: prefix.utf8) }
        let nowhere = CanonicalTensors(
            of: NetworkTensors(file, names, given: given, under: prefix), family: family, layout: nil)
        var best: (count: Int, error: any Error)?
        for place in candidates.isEmpty ? [nowhere] : candidates {
            var loader = ParameterLoader(place, backbone: entry.name, isDryRun: true)
            do {
                _ = try entry.read(from: &loader)
            } catch {
                if best.map({ $0.count < loader.fittingCount }) ?? true { best = (loader.fittingCount, error) }
            }
        }
        guard case .unfittingWeights(var misfit)? = best?.error as? BackboneError else {
            preconditionFailure("\(entry.name) fits, and was not found")
        }
        misfit.prefix =
            candidates.first { $0.source.prefix == misfit.prefix }.map { $0.source.prefixInFile() } ?? prefix
        misfit.fittingBackbones = BackboneRegistry.backbones(fitting: file)
        misfit.names = namesInFile
        return BackboneError.unfittingWeights(misfit)
    }

    /// What the names in the file look like, as a sentence; two if they show what the file is.
    var namesInFile: String {
        func occurs(_ word: String) -> Bool { names.names.contains { $0.bare.contains(word) } }
        if occurs("flat_param") {
            return whatNamesBeginWith + " Parts of fully sharded training are in it: save a full state dictionary."
        }
        if occurs(".lora_A.") {
            return whatNamesBeginWith + " Adapters (LoRA) are in it: merge them into the network before it is saved."
        }
        return whatNamesBeginWith
    }

    private var whatNamesBeginWith: String {
        let shared = TensorNames.sharedBeginning(of: given)
        if !shared.isEmpty { return "All \(given.count) names begin with \"\(printable(shared))\"." }
        let some = given.prefix(3).map { printable($0) }.joined(separator: ", ")
        switch given.count {
        case 0: return "It has no tensors."
        case 1: return "It has one tensor: \(some)."
        case 2...3: return "It has \(given.count) tensors: \(some)."
        default: return "It has \(given.count) tensors: \(some), ..."
        }
    }

    // MARK: Notes

    /// What a user should know of how the network was found, a sentence each.
    func notes(on fit: Fit, others: [Fit], requested: some Sequence<String>) -> [String] {
        var notes: [String] = []
        let prefix = fit.prefixInFile
        if !prefix.isEmpty { notes.append("Names were read without \"\(printable(prefix))\".") }
        let words = TensorNames.wrapperWords.filter { word in
            fit.fileNames.contains { name in
                name.utf8.dropFirst(prefix.utf8.count).split(separator: UInt8(ascii: ".")).contains {
                    $0.elementsEqual(word.utf8)
                }
            }
        }
        if !words.isEmpty { notes.append("Passed over in names: \(words.joined(separator: ", ")).") }
        if fit.isAveraged { notes.append("These are averaged weights (EMA).") }
        for other in others.prefix(3) {
            notes.append(
                "The file also has such a network under \"\(printable(other.prefixInFile))\""
                    + (other.isAveraged ? " (averaged weights)" : "") + ", which was not used.")
        }
        if let leftOut = leftOut(by: fit, others: others, requested: requested, behind: prefix) {
            notes.append(leftOut)
        }
        return notes + fit.tensors.remarks
    }

    private func leftOut(
        by fit: Fit, others: [Fit], requested: some Sequence<String>, behind prefix: String
    ) -> String? {
        let source = fit.tensors.source
        let inside = Set(source.tensorNames.map(source.fileName))
        // Named already; but not where this network lies inside of the other's place.
        let elsewhere = Set(
            others.filter { !fit.prefix.utf8.starts(with: $0.prefix.utf8) }.map(\.tensors.source)
                .flatMap { $0.tensorNames.map($0.fileName) })
        let behind = fit.tensors.leftOver(requested: requested).behind.map(source.fileName)
        let beside = given.filter {
            !inside.contains($0) && !elsewhere.contains($0) && !CanonicalTensors.isCounter($0)
        }
        let groups = TensorNames.groups(of: behind + beside, behind: prefix)
        guard !groups.isEmpty else { return nil }
        let listed = groups.prefix(Self.listedGroupCount).map { name, count in
            printable(name) + (count > 1 ? " (\(count) tensors)" : "")
        }
        let rest = groups.count - listed.count
        return "Left out: " + listed.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "") + "."
    }

    private static let listedGroupCount = 6
}
