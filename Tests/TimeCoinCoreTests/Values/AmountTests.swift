import Testing
import TimeCoinCore

@Suite("Amount")
struct AmountTests {
    @Test(
        "S4: exact decimal strings only",
        arguments: [
            ("0", 0), ("1", 100_000_000), ("0.00000001", 1), ("25.00000000", 2_500_000_000),
            ("21000000000", 2_100_000_000_000_000_000), ("0.1", 10_000_000),
        ] as [(String, UInt64)])
    func reads(text: String, units: UInt64) {
        #expect(Amount(decimal: text)?.units == units)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", ".", "1.", ".5", "-1", "+1", "1e3", " 1", "1 ", "1.123456789", "21000000000.00000001",
            "99999999999999999999", "1,5", "0x1", "١", "1.2.3",
        ])
    func refuses(text: String) {
        #expect(Amount(decimal: text) == nil)
    }

    @Test("text and units say the same for every value tried")
    func roundTrips() {
        for units in [0, 1, 99_999_999, 100_000_000, 123_456_789, Amount.maximum.units] as [UInt64] {
            let amount = Amount(units: units)
            #expect(amount.flatMap { Amount(decimal: $0.description) } == amount)
        }
    }

    @Test("arithmetic never leaves the range of money")
    func isChecked() {
        let one = Amount(units: 1) ?? .zero
        #expect(Amount.maximum.adding(one) == nil)
        #expect(Amount.zero.subtracting(one) == nil)
        #expect(Amount.maximum.multiplied(by: 2) == nil)
        #expect(Amount.maximum.multiplied(by: .max) == nil)
        #expect(Amount(units: Amount.maximum.units + 1) == nil)
    }
}
