/// Memory that MPI reads and writes while requests are under way.
extension MPICommunicator {
    /// An array that belongs to MPI for some time.
    private final class Loan<Element> {
        var elements: [Element]
        init(_ elements: [Element]) { self.elements = elements }
    }

    /// Calls `body` with the memory of `array`, on which it may start requests that it waits for.
    ///
    /// If `body` throws, a request may still be under way, and MPI write to the memory at any time: then the memory is left
    /// to MPI for ever, and `array` is empty.
    func lending<Element, Result>(
        _ array: inout [Element], _ body: (UnsafeMutableBufferPointer<Element>) throws -> Result
    ) throws -> Result {
        let loan = Loan<Element>([])
        swap(&loan.elements, &array)
        do {
            let result = try loan.elements.withUnsafeMutableBufferPointer { try body($0) }
            swap(&loan.elements, &array)
            return result
        } catch {
            _ = Unmanaged.passRetained(loan)
            throw error
        }
    }

    /// The same for memory that MPI only reads.
    func lending<Element, Result>(
        reading array: [Element], _ body: (UnsafeBufferPointer<Element>) throws -> Result
    ) throws -> Result {
        let loan = Loan(array)
        do {
            return try loan.elements.withUnsafeBufferPointer { try body($0) }
        } catch {
            _ = Unmanaged.passRetained(loan)
            throw error
        }
    }
}
