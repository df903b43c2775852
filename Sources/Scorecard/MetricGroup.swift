import NameSuggestions

/// What can be asked of `evaluate --metrics`.
public enum MetricGroup: String, CaseIterable, Sendable {
    case completeness, sizes, budget, fidelity, localisation, disentanglement, sanity, interventions, misalignment

    /// The groups of a list such as `sizes,fidelity`, or all of them for `all`, in their order.
    /// - Throws: `ScorecardError.unknownMetric`, `.noMetric`.
    public static func list(_ text: String) throws -> [MetricGroup] {
        let names = text.split(separator: ",").map { $0.trimmingPrefix { $0 == " " } }.map(String.init)
        guard !names.isEmpty else { throw ScorecardError.noMetric }
        var asked: Set<MetricGroup> = []
        for name in names {
            if name == "all" {
                asked.formUnion(allCases)
            } else if let group = MetricGroup(rawValue: name) {
                asked.insert(group)
            } else {
                throw ScorecardError.unknownMetric(
                    name: name,
                    suggestion: NameSuggestions.sentence(for: name, among: ["all"] + allCases.map(\.rawValue)))
            }
        }
        return allCases.filter(asked.contains)
    }
}
