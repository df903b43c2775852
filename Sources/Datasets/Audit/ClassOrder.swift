/// The orders of classes that programs know, and where they disagree.
enum ClassOrder {
    /// What there is to say about the order of a data set's classes.
    static func findings(_ dataset: Dataset, limit: Int) -> [AuditReport.Finding] {
        let names = dataset.classNames
        let byCodePoint = names.sorted { $0.precedesByCodePoint($1) }
        let natural = names.map { ($0, naturalKey($0)) }
            .sorted { precedes($0.1, $1.1) || (!precedes($1.1, $0.1) && $0.0.precedesByCodePoint($1.0)) }.map(\.0)
        var findings: [AuditReport.Finding] = []
        func compare(_ kind: AuditReport.FindingKind, _ own: [String], _ other: [String]) {
            let different = own.indices.filter { own[$0] != other[$0] }
            guard !different.isEmpty else { return }
            findings.append(
                .init(
                    kind, different.count,
                    different.prefix(limit).map {
                        .init(images: [], paths: [], detail: "label \($0): \(own[$0]) here, \(other[$0]) there")
                    }))
        }
        compare(.officialOrder, names, byCodePoint)
        compare(.naturalOrder, byCodePoint, natural)
        return findings
    }

    private enum KeyPart {
        case text(String)
        case number(digits: Substring)
    }

    /// A name in lower case, cut into digits and what is between them, as timm's `natural_key`.
    private static func naturalKey(_ name: String) -> [KeyPart] {
        var parts: [KeyPart] = []
        var rest = name.lowercased()[...]
        // Text first, if only an empty one, so that parts of two names at the same place are of the same sort.
        while true {
            let text = rest.prefix { !($0.isASCII && $0.isNumber) }
            parts.append(.text(String(text)))
            rest = rest[text.endIndex...]
            if rest.isEmpty { return parts }
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            parts.append(.number(digits: digits.drop { $0 == "0" }))
            rest = rest[digits.endIndex...]
        }
    }

    private static func precedes(_ first: [KeyPart], _ second: [KeyPart]) -> Bool {
        for (left, right) in zip(first, second) {
            switch (left, right) {
            case (.text(let left), .text(let right)):
                if left != right { return left.precedesByCodePoint(right) }
            case (.number(let left), .number(let right)):
                // Without zeros in front, the longer number is the larger one, of any length.
                if left.count != right.count { return left.count < right.count }
                if left != right { return left < right }
            default: preconditionFailure("text and numbers take turns")
            }
        }
        return first.count < second.count
    }
}
