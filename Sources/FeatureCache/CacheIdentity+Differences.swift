/// A field in which a cache is not what was asked for.
public struct CacheDifference: Equatable, Sendable, CustomStringConvertible {
    public let field: String
    /// What the cache has.
    public let found: String
    /// What was asked for.
    public let expected: String

    public init(field: String, found: String, expected: String) {
        self.field = field
        self.found = found
        self.expected = expected
    }

    public var description: String { "\(field) is \(found), expected \(expected)" }
}

extension CacheIdentity {
    /// This identity with the views of `wanted` added; nil if it has other ones, which those could not be added to.
    func adding(viewsOf wanted: CacheIdentity) -> CacheIdentity? {
        guard let more = wanted.views else { return self }
        if let views, !views.agrees(with: more) { return nil }
        var result = self
        if viewCount < more.count { result.views = more }
        return result
    }

    /// The name of a field by which it is known that some image is another one, but not which.
    package static let datasetFingerprintField = "dataset fingerprint"

    /// The fields in which this, the identity of a cache, is not enough for `expected`.
    public func differences(from expected: CacheIdentity) -> [CacheDifference] {
        var differences: [CacheDifference] = []
        func compare(_ field: String, _ value: (CacheIdentity) -> some Equatable) {
            let (found, wanted) = (value(self), value(expected))
            if found != wanted {
                differences.append(CacheDifference(field: field, found: "\(found)", expected: "\(wanted)"))
            }
        }
        compare("backbone") { $0.backbone }
        compare("weight digest") { $0.weightDigest }
        compare("use of averaged (EMA) weights") { $0.usesEMA }
        compare("compute (backbone.compute)") { $0.compute.rawValue }
        compare("input resize") { $0.input.resize }
        compare("input squash") { $0.input.squash }
        compare("input crop") { $0.input.crop }
        compare("input interpolation") { $0.input.interpolation.rawValue }
        compare("input mean") { $0.input.mean }
        compare("input standard deviation") { $0.input.standardDeviation }
        compare("input exif") { $0.input.exif.rawValue }
        compare(Self.datasetFingerprintField) { $0.datasetFingerprint }
        compare("precision") { $0.precision.rawValue }
        compare("feature map") { $0.featureMap }
        if classNames.count != expected.classNames.count {
            compare("number of classes") { $0.classNames.count }
        } else if let label = classNames.indices.first(where: { classNames[$0] != expected.classNames[$0] }) {
            compare("class \(label)") { "\"\($0.classNames[label])\"" }
        }
        // More views than asked for do no harm: the first ones are the same.
        if let wanted = expected.views {
            if let views, views.count >= wanted.count, views.agrees(with: wanted) { return differences }
            differences.append(
                CacheDifference(
                    field: "views", found: views.map { "\($0)" } ?? "the plain one", expected: "\(wanted)"))
        }
        return differences
    }
}
