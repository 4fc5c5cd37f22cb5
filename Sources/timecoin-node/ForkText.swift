import Foundation
import TimeCoinControl
import TimeCoinCore

/// How a proven fork is shown.
enum ForkText {
    static func fork(_ fork: ProvenFork, _ output: OutputFormat) {
        let blamed = fork.blamed.map { ($0.misbehaviour.member.description, $0.weight, $0.misbehaviour.kind) }
        switch output {
        case .json:
            show(
                JSONValue.object([
                    "valid": .bool(true), "kind": .string("fork"),
                    "name": .string(fork.proof.name.description),
                    "height": .integer(fork.height),
                    "branches": .array(
                        [fork.proof.first, fork.proof.second].map {
                            .object([
                                "hash": .string($0.value.description), "round": .integer($0.round),
                            ])
                        }),
                    "blamed": .array(
                        blamed.map {
                            .object([
                                "member": .string($0.0), "weight": .integer($0.1), "kind": .string($0.2),
                            ])
                        }),
                    "weight": .integer(fork.weight), "total": .integer(fork.proof.validators.totalWeight),
                    "complete": .bool(fork.isComplete),
                    "wanted": .array(
                        fork.wanted.map {
                            .object([
                                "round": .integer($0.round), "value": .string($0.value.description),
                            ])
                        }),
                    "remaining": .array(
                        (fork.remaining?.members ?? []).map { .string($0.operatorKey.description) }),
                ]).pretty)
        case .human:
            show("valid: height \(fork.height) was decided twice")
            for branch in [fork.proof.first, fork.proof.second] {
                show("branch \(branch.value) in round \(branch.round)")
            }
            for (member, weight, kind) in blamed { show("to blame: \(member) of weight \(weight), \(kind)") }
            show("weight \(fork.weight) of \(fork.proof.validators.totalWeight) is to blame")
            for polka in fork.wanted {
                show("wanted: a polka of round \(polka.round) for \(polka.value)")
            }
        }
    }
}
