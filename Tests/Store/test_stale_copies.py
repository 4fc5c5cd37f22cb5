"""Members of a running network put on older copies of themselves, as operators do it: a restored backup, the database or
the journal of an earlier day, or the whole directory with the record of signatures in it. However it is done, no position
is signed twice, no other member sees evidence, and the network goes on. Run by Scripts/test-store.

usage: test_stale_copies.py PROGRAMS [COPIES [SEED]]
"""

import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

NODE = os.path.join(sys.argv[1], "timecoin-node")
CLI = os.path.join(sys.argv[1], "timecoin-cli")
copies = int(sys.argv[2]) if len(sys.argv) > 2 else 200
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
PLACE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
MEMBERS = 4
# Older copies that are kept of a member.
COPIES_KEPT = 3
# A journal keeps 10,000 heights: a network ends long before.
COPIES_PER_NETWORK = 100
WHOLE, BACKUP, CHAIN, JOURNAL, BOTH = WAYS = (
    "an older whole directory", "a restored backup", "an older database", "an older journal",
    "an older database and journal")


class Conflict(AssertionError):
    """A position was signed twice."""


def run(*arguments, check=True):
    result = subprocess.run(arguments, capture_output=True, text=True, timeout=90)
    assert not check or result.returncode == 0, (arguments, result.returncode, result.stderr)
    return result


def wait(what, condition, seconds=60):
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


class Network:
    """Four members, one of which at a time is put on an older copy of itself."""

    def __init__(self, number):
        self.draw = random.Random(seed * 1_000_003 + number)
        self.place = tempfile.mkdtemp(prefix="timecoin-stale.", dir=PLACE)
        self.votes, self.seen, self.counts = {}, set(), collections.Counter()
        self.files, self.backups = [[] for _ in range(MEMBERS)], [[] for _ in range(MEMBERS)]
        self.number = 0

    def __enter__(self):
        up = ("up", "--validators", str(MEMBERS), "--block-time", "1", "--payment-time", "0", "--detach")
        self.localnet(*up)
        self.wait_for_blocks(1, "the first start")
        for index in range(MEMBERS):
            self.back_up(index)
        self.localnet("down")
        for index in range(MEMBERS):
            self.keep(self.files[index], self.files_of(index))
        height = self.localnet(*up) and self.wait_for_blocks(2, "the second start")
        self.wait_for_blocks(height + 2, "the copies")
        return self

    def __exit__(self, *_):
        self.localnet("down", check=False)
        shutil.rmtree(self.place, ignore_errors=True)

    def localnet(self, verb, *arguments, check=True):
        return run(NODE, "localnet", verb, "--dir", self.place, *arguments, check=check)

    def node(self, index, *words, check=True):
        return run(NODE, *words, "--datadir", os.path.dirname(self.root(index)), "--network", "local", check=check)

    def cli(self, index, *arguments):
        socket = os.path.join(self.root(index), "node.sock")
        result = run(CLI, "--socket", socket, "-o", "compact", *arguments, check=False)
        return json.loads(result.stdout) if result.returncode == 0 else None

    def height(self, index):
        height = self.cli(index, "getblockcount")
        return -1 if height is None else int(height)

    def root(self, index):
        return os.path.join(self.place, f"node{index}", "local")

    def fresh(self, name):
        self.number += 1
        return os.path.join(self.place, f"{name}-{self.number}")

    def stop(self, index):
        """Kills it, or has it end by itself; takes over what it knows."""
        if self.draw.random() < 0.5:
            self.localnet("kill", str(index))
        else:
            self.cli(index, "stop")
        # Nothing has its database open any more.
        wait("its end", lambda: self.node(index, "db", "stats", check=False).returncode != 75)
        self.note(index)

    def start(self, index, why):
        """Starts it, and waits until all have new blocks."""
        stuck = max(self.height(other) for other in range(MEMBERS))
        self.localnet("restart", str(index))
        self.wait_for_blocks(stuck + 2, f"{why} of node {index}")

    def wait_for_blocks(self, height, why):
        """Until every node has a block; returns the highest."""
        wait(f"block {height} everywhere after {why}",
             lambda: all(self.height(index) >= height for index in range(MEMBERS)))
        return max(self.height(index) for index in range(MEMBERS))

    def files_of(self, index):
        """A copy of the directory of a stopped node, as of a disk that was taken out."""
        target = self.fresh("files")
        shutil.copytree(self.root(index), target, ignore=shutil.ignore_patterns("*.sock"))
        return target

    def back_up(self, index):
        target = self.fresh("backup")
        self.node(index, "backup", target)
        self.keep(self.backups[index], target)

    def keep(self, kept, target):
        kept.append(target)
        if len(kept) > COPIES_KEPT:
            shutil.rmtree(kept.pop(0))

    def note(self, index):
        """Takes over everything that a stopped node knows to be signed: its journals, also those put aside."""
        root = self.root(index)
        for parent, _, names in os.walk(root):
            segments = [os.path.join(parent, name) for name in names if name.endswith(".v1")]
            state = (parent, tuple(sorted((path, os.path.getsize(path), os.path.getmtime(path)) for path in segments)))
            if not os.path.relpath(parent, root).startswith("journal") or not segments or state in self.seen:
                continue
            self.seen.add(state)
            for line in self.dump(index, parent).splitlines():
                self.compare(json.loads(line))

    def compare(self, entry):
        key = (entry["member"], entry["height"], entry["round"], entry["type"])
        value = (entry["block"], entry["validRound"], entry["signature"])
        first = self.votes.setdefault(key, value)
        if first != value:
            raise Conflict(f"two signatures at {key}: {first} and {value}")

    def dump(self, index, journal):
        """The votes in a journal, shown in a directory of its own."""
        with tempfile.TemporaryDirectory(dir=PLACE) as place:
            os.mkdir(os.path.join(place, "local"))
            shutil.copytree(journal, os.path.join(place, "local", "journal"))
            shutil.copy2(os.path.join(self.root(index), "genesis.json"), os.path.join(place, "local"))
            return run(NODE, "journal", "dump", "--datadir", place, "--network", "local", "-o", "json").stdout

    def replace(self, index, name, copy):
        there = os.path.join(self.root(index), name)
        shutil.rmtree(there)
        shutil.copytree(os.path.join(copy, name), there)

    def put_on(self, way):
        """One copy: the operator's mistake, and what comes of it."""
        index = self.draw.randrange(MEMBERS)
        self.stop(index)
        aside = None
        if way == BACKUP:
            self.node(index, "restore", "--replace", self.draw.choice(self.backups[index]))
            for name in os.listdir(self.root(index)):
                if name.startswith("chain.old-"):
                    shutil.rmtree(os.path.join(self.root(index), name))
        else:
            copy = self.draw.choice(self.files[index])
            # What it is now is the older copy of a later time.
            aside = self.files_of(index)
            if way == WHOLE:
                shutil.rmtree(self.root(index))
                shutil.copytree(copy, self.root(index))
            for name in {CHAIN: ["chain"], JOURNAL: ["journal"], BOTH: ["chain", "journal"], WHOLE: []}[way]:
                self.replace(index, name, copy)
        self.start(index, way)
        self.counts[way] += 1
        status = self.cli(index, "getconsensusstatus")
        self.counts["stopped signing by itself"] += status["signing"] == "stopped"
        if status["signing"] == "stopped":
            self.mend(index, aside, status)
        if aside and os.path.exists(aside):
            self.keep(self.files[index], aside)
        if self.draw.random() < 0.5:
            self.back_up(index)

    def mend(self, index, aside, status):
        """The operator is told, and puts the right directory back: the one with the newest record."""
        assert aside and "record" in status["explanation"], status["explanation"]
        self.stop(index)
        shutil.rmtree(self.root(index))
        shutil.copytree(aside, self.root(index))
        self.start(index, "putting the right directory back")
        assert self.cli(index, "getconsensusstatus")["signing"] != "stopped"

    def end(self):
        """Compares everything that any node knows to be signed. Returns the height."""
        height = max(self.height(index) for index in range(MEMBERS))
        for index in range(MEMBERS):
            self.stop(index)
            evidence = os.path.join(self.root(index), "evidence")
            found = os.listdir(evidence) if os.path.isdir(evidence) else []
            if found:
                raise Conflict(f"node {index} has evidence: {found}")
        key, value = next(iter(self.votes.items()))
        try:
            self.compare(dict(zip(("member", "height", "round", "type"), key), block=value[0], validRound=value[1],
                              signature="another"))
        except Conflict:
            return height
        raise AssertionError("a second signature would not be seen")


start = time.monotonic()
totals, done, number = collections.Counter(), 0, 0
while done < copies:
    count = min(COPIES_PER_NETWORK, copies - done)
    with Network(number) as network:
        try:
            for place in range(count):
                # All ways in turn, from the one that says most.
                network.put_on(WAYS[place % len(WAYS)])
            totals["blocks"] += network.end()
        except AssertionError as failure:
            raise type(failure)(f"seed {seed}, network {number}: {failure}") from failure
        totals += network.counts
        totals["signatures"] += len(network.votes)
    done, number = done + count, number + 1
    print(f"ok: {done} copies in {time.monotonic() - start:.0f} s: conflicting signatures 0, evidence 0; "
          f"{', '.join(f'{count} {what}' for what, count in totals.items())}", flush=True)
assert totals[WHOLE] == 0 or totals["stopped signing by itself"] > 0, "or nothing was tested"
