import Datasets
import DurableFiles
import Foundation
import ImageCoding
import SystemPackage
import Tensors
import Testing

extension AuditReport {
    fileprivate func finding(_ kind: FindingKind) -> Finding? { findings.first { $0.kind == kind } }
}

@Suite struct DatasetAuditTests {
    private func audit(_ folder: DatasetFolder, examples: Int = 20, workers: Int = 2) throws -> AuditReport {
        try DatasetAudit(folder.load(), exampleLimit: examples).run(team: WorkerTeam(workerCount: workers))
    }

    private func healthy() throws -> DatasetFolder {
        let folder = try DatasetFolder()
        for split in ["train", "test"] {
            for name in ["crow", "wren"] {
                try folder.writeImages((1...3).map { "\(split)/\(name)/\($0).jpg" }, width: 64, height: 48)
            }
        }
        return folder
    }

    @Test func aHealthyDataSetHasNoFindings() throws {
        let folder = try healthy()
        let report = try audit(folder)
        #expect(report.findings.isEmpty, "\(report.findings)")
        #expect(try !report.hasErrors && report.fingerprint == folder.load().fingerprint)
        #expect(report.splits.map(\.imageCount) == [6, 6] && report.splits.map(\.classCount) == [2, 2])
        #expect(report.classes.map(\.train) == [3, 3] && report.classes.map(\.name) == ["crow", "wren"])
        #expect(report.formats == ["jpeg": 12] && report.colours == ["rgb": 12])
        #expect(report.sizes.smallestWidth == 64 && report.sizes.largestHeight == 48)
        #expect(report.sizes.shorterSides[1] == 12)
    }

    @Test func damageIsFound() throws {
        let folder = try healthy()
        let image = DatasetFolder.jpeg("whole", width: 64, height: 48)
        try folder.write(Array(image.prefix(image.count / 2)), to: "train/crow/1.jpg")
        var damaged = ImageEncoder.png(PixelImage(width: 40, height: 40, red: 1, green: 2, blue: 3))
        damaged[damaged.count / 2] ^= 0xFF
        try folder.write(damaged, to: "train/crow/2.png")
        try folder.write([], to: "train/wren/1.jpg")
        try folder.write("<html>gone</html>", to: "test/wren/2.jpg")
        let report = try audit(folder)
        #expect(report.hasErrors)
        let truncated = try #require(report.finding(.truncated))
        #expect(truncated.count == 1 && truncated.examples[0].paths == ["train/crow/1.jpg"])
        #expect(truncated.examples[0].detail.contains("ends after \(image.count / 2) bytes"))
        #expect(report.finding(.corrupt)?.examples.map(\.paths) == [["train/crow/2.png"]])
        let unreadable = try #require(report.finding(.unreadable))
        #expect(
            unreadable.count == 2 && unreadable.examples.map(\.paths) == [["train/wren/1.jpg"], ["test/wren/2.jpg"]])
        #expect(unreadable.examples[0].detail.contains("empty") && unreadable.examples[1].detail.contains("web page"))
        // Errors come first.
        #expect(report.findings.map(\.severity) == report.findings.map(\.severity).sorted())
        // Headers are whole, so that without decoding only files without one are found.
        let quick = try DatasetAudit(folder.load(), decodes: false).run(team: WorkerTeam())
        #expect(quick.finding(.truncated) == nil && quick.finding(.unreadable)?.count == 2)
    }

    @Test func copiesAreToldByWhereTheyAre() throws {
        let folder = try healthy()
        func copy(_ name: String, _ places: String...) throws {
            for place in places { try folder.write(DatasetFolder.jpeg(name, width: 64, height: 48), to: place) }
        }
        try copy("a", "train/crow/7.jpg", "train/crow/8.jpg")
        try copy("b", "train/crow/9.jpg", "test/crow/9.jpg")
        try copy("c", "test/crow/4.jpg", "test/wren/4.jpg")
        try copy("d", "train/wren/5.jpg", "train/crow/5.jpg", "test/wren/5.jpg")
        let report = try audit(folder)
        #expect(report.finding(.duplicate)?.examples.map(\.paths) == [["train/crow/7.jpg", "train/crow/8.jpg"]])
        let leak = try #require(report.finding(.leak))
        #expect(
            leak.count == 2
                && leak.examples.map(\.paths) == [
                    ["train/crow/5.jpg", "train/wren/5.jpg", "test/wren/5.jpg"],
                    ["train/crow/9.jpg", "test/crow/9.jpg"],
                ])
        #expect(leak.examples[1].detail == "2 times the same file (1 training, 1 test)")
        let conflicts = try #require(report.finding(.conflictingLabels))
        #expect(conflicts.count == 2 && conflicts.examples[1].paths == ["test/crow/4.jpg", "test/wren/4.jpg"])
        #expect(conflicts.examples[1].detail.hasSuffix("classes: crow, wren"))
        #expect(report.hasErrors)
    }

    @Test func unusualFilesAreFound() throws {
        let folder = try healthy()
        try folder.write(ImageEncoder.png(PixelImage(width: 40, height: 20)), to: "train/crow/1.jpg")
        // The EXIF segment of a picture that a viewer turns, behind the first marker.
        let exif: [UInt8] =
            Array("Exif\0\0".utf8) + Array("II".utf8) + [
                42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0,
            ]
            + [0, 0, 0, 0]
        var turned = DatasetFolder.jpeg("turned", width: 64, height: 48)
        turned.insert(contentsOf: [0xFF, 0xE1, 0, UInt8(exif.count + 2)] + exif, at: 2)
        try folder.write(turned, to: "test/wren/1.jpg")
        let report = try audit(folder)
        #expect(report.finding(.wrongExtension)?.examples.map(\.paths) == [["train/crow/1.jpg"]])
        #expect(report.finding(.tiny)?.examples.map(\.detail) == ["40 x 20 pixels"])
        #expect(report.finding(.exifRotated)?.examples.map(\.detail) == ["orientation 6"])
        #expect(report.formats == ["jpeg": 11, "png": 1] && !report.hasErrors)
    }

    @Test func colourModelsAreToldByTheHeader() throws {
        /// A JPEG that ends behind its frame header: nothing more is read without decoding.
        func header(components: UInt8, adobeTransform: UInt8?) -> [UInt8] {
            var bytes: [UInt8] = [0xFF, 0xD8]
            if let adobeTransform {
                bytes += [0xFF, 0xEE, 0, 14] + Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, adobeTransform]
            }
            bytes += [0xFF, 0xC2, 0, 8 + 3 * components, 8, 0, 50, 0, 60, components]
            return bytes + [UInt8](repeating: 1, count: 3 * Int(components))
        }
        let folder = try healthy()
        try folder.write(header(components: 1, adobeTransform: nil), to: "train/crow/1.jpg")
        try folder.write(header(components: 4, adobeTransform: nil), to: "train/crow/2.jpg")
        try folder.write(header(components: 4, adobeTransform: 0), to: "train/crow/3.jpg")
        try folder.write(header(components: 4, adobeTransform: 2), to: "train/wren/1.jpg")
        for (index, colour) in [UInt8(0), 3, 4, 6].enumerated() {
            var png = ImageEncoder.png(PixelImage(width: 50, height: 50))
            png[25] = colour
            try folder.write(png, to: "train/wren/png-\(index).png")
        }
        let report = try DatasetAudit(folder.load(), decodes: false).run(team: WorkerTeam())
        #expect(
            report.colours == [
                "rgb": 8, "grey": 2, "cmyk": 2, "ycck": 1, "palette": 1, "grey_alpha": 1, "rgb_alpha": 1,
            ])
        #expect(report.finding(.cmyk)?.examples.map(\.detail) == ["CMYK", "CMYK", "YCCK"])
        #expect(report.sizes.smallestHeight == 48 && report.sizes.largestHeight == 50)
    }

    @Test func boxesAndPartsOutsideAreFound() throws {
        let folder = try DatasetFolder()
        try folder.writeImages(["1.jpg", "2.jpg", "3.jpg", "4.jpg"], width: 40, height: 40)
        try folder.write(
            """
            path,label,split,x,y,width,height
            1.jpg,a,train,0,0,40,40
            2.jpg,a,train,10,10,31,5
            3.jpg,a,test,-1,0,5,5
            4.jpg,b,train,,,,
            """, to: "manifest.csv")
        let report = try audit(folder)
        #expect(report.boxes.imageCount == 3 && report.boxes.boxCount == 3)
        #expect(report.finding(.boxOutside)?.examples.map(\.paths) == [["2.jpg"], ["3.jpg"]])
        #expect(report.finding(.boxOutside)?.examples[0].detail == "31.0 x 5.0 at 10.0, 10.0 in 40 x 40 pixels")
    }

    @Test func ordersOfClassesThatProgramsDisagreeOnAreFound() throws {
        let folder = try DatasetFolder()
        for name in ["10 Crow", "9 crow", "Ant", "bee", "Cat"] {
            try folder.writeImages(["train/\(name)/1.jpg", "test/\(name)/1.jpg"], width: 40, height: 40)
        }
        let report = try audit(folder)
        // By code point: 10 Crow, 9 crow, Ant, Cat, bee. Naturally: 9 crow, 10 Crow, Ant, bee, Cat.
        let natural = try #require(report.finding(.naturalOrder))
        #expect(natural.count == 4 && natural.examples[0].detail == "label 0: 10 Crow here, 9 crow there")
        #expect(report.finding(.officialOrder) == nil)

        let listed = try DatasetFolder()
        try listed.writeImages(["1.jpg", "2.jpg", "3.jpg", "4.jpg"], width: 40, height: 40)
        try listed.write(
            "path,label,split\n1.jpg,9,train\n2.jpg,10,train\n3.jpg,9,test\n4.jpg,10,test\n", to: "manifest.csv")
        #expect(try audit(listed).finding(.officialOrder)?.count == 2)
    }

    @Test func theReportDependsOnTheDataAlone() throws {
        let folder = try healthy()
        for number in 0..<30 { try folder.write([], to: "train/crow/empty-\(number).jpg") }
        let (one, many) = (try audit(folder, examples: 3, workers: 1), try audit(folder, examples: 3, workers: 4))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(try encoder.encode(one) == encoder.encode(many))
        let unreadable = try #require(one.finding(.unreadable))
        #expect(unreadable.count == 30 && unreadable.examples.count == 3)
        #expect(unreadable.examples[1].paths == ["train/crow/empty-1.jpg"])
        // A changed pixel changes the digest of the contents, and nothing else does.
        var bytes = try Data(contentsOf: URL(fileURLWithPath: folder.place("test/wren/1.jpg").string))
        bytes[bytes.count - 10] ^= 1
        try folder.write(Array(bytes), to: "test/wren/1.jpg")
        let changed = try audit(folder)
        #expect(changed.contents != one.contents && changed.fingerprint == one.fingerprint)
    }
}
