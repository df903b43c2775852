import ArgumentParser
import Backbones
import RunConfiguration

/// What a shell completes after an option.
extension CompletionKind {
    static var configuration: CompletionKind { .file(extensions: ["yaml", "yml"]) }
    static var image: CompletionKind { .file() }
    static var backbone: CompletionKind { .list(BackboneRegistry.names.sorted()) }
    /// The keys of a configuration, with what they take where that is one of a few words.
    static var configurationKey: CompletionKind {
        .custom { _, _, _ in
            RunConfiguration.keys.flatMap { key in
                key.words.isEmpty ? ["\(key.path)="] : key.words.map { "\(key.path)=\($0)" }
            }
        }
    }
}
