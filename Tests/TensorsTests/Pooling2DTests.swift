import Tensors
import Testing

@Suite struct Pooling2DTests {
    static let windows = [
        SlidingWindow(kernel: 3, stride: 2, padding: 1), SlidingWindow(kernel: 2, stride: 2),
        SlidingWindow(kernel: 3, stride: 1, padding: 1),
        SlidingWindow(kernel: SpatialSize(height: 2, width: 3), stride: SpatialSize(height: 1, width: 2)),
    ]

    @Test(arguments: windows, [1, 8, 19])
    func agreesWithItsDefinition(window: SlidingWindow, channelCount: Int) {
        let input = Tensor.noise([2, 9, 8, channelCount])
        let expected = referencePooling(input, window: window)
        let workspace = Workspace()
        let activations = Activations(copying: input, in: workspace)
        let maximum = MaxPooling2D(window)(activations, in: workspace).tensor()
        let outputSize = window.outputSize(for: activations.size)
        #expect(maximum.shape == [2, outputSize.height, outputSize.width, channelCount])
        #expect(maximum.values.map(Double.init) == expected.maximum)
        let mean = AveragePooling2D(window)(activations, in: workspace).tensor()
        #expect(relativeError(mean.values, expected.mean) < 1e-6)
        let inside = AveragePooling2D(window, countsPadding: false)(activations, in: workspace).tensor()
        #expect(relativeError(inside.values, expected.meanInside) < 1e-6)
    }

    /// PyTorch's `ceil_mode`: a last odd row or column has means of its own.
    @Test(arguments: [(4, 4), (5, 4), (4, 5), (5, 7), (1, 1)])
    func meansCanCoverTheEdge(height: Int, width: Int) {
        let input = Tensor.noise([1, height, width, 9])
        let layer = AveragePooling2D(SlidingWindow(kernel: 2, stride: 2), countsPadding: false, coversEdge: true)
        let workspace = Workspace()
        let output = layer(Activations(copying: input, in: workspace), in: workspace).tensor()
        let (rows, columns) = ((height + 1) / 2, (width + 1) / 2)
        #expect(output.shape == [1, rows, columns, 9])
        var expected: [Double] = []
        for index in 0..<rows * columns * 9 {
            let (y, x, channel) = (index / 9 / columns, index / 9 % columns, index % 9)
            var values: [Double] = []
            for row in 2 * y..<min(2 * y + 2, height) {
                for column in 2 * x..<min(2 * x + 2, width) {
                    values.append(Double(input.values[(row * width + column) * 9 + channel]))
                }
            }
            expected.append(values.reduce(0, +) / Double(values.count))
        }
        #expect(relativeError(output.values, expected) < 1e-6)
    }

    @Test func theMarginNeverWinsAMaximum() {
        let input = Tensor(shape: [1, 3, 3, 1], values: [-9, -8, -7, -6, -5, -4, -3, -2, -1])
        let workspace = Workspace()
        let output = MaxPooling2D(SlidingWindow(kernel: 3, stride: 2, padding: 1))(
            Activations(copying: input, in: workspace), in: workspace)
        #expect(output.tensor().values == [-5, -4, -2, -1])
    }

    @Test func aNotANumberWinsAMaximum() {
        for channelCount in [1, 8] {
            for broken in 0..<4 {
                var input = Tensor.noise([1, 2, 2, channelCount])
                input.values[broken * channelCount] = .nan
                let workspace = Workspace()
                let output = MaxPooling2D(SlidingWindow(kernel: 2))(
                    Activations(copying: input, in: workspace), in: workspace)
                #expect(output.tensor().values[0].isNaN, "pixel \(broken) of \(channelCount) channels")
            }
        }
    }

    @Test func theSpatialMeanIsThatOfEachImage() {
        let input = Tensor.noise([2, 5, 3, 9])
        let workspace = Workspace()
        let mean = Activations(copying: input, in: workspace).spatialMean(in: workspace).tensor()
        #expect(mean.shape == [2, 1, 1, 9])
        let expected = (0..<2).flatMap { image in
            (0..<9).map { channel in
                (0..<15).reduce(0.0) { $0 + Double(input.values[(image * 15 + $1) * 9 + channel]) } / 15
            }
        }
        #expect(relativeError(mean.values, expected) < 1e-6)
    }
}
