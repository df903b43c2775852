import Backbones
import CounterRandom
import Tensors

/// The frozen forward pass of a backbone with random weights, all threads busy, each with images of its own.
public struct ForwardSpeed: Sendable {
    public let backbone: String
    /// What multiplied matrices.
    public let engine: MatrixEngine
    /// What products were made of.
    public let compute: ComputePrecision
    /// From the features in single precision; nil for these themselves.
    public let difference: FeatureDifference?
    /// Side of the square images, in pixels: that of the default preset.
    public let imageSide: Int
    public let threadCount: Int
    /// Images that each thread takes through the network together.
    public let imagesPerCall: Int
    /// Seconds in which every thread takes `imagesPerCall` images through the network.
    public let pass: Durations

    public var imagesPerSecond: Double { Double(threadCount * imagesPerCall) / pass.median }
    public var imagesPerSecondAndCore: Double { imagesPerSecond / Double(threadCount) }

    /// - Parameter compute: without an `obstacle` on this processor, and `f32` with another engine than `packed`.
    /// - Throws: `BackboneError.unknownName`.
    public init(
        backbone name: String, engine: MatrixEngine = .packed, compute: ComputePrecision = .f32,
        imagesPerCall: Int = 4, repetitions: Int, team: WorkerTeam
    ) throws {
        let backbone = try Backbone.withRandomWeights(name: name)
        let side = backbone.defaultInput.crop
        var stream = RandomStream(seed: 0, purpose: .test)
        let images = Tensor(
            shape: [imagesPerCall, side, side, 3],
            values: (0..<imagesPerCall * side * side * 3).map { _ in Float(stream.uniform(in: -2...2)) })
        let workspaces = WorkerLocal(team) { backbone.makeWorkspace(engine: engine, compute: compute) }
        // The first touches the memory.
        let seconds = (0...repetitions).map { _ in
            let start = SuspendingClock.now
            team.forEach(team.workerCount) { worker, _ in
                _ = backbone.featureMaps(of: images, workspace: workspaces[worker])
            }
            return (SuspendingClock.now - start) / .seconds(1)
        }
        self.backbone = name
        self.engine = engine
        self.compute = compute
        difference =
            compute == .f32
            ? nil
            : FeatureDifference(
                of: backbone.featureMaps(of: images, workspace: workspaces[0]),
                from: backbone.featureMaps(of: images, workspace: backbone.makeWorkspace()))
        self.imagesPerCall = imagesPerCall
        imageSide = side
        threadCount = team.workerCount
        pass = Durations(Array(seconds.dropFirst()))
    }
}
