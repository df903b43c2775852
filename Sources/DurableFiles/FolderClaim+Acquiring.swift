import Glibc
import SystemPackage

extension FolderClaim {
    private static let lockName = ".lock"
    private static let prefix = ".infodisent-claim-"
    private static let numberLimit = 999_999_999

    /// The numbers of the claims in `folder`, in rising order.
    private static func numbers(in folder: FilePath) throws -> [Int] {
        try DurableDirectory.names(in: folder).compactMap { name in
            guard name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count)), number > 0,
                number <= numberLimit, name == prefix + "\(number)"
            else { return nil }
            return number
        }.sorted()
    }

    private static func path(of number: Int, in folder: FilePath) -> FilePath {
        folder.appending(prefix + "\(number)")
    }

    /// Who holds `folder`, as far as that can be said.
    static func holder(of folder: FilePath) -> String? {
        (try? numbers(in: folder))?.last.flatMap { ClaimOwner(path(of: $0, in: folder))?.description }
    }

    /// Takes the claim: makes its folder, and removes those of former holders.
    static func acquire(
        _ folder: FilePath, _ patience: Duration, _ timing: Timing, _ lockMethods: [FileLock.Method]
    ) throws -> (claim: FilePath, lock: FileLock) {
        let lock = try FileLock(folder.appending(lockName), methods: lockMethods)
        let start = ContinuousClock.now
        var watch = ClaimWatch(timing)
        while true {
            let lockState = try lock.attempt()
            let isPatient = ContinuousClock.now - start <= patience
            let last = try numbers(in: folder).last
            let owner = last.flatMap { ClaimOwner(path(of: $0, in: folder)) }
            let isFree: Bool
            if let last {
                switch try watch.state(of: path(of: last, in: folder), owner, isLocked: lockState == .held) {
                // The lock of a dead process is held by one that is about to make its claim; or, long before, by one that
                // froze and whose claim the dead one had taken over.
                case .dead: isFree = lockState != .busy || !isPatient
                case .frozen: isFree = true
                case .alive where !isPatient: throw DurableFileError.claimed(path: folder, by: owner?.description)
                case .alive, .unknown: isFree = false
                }
            } else {
                // A lock without a claim is that of a process that starts or ends.
                if lockState == .busy, !isPatient { throw DurableFileError.claimed(path: folder, by: nil) }
                isFree = lockState != .busy
            }
            if isFree, let claim = try make(number: (last ?? 0) + 1, in: folder) { return (claim, lock) }
            usleep(50_000)
        }
    }

    /// Makes the claim with the given number, unless another process has it, or a higher one; then nil.
    private static func make(number: Int, in folder: FilePath) throws -> FilePath? {
        let claim = path(of: number, in: folder)
        guard number <= numberLimit else {
            throw DurableFileError.failed(operation: "count on", path: claim, code: EOVERFLOW)
        }
        let temporary = folder.appending(TemporaryName.make().text)
        do {
            try check("create the folder", temporary) { temporary.withPlatformString { mkdir($0, 0o777) } }
            try ClaimOwner.own.write(to: temporary)
            // Never over another claim: a folder that is not empty is not replaced.
            try DurableFile.rename(temporary, to: claim)
        } catch DurableFileError.failed(_, _, let code) where code == EEXIST || code == ENOTEMPTY {
            try DurableDirectory.removeTree(temporary)
            return nil
        } catch {
            try? DurableDirectory.removeTree(temporary)
            throw error
        }
        do {
            let all = try numbers(in: folder)
            // This process looked so long ago that others came and went since.
            guard all.last == number else {
                try dissolve(claim)
                return nil
            }
            for former in all.dropLast() { try dissolve(path(of: former, in: folder)) }
            return claim
        } catch {
            try? dissolve(claim)
            throw error
        }
    }
}

/// Watches a claim's signs of life.
private struct ClaimWatch {
    enum State {
        case alive
        /// The process does not exist any more.
        case dead
        /// It has given no sign of life for so long that it has lost its claim.
        case frozen
        /// Not watched for long enough.
        case unknown
    }

    private struct Watched {
        let claim: FilePath
        var sign: ClaimOwner.Sign?
        var since: ContinuousClock.Instant
        var hasChanged = false
        /// How long the sign had been there when it was first seen.
        var ageBefore: Duration = .zero
    }

    private let timing: FolderClaim.Timing
    private var watched: Watched?

    init(_ timing: FolderClaim.Timing) {
        self.timing = timing
    }

    /// - Parameter isLocked: whether this process has the folder's lock, so that the holder, if it lives, is where locks do
    ///   not reach.
    mutating func state(of claim: FilePath, _ owner: ClaimOwner?, isLocked: Bool) throws -> State {
        if owner?.process.isAlive == false { return .dead }
        let sign = ClaimOwner.Sign(of: claim)
        let now = ContinuousClock.now
        guard var watched, watched.claim == claim else {
            self.watched = Watched(
                claim: claim, sign: sign, since: now, ageBefore: try sign?.age(in: claim.containingDirectory) ?? .zero)
            return .unknown
        }
        if sign != watched.sign {
            watched = Watched(claim: claim, sign: sign, since: now, hasChanged: true)
            self.watched = watched
            return .alive
        }
        let silence = now - watched.since
        if silence < timing.beat * 3 { return watched.hasChanged ? .alive : .unknown }
        let needed = isLocked ? min(timing.expiry, timing.beat * 5) : timing.expiry
        return silence + watched.ageBefore > needed ? .frozen : .unknown
    }
}
