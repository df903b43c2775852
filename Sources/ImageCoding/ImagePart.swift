/// A part of an image whose other pixels are not needed, and where it lies.
package struct ImagePart {
    /// Size of the image.
    package let width: Int
    package let height: Int
    /// The column and the row of the image that the part starts with.
    let x: Int
    let y: Int
    /// The pixels of the part.
    let image: PixelImage

    /// All of an image.
    init(_ image: PixelImage) {
        self.init(width: image.width, height: image.height, x: 0, y: 0, image: image)
    }

    init(width: Int, height: Int, x: Int, y: Int, image: PixelImage) {
        (self.width, self.height, self.x, self.y, self.image) = (width, height, x, y, image)
    }

    /// The same pixels as a part of the rectangle `frame` of the image.
    func within(_ frame: PixelRectangle) -> ImagePart {
        ImagePart(width: frame.width, height: frame.height, x: x - frame.x, y: y - frame.y, image: image)
    }

    /// Whether all pixels of `rectangle` are there.
    func holds(_ rectangle: PixelRectangle) -> Bool {
        x <= rectangle.x && y <= rectangle.y && rectangle.x + rectangle.width <= x + image.width
            && rectangle.y + rectangle.height <= y + image.height
    }

    /// The image, all of which must be in the part.
    var whole: PixelImage { pixels(of: PixelRectangle(width: width, height: height)) }

    /// The pixels of `rectangle`, all of which must be in the part.
    func pixels(of rectangle: PixelRectangle) -> PixelImage {
        guard rectangle != PixelRectangle(x: x, y: y, width: image.width, height: image.height) else { return image }
        return image.cropped(
            x: rectangle.x - x, y: rectangle.y - y, width: rectangle.width, height: rectangle.height)
    }
}
