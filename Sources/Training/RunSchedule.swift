import DataSharding
import RunConfiguration

/// What a run does at each step, as a pure function of its configuration and of the number of samples: every rank takes the
/// same decisions from it.
package struct RunSchedule: Equatable, Sendable {
    package let epochCount: Int
    package let stepsPerEpoch: Int
    /// Views of each training image that epochs go through in turn.
    package let viewCount: Int
    /// Steps between two checkpoints.
    package let checkpointInterval: Int
    /// Epochs between two evaluations.
    package let evaluationInterval: Int

    package init(
        epochCount: Int, stepsPerEpoch: Int, viewCount: Int, checkpointInterval: Int, evaluationInterval: Int
    ) {
        self.epochCount = epochCount
        self.stepsPerEpoch = stepsPerEpoch
        self.viewCount = viewCount
        self.checkpointInterval = checkpointInterval
        self.evaluationInterval = evaluationInterval
    }

    /// Steps between two lines of the log.
    private static let logInterval = 50

    package var totalSteps: Int { epochCount * stepsPerEpoch }

    /// Epochs completed before a step, which is the number of its own epoch, counted from 0.
    package func epoch(ofStep step: Int) -> Int { step / stepsPerEpoch }
    /// A step's place in its epoch.
    package func place(ofStep step: Int) -> Int { step % stepsPerEpoch }
    /// The view of the training images that a step sees. A cache may hold more of them than the run asks for.
    package func view(ofStep step: Int) -> Int { epoch(ofStep: step) % viewCount }

    /// What follows a step; `step` counts the steps done.
    package struct Events: Equatable, Sendable {
        package let endsEpoch: Bool
        package let evaluates: Bool
        package let logs: Bool
        package let savesCheckpoint: Bool
    }

    /// - Parameter stops: whether the run is to stop after this step.
    package func events(afterStep step: Int, stops: Bool) -> Events {
        let endsEpoch = step % stepsPerEpoch == 0
        let isLast = step == totalSteps
        return Events(
            endsEpoch: endsEpoch, evaluates: endsEpoch && (isLast || step / stepsPerEpoch % evaluationInterval == 0),
            logs: endsEpoch || step % Self.logInterval == 0,
            savesCheckpoint: isLast || stops || step % checkpointInterval == 0)
    }
}
