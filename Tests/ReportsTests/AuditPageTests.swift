import Datasets
import DurableFiles
import ImageCoding
import Reports
import SystemPackage
import TemporaryFolders
import Tensors
import Testing

@Suite struct AuditPageTests {
    @Test func thePageShowsWhatWasFoundAndNamesCannotBecomeMarkup() throws {
        try withTemporaryFolder { folder in
            for (index, split) in ["train", "test"].enumerated() {
                let other = folder.appending(split).appending("wren")
                try DurableFile.createDirectory(other)
                try DurableFile.write(
                    ImageEncoder.png(PixelImage(width: 40, height: 41 + index, red: 60)), to: other.appending("1.png"))
                let place = folder.appending(split).appending("<b>crow")
                try DurableFile.createDirectory(place)
                try DurableFile.write(
                    ImageEncoder.jpeg(PixelImage(width: 40 + index, height: 4000, green: 200)),
                    to: place.appending("1.jpg"))
                try DurableFile.write([UInt8](), to: place.appending("<i>.jpg"))
                try DurableFile.write(
                    ImageEncoder.png(PixelImage(width: 40, height: 40, red: 20)), to: place.appending("same.png"))
            }
            let dataset = try Dataset.load(root: folder)
            let report = DatasetAudit(dataset).run(team: WorkerTeam())
            let page = AuditPage(report, dataset: dataset).html()
            #expect(!page.contains("<b>crow") && !page.contains("<i>.jpg") && page.contains("&lt;b&gt;crow"))
            #expect(page.contains("Error: 2 images cannot be read.") && page.contains("no picture"))
            #expect(page.contains("in the training and in the test images") && page.contains("data:image/jpeg;base64,"))
            #expect(page.contains("\(report.contents)") && page.contains("\(report.fingerprint)"))
            #expect(!page.contains("http"))
        }
    }
}
