/// The numbers of channels a class that a sweep tries beside the dense head, which it always has: `3,5,10,20,all`.
public struct SweepBudgets: Equatable, Sendable {
    /// Rising.
    public let channelCounts: [Int]

    /// - Throws: `TrainingError.badBudgets` for anything but numbers from 1 up and `all`, each once.
    public init(parsing text: String) throws {
        var counts: [Int] = []
        var namesAll = false
        for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
            let word = String(entry.drop { $0 == " " })
            if word == "all" {
                guard !namesAll else { throw TrainingError.badBudgets(problem: "\(text) names all twice") }
                namesAll = true
                continue
            }
            guard let count = Int(word), count > 0 else {
                throw TrainingError.badBudgets(problem: "\(text) has \"\(word)\", which is no number of channels")
            }
            guard !counts.contains(count) else {
                throw TrainingError.badBudgets(problem: "\(text) names \(count) twice")
            }
            counts.append(count)
        }
        guard !counts.isEmpty else {
            throw TrainingError.badBudgets(
                problem: "\(text) names the dense head alone, which train gives without this option")
        }
        channelCounts = counts.sorted()
    }

    /// Checks the numbers against those of a head.
    func check(channelCount: Int) throws {
        guard let count = channelCounts.first(where: { $0 >= channelCount }) else { return }
        throw TrainingError.badBudgets(
            problem: "\(count) is no budget: the feature map has \(channelCount) channels, so that is all of them")
    }
}
