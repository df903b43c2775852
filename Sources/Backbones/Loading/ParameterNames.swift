/// The one place where a file's tensor names become the names this package uses (torchvision's).
///
/// torchvision and timm agree on ResNets, so names are taken as they are. Wrappers such as `module.` would be stripped
/// here, older spellings rewritten here.
enum ParameterNames {
    static func normalised(_ name: String) -> String { name }

    /// Tensors that training keeps and evaluation does not need; a file may or may not have them.
    static func isIgnored(_ name: String) -> Bool { name.hasSuffix(".num_batches_tracked") }
}
