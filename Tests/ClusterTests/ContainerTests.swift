import Foundation
import Testing

/// Launch/Containerfile against the programs as they are built here, on the release of Debian that the image has.
@Suite struct ContainerTests {
    private static let recipe: String = {
        let path = Place.project.appending(path: "Launch/Containerfile")
        return (try? String(contentsOf: path, encoding: .utf8)) ?? ""
    }()

    /// Whether this machine has the packages of the image's release, and what it takes to look.
    private static let isComparable: Bool = {
        let system = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)) ?? ""
        let release = system.firstMatch(of: #/(?m)^VERSION_ID="?([0-9.]+)/#).map { String($0.1) } ?? "none"
        let isSame = system.contains("ID=debian") && recipe.contains("debian:\(release)-slim")
        let hasTools = ["dpkg-query", "ldd", "readelf"].allSatisfy { access("/usr/bin/\($0)", X_OK) == 0 }
        if !(isSame && hasTools) { print("Skipped: the image's packages, which are not those of this system.") }
        return isSame && hasTools
    }()

    /// The packages that the second stage installs.
    private var packages: [String] {
        get throws {
            let stage = try #require(Self.recipe.range(of: "FROM ${RUNTIME_IMAGE}"))
            let command = try #require(
                Self.recipe[stage.upperBound...].firstMatch(of: #/apt-get install([^&]*)&&/#)?.1)
            return command.split { $0.isWhitespace || $0 == "\\" }.map(String.init).filter { !$0.hasPrefix("--") }
        }
    }

    /// The given packages with all that they depend on, as far as they are known here.
    private func closure(of packages: [String]) throws -> Set<String> {
        // Of each package here: its names, and what it needs.
        let list = try Job.succeed(
            ["dpkg-query", "--show", "--showformat=${Package}\t${Provides}\t${Pre-Depends}, ${Depends}\n"])
        func names(_ text: Substring) -> [String] {
            text.split { $0 == "," || $0 == "|" }.compactMap { part in
                part.split { $0 == " " || $0 == "(" || $0 == ":" }.first.map(String.init)
            }
        }
        var needs: [String: [String]] = [:]
        for line in list.split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            needs[String(fields[0]), default: []] += names(fields[2])
        }
        var found: Set<String> = []
        var pending = packages
        while let next = pending.popLast() {
            if found.insert(next).inserted { pending += needs[next] ?? [] }
        }
        return found
    }

    /// The packages of the smallest system.
    private func basePackages() throws -> [String] {
        try Job.succeed(["dpkg-query", "--show", "--showformat=${Package} ${Essential} ${Priority}\n"])
            .split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            .filter { $0.count == 3 && ($0[1] == "yes" || $0[2] == "required") }.map { $0[0] } + ["apt"]
    }

    /// The libraries that a program asks for itself: name and file. Those of Swift are inside the image's programs.
    private func libraries(of program: String) throws -> [(name: String, path: String)] {
        let paths = try Job.succeed(["ldd", program]).matches(of: #/(\S+) => (/\S+)/#)
            .reduce(into: [String: String]()) { $0[String($1.1)] = String($1.2) }
        let names = try Job.succeed(["readelf", "--dynamic", program]).matches(of: #/NEEDED.*\[(.+)\]/#)
            .map { String($0.1) }
        return try names.filter { !$0.hasPrefix("ld-linux") }.compactMap { name in
            let path = try #require(paths[name], "\(program) lacks \(name) here, too")
            return path.contains("/swift/") ? nil : (name, path)
        }
    }

    private func package(of path: String) throws -> String {
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        // A file of /usr/lib may be listed as one of /lib.
        for candidate in [real, "/usr" + real, real.replacing(/^\/usr/, with: ""), path] {
            let outcome = try Job.run(["dpkg-query", "--search", candidate])
            if outcome.exitCode == 0, let owner = outcome.text.split(separator: ":").first { return String(owner) }
        }
        throw NoPackage(path: path)
    }

    private struct NoPackage: Error { let path: String }

    @Test(.enabled(if: isComparable)) func everyLibraryOfTheProgramsIsInAPackageOfTheImage() throws {
        let there = try closure(of: packages + basePackages())
        var count = 0
        for program in ["infodisent", "infodisent-inspect"] {
            for (name, path) in try libraries(of: Place.program(program)) {
                let owner = try package(of: path)
                let isThere = there.contains(owner)
                #expect(isThere, "\(program) needs \(name) of \(owner); add that to Launch/Containerfile")
                count += 1
            }
        }
        #expect(count >= 8, "the libraries were looked at")
    }
}
