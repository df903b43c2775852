/// One piece of news from a long piece of work, for whoever shows it.
public struct ProgressReport: Sendable {
    /// What is being done, such as "extract".
    public let activity: String
    public let completed: Int
    public let total: Int
    /// What is counted, such as "images".
    public let unit: String
    /// Further figures to show, such as "loss 0.52".
    public let detail: String

    public init(activity: String, completed: Int, total: Int, unit: String, detail: String = "") {
        self.activity = activity
        self.completed = completed
        self.total = total
        self.unit = unit
        self.detail = detail
    }
}

/// Receives reports, from any thread, each after the one before it has returned.
public typealias ProgressHandler = @Sendable (ProgressReport) -> Void
