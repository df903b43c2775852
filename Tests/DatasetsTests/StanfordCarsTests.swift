import Datasets
import Foundation
import SystemPackage
import Testing

private let names = ["AM General Hummer SUV 2000", "Acura Integra Type R 2001", "Ram C/V Cargo Van Minivan 2012"]

private func makeCars(nested: Bool = false, withTestLabels: Bool = true) throws -> DatasetFolder {
    let cars = try DatasetFolder()
    for name in ["cars_meta.mat", "cars_train_annos.mat", "cars_test_annos.mat"] {
        try cars.copy("cars/\(name)", to: "devkit/\(name)")
    }
    if withTestLabels { try cars.copy("cars/cars_test_annos_withlabels.mat", to: "cars_test_annos_withlabels.mat") }
    for (folder, count) in [("cars_train", 6), ("cars_test", 3)] {
        try cars.writeImages((1...count).map { "\(folder)/\(nested ? folder + "/" : "")0000\($0).jpg" })
    }
    return cars
}

@Suite struct StanfordCarsTests {
    @Test func theDevkitGivesClassesBoxesAndSplit() throws {
        let dataset = try makeCars().load()
        #expect(dataset.kind == "cars" && dataset.recognition.contains("cars_train_annos.mat"))
        // The order of the .mat file, which sorted folders would not have.
        #expect(dataset.classNames == names && dataset.classNames != names.sorted { $0.lowercased() > $1.lowercased() })
        #expect(dataset.train.map(\.path) == [2, 5, 3, 6, 1, 4].map { "cars_train/0000\($0).jpg" })
        #expect(dataset.train.map(\.label) == [0, 0, 1, 1, 2, 2])
        #expect(dataset.test.map(\.path) == [3, 1, 2].map { "cars_test/0000\($0).jpg" })
        // Corners 1...40 and 1...30, counted from 1, are 40 x 30 pixels from the first on.
        #expect(try dataset.boxes(of: dataset.train[0]) == [BoundingBox(x: 0, y: 0, width: 40, height: 30)])
    }

    @Test func nestedMirrorsAreTheSameDataSet() throws {
        let (plain, nested) = (try makeCars().load(), try makeCars(nested: true))
        let dataset = try nested.load()
        #expect(
            dataset.train.map(\.path) == plain.train.map(\.path) && dataset.test.map(\.path) == plain.test.map(\.path))
        #expect(dataset.path(of: dataset.train[0]) == nested.place("cars_train/cars_train/00002.jpg"))
        #expect(try dataset.image(of: dataset.train[0]).width == 24)
    }

    @Test func theListOfLayoutBSaysWhichAreTestImages() throws {
        let cars = try DatasetFolder()
        try cars.copy("cars/cars_annos.mat", to: "cars_annos.mat")
        try cars.writeImages((1...9).map { "car_ims/00000\($0).jpg" })
        let dataset = try cars.load()
        #expect(dataset.classNames == names && dataset.train.count == 6)
        #expect(dataset.test.map(\.path) == (7...9).map { "car_ims/00000\($0).jpg" })
        #expect(dataset.test.map(\.label) == [0, 1, 2])
        #expect(try dataset.boxes(of: dataset.test[0]) == [BoundingBox(x: 111, y: 6, width: 742, height: 711)])
    }

    /// A mirror has the list of layout B beside the images of layout C; another one both lists and the devkit's images.
    @Test func theListWhoseImagesAreThereCounts() throws {
        let plain = try makeCars().load()
        for folder in ["", "stanford_cars/"] {
            let cars = try makeCars(nested: true)
            try cars.copy("cars/cars_annos.mat", to: folder + "cars_annos.mat")
            let dataset = try cars.load()
            #expect(
                dataset.train.map(\.path) == plain.train.map(\.path)
                    && dataset.test.map(\.path) == plain.test.map(\.path))
        }
        // With the images of both, the single list counts as it always did.
        let both = try makeCars()
        try both.copy("cars/cars_annos.mat", to: "cars_annos.mat")
        try both.writeImages((1...9).map { "car_ims/00000\($0).jpg" })
        #expect(try both.load().test.map(\.path) == (7...9).map { "car_ims/00000\($0).jpg" })
        // With neither, the message is about the list that was first.
        let neither = try makeCars()
        try neither.copy("cars/cars_annos.mat", to: "cars_annos.mat")
        for name in ["cars_train", "cars_test"] { try neither.remove(name) }
        neither.expectError(.auto, exitCode: 66, naming: "car_ims/000001.jpg", "car_ims.tgz")
    }

    @Test func aListWithoutItsImagesAsksForTheOther() throws {
        let cars = try makeCars(nested: true)
        try cars.remove("devkit")
        try cars.copy("cars/cars_annos.mat", to: "cars_annos.mat")
        cars.expectError(
            .auto, exitCode: 66, naming: "needs cars_train_annos.mat", "lists those of car_ims/", "car_devkit.tgz")
    }

    @Test func withoutTestLabelsTheyAreAskedForOrTrainingImagesAreTestedOn() throws {
        let cars = try makeCars(withTestLabels: false)
        cars.expectError(
            .auto, exitCode: 66, naming: "cars_test_annos.mat lists the test images", "cars_test_annos_withlabels.mat",
            "dataset.split to validation")
        let dataset = try cars.load { $0.split = .validation }
        #expect(dataset.train.count == 3 && dataset.test.count == 3)
        #expect(dataset.test.allSatisfy { $0.path.hasPrefix("cars_train/") } && dataset.test.map(\.label) == [0, 1, 2])
    }

    @Test func missingFilesAreNamed() throws {
        let cars = try makeCars()
        try cars.remove("devkit/cars_meta.mat")
        cars.expectError(.auto, exitCode: 66, naming: "Stanford Cars needs cars_meta.mat", "car_devkit.tgz", "devkit")
        let unlabelled = try makeCars(withTestLabels: false)
        try unlabelled.remove("devkit/cars_test_annos.mat")
        unlabelled.expectError(.auto, exitCode: 66, naming: "cars_test_annos_withlabels.mat")
        let images = try makeCars()
        try images.remove("cars_test")
        images.expectError(.auto, exitCode: 66, naming: "3 of the 9 images", "cars_test/00003.jpg", "cars_test.tgz")
    }

    static let brokenAnnotations: [(String, String)] = [
        ("label", "annotations(1): the class 4 is not in 1...3"),
        ("label-zero", "annotations(2): the class 0 is not in 1...3"),
        ("twice", "annotations(2): the image 00001.jpg is listed twice"),
        ("box", "annotations(1): the box cannot be"),
        ("path", "\"../00001.jpg\" is no path of an image"),
        ("not-a-number", "annotations(1): bbox_x1 is"),
        ("fraction", "class is 1.5, not an integer"),
        ("text-label", "annotations(1): class is a text, expected one number"),
        ("no-structures", "\"annotations\" is an array of 6 numbers, expected an array of structures"),
        ("other-variable", "it has no variable \"annotations\""),
    ]

    @Test(arguments: brokenAnnotations)
    func annotationsThatCannotBeAreNamed(fixture: String, message: String) throws {
        let cars = try makeCars()
        try cars.copy("malformed/cars-\(fixture).mat", to: "devkit/cars_train_annos.mat")
        cars.expectError(.cars, exitCode: 65, naming: "cars_train_annos.mat", message)
    }

    @Test func aFieldThatIsMissingIsNamed() throws {
        let cars = try makeCars()
        try cars.copy("cars/cars_test_annos.mat", to: "devkit/cars_train_annos.mat")
        cars.expectError(.cars, exitCode: 65, naming: "have no field \"class\"")
        try cars.copy("malformed/cars-same-names.mat", to: "devkit/cars_meta.mat")
        cars.expectError(.cars, exitCode: 65, naming: "two classes have the same name")
    }
}

@Suite struct MatFileTests {
    @Test func everyShorterFileIsAnError() throws {
        let whole = try DatasetFolder.fixture("cars/cars_train_annos.mat")
        let cars = try makeCars()
        for count in [0, 10, 127, 128, 131, 135, 136, 200, whole.count - 1] where count != 128 {
            try cars.write(Array(whole[..<count]), to: "devkit/cars_train_annos.mat")
            cars.expectError(.cars, exitCode: 65, naming: "cars_train_annos.mat")
        }
        // The header alone is a whole file without variables.
        try cars.write(Array(whole[..<128]), to: "devkit/cars_train_annos.mat")
        cars.expectError(.cars, exitCode: 65, naming: "it has no variable \"annotations\"")
    }

    static let refused: [(String, String)] = [
        ("complex", "complex numbers"), ("sparse", "a class that no data set uses"),
        ("elements", "more elements than any list"),
        ("bomb", "when it is unpacked"), ("nested", "nested too deeply"),
    ]

    @Test(arguments: refused) func whatNoDataSetHasIsRefusedBeforeItIsRead(fixture: String, message: String) throws {
        let cars = try makeCars()
        try cars.copy("malformed/mat-\(fixture).mat", to: "devkit/cars_train_annos.mat")
        cars.expectError(.cars, exitCode: 65, naming: "cars_train_annos.mat", message)
    }

    @Test func filesMayBeUncompressed() throws {
        let cars = try makeCars()
        let compressed = try cars.load()
        try cars.copy("cars/uncompressed.mat", to: "devkit/cars_train_annos.mat")
        #expect(try cars.load().train == compressed.train)
    }

    @Test func otherFilesAreSaidToBeNone() throws {
        let cars = try makeCars()
        try cars.write(
            "MATLAB 7.3 MAT-file, Platform: GLNXA64" + String(repeating: " ", count: 600), to: "devkit/cars_meta.mat")
        cars.expectError(.cars, exitCode: 65, naming: "version 7.3", "-v7")
        try cars.write("<html>not found</html>", to: "devkit/cars_meta.mat")
        cars.expectError(.cars, exitCode: 65, naming: "not a MATLAB 5.0 MAT-file")
    }

    /// Damage anywhere gives an error or, where it hits a value, another value that is checked; never a crash.
    @Test(arguments: ["cars_train_annos.mat", "uncompressed.mat"])
    func damagedFilesNeverCrash(fixture: String) throws {
        let whole = try DatasetFolder.fixture("cars/\(fixture)")
        let cars = try makeCars()
        for index in stride(from: 128, to: whole.count, by: 3) {
            var bytes = whole
            bytes[index] ^= [0xFF, 0x01, 0x80][index % 9 / 3]
            try cars.write(bytes, to: "devkit/cars_train_annos.mat")
            do {
                _ = try cars.load(.cars)
            } catch let error as DatasetError {
                #expect(error.exitCode == 65 || error.exitCode == 66, "byte \(index): \(error)")
            }
        }
    }
}
