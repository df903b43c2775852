/// Which places in a file hold a moving average of the weights rather than the weights: told by the words that training
/// programs use.
package enum AveragedWeights {
    /// Whether a component of `path`, a name or the front of one, says so: `state_dict_ema`, `model_ema`, `teacher`,
    /// `target_encoder`, `encoder_k`, `momentum_encoder`.
    package static func areNamed(by path: some StringProtocol) -> Bool {
        path.utf8.split(separator: UInt8(ascii: ".")).contains { component in
            let words = component.split(separator: UInt8(ascii: "_")).map {
                String(decoding: $0, as: UTF8.self).lowercased()
            }
            return words.contains(where: always.contains)
                || words.contains("target") && words.contains(where: networks.contains)
                || words.count == 2 && networks.contains(words[0]) && ["k", "m"].contains(words[1])
        }
    }

    /// Of timm and torchvision (ema), DINO (teacher), MoCo v3 (momentum).
    private static let always: Set<String> = ["ema", "teacher", "momentum", "averaged"]
    /// The words of MoCo (encoder_k) and of I-JEPA and BYOL (target_encoder, target_network) stand beside one of these.
    private static let networks: Set<String> = ["encoder", "network", "net", "model", "backbone", "branch"]
}
