import DeployedModels
import DurableFiles
import SystemPackage
import TemporaryFolders
import Testing

/// Which images a user means.
@Suite struct ImagePathsTests {
    private func all(_ named: [FilePath]) throws -> [String] {
        var paths = try ImagePaths(named)
        var found: [String] = []
        while let path = try paths.next() { found.append(path.string) }
        return found
    }

    @Test func filesFoldersAndListsComeInTheOrderTheyAreNamedIn() throws {
        try withTemporaryFolder { folder in
            for name in ["b.png", "a.png", "sub/z.png", "sub/y.jpg"] {
                try DurableFile.createDirectory(
                    folder.appending("pictures").pushing(FilePath(name)).removingLastComponent())
                try DurableFile.write("x", to: folder.appending("pictures").pushing(FilePath(name)))
            }
            let list = folder.appending("list.txt")
            try DurableFile.write("one.png\r\n\ntwo words.png\n -odd.png", to: list)
            #expect(
                try all([list, folder.appending("pictures"), "other.png"])
                    == ["one.png", "two words.png", " -odd.png"]
                    + ["a.png", "b.png", "sub/y.jpg", "sub/z.png"].map { "\(folder)/pictures/\($0)" } + ["other.png"])
            #expect(try ImagePaths([folder.appending("pictures"), "x.png"]).count == 5)
            #expect(try ImagePaths([folder.appending("pictures"), list]).count == nil)
        }
    }

    @Test func aLongListIsReadPieceByPiece() throws {
        try withTemporaryFolder { folder in
            let names = (0..<20_000).map { "folder/picture number \($0).jpg" }
            let list = folder.appending("all.list")
            try DurableFile.write(names.joined(separator: "\n"), to: list)
            #expect(try all([list]) == names)
        }
    }

    @Test func linesThatAreNoPathsAreNamedByTheirNumber() throws {
        try withTemporaryFolder { folder in
            let list = folder.appending("list.txt")
            for (bad, problem) in [
                (Array("a.png\n".utf8) + [0xFF, 0xFE], "UTF-8"), (Array("a.png\nb\0c\n".utf8), "UTF-8"),
                (Array("a.png\n".utf8) + [UInt8](repeating: 65, count: 100_000), "4096"),
            ] {
                try DurableFile.write(bad, to: list)
                let error = #expect(throws: PredictionError.self) { _ = try all([list]) }
                guard case .badList(_, let line, let text) = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
                #expect(line == 2 && text.contains(problem))
            }
        }
    }

    @Test func aListThatIsNotThereAndAFolderWithoutImagesAreErrors() throws {
        try withTemporaryFolder { folder in
            #expect(throws: DurableFileError.missing(path: folder.appending("none.txt"))) {
                _ = try ImagePaths([folder.appending("none.txt")])
            }
            #expect(throws: (any Error).self) { _ = try ImagePaths([folder]) }
        }
    }
}
