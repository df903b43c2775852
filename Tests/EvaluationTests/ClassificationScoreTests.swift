import Evaluation
import Testing

@Suite struct ClassificationScoreTests {
    @Test func ranksAreCountedFromTheLargestLogit() {
        var score = ClassificationScore()
        let logits: [Float] = [0.1, 0.9, 0.3, 0.5, 0.4, 0.2, 0.0]
        for label in logits.indices { score.count(logits: logits[...], label: label) }
        #expect(score.sampleCount == 7 && score.top1Count == 1 && score.top5Count == 5)
        #expect(score.top1 == 1.0 / 7 && score.top5 == 5.0 / 7)
    }

    @Test func equalLogitsRankByClass() {
        var first = ClassificationScore()
        var last = ClassificationScore()
        first.count(logits: [1, 1, 1, 1, 1, 1], label: 0)
        last.count(logits: [1, 1, 1, 1, 1, 1], label: 5)
        #expect(first.top1Count == 1 && last.top1Count == 0 && last.top5Count == 0)
    }

    @Test func aLogitThatIsNotANumberIsNeverCorrect() {
        var score = ClassificationScore()
        score.count(logits: [.nan, .nan, .nan], label: 0)
        score.count(logits: [.nan, 1, 2], label: 0)
        #expect(score.sampleCount == 2 && score.top1Count == 0 && score.top5Count == 0)
        score.count(logits: [.nan, 1, 2], label: 2)
        #expect(score.top1Count == 1, "what is not a number comes last")
    }

    @Test func theScoresOfPartsAddUp() {
        var whole = ClassificationScore()
        var parts = [ClassificationScore(), ClassificationScore()]
        for sample in 0..<10 {
            let logits = (0..<8).map { Float(($0 * 5 + sample * 3) % 8) }
            whole.count(logits: logits[...], label: sample % 8)
            parts[sample % 2].count(logits: logits[...], label: sample % 8)
        }
        var sum = parts[1]
        sum += parts[0]
        #expect(sum == whole)
    }

    @Test func anEmptyScoreIsZero() {
        #expect(ClassificationScore().top1 == 0)
    }
}
