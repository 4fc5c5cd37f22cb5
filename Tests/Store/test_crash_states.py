"""Power cuts: from what the exerciser did to its files, what a disk may have of it at any moment. Every such state opens,
has every block and signature that was told, has nothing that was never decided, goes on and signs nothing twice. Needs
strace; without it, it says so. Run by Scripts/test-store.

usage: test_crash_states.py PROGRAMS [STATES [SEED]]
"""

import collections
import random
import re
import sys
import time

from exerciser import Directory, Lost
from prepared import commit_some, long_record, pruned, strace_works, torn
from recorded_writes import Disk, Recording, write_out

states = int(sys.argv[2]) if len(sys.argv) > 2 else 300
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
CHAIN_SEED = 77
# Which part of the states each work has, what prepares it, and what is recorded.
WORKS = (
    ("a new directory", 10, lambda directory: None, ("run", 1, 3)),
    ("opening after a kill, and commits", 8, torn, ("run", 50, 3)),
    ("commits and new journal segments", 8, commit_some(3), ("run", 50, 14)),
    ("commits that let old segments go", 2, commit_some(148), ("run", 50, 3)),
    ("pruning of old blocks", 2, pruned, ("prune", 50, 2)),
    # Its record alone takes seconds to read.
    ("a signer's record that is compacted", 1, long_record, ("sign", 2)),
)
# States in which a program that is wrong on purpose must be seen.
DEFECT_STATES = 60
SHARES = sum(share for _, share, _, _ in WORKS)


class Recorded:
    """A work done once under strace."""

    def __init__(self, prepare, arguments):
        self.source = Directory(CHAIN_SEED)
        prepare(self.source)
        # The books as they were before: what this run tells is told step by step.
        with Directory(CHAIN_SEED, copy_of=self.source) as directory:
            self.recording = Recording(directory, lambda **options: directory.run(*arguments, **options))
        self.has_commits = arguments[0] != "sign"
        assert self.recording.status == 0, self.recording.lines[-2:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.source.__exit__()

    def states(self, count, draw, ignored=()):
        """Crash points spread over the whole run. Yields what is left, what was told before, and how to name it."""
        steps = self.recording.steps
        disk, told = Disk(self.recording, ignored), []
        points = sorted(number * (len(steps) + 1) // count for number in range(count))
        if count < len(steps):
            points = sorted(draw.sample(range(len(steps) + 1), count))
        for point in range(len(steps) + 1):
            for _ in range(points.count(point)):
                yield (disk.after_a_cut(draw, *steps[point:point + 1]), list(told),
                       f"power cut at step {point} of {len(steps)}")
            if point < len(steps):
                disk.apply(steps[point])
                if steps[point][0] == "told":
                    told += steps[point][1].splitlines()


def examine(recorded, found, told, holed):
    """Opens what is left, goes on with it, compares it whole. Returns how it ended."""
    with Directory(CHAIN_SEED) as directory:
        directory.know_of(recorded.source)
        directory.take(told)
        write_out(found, directory.path)
        directory.life = 1000 + directory.height
        status, lines = directory.commit(1)
        if status == 74:
            # Nobody can see that what lies before a whole record was never synced. The signer's record is never so.
            named = [name for name in holed if re.search(re.escape(name) + r".* at byte \d+", lines[-1])]
            if named and named[0].startswith("journal/"):
                return "said which record of the journal is missing before a later one"
        if status != 0:
            raise Lost(f"ended with {status}: {lines[-1:]}")
        # Signatures alone change nothing of the chain.
        if recorded.has_commits:
            directory.check()
        return "went on"


def sweep(recorded, count, draw, ignored=()):
    ended, waited = collections.Counter(), 0
    for (found, done, holed), told, where in recorded.states(count, draw, ignored):
        try:
            ended[examine(recorded, found, told, holed)] += 1
        except Lost as loss:
            raise Lost(f"{where} ({'; '.join(done)}): {loss}") from loss
        waited += bool(done)
    return ended, waited


def is_seen(name, arguments, ignored=()):
    """Whether a program, or a disk, that is wrong on purpose is caught."""
    with Recorded(commit_some(3), arguments) as recorded:
        try:
            sweep(recorded, DEFECT_STATES, random.Random(seed), ignored)
        except Lost as loss:
            print(f"ok: the defect {name} is seen: {str(loss)[:300]}", flush=True)
            return True
    return False


if not strace_works():
    print("skipped: power cuts at every step of a run, which need strace and ptrace", flush=True)
    sys.exit()
start = time.monotonic()
totals, unsynced = collections.Counter(), 0
for place, (name, share, prepare, arguments) in enumerate(WORKS):
    count = states * share // SHARES
    with Recorded(prepare, arguments) as recorded:
        try:
            ended, waited = sweep(recorded, count, random.Random(seed * 1_000_003 + place))
        except Lost as loss:
            raise Lost(f"seed {seed}, {name}: {loss}") from loss
        kinds = collections.Counter(step[0] for step in recorded.recording.steps)
    print(f"ok: {name}: {count} states of {sum(kinds.values())} steps ({', '.join(f'{k} {c}' for k, c in kinds.items())}); "
          f"{waited} with something unsynced; {', '.join(f'{c} {what}' for what, c in sorted(ended.items()))}", flush=True)
    totals += ended
    unsynced += waited
assert unsynced > states // 4, "or nothing was tested"
print(f"ok: {sum(totals.values())} power cuts in {time.monotonic() - start:.0f} s: lost 0, ghosts 0, signed twice 0; "
      f"{', '.join(f'{count} {what}' for what, count in sorted(totals.items()))}", flush=True)
seen = [is_seen("of syncs of files that do nothing", ("run", 50, 6), ["file"]),
        is_seen("of syncs of directories that do nothing", ("run", 50, 14), ["directory"]),
        is_seen("acknowledge-first", ("run", 50, 6, "acknowledge-first")),
        is_seen("sign-without-record", ("run", 50, 6, "sign-without-record"))]
assert all(seen), "a defect was not seen"
print(f"ok: {time.monotonic() - start:.0f} s")
