import ImageCoding

/// More pixels are no fault of the decoder, and take long.
private let largestPixelCount = 300_000

/// Any bytes as an image file: an error, or pixels of the size that the header says.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let file = [UInt8](UnsafeBufferPointer(start: bytes, count: count))
    let header = ImageHeader(of: file)
    if let header {
        let (pixelCount, overflows) = header.width.multipliedReportingOverflow(by: header.height)
        if overflows || pixelCount > largestPixelCount { return 0 }
    }
    _ = ExifOrientation(of: file)
    guard let image = try? ImageDecoder.decode(file, path: "image") else { return 0 }
    precondition(image.width > 0 && image.pixels.count == 3 * image.width * image.height)
    // Touches every byte, so that the sanitizer sees where they are.
    precondition(image.pixels.reduce(0) { $0 | UInt($1) } <= 255)
    if let header { precondition(header.width == image.width && header.height == image.height) }
    return 0
}
