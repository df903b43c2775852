import WeightFiles

/// Any bytes as what libraries save beside weights: the list of several files, and the configuration of the network.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = UnsafeRawBufferPointer(start: bytes, count: count)
    if let index = try? ShardIndex(text) {
        precondition(!index.tensors.isEmpty && index.tensors.allSatisfy { index.files.indices.contains($0.file) })
        precondition(index.files.allSatisfy { !$0.utf8.contains(UInt8(ascii: "/")) && $0 != ".." })
    }
    if let configuration = SavedConfiguration(Array(text)) {
        for key in ["layer_norm_eps", "image_size", "depths", "hidden_act", "downsample_in_bottleneck"] {
            _ = configuration.number(key)
            _ = configuration.integers(key)
            _ = configuration.text(key)
            _ = configuration.flag(key)
        }
        precondition(configuration.labelNames?.isEmpty != true)
    }
    return 0
}
