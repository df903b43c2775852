/// Why some bytes are not the JSON that was expected.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where reading stopped, in bytes from the front.
    public let offset: Int
    /// What is wrong there, as a part of a sentence: "a comma or '}' is expected".
    public let problem: String

    public init(offset: Int, problem: String) {
        self.offset = offset
        self.problem = problem
    }

    public var description: String { "\(problem) (at byte \(offset))" }
}
