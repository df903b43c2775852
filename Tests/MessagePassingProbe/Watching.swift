import Glibc
import MessagePassing
import SystemPackage

private func processorSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

private func watch(deadline: Int) throws -> Watchdog {
    var options = Watchdog.Options()
    options.deadline = .milliseconds(deadline)
    return try Watchdog.start(over: communicator, options: options)
}

/// Rank 0 works alone for a second: the others must leave their cores to it.
func measureRest() throws {
    let watchdog = try watch(deadline: 30_000)
    try communicator.barrier()
    let before = processorSeconds()
    if communicator.rank == 0 { sleep(1) }
    var decision: [UInt8] = communicator.rank == 0 ? [1, 2, 3] : []
    try communicator.broadcast(&decision, from: 0)
    var used = [UInt32((processorSeconds() - before) * 1e6)]
    try communicator.maximum(&used)
    say("\(used[0]) microseconds")
    try watchdog.stop()
}

/// Sums until something ends it. Prints each rank's process identifier first.
func loop(deadline: Int) throws {
    _ = try watch(deadline: deadline)
    let identifiers = try communicator.gather(Array("\(getpid())".utf8), to: 0)
    say(identifiers.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " "))
    for step in 0... {
        communicator.activity.begin(step: step, "adding gradients")
        var values = [Int64](repeating: 1, count: 100_000)
        try communicator.sum(&values)
        usleep(1000)
    }
}

/// The last rank does not come to the third step.
func stall(deadline: Int) throws {
    _ = try watch(deadline: deadline)
    for step in 0... {
        communicator.activity.begin(step: step, "adding gradients")
        if step == 3, communicator.rank == communicator.size - 1 {
            communicator.activity.begin(step: step, "reading labels.csv")
            sleep(60)
        }
        try communicator.barrier()
    }
}

/// Work that takes longer than the deadline and says so, in both ways.
func patience(deadline: Int) throws {
    let watchdog = try watch(deadline: deadline)
    if communicator.rank == 0 {
        communicator.activity.allowing(.seconds(30)) { _ = usleep(UInt32(deadline * 2500)) }
    }
    try communicator.barrier()
    if communicator.rank == communicator.size - 1 {
        for _ in 0..<25 {
            usleep(UInt32(deadline * 100))
            communicator.activity.progress()
        }
    }
    try communicator.barrier()
    try watchdog.stop()
    say("finished")
}

/// Rank 0 makes the file and touches it again and again, also while its main thread is busy.
func touchHeartbeatFile(_ path: String) throws {
    func modification() -> Double {
        var status = stat()
        guard stat(path, &status) == 0 else { return -1 }
        return Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) * 1e-9
    }
    var options = Watchdog.Options()
    options.heartbeatFile = FilePath(path)
    let watchdog = try Watchdog.start(over: communicator, options: options)
    usleep(1_200_000)
    let first = modification()
    expect(first > 0, "\(path) is there")
    usleep(1_200_000)
    expect(modification() > first, "\(path) was touched again")
    try watchdog.stop()
    say("touched")
}
