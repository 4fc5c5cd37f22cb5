import Foundation
import Testing
import TimeCoinTesting

@Suite("Exploration of every joint state")
struct ExplorationTests {
    private func explore(_ setting: Exploration.Setting) throws -> Exploration.Report {
        var exploration = try #require(Exploration(setting))
        let clock = ContinuousClock()
        let start = clock.now
        let report = exploration.run()
        let faulty = setting.faulty.sorted()
        print("exploration: \(setting.rounds) rounds, faulty \(faulty): \(report), \(clock.now - start)")
        return report
    }

    @Test(
        "K20: round 0 is closed wherever the faulty member stands, and no two values are decided",
        arguments: 0..<2)
    func roundZero(faulty: Int) throws {
        let report = try explore(Exploration.Setting(rounds: 1, faulty: [faulty], statesMax: 1_000_000))
        #expect(report.violation == nil && report.isClosed)
        #expect(report.decidable > 0 && report.states >= 200)
    }

    @Test("K20: 30,000 states of rounds 0 and 1", arguments: 0..<3)
    func roundOne(faulty: Int) throws {
        let report = try explore(Exploration.Setting(rounds: 2, faulty: [faulty], statesMax: 30_000))
        #expect(report.violation == nil)
        #expect(report.decidable > 0 && report.lockedLater > 0)
    }

    @Test("with two faulty members of four a disagreement is found", arguments: [[0, 1], [0, 2], [2, 3]])
    func tooManyFaults(faulty: [Int]) throws {
        let report = try explore(
            Exploration.Setting(rounds: 2, faulty: Set(faulty), statesMax: 1_000_000))
        let violation = try #require(report.violation)
        #expect(violation.hasPrefix("two values are decided"), "\(violation)")
    }

    /// The campaign of `Scripts/explore`: rounds 0 and 1 closed, round 2 to a bound.
    @Test(
        "campaign: rounds 0 and 1 closed, round 2 to the bound",
        .enabled(if: ProcessInfo.processInfo.environment["TIMECOIN_EXPLORE_STATES"] != nil),
        arguments: [(2, 0), (2, 1), (2, 2), (3, 0), (3, 1), (3, 2), (3, 3)])
    func campaign(rounds: Int, faulty: Int) throws {
        let text = ProcessInfo.processInfo.environment["TIMECOIN_EXPLORE_STATES"] ?? ""
        let bound = try #require(Int(text), "TIMECOIN_EXPLORE_STATES is a number of states")
        let report = try explore(
            Exploration.Setting(rounds: rounds, faulty: [faulty], statesMax: rounds == 2 ? .max : bound))
        #expect(report.violation == nil, "\(report.violation ?? "")")
        if rounds == 2 {
            #expect(report.isClosed)
        } else {
            #expect(report.isClosed || report.states >= bound)
        }
    }
}
