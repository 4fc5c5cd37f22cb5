import Foundation
import Testing
import TimeCoinTesting

@Suite("Scenario files")
struct ScenarioTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Scenarios")

    /// `Tests/Scenarios`, and what `TIMECOIN_SCENARIOS` names.
    private static let files: [URL] = {
        let other = ProcessInfo.processInfo.environment["TIMECOIN_SCENARIOS"]
        let folders = [folder] + (other.map { [URL(fileURLWithPath: $0, isDirectory: true)] } ?? [])
        return folders.flatMap { folder in
            let found = try? FileManager.default.contentsOfDirectory(
                at: folder, includingPropertiesForKeys: nil)
            return (found ?? []).filter { $0.pathExtension == "txt" }.sorted { $0.path < $1.path }
        }
    }()

    @Test("K1, K21: every scenario of every file leads where it says", arguments: files)
    func run(file: URL) throws {
        let text = try String(contentsOf: file, encoding: .utf8)
        for scenario in try ScenarioFile(parsing: text, named: file.lastPathComponent).scenarios {
            do {
                try scenario.run()
            } catch {
                Issue.record("\(error)")
            }
        }
    }

    /// Scenarios of `Tests/Scenarios` that a whole node plays; more may become of it, never fewer.
    private static let playedMin = 114

    @Test("every scenario that means something to a whole node leads it where it says")
    func runOnNodes() throws {
        var played = 0
        var skipped: [String: Int] = [:]
        for file in Self.files {
            let text = try String(contentsOf: file, encoding: .utf8)
            for scenario in try ScenarioFile(parsing: text, named: file.lastPathComponent).scenarios {
                do {
                    if let reason = try scenario.runOnNode() {
                        skipped[reason, default: 0] += 1
                    } else if file.path.hasPrefix(Self.folder.path) {
                        played += 1
                    }
                } catch {
                    Issue.record("\(error)")
                }
            }
        }
        print("\(played) scenarios of Tests/Scenarios on a whole node; not on one:")
        for (reason, count) in skipped.sorted(by: { $0.key < $1.key }) { print("  \(count) \(reason)") }
        #expect(played >= Self.playedMin)
    }

    @Test("a folder that is named has scenarios")
    func folders() throws {
        #expect(Self.files.count >= 6)
        if let path = ProcessInfo.processInfo.environment["TIMECOIN_SCENARIOS"] {
            #expect(Self.files.contains { $0.path.hasPrefix(URL(fileURLWithPath: path).path) }, "\(path)")
        }
    }

    /// What a step must not be said to lead to; each line is the truth but for one thing.
    @Test(
        "a step that leads elsewhere fails, at its line, with both sides",
        arguments: [
            ("Prop 0 v -1 => pv nil", "pv 0 v"), ("Prop 0 v -1 => -", "pv 0 v"),
            ("Prop 0 v -1 => pv v, tV", "pv 0 v"), ("Prop 0 v -1 => pv v, locked v 0", "locked none"),
            ("Prop 0 v -1 => pv v, round 1", "round 0"), ("PV1 0 v => refused", "-"),
            ("PV9 0 v => -", "refused not-verified"), ("PV1 0 v => evidence", "-"),
            ("TP => -", "pv 0 nil"), ("TV => -", "refused stale-timeout"), ("start => -", "tP 0"),
            ("->1 => -", "tP 1"), ("->1 => tP 0", "tP 1"), ("Com(0, v), verdict(v, good) => -", "D 0 v"),
            ("crash => pv v", "-"), ("Prop 0 v -1, crash => pv w", "pv 0 v"), ("quorum(2, 3) => yes", "no"),
            ("PV1, PV2(v), TP => pv nil", "tV 0"),
            ("PV1, PV2, PV3(v) => holds Pol v 0 signers=4", "holds it"),
            ("PV1, PV2(v) => holds Pol v 0", "holds none"), ("Prop 0 v -1 => pv v, timers tP", "timers none"),
        ])
    func wrongExpectation(step: String, got: String) throws {
        let text = "weights 1 1 1 1\nself v4\nscenario x\n\(step)\n"
        let scenario = try Scenario(parsing: text, file: "x.txt")
        do {
            try scenario.run()
            Issue.record("\(step) passes")
        } catch {
            #expect(error.line == 4 && error.file == "x.txt" && error.text == step)
            #expect(error.got.contains(got), "\(error)")
            #expect(error.description.hasPrefix("x.txt:4: scenario x: \(step)"))
        }
    }

    @Test(
        "a step that leads a whole node elsewhere fails, at its line",
        arguments: [
            ("Prop 0 v -1 => pv nil", "pv 0 v"), ("Prop 0 v -1 => -", "pv 0 v"),
            ("Prop 0 v -1 => pv v, tV", "pv 0 v"), ("Prop 0 v -1 => pv v, locked v 0", "locked none"),
            ("Prop 0 v -1, PV1, PV2(v) => pv v, pc v, locked none", "locked v 0"),
            ("Prop 0 v -1 => pv v, round 1", "round 0"), ("PV1 0 v => evidence", "-"),
            ("PV1 0 v, PV1 0 w => -", "evidence v1"), ("PV1 0 v => refused", "changes the node"),
            ("Prop 0 v -1 bad => pv v", "pv 0 nil"), ("Prop 0 v -1 late => pv v", "pv 0 nil"),
            ("Prop 0 v -1 unknown => pv v", "-"), ("Prop 0 v -1 unknown, verdict v good => -", "pv 0 v"),
            ("TP => -", "pv 0 nil"), ("->1 => -", "tP 1"), ("->1 => tP 0", "tP 1"),
            ("Com(0, v), verdict(v, good) => -", "D 0 v"), ("Com 0 v, Prop 0 v => D w", "D 0 v"),
            ("Com(0, v), verdict(v, bad) => -", "alarm v"), ("crash => pv v", "-"),
            ("Prop 0 v -1, crash => pv w", "pv 0 v"), ("PV1, PV2(v), TP => pv nil", "tV 0"),
            ("PV1, PV2, PV3(v) => holds Pol v 0 signers=4", "holds it"),
            ("PV1, PV2(v) => holds Pol v 0", "holds none"), ("Prop 0 v -1 => pv v, timers tP", "timers none"),
            ("failing-write 1, PV1 0 v => -", "stopped"), ("PV1 0 v => stopped", "-"),
            ("PC1, PC2, PC3(nil), TC => tC, ->1, tP, sends Pol v 0", "does not send it"),
        ])
    func wrongExpectationOfNode(step: String, got: String) throws {
        let text = "weights 1 1 1 1\nself v4\nscenario x\n\(step)\n"
        let scenario = try Scenario(parsing: text, file: "x.txt")
        do {
            let reason = try scenario.runOnNode()
            Issue.record("\(step) \(reason ?? "passes")")
        } catch {
            #expect(error.line == 4 && error.file == "x.txt" && error.text == step)
            #expect(error.got.contains(got), "\(error)")
        }
    }

    @Test(
        "what a whole node cannot play is skipped with its reason",
        arguments: [
            ("self none\nTP", "observer"), ("own withheld\nTP", "own"),
            ("height 2\nTP", "height 2"), ("quorum(1, 2)", "weights"), ("own PV", "itself"),
            ("Prop 0 v, Prop 1 v", "one proposer"),
            ("PC1, PC2(3, nil), TC\nPC1, PC2(nil), TP", "another timer"),
        ])
    func notForNodes(lines: String, reason: String) throws {
        let scenario = try Scenario(parsing: "scenario x\nweights 1 2 1\n\(lines)")
        #expect(try scenario.runOnNode()?.contains(reason) == true)
    }

    @Test(
        "what is not of the notation is named with its line",
        arguments: [
            "PX1 0 v", "PV0 0 v", "PV1 0", "Prop", "Prop 0 v -1 => pw v", "=> pv v", "PV1 0 v =>",
            "PV1 0 v 7",
            "PV1(0, v", "PV1 0 v)", "PV1(0, v, colour=red)", "weights 1 2 x", "self x", "early-end maybe",
            "verdict v", "Prop 0 v => pv v => pc v", "v9999: TP", "New(1, w)", "timers", "height 0",
        ])
    func unreadable(line: String) throws {
        do {
            _ = try Scenario(parsing: "scenario x\n\n\(line)\n", file: "x.txt")
            Issue.record("\(line) is read")
        } catch {
            #expect(error.line == 3 && error.file == "x.txt", "\(error)")
            #expect(!error.expected.isEmpty)
        }
    }

    @Test("a scenario that cannot be played says why")
    func impossible() throws {
        let texts = [
            "scenario x\nweights 1 1\nself v3\nTP", "scenario x\nproposers v1 v1\nTP", "scenario x\nv1: TP",
            "scenario x\nown PV", "scenario x\nhear v3", "scenario x\nweights 0 1\nself v1\nTP",
            "scenario x\n->2\nNew(1)", "scenario x\nfailing-write, TP => stopped\nTP",
        ]
        for text in texts {
            let scenario = try Scenario(parsing: text)
            #expect(throws: ScenarioFailure.self, "\(text)") { try scenario.run() }
        }
    }
}
