import Tensors
import Testing

struct ZeroPackingTests {
    /// Sixteen places at a time, of which `share` are not zero; -0 is among them.
    private func numbers(_ count: Int, share: Float) -> [Float] {
        let (values, chances) = (noise(count, seed: 1), noise(count, seed: 2))
        return values.indices.map { place in
            if place % 37 == 5 { return -0.0 }
            return (chances[place] + 1) / 2 < share ? Float(Float16(values[place])) : 0
        }
    }

    @Test(arguments: [0, 16, 48, 64 * 256], [0.0, 0.05, 0.4, 0.9, 2] as [Float])
    func `what is packed comes back bit by bit`(count: Int, share: Float) {
        let floats = numbers(count, share: share)
        let halves = floats.map { Float16($0) }
        let isKept = floats.map { $0.bitPattern != 0 }
        var masks = [UInt16](repeating: 0, count: count / 16)
        var packedHalves = [Float16](repeating: .nan, count: count + 16)
        var packedFloats = [Float](repeating: .nan, count: count + 16)
        for isHalf in [true, false] {
            let found =
                isHalf
                ? packHalves(halves, count: count, masks: &masks, into: &packedHalves)
                : packFloats(floats, count: count, masks: &masks, into: &packedFloats)
            #expect(found == isKept.count { $0 })
            #expect((0..<count).allSatisfy { masks[$0 / 16] >> ($0 % 16) & 1 == (isKept[$0] ? 1 : 0) })
            var back = [Float](repeating: .nan, count: count)
            if isHalf {
                unpackHalves(packedHalves, masks: masks, count: count, into: &back)
            } else {
                unpackFloats(packedFloats, masks: masks, count: count, into: &back)
            }
            #expect(back.map(\.bitPattern) == floats.map(\.bitPattern))
        }
        let kept = floats.filter { $0.bitPattern != 0 }.map(\.bitPattern)
        #expect(packedFloats.prefix(kept.count).map(\.bitPattern) == kept)
        #expect(packedHalves.prefix(kept.count).map { Float($0).bitPattern } == kept)
    }
}
