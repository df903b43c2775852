import Tensors

/// The channel map U [D, D] with what it is computed from and the optimizer's memory.
///
/// After every step max|U^T U - I| <= 1e-5. `exponential` and `cayley` compute U afresh from W each time, so their error is
/// that of one evaluation; `riemannian` adds to U what a rotation moves it by, whose rounding adds up, so U is looked at
/// every `polishInterval` steps and polished if it needs it. In between, and for the other two, the row norms are looked at after every step: they are the
/// diagonal of U U^T and drift with the rest.
package struct ChannelMapParameters<Scalar: HeadScalar>: Sendable {
    package typealias Matrix = SquareMatrix<Scalar>

    package let kind: ChannelMapKind
    /// U.
    package private(set) var matrix: Matrix
    /// W of `exponential` and `cayley`; nil otherwise.
    package private(set) var weight: Matrix?
    /// Moments of W, or of the numbers of the skew matrix Omega above its diagonal; nil for `identity`.
    package var moments: OptimizerState<Scalar>?

    /// What the backward pass needs of the evaluation of U; nil after a restore, then computed again.
    private var evaluation: Evaluation?

    private enum Evaluation: Sendable {
        case exponential(MatrixExponential<Scalar>)
        case cayley(CayleyTransform<Scalar>)
    }

    /// Steps between two full checks of a `riemannian` map: what they add cannot be told from rounding at D = 2048, where rotations by
    /// 0.1 and by 0.01 leave 1.7e-6 after each step.
    static var polishInterval: Int { 64 }

    /// U = I.
    package init(kind: ChannelMapKind, size: Int, optimizer: OptimizerConfiguration) {
        self.kind = kind
        matrix = Matrix(identity: size)
        switch kind {
        case .exponential, .cayley:
            weight = Matrix(size: size, values: Array(repeating: 0, count: size * size))
            moments = OptimizerState(count: size * size, optimizer: optimizer)
        case .riemannian:
            moments = OptimizerState(count: Matrix.triangleCount(size: size), optimizer: optimizer)
        case .identity:
            moments = nil
        }
    }

    /// The moments as matrices [D, D], which is how files have them.
    func squareMoments(team: WorkerTeam) -> OptimizerState<Scalar>? {
        guard kind == .riemannian, var square = moments else { return moments }
        func values(_ triangle: [Scalar], _ symmetry: Matrix.Symmetry) -> [Scalar] {
            Matrix(triangle: triangle, size: matrix.size, symmetry: symmetry, team: team).values
        }
        square.first = values(square.first, .skew)
        if !square.second.isEmpty { square.second = values(square.second, .symmetric) }
        return square
    }

    /// Numbers of a `summand`.
    package var summandCount: Int {
        switch kind {
        case .exponential, .cayley: matrix.size * matrix.size
        case .riemannian: Matrix.triangleCount(size: matrix.size)
        case .identity: 0
        }
    }

    /// What a part of a batch adds to the gradient of a step, in as few numbers as say it, given its dL/dU, or of a `riemannian` map
    /// its dL/dU U^T: then that is all of Omega = (dL/dU U^T - U dL/dU^T) / 2 above its diagonal.
    package func summand(_ gradient: Matrix, team: WorkerTeam) -> [Scalar] {
        kind == .riemannian ? gradient.skewTriangle(team: team) : gradient.values
    }

    /// Goes on with a stored U, W and moments, taken as they are.
    init(kind: ChannelMapKind, matrix: Matrix, weight: Matrix?, moments: OptimizerState<Scalar>?) {
        self.kind = kind
        self.matrix = matrix
        self.weight = weight
        self.moments = moments
    }

    /// Sets W (`exponential`, `cayley`) and computes U from it, or sets U (`riemannian`).
    package mutating func setParameter(_ parameter: Matrix, team: some ProductTeam) throws {
        precondition(parameter.size == matrix.size, "a parameter of another size")
        switch kind {
        case .exponential, .cayley:
            weight = parameter
            try evaluate(step: nil, team: team)
        case .riemannian:
            matrix = parameter
        case .identity:
            preconditionFailure("the identity channel map has no parameter")
        }
    }

    /// dL/dW of `exponential` and `cayley`, given dL/dU.
    package mutating func weightGradient(
        _ gradient: Matrix, step: Int?, team: some ProductTeam
    ) throws -> Matrix {
        if evaluation == nil { evaluation = try makeEvaluation(step: step, team: team) }
        switch evaluation! {
        case .exponential(let exponential):
            return try exponential.gradient(gradient, team: team)
                .combinedWithTranspose(sign: -1, scale: 1, team: team.workers)
        case .cayley(let transform):
            return try transform.gradient(gradient, team: team)
                .combinedWithTranspose(sign: -1, scale: 0.5, team: team.workers)
        }
    }

    /// One optimizer step, given the mean of the samples' `summand`. `step` counts from 0.
    mutating func apply(
        gradient: [Scalar], learningRate: Double, optimizer: OptimizerConfiguration, step: Int, team: some ProductTeam
    ) throws {
        let (size, rate) = (matrix.size, Scalar(learningRate))
        switch kind {
        case .identity:
            break
        case .exponential, .cayley:
            var direction = try weightGradient(Matrix(size: size, values: gradient), step: step, team: team)
            moments?.makeDirection(&direction.values, optimizer: optimizer, updateCount: step, team: team.workers)
            weight = Matrix.combination(identity: 0, [(1, weight!), (-rate, direction)], team: team.workers)
            try evaluate(step: step, team: team)
        case .riemannian:
            var direction = gradient
            moments?.makeDirection(&direction, optimizer: optimizer, updateCount: step, team: team.workers)
            // U <- exp(-learningRate * Omega) U, as U plus what it moves by, whose rounding is as small as the step.
            let turn = Matrix(triangle: direction, size: size, symmetry: .skew, scale: -rate, team: team.workers)
            try matrix.addProduct(Matrix.rotationBeyondIdentity(turn, team: team), matrix, team: team)
            if (step + 1) % Self.polishInterval == 0 || rowsHaveDrifted(team: team.workers) {
                try matrix.polishIfNeeded(team: team)
            }
        }
    }

    /// U from W.
    private mutating func evaluate(step: Int?, team: some ProductTeam) throws {
        // The old evaluation is the largest thing in memory: let it go before the new one is built.
        evaluation = nil
        let new = try makeEvaluation(step: step, team: team)
        evaluation = new
        switch new {
        case .exponential(let exponential):
            matrix = exponential.value
            // Squaring doubles the error each time. Polishing does not change the gradient: at an orthogonal matrix its
            // derivative is the projection onto the tangent space, where dU = L(dS) already lies.
            if exponential.squaringCount > 0 || rowsHaveDrifted(team: team.workers) {
                try matrix.polishIfNeeded(team: team)
            }
        case .cayley(let transform):
            matrix = transform.value
            if rowsHaveDrifted(team: team.workers) { try matrix.polishIfNeeded(team: team) }
        }
    }

    private func makeEvaluation(step: Int?, team: some ProductTeam) throws -> Evaluation {
        let weight = weight!
        if kind == .exponential {
            let skew = weight.combinedWithTranspose(sign: -1, scale: 1, team: team.workers)
            return .exponential(try MatrixExponential(of: skew, team: team))
        }
        let skew = weight.combinedWithTranspose(sign: -1, scale: 0.5, team: team.workers)
        guard let transform = try CayleyTransform(of: skew, team: team) else {
            throw HeadError.singularMatrix(tensor: "channel_map.parameter", step: step)
        }
        return .cayley(transform)
    }

    private func rowsHaveDrifted(team: WorkerTeam) -> Bool {
        !(matrix.rowNormError(team: team) <= 2 * Double(Scalar.polishThreshold))
    }
}
