/// The two parts of a data set. They share no image.
public enum Split: String, Codable, CaseIterable, Sendable {
    /// What the head is trained on and prototypes are taken from.
    case train
    /// What accuracy is measured on.
    case test
}
