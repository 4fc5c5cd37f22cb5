"""The store killed with -9 at any moment, of opening and of writing: no acknowledged block or signature is lost, no
other one appears, nothing is signed twice. Run by Scripts/test-store.

usage: test_kills.py PROGRAMS [KILLS [SEED]]
"""

import random
import sys
import time

from exerciser import Directory, Lost

kills = int(sys.argv[2]) if len(sys.argv) > 2 else 500
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
# A full check and a new directory after so many.
KILLS_PER_CHECK = 25
SECONDS_MAX = 0.12


def batch(number, count, *defect):
    """Kills one directory's process so many times. Returns its counts."""
    draw = random.Random(seed * 1_000_003 + number)
    with Directory(seed * 1000 + number) as directory:
        try:
            for _ in range(count):
                directory.run_and_kill(draw.uniform(0, SECONDS_MAX), *defect)
            directory.counts["height"] = directory.check()
        except Lost as loss:
            raise Lost(f"seed {seed}, directory {number}: {loss}") from loss
        return directory.counts


def is_caught(defect):
    """Whether the books show a program that is wrong on purpose."""
    try:
        for number in range(8):
            batch(1_000 + number, KILLS_PER_CHECK, defect)
    except Lost as loss:
        print(f"ok: the defect {defect} is seen: {loss}", flush=True)
        return True
    return False


start = time.monotonic()
totals = {}
for first in range(0, kills, KILLS_PER_CHECK):
    for name, count in batch(first // KILLS_PER_CHECK, min(KILLS_PER_CHECK, kills - first)).items():
        totals[name] = totals.get(name, 0) + count
told = ", ".join(f"{count} {name}" for name, count in totals.items() if name != "height")
print(f"ok: {kills} kills in {time.monotonic() - start:.0f} s: lost 0, ghosts 0, signed twice 0; {told}, "
      f"{totals.get('height', 0)} blocks compared", flush=True)
assert totals["told blocks"] > kills and totals["journals replayed"] > kills / 50, "or nothing was tested"
assert is_caught("acknowledge-first") and is_caught("sign-without-record"), "a defect was not seen"
