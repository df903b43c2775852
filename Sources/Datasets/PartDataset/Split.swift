/// Which part of a data set a sample belongs to.
public enum Split: String, Codable, CaseIterable, Sendable {
    case train, test
}
