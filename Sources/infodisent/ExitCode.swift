import Ablations
import ArgumentParser
import Backbones
import Checkpoints
import DataSharding
import Datasets
import DeployedModels
import DisentangledHead
import DurableFiles
import Explanations
import Explorer
import Extraction
import FeatureCache
import Foundation
import HeadEditing
import HeadExport
import ImageCoding
import Inference
import MessagePassing
import Results
import RunConfiguration
import Scorecard
import SystemPackage
import Training
import WeightFiles

/// The exit codes of the program (sysexits.h).
enum ExitCode: Int32 {
    /// Wrong use of the command line.
    case usage = 64
    /// A corrupt or unfitting checkpoint, weight file, cache or image.
    case badData = 65
    /// A file or folder that should be there is not.
    case missingInput = 66
    /// A fault of the program itself.
    case internalFault = 70
    /// The disk, the file system or the network refused, or memory was not to be had.
    case inputOutput = 74
    /// Stopped early with a checkpoint written: run it again to go on.
    case stoppedEarly = 75
    /// A configuration that cannot be carried out.
    case badConfiguration = 78
}

/// The exit code that tells a script what kind of error this is.
func exitCode(for error: any Error) -> ExitCode {
    switch error {
    case ConfigurationError.missingFile: .missingInput
    case ImageCodingError.invalidTransform, ImageCodingError.invalidAugmentation: .badConfiguration
    case is ConfigurationError, is HeadError: .badConfiguration
    case is ValidationError, is OutputError: .usage
    case is WeightsBackboneError: .badConfiguration
    case let error as any ErrorWithExitCode: ExitCode(rawValue: error.exitCode) ?? .internalFault
    case MessagePassingError.noProcessManager, MessagePassingError.notAHeartbeatFile: .usage
    // The network, and other programs in it: not a fault that a start from the same state must meet again.
    case MessagePassingError.callFailed, MessagePassingError.malformedMessage: .inputOutput
    case MessagePassingError.notFinite, MessagePassingError.sumOverflows: .badConfiguration
    case BackboneError.unknownName, BackboneError.unknownPreset, BackboneError.unsupportedCompute: .badConfiguration
    case is BackboneError, is ImageCodingError: .badData
    case is Errno, is CocoaError: .inputOutput
    default: .internalFault
    }
}

/// An error that knows its exit code.
private protocol ErrorWithExitCode: Error {
    var exitCode: Int32 { get }
}

extension AblationError: ErrorWithExitCode {}
extension CheckpointError: ErrorWithExitCode {}
extension DatasetError: ErrorWithExitCode {}
extension DurableFileError: ErrorWithExitCode {}
extension ExportError: ErrorWithExitCode {}
extension ExperimentError: ErrorWithExitCode {}
extension ExplanationError: ErrorWithExitCode {}
extension ExplorerError: ErrorWithExitCode {}
extension ExtractionError: ErrorWithExitCode {}
extension FeatureCacheError: ErrorWithExitCode {}
extension HeadEditingError: ErrorWithExitCode {}
extension PartDatasetError: ErrorWithExitCode {}
extension PredictionError: ErrorWithExitCode {}
extension ResultsError: ErrorWithExitCode {}
extension ScorecardError: ErrorWithExitCode {}
extension ShardingError: ErrorWithExitCode {}
extension TrainingError: ErrorWithExitCode {}
extension WeightFileError: ErrorWithExitCode {}
