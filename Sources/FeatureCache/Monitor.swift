import Glibc

/// A lock with any number of conditions to wait for.
final class Monitor: @unchecked Sendable {
    final class Condition: @unchecked Sendable {
        fileprivate let place = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

        init() {
            place.initialize(to: pthread_cond_t())
            pthread_cond_init(place, nil)
        }

        deinit {
            pthread_cond_destroy(place)
            place.deallocate()
        }
    }

    private let place = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() {
        place.initialize(to: pthread_mutex_t())
        pthread_mutex_init(place, nil)
    }

    deinit {
        pthread_mutex_destroy(place)
        place.deallocate()
    }

    func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_mutex_lock(place)
        defer { pthread_mutex_unlock(place) }
        return try body()
    }

    /// Runs `body` without the lock, which the caller holds.
    func unlocked<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_mutex_unlock(place)
        defer { pthread_mutex_lock(place) }
        return try body()
    }

    /// Waits with the lock given up, until the condition is signalled; it may also return without.
    func wait(for condition: Condition) { pthread_cond_wait(condition.place, place) }
    func signal(_ condition: Condition) { pthread_cond_signal(condition.place) }
    func broadcast(_ condition: Condition) { pthread_cond_broadcast(condition.place) }
}
