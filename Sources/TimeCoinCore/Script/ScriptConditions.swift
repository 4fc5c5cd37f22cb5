/// The branches of IF around the operation being run.
struct ScriptConditions {
    private var branches: [Bool] = []
    /// Branches not taken; kept so that the question at every operation does not walk through all of them.
    private var skipped = 0

    var isEmpty: Bool { branches.isEmpty }
    /// Whether every branch around is taken.
    var areExecuting: Bool { skipped == 0 }

    mutating func enter(taken: Bool) {
        branches.append(taken)
        if !taken { skipped += 1 }
    }

    /// `false` when there is no branch to change to.
    mutating func changeBranch() -> Bool {
        guard let taken = branches.popLast() else { return false }
        branches.append(!taken)
        skipped += taken ? 1 : -1
        return true
    }

    /// `false` when there is no branch to leave.
    mutating func leave() -> Bool {
        guard let taken = branches.popLast() else { return false }
        if !taken { skipped -= 1 }
        return true
    }
}
