import TimeCoinCore

/// A value without content: its bytes say who made it, when, and whether it is valid.
enum SimulatedValue {
    static func make(by member: Int, at time: Timestamp, isValid: Bool, salt: UInt64) -> Hash256 {
        var writer = ByteWriter(reserving: 32)
        writer.write(UInt8(isValid ? 0 : 1))
        writer.write(UInt8(truncatingIfNeeded: member))
        writer.write(time.milliseconds)
        writer.write(salt)
        writer.write(raw: [UInt8](repeating: 7, count: 14))
        return Hash256(writer.bytes) ?? .zero
    }

    static func isValid(_ value: Hash256) -> Bool { value.leadingWord >> 56 == 0 }

    static func time(of value: Hash256) -> Timestamp {
        var reader = ByteReader(Array(value.bytes.dropFirst(2)))
        return Timestamp(milliseconds: (try? reader.readInteger(UInt64.self)) ?? 0)
    }

    /// Timely is near the own clock, as `ChainParameters` has it with half a second of precision.
    static func isTimely(_ value: Hash256, at clock: Timestamp) -> Bool {
        let time = time(of: value).milliseconds
        let precision: UInt64 = 500
        let delay: UInt64 = 3000
        return time <= clock.milliseconds + precision
            && clock.milliseconds <= time + 2 * precision + delay
    }
}
