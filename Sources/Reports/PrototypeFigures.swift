import ImageCoding
import Results
import Tensors

/// Rows of small prototype pictures, each with its winning cell outlined.
struct PrototypeFigures {
    let featureMap: SpatialSize
    let classNames: [String]
    /// Gives what the network saw of a prototype's image.
    let picture: (Prototype) throws -> PixelImage
    /// Width of a picture, in CSS pixels.
    var width = 104

    /// The pictures of `prototypes`, of one side of a channel. Throws what `picture` throws.
    func html(_ prototypes: [Prototype], side: Side) throws -> String {
        try prototypes.map { prototype in
            let image = try picture(prototype).outlining(prototype.position, of: featureMap, side: side)
            return """
                <figure>\(HTML.picture(image, width: width, description: prototype.path))
                <figcaption title="\(HTML.escaped(prototype.path))">\(HTML.signed(prototype.activation))
                \(HTML.escaped(classNames[prototype.label]))</figcaption></figure>

                """
        }.joined()
    }
}

extension PixelImage {
    /// The image with the cell of a feature-map position outlined, in the colour of its side.
    func outlining(_ position: MapPosition, of map: SpatialSize, side: Side) -> PixelImage {
        let left = position.column * width / map.width
        let top = position.row * height / map.height
        let right = (position.column + 1) * width / map.width
        let bottom = (position.row + 1) * height / map.height
        let thickness = max(2, width / 64)
        // A dark rim keeps the outline visible on bright pictures.
        return
            outliningRectangle(
                x: left - 2, y: top - 2, width: right - left + 4, height: bottom - top + 4, colour: .black, thickness: 1
            )
            .outliningRectangle(
                x: left - 1, y: top - 1, width: right - left + 2, height: bottom - top + 2,
                colour: side == .positive ? .skyBlue : .vermilion, thickness: thickness)
    }
}
