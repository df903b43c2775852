import DurableFiles
import Foundation
import SystemPackage
import TemporaryFolders
import Testing

@Suite struct PlacesTests {
    @Test func relativePathsBeginAtTheCurrentDirectory() {
        let here = FilePath(FileManager.default.currentDirectoryPath)
        #expect(FilePath("a/../b/./c").absolute == here.appending("b").appending("c"))
        #expect(FilePath("/x/../y").absolute == "/y")
        #expect(FilePath("").absolute == here)
    }

    @Test func linksAreFollowedAsFarAsThereIsSomething() throws {
        try withTemporaryFolder { folder in
            let folder = folder.resolved
            try DurableFile.createDirectory(folder.appending("real"))
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending("link").string, withDestinationPath: "real")
            #expect(folder.appending("link").resolved == folder.appending("real"))
            #expect(
                folder.pushing("link/not/there/yet").resolved == folder.pushing("real/not/there/yet"))
            #expect(folder.pushing("nothing/at/all").resolved == folder.pushing("nothing/at/all"))
        }
    }
}
