import Foundation
import ImageCoding

/// Pieces of HTML text. Everything that comes from outside passes through `escaped`.
enum HTML {
    /// `text` with the characters that mean something in HTML replaced, for content and quoted attributes.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A picture inside the page itself; `width` is in CSS pixels.
    static func picture(_ image: PixelImage, width: Int, description: String) -> String {
        let height = width * image.height / image.width
        // Twice the size on the page is as sharp as any screen shows it.
        let shown =
            image.width > 2 * width
            ? image.resized(width: 2 * width, height: max(1, 2 * height), interpolation: .bicubic) : image
        let data = Data(ImageEncoder.jpeg(shown, quality: 88)).base64EncodedString()
        return """
            <img width="\(width)" height="\(height)" alt="\(escaped(description))" \
            src="data:image/jpeg;base64,\(data)">
            """
    }

    /// A number with a sign, as contributions are shown.
    static func signed(_ number: Float, digits: Int = 2) -> String {
        String(format: "%+.\(digits)f", number).replacingOccurrences(of: "-", with: "\u{2212}")
    }

    /// A share as a percentage.
    static func percentage(_ share: Float) -> String { String(format: "%.1f %%", share * 100) }

    /// A whole page that needs no other file; `style` is added to the style sheet.
    static func page(title: String, style: String = "", body: String) -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(escaped(title))</title>
        <style>
        \(styleSheet + (style.isEmpty ? "" : "\n" + style))
        </style>
        </head>
        <body>
        \(body)
        </body>
        </html>

        """
    }

    private static let styleSheet = """
        :root { --ink: #1d2733; --quiet: #5b6875; --line: #d9dfe5; --for: #1f7fb8; --against: #b84a00; --panel: #f5f7f9; }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 1180px; padding: 28px 24px 60px; color: var(--ink); background: #fff;
          font: 15px/1.45 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
        h1 { font-size: 26px; margin: 0 0 4px; }
        h2 { font-size: 19px; margin: 40px 0 10px; padding-top: 18px; border-top: 1px solid var(--line);
          overflow-wrap: anywhere; }
        p { margin: 6px 0; max-width: 82ch; }
        .quiet { color: var(--quiet); }
        .small { font-size: 13px; }
        .for { color: var(--for); } .against { color: var(--against); }
        .number { font-variant-numeric: tabular-nums; white-space: nowrap; }
        img { display: block; border-radius: 4px; }
        .row { display: flex; flex-wrap: wrap; gap: 22px; align-items: flex-start; }
        .grow { flex: 1 1 420px; min-width: 0; }
        table { border-collapse: collapse; }
        td, th { padding: 3px 10px 3px 0; text-align: left; font-weight: normal; vertical-align: middle; }
        th { color: var(--quiet); font-size: 13px; }
        .bar { height: 9px; border-radius: 2px; background: var(--for); min-width: 1px; }
        .bar.minus { background: var(--against); }
        .channel { display: flex; flex-wrap: wrap; gap: 20px; align-items: center; padding: 12px; margin: 10px 0;
          background: var(--panel); border-radius: 8px; }
        .channel .facts { width: 200px; }
        .channel .title { font-weight: 600; }
        .channel .amount { font-size: 21px; font-variant-numeric: tabular-nums; }
        .prototypes { display: flex; flex-wrap: wrap; gap: 8px; }
        figure { margin: 0; }
        figcaption { font-size: 12px; color: var(--quiet); max-width: 104px; overflow: hidden; text-overflow: ellipsis;
          white-space: nowrap; margin-top: 2px; }
        """
}
