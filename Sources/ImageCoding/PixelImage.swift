/// An RGB image, 8 bits a channel, [H, W, 3] in row-major order, top row first.
public struct PixelImage: Equatable, Sendable {
    public let width: Int
    public let height: Int
    /// R, G, B of the pixels from left to right, top to bottom; `width * height * 3` bytes.
    public var pixels: [UInt8]

    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "an image needs at least one pixel, not \(width) x \(height)")
        precondition(
            pixels.count == width * height * 3, "\(width) x \(height) RGB pixels are not \(pixels.count) bytes")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// An image of one colour.
    public init(width: Int, height: Int, red: UInt8 = 0, green: UInt8 = 0, blue: UInt8 = 0) {
        var pixels = [UInt8](repeating: 0, count: width * height * 3)
        for pixel in 0..<width * height {
            pixels[3 * pixel] = red
            pixels[3 * pixel + 1] = green
            pixels[3 * pixel + 2] = blue
        }
        self.init(width: width, height: height, pixels: pixels)
    }
}
