import Glibc

extension Communicator {
    /// Which of the variables are in the environment of any rank: it may be that of some only, and what follows must be the same on
    /// all. Collective.
    package func areSetOnAnyRank(_ variables: [String]) throws -> [Bool] {
        var isSet = variables.map { (name: String) -> UInt32 in getenv(name) == nil ? 0 : 1 }
        try maximum(&isSet)
        return isSet.map { $0 > 0 }
    }
}
