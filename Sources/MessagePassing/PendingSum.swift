import COpenMPIShim

/// A sum over all ranks that is under way.
///
/// `finish()` must be called once on every rank.
public final class PendingSum {
    private let values: UnsafeMutableBufferPointer<Int64>
    private var requests: [cmpi_request?] = []
    private let communicator: MPICommunicator?
    private var isFinished = false

    init(finished values: [Int64]) {
        self.values = .allocate(capacity: values.count)
        _ = self.values.initialize(from: values)
        communicator = nil
    }

    /// Starts one request for each `countLimit` elements.
    init(starting values: [Int64], over communicator: MPICommunicator) throws {
        self.values = .allocate(capacity: values.count)
        _ = self.values.initialize(from: values)
        self.communicator = communicator
        for piece in communicator.pieces(values.count) {
            var request: cmpi_request?
            try communicator.check(
                cmpi_start_allreduce(
                    self.values.baseAddress! + piece.lowerBound, Int32(piece.count), CMPI_INT64, CMPI_SUM,
                    communicator.handle, &request), "MPI_Iallreduce")
            requests.append(request)
        }
    }

    /// Lets the sum advance: Open MPI moves data only while it is called. Worth a call now and then between pieces of
    /// other work.
    public func advance() throws {
        guard let communicator else { return }
        for index in requests.indices {
            var done: Int32 = 0
            try communicator.check(cmpi_test(&requests[index], &done), "MPI_Test")
        }
    }

    /// Waits for the other ranks, and returns the sums.
    public func finish() throws -> [Int64] {
        precondition(!isFinished, "the sum is already finished")
        if let communicator {
            try communicator.activity.during("sum", count: values.count) {
                for index in requests.indices { try communicator.wait(&requests[index], "MPI_Iallreduce") }
            }
        }
        isFinished = true
        return Array(values)
    }

    deinit {
        // MPI still writes to the memory of a sum that was given up: it is left to it.
        if requests.allSatisfy({ $0 == nil }) { values.deallocate() }
    }
}
