/// How the files of a cache's shards are laid out and verified. A cache is of one format; that of its index says which.
enum CacheFormat: Sendable {
    /// `labels`, `images`, `digests`, `features`: a digest of each row, checked when the row is read.
    case rows
    /// `labels`, `features`: one digest of all data, checked when the file is first read from. What versions of this program
    /// wrote until the schema version 2; such a cache is still read, completed and mended, in its own format.
    case wholeFiles
}
