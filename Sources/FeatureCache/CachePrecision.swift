public import Tensors

/// How features are stored.
public enum CachePrecision: String, Codable, CaseIterable, Sendable {
    case f16, f32
    /// A byte a feature, between the least and the greatest of its image and channel (`QuantisedFeatures`).
    case int8

    /// Bytes of the features of one image.
    public func byteCount(of map: FeatureMapShape) -> Int {
        switch self {
        case .f16: 2 * map.elementCount
        case .f32: 4 * map.elementCount
        case .int8: QuantisedFeatures.byteCount(of: map)
        }
    }
}

extension CachePrecision {
    /// Stores the feature map [H, W, D] of one image. Returns the place of the first value that cannot be held, and nothing of use
    /// in `target` then.
    func narrow(
        _ features: UnsafeBufferPointer<Float>, channelCount: Int, into target: UnsafeMutableRawBufferPointer
    ) -> Int? {
        switch self {
        case .f16: return FeatureConversion.narrow(features, into: target.assumingMemoryBound(to: Float16.self))
        case .f32:
            target.copyMemory(from: UnsafeRawBufferPointer(features))
            return FeatureConversion.firstNotFinite(features)
        case .int8: return QuantisedFeatures.narrow(features, channelCount: channelCount, into: target)
        }
    }

    /// The feature map [H, W, D] that `bytes` are, as floats.
    func widen(
        _ bytes: UnsafeRawBufferPointer, channelCount: Int, into destination: UnsafeMutableBufferPointer<Float>
    ) {
        switch self {
        case .f16: FeatureConversion.widen(bytes, into: destination)
        case .f32: UnsafeMutableRawBufferPointer(destination).copyMemory(from: bytes)
        case .int8: QuantisedFeatures.widen(bytes, channelCount: channelCount, into: destination)
        }
    }

    /// What is wrong with a row that has the digest it should; nil if nothing is.
    func problem(of bytes: UnsafeRawBufferPointer, channelCount: Int) -> String? {
        self == .int8 ? QuantisedFeatures.problem(of: bytes, channelCount: channelCount) : nil
    }

    /// Feature maps [N, H, W, D] as they are when they have been stored and read back. What cannot be stored becomes infinite or
    /// stays NaN, so that it shows in whatever is computed of it.
    package func rounded(_ maps: Tensor) -> Tensor {
        switch self {
        case .f32: return maps
        case .f16: return Tensor(shape: maps.shape, values: maps.values.map { Float(Float16($0)) })
        case .int8:
            precondition(maps.shape.count == 4, "feature maps are [N, H, W, D], not \(maps.shape)")
            let map = FeatureMapShape(height: maps.shape[1], width: maps.shape[2], channelCount: maps.shape[3])
            let stored = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount(of: map), alignment: 64)
            defer { stored.deallocate() }
            var values = maps.values
            values.withUnsafeMutableBufferPointer { values in
                for image in 0..<maps.shape[0] {
                    let own = UnsafeMutableBufferPointer(
                        rebasing: values[image * map.elementCount..<(image + 1) * map.elementCount])
                    if narrow(UnsafeBufferPointer(own), channelCount: map.channelCount, into: stored) == nil {
                        widen(UnsafeRawBufferPointer(stored), channelCount: map.channelCount, into: own)
                    } else {
                        for place in own.indices { own[place] = Float(Float16(own[place])) }
                    }
                }
            }
            return Tensor(shape: maps.shape, values: values)
        }
    }
}
