import Datasets
import Foundation
import SystemPackage
import Testing

@Suite struct CSVManifestTests {
    private func make(_ text: String, name: String = "manifest.csv") throws -> DatasetFolder {
        let folder = try DatasetFolder()
        try folder.write(text, to: name)
        try folder.writeImages(["a/1.jpg", "a/2.jpg", "a/3, \"old\".jpg", "4.png", "5.jpg"])
        return folder
    }

    @Test func rowsGivePathLabelAndSplit() throws {
        let folder = try make(
            "\u{FEFF}path,label,split\r\na/1.jpg,wren,train\r\na/2.jpg,\"crow, black\",train\r\n"
                + "\"a/3, \"\"old\"\".jpg\",\"crow, black\",test\r\n4.png,wren,test")
        let dataset = try folder.load()
        #expect(dataset.kind == "csv" && dataset.classNames == ["crow, black", "wren"])
        #expect(dataset.train == [Sample(path: "a/2.jpg", label: 0), Sample(path: "a/1.jpg", label: 1)])
        #expect(dataset.test == [Sample(path: "a/3, \"old\".jpg", label: 0), Sample(path: "4.png", label: 1)])
        #expect(try dataset.boxes(of: dataset.train[0]) == nil)
        // The file itself may be the root.
        let direct = try Dataset.load(root: folder.place("manifest.csv"))
        #expect(direct.fingerprint == dataset.fingerprint && direct.root == folder.path)
        #expect(try direct.image(of: direct.test[0]).width == 24)
    }

    static let spellings: [(String, String)] = [
        ("manifest.csv", "path;label;split\na/1.jpg;wren;train\na/2.jpg;crow;train\n4.png;wren;test\n"),
        ("manifest.csv", "path\tlabel\tsplit\na/1.jpg\twren\ttrain\na/2.jpg\tcrow\ttrain\n4.png\twren\ttest\n"),
        ("manifest.csv", "Path,Label,Split\na/1.jpg,wren,Train\na/2.jpg,crow,TRAINING\n4.png,wren,Testing\n"),
        ("metadata.csv", "file_name,label,split\na/1.jpg,wren,train\n./a/2.jpg,crow,train\n4.png,wren,dev\n"),
        (
            "manifest.csv",
            "class id,filepaths,labels,data set\n0,a\\1.jpg,wren,train\n1,a/2.jpg,crow,train\n0,4.png,wren,valid\n"
        ),
        (
            "manifest.csv",
            "note;path;label;split\n\"a,b;c\";a/1.jpg;wren;train\n,;a/2.jpg;crow;train\nx;4.png;wren;eval\n"
        ),
    ]

    @Test(arguments: spellings) func listsMayBeWrittenInOtherWays(name: String, text: String) throws {
        let folder = try make(text, name: name)
        let dataset = try folder.load()
        #expect(dataset.kind == "csv" && dataset.classNames == ["crow", "wren"])
        #expect(dataset.train == [Sample(path: "a/2.jpg", label: 0), Sample(path: "a/1.jpg", label: 1)])
        #expect(dataset.test == [Sample(path: "4.png", label: 1)])
        #expect(
            text.contains("path;label") || text.contains("path\t")
                || dataset.notes.contains { $0.contains("is taken for the label") })
    }

    @Test func aListMayEndInTSV() throws {
        let folder = try make("path\tlabel\na/1.jpg\tx\na/2.jpg\tx\n4.png\ty\n5.jpg\ty\n", name: "birds.tsv")
        #expect(try Dataset.load(root: folder.place("birds.tsv")).count == 4)
    }

    /// Lists that were read before keep the meaning of their columns.
    @Test func aColumnThatWasPassedOverStaysSoWithANote() throws {
        let plain = try make("path,label\na/1.jpg,x\na/2.jpg,x\n4.png,y\n5.jpg,y\n").load()
        let other = try make(
            "path,label,Split\na/1.jpg,x,test\na/2.jpg,x,train\n4.png,y,train\n5.jpg,y,train\n"
        ).load()
        #expect(other.fingerprint == plain.fingerprint && other.notes.contains { $0.contains("\"Split\" is not used") })
    }

    @Test func huggingFacesMetadataMayBeInEachPart() throws {
        let folder = try DatasetFolder()
        for part in ["train", "validation"] {
            try folder.writeImages(["\(part)/1.jpg", "\(part)/2.jpg"])
            try folder.write("file_name,label\n1.jpg,wren\n2.jpg,crow\n", to: "\(part)/metadata.csv")
        }
        let dataset = try folder.load()
        #expect(dataset.kind == "csv" && dataset.train.map(\.path) == ["train/2.jpg", "train/1.jpg"])
        #expect(dataset.test.map(\.path) == ["validation/2.jpg", "validation/1.jpg"])
        // Class folders with a metadata.csv beside them are class folders.
        let classes = try DatasetFolder()
        for name in ["a", "b"] { try classes.writeImages(["\(name)/1.jpg", "\(name)/2.jpg"]) }
        try classes.write("file_name,label\na/1.jpg,wren\n", to: "metadata.csv")
        #expect(try classes.load().kind == "class_folders")
    }

    @Test func pathsMayBeAbsoluteBelowTheRoot() throws {
        let folder = try DatasetFolder()
        try folder.writeImages(["list/a/1.jpg", "list/2.jpg", "beside/3.jpg"])
        let inside = folder.place("list")
        func write(_ third: String) throws {
            try folder.write(
                "path,label,split\n\(inside)/a/1.jpg,x,train\n\(inside)/a/../2.jpg,y,train\n\(third),x,test\n",
                to: "list/manifest.csv")
        }
        try write("2.jpg")
        try folder.write(
            "path,label,split\n\(inside)/a/1.jpg,x,train\n\(inside)/a/../2.jpg,y,train\n", to: "list/manifest.csv")
        try write("\(folder.place("beside/3.jpg"))")
        for path in ["\(folder.place("beside/3.jpg"))", "../beside/3.jpg"] {
            try write(path)
            let refused = #expect(throws: DatasetError.self) { try Dataset.load(root: inside) }
            #expect(refused?.description.contains("dataset.outside_paths") == true, "\(String(describing: refused))")
            let dataset = try Dataset.load(root: inside, options: DatasetOptions(outsidePaths: true))
            #expect(dataset.train.map(\.path) == ["a/1.jpg", "2.jpg"])
            #expect(dataset.test.map(\.path) == [folder.place("beside/3.jpg").string])
            #expect(try dataset.image(of: dataset.test[0]).width == 24)
        }
        // The same through a link to the folder.
        let link = folder.place("link")
        try FileManager.default.createSymbolicLink(atPath: link.string, withDestinationPath: inside.string)
        try write("\(inside)/2.jpg")
        #expect(throws: DatasetError.self) { try Dataset.load(root: link) }
        try folder.write(
            "path,label,split\n\(inside)/a/1.jpg,x,train\n\(inside)/2.jpg,y,train\n\(folder.place("beside/3.jpg")),x,test\n",
            to: "list/manifest.csv")
        #expect(
            try Dataset.load(root: link, options: DatasetOptions(outsidePaths: true)).train.map(\.path) == [
                "a/1.jpg", "2.jpg",
            ])
        // Twice under two spellings is twice.
        try folder.write("path,label\n2.jpg,x\n\(inside)/2.jpg,x\n", to: "list/manifest.csv")
        let twice = #expect(throws: DatasetError.self) { try Dataset.load(root: inside) }
        #expect(twice?.description.contains("2.jpg is listed twice") == true)
    }

    @Test func numbersAreOrderedAsNumbers() throws {
        let folder = try make("label,path,split\n10,a/1.jpg,train\n9,a/2.jpg,train\n10,4.png,val\n9,5.jpg,validation\n")
        let dataset = try folder.load()
        #expect(dataset.classNames == ["9", "10"] && dataset.test == [Sample(path: "4.png", label: 1)])
        #expect(dataset.notes == ["The rows with the split validation are not used: the data set is train and val."])
    }

    @Test func withoutSplitClassesAreSplit() throws {
        let dataset = try make("path,label\na/1.jpg,x\na/2.jpg,x\n4.png,y\n5.jpg,y\n").load()
        #expect(dataset.train.map(\.label) == [0, 1] && dataset.test.map(\.label) == [0, 1])
    }

    @Test func boxesMayBeGiven() throws {
        let folder = try make(
            "path,label,split,x,y,width,height\na/1.jpg,x,train,1,2,3,4\n4.png,x,test,0,0,24,16\n5.jpg,x,test,,,,\n"
                + "a/2.jpg,y,train,1,2,3,4\n")
        let dataset = try folder.load()
        #expect(try dataset.boxes(of: dataset.train[0]) == [BoundingBox(x: 1, y: 2, width: 3, height: 4)])
        #expect(try dataset.boxes(of: dataset.test[1]) == nil)
        folder.expectError(.csv, exitCode: 65, naming: "5.jpg has no bounding box") { $0.crop = .box }
        let plain = try make("path,label\na/1.jpg,x\na/2.jpg,x\n")
        plain.expectError(.csv, exitCode: 78, naming: "no bounding boxes") { $0.crop = .box }
    }

    static let brokenManifests: [(String, String)] = [
        ("", "it is empty"), ("path,path\n", "two columns have the same name"),
        ("photo,label\n", "names no columns path and label"), ("photo,label\n", "but \"photo\" and \"label\""),
        ("path,label,x,y\n", "a box needs all of the columns"),
        ("path,label\n../1.jpg,x\n", "line 2: \"../1.jpg\" is no path below"),
        ("path,label\n/etc/passwd,x\n", "line 2: \"/etc/passwd\" is no path below"),
        ("path,label\na/1.jpg,x\na/1.jpg,y\n", "line 3: the image a/1.jpg is listed twice"),
        ("path,label\na/1.jpg,\n", "line 2: the label is empty"), ("path,label\na/1.jpg\n", "line 2: it has 1 fields"),
        ("path,label\na/1.jpg,x,\n", "line 2: it has 3 fields"), ("path,label\n\"a/1.jpg,x\n", "a quote is not closed"),
        ("path,label\n\"a\"b,x\n", "behind the closing quote"),
        ("path,label\na\"b,x\n", "within a field that has no quotes"),
        ("path,label,split\na/1.jpg,x,probe\n", "the split is \"probe\", expected train or test"),
        ("path,label,split\na/1.jpg,x,train\n", "no row has the split test"),
        ("path,label,split\na/1.jpg,x,test\n", "has no image to train on"),
        ("path,label,split\na/1.jpg,x,test\na/2.jpg,y,train\n", "test images of the class \"x\""),
        ("path,label,x,y,width,height\na/1.jpg,x,1,1,-1,5\n", "line 2: the box cannot be"),
        ("path,label,x,y,width,height\na/1.jpg,x,1,one,1,5\n", "the y is \"one\""),
        ("path,label\na/1.jpg,x\n", "The class \"x\""),
    ]

    @Test(arguments: brokenManifests)
    func aManifestThatCannotBeIsNamed(text: String, message: String) throws {
        try make(text).expectError(.csv, exitCode: 65, naming: "manifest.csv", message)
    }

    @Test func missingThingsAreNamed() throws {
        try make("path,label\na/1.jpg,x\n9.jpg,x\n").expectError(
            .csv, exitCode: 66, naming: "1 of the 2 images", "9.jpg", "Correct the list or the paths")
        try DatasetFolder().expectError(.csv, exitCode: 66, naming: "needs manifest.csv")
    }

    @Test func bytesThatAreNoTextAreAnError() throws {
        let folder = try make("")
        try folder.write(Array("path,label\n".utf8) + [0xFF, 0x2C, 0x78, 0x0A], to: "manifest.csv")
        folder.expectError(.csv, exitCode: 65, naming: "line 2: it is not UTF-8 text")
    }
}

@Suite struct LayoutDetectionTests {
    private func detect(_ files: [String]) throws -> DatasetLayout {
        let folder = try DatasetFolder()
        for file in files { try folder.write("x", to: file) }
        return try DatasetLayout.detect(folder.path)
    }

    @Test func layoutsAreToldByTheirFiles() throws {
        let layouts: [(DatasetKind, [String])] = [
            (.cub, ["images.txt", "image_class_labels.txt"]),
            (.cub, ["CUB_200_2011/images.txt", "CUB_200_2011/train_test_split.txt"]),
            (.cars, ["devkit/cars_meta.mat"]), (.cars, ["stanford_cars/devkit/cars_train_annos.mat"]),
            (.cars, ["cars_annos.mat"]),
            (.dogs, ["lists/file_list.mat"]), (.dogs, ["Images/a/1.jpg", "Annotation/a/1"]),
            (.imagenet, ["ILSVRC2012_img_train.tar"]), (.imagenet, ["train/n01440764/1.JPEG", "val/1.JPEG"]),
            (.imagenet, ["ILSVRC/Data/CLS-LOC/train/x"]), (.parts, ["dataset.json", "annotations.jsonl"]),
            (.csv, ["manifest.csv"]), (.webdataset, ["train/000.tar"]), (.webdataset, ["x.tar"]),
            (.classFolders, ["train/crow/1.jpg", "val/crow/1.jpg"]),
            // Somebody's own folders, though they are called as in ImageNet.
            (.classFolders, ["train/n01440764/1.JPEG", "val/n01440764/1.JPEG", "test/n01440764/1.JPEG"]),
            (.classFolders, ["train/n01440764/1.JPEG", "train/crow/1.jpg", "val/crow/1.JPEG"]), (.classFolders, []),
        ]
        for (kind, files) in layouts { #expect(try detect(files).kind == kind, "\(files)") }
    }

    @Test func theEvidenceIsSaid() throws {
        let evidence = try detect(["CUB_200_2011/images.txt", "CUB_200_2011/train_test_split.txt"]).evidence
        #expect(
            evidence.hasPrefix("found images.txt and train_test_split.txt in /") && evidence.hasSuffix("/CUB_200_2011"))
    }

    @Test func rootsThatAreNoneAreErrors() throws {
        let folder = try DatasetFolder()
        try folder.write("x", to: "birds.zip")
        for kind in DatasetKind.allCases {
            let missing = #expect(throws: DatasetError.self) {
                try Dataset.load(root: folder.place("nowhere"), options: DatasetOptions(kind: kind))
            }
            #expect(missing == .missingRoot(path: folder.place("nowhere")))
            let file = #expect(throws: DatasetError.self) {
                try Dataset.load(root: folder.place("birds.zip"), options: DatasetOptions(kind: kind))
            }
            #expect(file == .rootIsNotAFolder(path: folder.place("birds.zip")))
        }
    }

    @Test func classFoldersAreReadAsBefore() throws {
        let folder = try DatasetFolder()
        try folder.writeImages(["train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg", "test/b/1.jpg"])
        let (found, plain) = (try folder.load(), try ClassFolders.load(root: folder.path))
        #expect(found.fingerprint == plain.fingerprint && found.notes.isEmpty && found.train == plain.train)
        let validation = try folder.load { $0.testFraction = 0.5 }
        #expect(validation.fingerprint == plain.fingerprint)
        folder.expectError(.auto, exitCode: 78, naming: "no bounding boxes") { $0.crop = .box }
    }
}
