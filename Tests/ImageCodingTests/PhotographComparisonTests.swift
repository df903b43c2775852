import DurableFiles
import Foundation
import ImageCoding
import SystemPackage
import Testing

/// The part of Reference/compare_photographs.py that runs here: network inputs of a folder of photographs.
///
/// Not part of the suite: it runs when INFODISENT_PHOTOGRAPHS names the script's folder.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["INFODISENT_PHOTOGRAPHS"] != nil), .serialized)
struct PhotographComparisonTests {
    /// What the script asks for.
    struct Request: Decodable {
        let transforms: [InputTransform]
        let paths: [String]
    }

    @Test func writesNetworkInputs() throws {
        let folder = FilePath(ProcessInfo.processInfo.environment["INFODISENT_PHOTOGRAPHS"]!)
        let request = try JSONDecoder().decode(
            Request.self, from: Data(DurableFile.read(folder.appending("request.json"))))
        for (photograph, path) in request.paths.enumerated() {
            let bytes = try DurableFile.read(FilePath(path))
            for (number, transform) in request.transforms.enumerated() {
                let input = transform.normalised(try transform.pixels(ofFile: bytes, path: FilePath(path)))
                try Data(input.withUnsafeBytes { Array($0) })
                    .write(to: URL(fileURLWithPath: folder.appending("\(photograph)-\(number).f32").string))
            }
        }
    }
}
