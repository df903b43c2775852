import DurableFiles

/// What an audit knows so far.
struct AuditState {
    private(set) var completed = 0
    private var digests: [UInt8]
    private var hasDigest: [Bool]
    private var formats: [String: Int] = [:]
    private var colours: [String: Int] = [:]
    private var sizes = AuditReport.Sizes()
    private var boxes = AuditReport.BoxCounts()
    private var examples: [AuditReport.FindingKind: FirstExamples] = [:]
    private let exampleLimit: Int

    private static let digestByteCount = 32

    init(count: Int, exampleLimit: Int) {
        digests = [UInt8](repeating: 0, count: count * Self.digestByteCount)
        hasDigest = [Bool](repeating: false, count: count)
        self.exampleLimit = exampleLimit
    }

    mutating func add(_ observation: Observation, _ index: Int) {
        completed += 1
        if !observation.digest.isEmpty {
            let start = index * Self.digestByteCount
            digests.replaceSubrange(start..<start + Self.digestByteCount, with: observation.digest)
            hasDigest[index] = true
        }
        for (kind, detail) in observation.findings {
            examples[kind, default: FirstExamples(limit: exampleLimit)].offer(index, detail)
        }
        if observation.boxCount > 0 { boxes.imageCount += 1 }
        boxes.boxCount += observation.boxCount
        boxes.visiblePartCount += observation.visiblePartCount
        guard let facts = observation.facts else { return }
        formats[facts.format.rawValue, default: 0] += 1
        colours[facts.colour.rawValue, default: 0] += 1
        sizes.add(width: facts.width, height: facts.height)
    }

    // MARK: - The report

    func report(on dataset: Dataset) -> AuditReport {
        var train = [Int](repeating: 0, count: dataset.classNames.count)
        var test = train
        for sample in dataset.train { train[sample.label] += 1 }
        for sample in dataset.test { test[sample.label] += 1 }
        func counts(_ split: Split, _ classes: [Int], _ byteCounts: ArraySlice<Int>) -> AuditReport.SplitCounts {
            let present = classes.filter { $0 > 0 }
            return .init(
                split: split, imageCount: present.reduce(0, +), classCount: present.count,
                byteCount: byteCounts.reduce(0, +), smallestClass: present.min() ?? 0, largestClass: present.max() ?? 0)
        }
        var findings =
            imageFindings(dataset) + duplicates(in: dataset) + ClassOrder.findings(dataset, limit: exampleLimit)
        let untested = dataset.classNames.indices.filter { train[$0] > 0 && test[$0] == 0 }
        if !untested.isEmpty && !dataset.test.isEmpty {
            findings.append(
                .init(
                    .classWithoutTest, untested.count,
                    untested.prefix(exampleLimit).map {
                        .init(images: [], paths: [], detail: "\(dataset.classNames[$0]): \(train[$0]) training images")
                    }))
        }
        findings.sort { ($0.severity, $0.kind.order) < ($1.severity, $1.kind.order) }
        return AuditReport(
            root: dataset.root.string, kind: dataset.kind, recognition: dataset.recognition,
            fingerprint: dataset.fingerprint, contents: contents(of: dataset), notes: dataset.notes,
            splits: [
                counts(.train, train, dataset.byteCounts[..<dataset.train.count]),
                counts(.test, test, dataset.byteCounts[dataset.train.count...]),
            ],
            classes: dataset.classNames.indices.map {
                .init(
                    name: dataset.classNames[$0], title: dataset.classTitles[$0], train: train[$0], test: test[$0])
            }, formats: formats, colours: colours, sizes: sizes, boxes: boxes, findings: findings)
    }

    private func contents(of dataset: Dataset) -> ContentDigest {
        var hasher = ContentHasher()
        for index in 0..<dataset.count {
            let sample = dataset[index]
            hasher.update("\(index < dataset.train.count ? "train" : "test")\0\(sample.path)\0\(sample.label)\0")
            hasher.update(Array(digest(index)))
        }
        return hasher.finalize()
    }

    private func digest(_ index: Int) -> ArraySlice<UInt8> {
        digests[index * Self.digestByteCount..<(index + 1) * Self.digestByteCount]
    }

    private func imageFindings(_ dataset: Dataset) -> [AuditReport.Finding] {
        examples.map { kind, found in
            .init(
                kind, found.count,
                found.entries.map { .init(images: [$0.index], paths: [dataset[$0.index].path], detail: $0.detail) })
        }
    }

    // MARK: - Duplicates

    /// Groups of images with the same content: across the splits, with different labels, and others.
    private func duplicates(in dataset: Dataset) -> [AuditReport.Finding] {
        let order = hasDigest.indices.filter { hasDigest[$0] }.sorted { first, second in
            let (left, right) = (digest(first), digest(second))
            return left.elementsEqual(right) ? first < second : left.lexicographicallyPrecedes(right)
        }
        var groups: [AuditReport.FindingKind: FirstExamples] = [:]
        var members: [Int: [Int]] = [:]
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, digest(order[start]).elementsEqual(digest(order[end])) { end += 1 }
            defer { start = end }
            guard end - start > 1 else { continue }
            // Indices of a group are in order, so its first is its smallest.
            let group = Array(order[start..<end])
            var kinds: [AuditReport.FindingKind] = []
            if group[0] < dataset.train.count, group.last! >= dataset.train.count { kinds.append(.leak) }
            if Set(group.map { dataset[$0].label }).count > 1 { kinds.append(.conflictingLabels) }
            if kinds.isEmpty { kinds.append(.duplicate) }
            for kind in kinds {
                groups[kind, default: FirstExamples(limit: exampleLimit)].offer(group[0], "")
            }
            members[group[0]] = group
        }
        return groups.map { kind, found in
            .init(
                kind, found.count,
                found.entries.map { entry in
                    let group = members[entry.index]!
                    let shown = Array(group.prefix(Self.groupLimit))
                    return .init(
                        images: shown, paths: shown.map { dataset[$0].path },
                        detail: detail(of: group, in: dataset))
                })
        }
    }

    /// The most images shown of one group.
    private static let groupLimit = 8

    private func detail(of group: [Int], in dataset: Dataset) -> String {
        let trainCount = group.count { $0 < dataset.train.count }
        var text = "\(group.count) times the same file (\(trainCount) training, \(group.count - trainCount) test)"
        var names: [String] = []
        for index in group {
            let name = dataset.classNames[dataset[index].label]
            if !names.contains(name) { names.append(name) }
            if names.count == Self.groupLimit { break }
        }
        if names.count > 1 { text += ", classes: " + names.joined(separator: ", ") }
        return text
    }
}

/// The examples with the lowest numbers, whatever order they come in, and how many there were.
private struct FirstExamples {
    let limit: Int
    private(set) var count = 0
    private(set) var entries: [(index: Int, detail: String)] = []

    init(limit: Int) { self.limit = limit }

    mutating func offer(_ index: Int, _ detail: String) {
        count += 1
        if entries.count == limit, let last = entries.last, index > last.index { return }
        let place = entries.firstIndex { $0.index > index } ?? entries.count
        entries.insert((index, detail), at: place)
        if entries.count > limit { entries.removeLast() }
    }
}

extension AuditReport.Sizes {
    mutating func add(width: Int, height: Int) {
        let isFirst = shorterSides.allSatisfy { $0 == 0 }
        smallestWidth = isFirst ? width : min(smallestWidth, width)
        smallestHeight = isFirst ? height : min(smallestHeight, height)
        largestWidth = max(largestWidth, width)
        largestHeight = max(largestHeight, height)
        let place = Self.limits.firstIndex { min(width, height) < $0 } ?? Self.limits.count
        shorterSides[place] += 1
    }
}

extension AuditReport.Finding {
    init(_ kind: AuditReport.FindingKind, _ count: Int, _ examples: [AuditReport.Example]) {
        self.init(kind: kind, severity: kind.severity, count: count, text: kind.text(count), examples: examples)
    }
}

extension AuditReport.FindingKind {
    var order: Int { Self.allCases.firstIndex(of: self)! }

    /// What it means.
    func text(_ count: Int) -> String {
        func images(_ one: String, _ many: String) -> String {
            count == 1 ? "1 image \(one)" : "\(count) images \(many)"
        }
        func groups(_ rest: String) -> String { count == 1 ? "1 file is \(rest)" : "\(count) files are \(rest)" }
        return switch self {
        case .unreadable: images("cannot be read.", "cannot be read.")
        case .truncated: images("ends too early.", "end too early.")
        case .corrupt: images("is damaged.", "are damaged.")
        case .leak: groups("in the training and in the test images, so that results are too good.")
        case .conflictingLabels: groups("there with different classes.")
        case .duplicate: groups("there more than once, in one class and split.")
        case .damagedAnnotation:
            images("has an annotation that cannot be used.", "have annotations that cannot be used.")
        case .boxOutside: images("has a box that reaches out of it.", "have boxes that reach out of them.")
        case .partOutside: images("has a part outside of it.", "have parts outside of them.")
        case .wrongExtension:
            images(
                "is of another format than its name says; the bytes count.",
                "are of another format than their names say; the bytes count.")
        case .cmyk:
            images(
                "is in CMYK; it is converted as Pillow does it.", "are in CMYK; they are converted as Pillow does it.")
        case .exifRotated:
            images(
                "is shown turned by viewers (EXIF), but decoded as stored unless input.exif says otherwise.",
                "are shown turned by viewers (EXIF), but decoded as stored unless input.exif says otherwise.")
        case .tiny: images("is shorter than 32 pixels on a side.", "are shorter than 32 pixels on a side.")
        case .classWithoutTest: count == 1 ? "1 class has no test image." : "\(count) classes have no test image."
        case .officialOrder:
            "The classes are in the data set's official order, which is not that of sorted names: \(count) labels are others than "
                + "those of programs that sort folders."
        case .naturalOrder:
            "Programs that sort names naturally and without case (timm) give \(count) classes other labels than programs that sort "
                + "by code point (torchvision, this one): check which of them a classifier was trained with."
        }
    }
}
