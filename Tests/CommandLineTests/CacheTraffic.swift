import Testing

/// What a rank said of its reading (`--cache-traffic`).
struct CacheTraffic {
    let readByteCount: Int
    let hashedByteCount: Int
    let mapCount: Int
    let fileCount: Int

    /// What each rank said, in rank order.
    static func ofRanks(in errors: String) throws -> [CacheTraffic] {
        let pattern =
            #/rank ([0-9]+): read ([0-9]+) bytes of the feature cache and took the digest of ([0-9]+): ([0-9]+) feature maps, [0-9]+ of them ahead, from ([0-9]+) of [0-9]+ files/#
        let found = errors.matches(of: pattern)
        try #require(found.map { Int($0.1) } == Array(0..<found.count), "\(errors)")
        return found.map {
            CacheTraffic(
                readByteCount: Int($0.2)!, hashedByteCount: Int($0.3)!, mapCount: Int($0.4)!, fileCount: Int($0.5)!)
        }
    }
}
