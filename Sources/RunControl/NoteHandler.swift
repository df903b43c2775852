/// Receives lines about what happens, such as that something damaged was made anew; from any thread.
public typealias NoteHandler = @Sendable (String) -> Void
