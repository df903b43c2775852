// Run by MessagePassingTests under mpirun: each mode checks one behaviour of several processes, from inside.
//
//     mpirun --oversubscribe -n 3 .build/release/message-passing-probe sums
//
// Rank 0 prints what the test compares. A check that fails is a line on standard error and exit code 1.

import Glibc
import MessagePassing
import SystemPackage

let arguments = CommandLine.arguments.dropFirst()
let number = arguments.dropFirst().first.flatMap { Int($0) } ?? 0
var startOptions = Watchdog.Options()
if arguments.first == "start" {
    startOptions.deadline = .seconds(number)
    startOptions.heartbeatFile = arguments.count > 2 ? FilePath(CommandLine.arguments[3]) : nil
}
let communicator = try World.start(startOptions)

switch arguments.first {
case "numbers": try checkNumbers()
case "bytes": try checkBytes()
case "sums": try printSums()
case "not-finite": try reportNotFinite()
case "wrong-shards": try reportWrongShards()
case "together": try reportTogether()
case "endings": try reportEndings()
case "ending-alone":
    if communicator.rank == communicator.size - 1 {
        expect(try communicator.gatherEndings([1], patience: .milliseconds(300)) == nil, "others do not end")
        communicator.abort(code: Int32(number), because: "the only one to end")
    }
    try communicator.barrier()
case "abandoned": try checkAbandonedMemory()
case "malformed": try reportMalformed(byteCount: number)
case "start": say("started")
case "finish": try stopLauncherAndFinish()
case "rest": try measureRest()
case "loop": try loop(deadline: number)
case "stall": try stall(deadline: number)
case "patience": try patience(deadline: number)
case "heartbeat-file": try touchHeartbeatFile(CommandLine.arguments[2])
case "exit": exit(Int32(number))
case "exit-alone": if communicator.rank == communicator.size - 1 { exit(Int32(number)) } else { pause() }
case "abort-alone":
    if communicator.rank == communicator.size - 1 { communicator.abort(code: Int32(number), because: "asked to") }
    try communicator.barrier()
case "start-twice":
    do {
        _ = try World.start()
    } catch {
        say("\(error)")
    }
case "layout": say("\(communicator.size) ranks, \(communicator.localSize) here, on \(communicator.hostName)")
default: communicator.abort(code: 64, because: "unknown mode")
}
try World.finish()

func say(_ line: String) {
    guard communicator.rank == 0 else { return }
    print(line)
    fflush(nil)
}

func expect(_ condition: Bool, _ what: String) {
    if !condition { communicator.abort(code: 1, because: "not true: \(what)") }
}
