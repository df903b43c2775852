import Glibc
public import SystemPackage

extension FilePath {
    /// The same place, whatever the current directory is. Links are not followed, and `..` goes back to the component before it
    /// as written.
    public var absolute: FilePath { fromRoot.lexicallyNormalized() }

    /// The place that the path leads to, links followed as far as there is something: what is not there yet is taken as it is
    /// written.
    public var resolved: FilePath {
        var existing = fromRoot
        var rest: [Component] = []
        while true {
            if let place = existing.withPlatformString({ realpath($0, nil) }) {
                defer { free(place) }
                return FilePath(platformString: place).appending(rest.reversed()).lexicallyNormalized()
            }
            guard let last = existing.lastComponent else { return absolute }
            rest.append(last)
            existing.removeLastComponent()
        }
    }

    /// The path behind the current directory, if it is relative.
    private var fromRoot: FilePath {
        guard !isAbsolute, let directory = getcwd(nil, 0) else { return self }
        defer { free(directory) }
        return FilePath(platformString: directory).pushing(self)
    }
}
