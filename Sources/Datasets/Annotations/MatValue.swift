/// A value of a MATLAB file, as far as data sets use them. Arrays are in MATLAB's order, columns first.
indirect enum MatValue: Equatable {
    /// A numeric or logical array of any type; integers beyond 2^53 are not used by any data set.
    case numbers([Double])
    case text(String)
    case cells([MatValue])
    /// An array of structures: the fields' names, and for each structure its values in the same order.
    case structures(fields: [String], elements: [[MatValue]])

    /// What the value is, for messages.
    var kind: String {
        switch self {
        case .numbers(let values): "an array of \(values.count) numbers"
        case .text: "a text"
        case .cells(let values): "a cell array of \(values.count) elements"
        case .structures(_, let elements): "an array of \(elements.count) structures"
        }
    }
}
