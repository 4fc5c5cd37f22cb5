"""The commands on a stopped node's database, killed or failed at the system calls that change files. Those that replace a
database never lose the one that was there; those that make a copy leave the database as it is, and what has the name of
the copy is whole. The next call goes on, or says exactly what to do. Needs strace; without it, it says so. Run by
Scripts/test-store.

usage: test_life.py PROGRAMS [STRIDE [SEED]]        one of STRIDE faults, drawn by the seed; all of them with 1
"""

import collections
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

NODE = os.path.join(sys.argv[1], "timecoin-node")
CLI = os.path.join(sys.argv[1], "timecoin-cli")
stride = int(sys.argv[2]) if len(sys.argv) > 2 else 1
draw = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
PLACE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
CALLS = ("pwrite64", "pwritev", "write", "writev", "fdatasync", "fsync", "msync", "rename", "renameat", "renameat2", "unlink",
         "unlinkat", "rmdir", "ftruncate", "fallocate", "openat", "mkdir", "mkdirat")
WRITES = ("pwrite64", "pwritev", "write", "writev")
KILL, EIO, ENOSPC = "signal=KILL", "error=EIO", "error=ENOSPC"
NAMES = {KILL: "kill", EIO: "EIO", ENOSPC: "ENOSPC"}
START = 4


class Lost(AssertionError):
    pass


def call(datadir, *words, wrapper=()):
    result = subprocess.run((*wrapper, NODE, *words, "--datadir", datadir, "--network", "local", "-o", "json"),
                            capture_output=True, text=True, timeout=120)
    return result.returncode, result.stdout, result.stderr


def height_of(datadir):
    """The height of a database that is sound in every record."""
    status, said, error = call(datadir, "db", "verify")
    verified = json.loads(said) if said else {}
    if status != 0 or not verified["ok"]:
        raise Lost(f"the database is not sound: {status} {said} {error}")
    return verified["height"]


class World:
    """A chain of some blocks, a node that has a part of it, and what the commands are fed with."""

    def __init__(self):
        self.place = tempfile.mkdtemp(prefix="timecoin-life.", dir=PLACE)
        subprocess.run((NODE, "localnet", "up", "--dir", self.place, "--validators", "1", "--block-time", "1",
                        "--payment-time", "0", "--detach"), check=True, capture_output=True)
        self.full = os.path.join(self.place, "node0")
        socket = os.path.join(self.full, "local", "node.sock")
        end = time.monotonic() + 60
        while time.monotonic() < end:
            answer = subprocess.run((CLI, "--socket", socket, "getblockcount"), capture_output=True, text=True)
            if answer.returncode == 0 and int(answer.stdout) >= START + 4:
                break
            time.sleep(0.2)
        subprocess.run((NODE, "localnet", "down", "--dir", self.place), check=True, capture_output=True)
        self.height = height_of(self.full)
        assert self.height >= START + 4
        self.fed = {name: os.path.join(self.place, name) for name in ("backup", "snapshot", "archive", "head")}
        self.done("backup", self.fed["backup"])
        self.done("snapshot", "create", self.fed["snapshot"])
        self.done("db", "export", self.fed["archive"])
        self.done("db", "export", self.fed["head"], "--to", str(START))
        # The node whose database is replaced: some blocks, the sign record of the chain.
        self.part = os.path.join(self.place, "part")
        shutil.copytree(self.full, self.part)
        shutil.rmtree(os.path.join(self.part, "local", "chain"))
        status, _, error = call(self.part, "db", "import", self.fed["head"])
        assert status == 0, error

    def done(self, *words):
        status, _, error = call(self.full, *words)
        assert status == 0, (words, error)

    def end(self):
        shutil.rmtree(self.place, ignore_errors=True)

    def works(self):
        """A name, the words of the command, and the height at its end."""
        for name, words, proof in (
                ("backup", ("backup",), self.is_backup), ("snapshot create", ("snapshot", "create"), self.is_snapshot),
                ("db export", ("db", "export"), self.is_archive)):
            yield Copy(self, name, words, proof)
        yield Work(self, "restore", ("restore", "--replace", self.fed["backup"]), self.height)
        yield Work(self, "snapshot load", ("snapshot", "load", "--replace", self.fed["snapshot"]), self.height)
        yield Work(self, "db reindex", ("db", "reindex"), START)
        yield Work(self, "db import", ("db", "import", self.fed["archive"]), self.height)


    def is_backup(self, path, beside):
        """Whether a copy is whole: restored where nothing is, it is the database that it is of."""
        return self.gives(beside, "restore", path)

    def is_snapshot(self, path, beside):
        return call(self.part, "snapshot", "verify", path)[0] == 0

    def is_archive(self, path, beside):
        return self.gives(beside, "db", "import", path)

    def gives(self, beside, *words):
        shutil.copytree(self.part, beside)
        shutil.rmtree(os.path.join(beside, "local", "chain"))
        return call(beside, *words)[0] == 0 and height_of(beside) == START


class Work:
    def __init__(self, world, name, words, height):
        self.world, self.name, self.words, self.height = world, name, words, height
        self.keeps = name != "db import"
        self.replaces = name in ("restore", "snapshot load")

    def copy(self):
        # Always at the same place: the calls to fail are named by their paths.
        place = os.path.join(self.world.place, "work")
        os.mkdir(place)
        shutil.copytree(self.world.part, os.path.join(place, "node"))
        return os.path.join(place, "node")

    def calls(self):
        """The calls that change files of the node: as names, and how many of that name its thread made before on these
        files, as strace counts them."""
        datadir = self.copy()
        try:
            with tempfile.NamedTemporaryFile("r") as log:
                status, _, error = call(datadir, *self.command(datadir), wrapper=(
                    "strace", "-f", "-y", "-qq", "-o", log.name, "-e", "trace=" + ",".join(CALLS)))
                assert status == 0, error
                seen, found = collections.Counter(), []
                self.paths = set()
                for line in log:
                    match = re.match(r"(\d+) +(\w+)\(", line)
                    place = os.path.dirname(datadir)
                    if not match or place not in line:
                        continue
                    self.paths |= set(re.findall(re.escape(place) + r"/[^\"<>]*", line))
                    seen[match[1], match[2]] += 1
                    # What is only read, or not there, changes nothing.
                    if not (match[2] == "openat" and "O_CREAT" not in line):
                        found.append((match[2], seen[match[1], match[2]]))
            yield from dict.fromkeys(found)
            self.check_end(datadir, self.height)
        finally:
            shutil.rmtree(os.path.dirname(datadir))

    def check_end(self, datadir, height):
        root = os.path.join(datadir, "local")
        if height_of(datadir) != height:
            raise Lost(f"it ends with block {height_of(datadir)}, not {height}")
        left = [name for name in os.listdir(root) if name in ("chain.new", "chain.restore", "chain.loading", "chain.reindex")]
        if left:
            raise Lost(f"left over: {left}")

    def command(self, datadir):
        return self.words

    def kept(self, datadir):
        """Where the old database is now: in its place, or beside it; it must be whole."""
        root = os.path.join(datadir, "local")
        names = [name for name in os.listdir(root) if name == "chain" or name.startswith("chain.old-")]
        old = [name for name in names if name.startswith("chain.old-")]
        if len(old) > 1 or not names:
            raise Lost(f"the old database is not to be found among {os.listdir(root)}")
        name = old[0] if old else "chain"
        beside = os.path.join(os.path.dirname(datadir), "beside")
        shutil.copytree(datadir, beside)
        try:
            if name != "chain":
                chain = os.path.join(beside, "local", "chain")
                shutil.rmtree(chain, ignore_errors=True)
                os.rename(os.path.join(beside, "local", name), chain)
            height = height_of(beside)
            if height < START or (self.keeps and name != "chain" and height != START):
                raise Lost(f"{name} was at {START} and is at {height}")
        finally:
            shutil.rmtree(beside)
        return bool(old)

    def inject(self, name, number, fault):
        """One call with one fault, and what follows. Returns how it ended, in words."""
        datadir = self.copy()
        try:
            with tempfile.NamedTemporaryFile("r") as log:
                status, said, error = call(datadir, *self.command(datadir), wrapper=(
                    "strace", "-f", "-y", "-q", "-o", log.name, *(word for path in self.paths for word in ("-P", path)), "-e",
                    f"trace={name}", "-e", f"inject={name}:{fault}:when={number}"))
                met = [line for line in log if "(INJECTED)" in line or "killed by SIGKILL" in line]
            ended = self.ended(datadir, status, error, fault, met)
            self.goes_on(datadir)
            return ended
        except Lost as loss:
            raise Lost(f"{self.name}: {fault} at {name} {number}: {loss}") from loss
        finally:
            shutil.rmtree(os.path.dirname(datadir))

    def ended(self, datadir, status, error, fault, met):
        # The program in which a command tries the database may be what is killed: the command says so then, with 75.
        allowed = (-signal.SIGKILL, 128 + signal.SIGKILL, 75) if fault == KILL else (74,)
        if status in (74, 75) and status in allowed:
            told = json.loads(error.splitlines()[-1])
            if told["code"] != status or not told["message"]:
                raise Lost(f"ended without a reason: {error}")
        elif status != 0 and status not in allowed:
            raise Lost(f"ended with {status}: {error[-400:]}")
        if status != 0:
            return str(status)
        # Now and then a run has a call fewer before it, and this one never comes.
        if not met:
            return "not reached"
        # A database that cannot be opened, with the record beside it, is replaced all the same, and kept.
        old = re.escape(os.path.join(datadir, "local", ""))
        if self.replaces and all(re.search(rf'[<"]{old}(chain|sign)[/">]', line) for line in met):
            return "0, the old database unread"
        raise Lost(f"ended with 0 after {met}")

    def goes_on(self, datadir):
        isSwapped = self.kept(datadir)
        again, _, error = call(datadir, *self.words)
        if again != 0:
            raise Lost(f"the next call ends with {again}: {error[-400:]}")
        self.check_end(datadir, self.height)
        root = os.path.join(datadir, "local")
        # It has no height in its name where it could not be read.
        old = {f"chain.old-{START}", "chain.old-unread"}
        if self.keeps and isSwapped and not old & set(os.listdir(root)):
            raise Lost(f"the old database is gone: {os.listdir(root)}")


class Copy(Work):
    """A command that writes a copy of the database to a new place."""

    def __init__(self, world, name, words, proof):
        super().__init__(world, name, words, START)
        self.proof = proof

    def target(self, datadir):
        return os.path.join(os.path.dirname(datadir), "copy")

    def command(self, datadir):
        return (*self.words, self.target(datadir))

    def check_end(self, datadir, height):
        super().check_end(datadir, height)
        target = self.target(datadir)
        beside = os.path.join(os.path.dirname(datadir), "beside")
        if not self.proof(target, beside):
            raise Lost("the copy is not whole")
        shutil.rmtree(beside, ignore_errors=True)
        left = set(os.listdir(os.path.dirname(datadir))) - {"node", "copy"}
        if left:
            raise Lost(f"left over: {left}")

    def goes_on(self, datadir):
        if height_of(datadir) != START:
            raise Lost("the database is not as it was")
        target = self.target(datadir)
        again, _, error = call(datadir, *self.command(datadir))
        # Whatever has the name of the copy is whole; then, and only then, the next call says that it is there.
        if os.path.exists(target) and again != 0:
            told = json.loads(error.splitlines()[-1])
            if told["code"] != 1 or "is there already" not in told["message"] or not told["hint"]:
                raise Lost(f"the next call ends with {again}: {error[-400:]}")
            for left in (target + ".partial", target + ".partial.part"):
                if os.path.exists(left):
                    raise Lost(f"left over: {left}")
        elif again != 0:
            raise Lost(f"the next call ends with {again}: {error[-400:]}")
        self.check_end(datadir, START)


if not shutil.which("strace") or subprocess.run(["strace", "true"], capture_output=True).returncode != 0:
    print("skipped: faults at every system call of the commands, which need strace and ptrace", flush=True)
    sys.exit()
start = time.monotonic()
world = World()
try:
    for work in world.works():
        ended = collections.Counter()
        calls = list(work.calls())
        kinds = collections.Counter(name for name, _ in calls)
        for name, number in calls:
            for fault in (KILL, EIO, ENOSPC):
                if fault == ENOSPC and name not in WRITES:
                    continue
                if draw.randrange(stride) == 0:
                    ended[f"{NAMES[fault]} → {work.inject(name, number, fault)}"] += 1
        print(f"ok: {work.name}: {len(calls)} calls ({', '.join(f'{n} {c}' for c, n in kinds.items())}); "
              f"{', '.join(f'{n} × {what}' for what, n in sorted(ended.items()))}; lost 0", flush=True)
finally:
    world.end()
print(f"ok: {time.monotonic() - start:.0f} s")
