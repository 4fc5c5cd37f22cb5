import Testing
import TimeCoinControl
import TimeCoinCore
import TimeCoinTesting

@testable import TimeCoinNode

@Suite("Genesis as people write it")
struct GenesisDocumentTests {
    private func document(_ parameters: ChainParameters) throws -> GenesisDocument {
        let key = try #require(TestChain.key(1)).publicKey
        return GenesisDocument(
            parameters: parameters, time: TestChain.genesisTime,
            validators: [.init(operatorKey: key, weight: 1, payout: Address(of: key))],
            allocations: [.init(address: Address(of: key), amount: try #require(Amount(decimal: "1.5")))])
    }

    private func problems(_ changes: [String: JSONValue]) throws -> String {
        guard
            case .object(let members) = try document(
                .local(slotMilliseconds: 5000, paymentIntervalMilliseconds: 1000)
            ).json
        else { return "" }
        var altered = members.map { JSONValue.Member($0.name, changes[$0.name] ?? $0.value) }
        for (name, value) in changes where !members.contains(where: { $0.name == name }) {
            altered.append(JSONValue.Member(name, value))
        }
        do {
            _ = try GenesisDocument(json: .object(altered))
            return ""
        } catch {
            return error.description
        }
    }

    @Test("what is written is read again, on every network and at the ends of the ranges")
    func roundTrip() throws {
        let all: [ChainParameters] = [
            .main, .test, .local(slotMilliseconds: 200, paymentIntervalMilliseconds: 0),
            .local(slotMilliseconds: 3_600_000, paymentIntervalMilliseconds: 3_600_000),
        ]
        for parameters in all {
            let written = try document(parameters)
            let read = try GenesisDocument(json: written.json)
            #expect(try read.genesis().hash == written.genesis().hash)
            #expect(read.parameters == parameters)
        }
    }

    @Test("one past the end of a range is refused with field, value and range")
    func ranges() throws {
        #expect(try problems([:]) == "")
        #expect(try problems(["time": .integer(1 << 53)]) == "")
        #expect(
            try problems(["time": .integer((1 << 53) + 1)])
                == "time: 9007199254740993; allowed: 1 to 9007199254740992 milliseconds since 1970")
        #expect(
            try problems(["slot": .integer(199), "paymentInterval": .integer(0)])
                == "slot: 199; allowed: 200 to 3600000 milliseconds")
        #expect(
            try problems(["paymentInterval": .integer(5001)])
                == "paymentInterval: 5001; allowed: 0 to 5000 milliseconds")
        #expect(try problems(["slot": .number("5e3")]).hasPrefix("slot: 5e3; allowed"))
    }

    @Test("all problems are told at once, and fifty at most")
    func atOnce() throws {
        let told = try problems([
            "time": .integer(-1), "slot": .integer(1), "colour": .string("blue"), "validators": .null,
        ])
        for place in ["time: -1", "slot: 1", "unknown field \"colour\"", "validators: null"] {
            #expect(told.contains(place), "\(place) in \(told)")
        }
        let many = try problems(["allocations": .array([JSONValue](repeating: .null, count: 1000))])
        #expect(many.split(separator: "\n").count == 51)
    }
}
