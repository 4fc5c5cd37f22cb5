"""Runs the exerciser of the store and keeps the books: what it told must be there whenever it starts again.

The folder of the programs is the first argument of every test.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

BIN = sys.argv[1]
EXERCISER = os.path.join(BIN, "store-exerciser")
SECONDS_MAX = 120
# A kill loses nothing of what the system has taken, whatever it lies on; in memory, syncs cost no time.
PLACE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Lost(AssertionError):
    """An acknowledged block or signature is gone, or something is there that was never decided."""


class Directory:
    """A chain on disk with what was acknowledged of it; gone at the end."""

    def __init__(self, seed, copy_of=None):
        self.seed = seed
        self.path = tempfile.mkdtemp(prefix="timecoin-store.", dir=PLACE)
        self.blocks = {}
        self.signatures = {}
        self.height, self.signed, self.life = 0, None, 0
        self.counts = {"told blocks": 0, "told signatures": 0, "signatures refused": 0, "journals replayed": 0}
        if copy_of:
            shutil.rmtree(self.path)
            shutil.copytree(copy_of.path, self.path)
            self.know_of(copy_of)

    def know_of(self, other):
        """Takes over what another directory's program has told."""
        self.blocks, self.signatures = dict(other.blocks), dict(other.signatures)
        self.height, self.signed, self.life = other.height, other.signed, other.life

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def start(self, mode, *arguments, wrapper=(), limit=None):
        ours, theirs = socket.socketpair()
        process = subprocess.Popen(
            [*wrapper, EXERCISER, mode, self.path, str(self.seed), *map(str, arguments)], stdout=theirs,
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, preexec_fn=limit, start_new_session=True)
        theirs.close()
        return process, ours

    def run(self, mode, *arguments, **options):
        """Runs to the end. Returns the exit status, negative for a signal, and the lines."""
        process, output = self.start(mode, *arguments, **options)
        output.settimeout(SECONDS_MAX)
        text = read_all(output)
        status = process.wait(SECONDS_MAX)
        lines = text.splitlines()
        self.take(lines)
        return status, lines

    def commit(self, count, *defect, **options):
        self.life += 1
        return self.run("run", self.life, count, *defect, **options)

    def prune(self, count):
        self.life += 1
        return self.run("prune", self.life, count)

    def run_and_kill(self, seconds, *defect):
        """Starts it and kills it with -9 after a time. Returns whether it was killed before its end."""
        self.life += 1
        process, output = self.start("run", self.life, 100000, *defect)
        killer = signal_later(process.pid, seconds)
        output.settimeout(SECONDS_MAX)
        text = read_all(output)
        killer.join()
        status = process.wait(SECONDS_MAX)
        if status != -signal.SIGKILL:
            raise AssertionError(f"ended by itself with {status}: {text[-500:]}")
        # The last line may be cut off: whatever is complete was told.
        self.take(text[:text.rfind("\n") + 1].splitlines())

    def take(self, lines):
        fault = None
        for line in lines:
            kind, *words = line.split()
            if kind == "opened":
                self.opened(*words)
            elif kind == "committed":
                self.told(line, fault)
                self.note(int(words[0]), (words[1], words[2]))
                self.height = int(words[0])
                self.counts["told blocks"] += 1
            elif kind == "signed":
                self.told(line, fault)
                self.sign(words[0], words[1])
            elif kind == "refused":
                self.counts["signatures refused"] += 1
            elif kind == "fault":
                fault = line
            elif kind == "acknowledged":
                raise Lost(f"{line}: {fault}")

    def told(self, line, fault):
        if fault:
            raise Lost(f"{line} was told after {fault}")

    def note(self, height, names):
        if self.blocks.setdefault(height, names) != names:
            raise Lost(f"two blocks of height {height}: {names} and {self.blocks[height]}")

    def opened(self, height, block, root, _, last, __, entries):
        height = int(height)
        if height < self.height:
            raise Lost(f"height {self.height} was told, {height} is there")
        if height > self.height + 1:
            raise Lost(f"height {self.height} was told, {height} is there: at most one can be untold")
        self.note(height, (block, root))
        self.height = height
        if self.signed and (last == "none" or position(last) < self.signed):
            raise Lost(f"{self.signed} was signed, the record ends at {last}")
        self.counts["journals replayed"] += int(entries) > 0

    def sign(self, place, signature):
        if self.signatures.setdefault(place, signature) != signature:
            raise Lost(f"two signatures at {place}")
        self.signed = max(self.signed or position(place), position(place))
        self.counts["told signatures"] += 1

    def check(self):
        """Everything in the directory against a replay from genesis. Returns the height."""
        status, lines = self.run("check")
        if status != 0 or not lines or not lines[-1].startswith("checked"):
            raise Lost(f"check ended with {status}: {lines[-1:]}")
        return int(lines[-1].split()[1])


def position(text):
    height, round_, kind = text.split("/")
    return int(height), int(round_), kind != "prevote"


def read_all(output):
    parts = []
    with output:
        while part := output.recv(65536):
            parts.append(part)
    return b"".join(parts).decode()


def signal_later(pid, seconds):
    import threading
    killer = threading.Timer(seconds, lambda: os.kill(pid, signal.SIGKILL))
    killer.start()
    return killer
