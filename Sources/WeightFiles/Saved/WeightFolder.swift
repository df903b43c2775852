import DurableFiles
import Foundation
import SystemPackage

/// Which file of a folder holds the weights: libraries save a network as a folder.
enum WeightFolder {
    /// As transformers, diffusers and timm name them; the first that is there.
    private static let names = [
        "model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json", "pytorch_model.bin",
        "open_clip_model.safetensors", "open_clip_pytorch_model.bin",
    ]
    private static let extensions: Set<String> = ["safetensors", "pth", "pt", "bin", "ckpt", "npz"]
    /// What follows the name of a file of weights in the name of a list of such files.
    static let indexSuffix = ".index.json"

    /// The file of weights in `folder`, or the list of such files.
    /// - Throws: `WeightFileError.folder`.
    static func file(in folder: FilePath) throws -> FilePath {
        if let name = names.first(where: { DurableFile.exists(folder.appending($0)) }) { return folder.appending(name) }
        let entries = ((try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []).sorted()
        let found = entries.filter { name in
            extensions.contains(FilePath(name).extension?.lowercased() ?? "")
                && DurableFile.exists(folder.appending(name))
        }
        guard found.count == 1, let only = found.first else {
            throw WeightFileError.folder(
                path: folder, files: found.map { printable($0) },
                isDistributed: entries.contains { $0.hasSuffix(".distcp") })
        }
        return folder.appending(only)
    }

    /// The list that `path` is one file of, where there is one beside it: NAME.safetensors.index.json for
    /// NAME-00001-of-00003.safetensors.
    static func index(over path: FilePath) -> FilePath? {
        guard let name = path.lastComponent?.string, let place = name.utf8.lastRange(of: "-of-") else { return nil }
        func areDigits(_ text: Substring.UTF8View) -> Bool {
            text.count == 5 && text.allSatisfy { (0x30...0x39).contains($0) }
        }
        let (front, back) = (name.utf8[..<place.lowerBound], name.utf8[place.upperBound...])
        guard areDigits(front.suffix(5)), areDigits(back.prefix(5)), front.dropLast(5).last == UInt8(ascii: "-"),
            let stem = String(front.dropLast(6)), let end = String(back.dropFirst(5))
        else { return nil }
        let index = path.removingLastComponent().appending(stem + end + indexSuffix)
        return DurableFile.exists(index) ? index : nil
    }
}

extension String.UTF8View {
    /// Where the bytes of `text` stand last.
    fileprivate func lastRange(of text: String) -> Range<Index>? {
        var start = endIndex
        while true {
            if self[start...].starts(with: text.utf8) { return start..<index(start, offsetBy: text.utf8.count) }
            guard start > startIndex else { return nil }
            start = index(before: start)
        }
    }
}
