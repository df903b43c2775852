/// A colour of 8 bits a channel.
public struct Colour: Hashable, Sendable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    public static let black = Colour(red: 0, green: 0, blue: 0)
    public static let white = Colour(red: 255, green: 255, blue: 255)
    /// Marks where a channel speaks for a class; told apart from `vermilion` by colour-blind readers too
    /// (Okabe and Ito, Color Universal Design, 2008).
    public static let skyBlue = Colour(red: 86, green: 180, blue: 233)
    /// Marks where a channel speaks against a class.
    public static let vermilion = Colour(red: 213, green: 94, blue: 0)
}
