import MessagePassing
import Testing
import Training

@Suite struct RankSharingTests {
    /// A product of 2048 x 2048 takes a rank 80 ms; its 16.8 MB arrive in `gathering` milliseconds.
    @Test(arguments: [
        (gathering: 4.0, ranks: 2, shares: true), (35, 2, false), (30, 2, true), (60, 16, true), (70, 16, false),
        (4, 1, false),
    ])
    func aProductIsSharedWhereThatSavesATenth(gathering: Double, ranks: Int, shares: Bool) {
        let size = 2048
        let costs = RankSharing.Costs(
            multiplication: 0.08 / Double(size * size * size), element: gathering * 1e-3 / Double(size * size))
        func favours(_ multiplications: Int, _ elementCount: Int) -> Bool {
            costs.favourSharing(multiplications: multiplications, elementCount: elementCount, rankCount: ranks)
        }
        #expect(favours(size * size * size, size * size) == shares)
        // A symmetric one has half of both.
        #expect(favours(size * size * size / 2, size * size / 2) == shares)
        // Of a small one only the messages count.
        #expect(!favours(255 * 255 * 255, 255 * 255))
    }

    @Test func oneProcessSharesNothing() throws {
        #expect(try RankSharing.fastest(size: 2048, over: SingleProcess(), team: .init(workerCount: 1)) == nil)
    }
}
