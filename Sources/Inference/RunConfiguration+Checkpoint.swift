import Checkpoints
import RunConfiguration
import SystemPackage

extension RunConfiguration {
    /// What the checkpoint in `folder`, whose state is `state`, records of the configuration that it was made with. Places are
    /// not recorded: `overrides` give those of them that are needed.
    package init(
        recordedIn state: CheckpointState, of folder: FilePath, overrides: [String]
    ) throws(ConfigurationError) {
        try self.init(
            recorded: state.configuration, source: "\(folder.appending("state.json"))", overrides: overrides)
    }
}
