"""A real node, alone in its network, whose files and disk are hurt: it says exactly why, and ends with the right status
or votes no more. Run by Scripts/test-store.

usage: test_node.py PROGRAMS
"""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

NODE = os.path.join(sys.argv[1], "timecoin-node")
CLI = os.path.join(sys.argv[1], "timecoin-cli")
PORT = 24951


def run(*arguments, check=True, seconds=60):
    result = subprocess.run(arguments, capture_output=True, text=True, timeout=seconds)
    assert not check or result.returncode == 0, (arguments, result.returncode, result.stderr)
    return result


def wait(what, condition, seconds=20):
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def lives_on(node, seconds=3):
    """Waits until the node says that it has run so much longer: what it does not do, it then had time to do."""
    now = node.cli("uptime")
    wait("an answer after a while", lambda: node.cli("uptime") >= now + seconds)


class Node:
    """The only validator of its network, in a directory of its own."""

    def __init__(self, parent=None):
        self.place = tempfile.mkdtemp(prefix="timecoin-node.", dir=parent or ("/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
        run(NODE, "localnet", "up", "--dir", self.place, "--validators", "1", "--block-time", "1", "--payment-time", "0",
            "--detach")
        self.datadir = os.path.join(self.place, "node0")
        self.root = os.path.join(self.datadir, "local")
        wait("two blocks", lambda: self.height() >= 2)
        run(NODE, "localnet", "down", "--dir", self.place)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.place, ignore_errors=True)

    def words(self):
        return [NODE, "run", "--datadir", self.datadir, "--network", "local", "--listen", f"127.0.0.1:{PORT}"]

    def start(self, *wrapper):
        return Running(self, wrapper)

    def ends(self, seconds=60):
        """Runs until it ends by itself. Returns the status and what it said."""
        result = run(*self.words(), check=False, seconds=seconds)
        return result.returncode, result.stderr

    def cli(self, *arguments):
        result = run(CLI, "--socket", os.path.join(self.root, "node.sock"), "-o", "compact", *arguments, check=False)
        return json.loads(result.stdout) if result.returncode == 0 else None

    def height(self):
        height = self.cli("getblockcount")
        return -1 if height is None else int(height)

    def path(self, *names):
        return os.path.join(self.root, *names)


class Running:
    """A node that runs; ended by its own process id."""

    def __init__(self, node, wrapper):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([*wrapper, *node.words()], stdout=subprocess.DEVNULL, stderr=self.log,
                                        start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            # The group is this node and whatever traces it.
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def ended(self, seconds=30):
        wait("its end", lambda: self.process.poll() is not None, seconds)
        return self.process.returncode


def passes(what):
    print(f"ok: {what}", flush=True)


def second_instance(node):
    with node.start():
        before = node.height()
        wait("a block", lambda: node.height() > max(before, 0))
        status, said = node.ends()
        assert status == 78 and "another instance has" in said and "stop it first" in said, (status, said)
        now = node.height()
        wait("another block", lambda: node.height() > now)
    passes("a second instance ends with 78 and says who is there; the first goes on")


def foreign_record(node):
    """A record that belongs to another database: the node observes and says what to do."""
    with Node() as other:
        shutil.move(node.path("sign"), node.path("sign.own"))
        shutil.copytree(other.path("sign"), node.path("sign"))
    try:
        with node.start() as running:
            wait("an answer", lambda: node.cli("getconsensusstatus") is not None)
            status = node.cli("getconsensusstatus")
            assert status["signing"] == "stopped" and "put back the record" in status["explanation"], status
            before = node.height()
            lives_on(node)
            assert node.height() == before
            assert "signing is stopped: the signer's record in" in running.said()
    finally:
        shutil.rmtree(node.path("sign"))
    status, said = node.ends()
    assert status == 78 and "there is no record of signatures in" in said, (status, said)
    shutil.move(node.path("sign.own"), node.path("sign"))
    with node.start():
        before = node.height()
        wait("a block with the own record", lambda: node.height() > max(before, 0))
    passes("K14: with another's record it observes and says what to do; without one it ends with 78; with its own it signs")


def formats(node):
    """The database says what wrote it; an older program must not touch a newer one."""
    source = node.path("chain", "data.mdb")
    with open(source, "rb") as file:
        intact = file.read()
    shutil.copytree(node.path("sign"), node.path("sign.own"))
    name = node.path("sign", "signed.v1")
    os.rename(name, node.path("sign", "signed.v2"))
    status, said = node.ends()
    assert status == 78 and "has format 2, this program reads 1; start the newer program" in said, (status, said)
    os.rename(node.path("sign", "signed.v2"), name)
    shutil.rmtree(node.path("sign.own"))
    with open(source, "rb") as file:
        assert file.read() == intact
    passes("a newer format is refused with 78 and what to do, and left as it is")


def identity_records(data):
    """Where the record that every opening reads first stands in the file: its node on a leaf page."""
    place = -1
    while (place := data.find(bytes((8, 0)) + bytes(8), place + 1)) >= 0:
        low, high, flags = struct.unpack_from("<HHH", data, place - 6) if place >= 6 else (0, 0, 1)
        if flags == 0 and high == 0 and 50 <= low <= 64:
            yield place - 6


def crash_loop(node):
    """A page that has LMDB read far behind the end of the file: every opening dies of a signal."""
    chain = node.path("chain", "data.mdb")
    with open(chain, "rb") as file:
        data = bytearray(file.read())
    places = list(identity_records(bytes(data)))
    assert places, "the record was not found"
    for place in places:
        struct.pack_into("<H", data, place + 2, 0x0700)
    with open(chain, "wb") as file:
        file.write(data)
    environment = dict(os.environ, SWIFT_BACKTRACE="enable=no")
    statuses, said = [], ""
    for _ in range(3):
        result = subprocess.run(node.words(), capture_output=True, text=True, timeout=60, env=environment)
        statuses.append(result.returncode)
        said = result.stderr
    assert all(status in (-signal.SIGSEGV, -signal.SIGBUS) for status in statuses[:2]), (statuses, said)
    assert statuses[2] == 74 and "chain.quarantine-1, nothing of it is deleted" in said, (statuses, said)
    with open(node.path("chain.quarantine-1", "data.mdb"), "rb") as file:
        assert file.read(len(data)) == data
    assert not os.path.exists(node.path("chain")) and not os.path.exists(node.path("opening"))
    # Alone, nobody can give it the chain back; it begins anew and signs nothing of what it signed before.
    with node.start() as running:
        wait("an answer", lambda: node.height() >= 0)
        lives_on(node)
        assert node.height() == 0 and "nothing is signed up to this height" in running.said(), running.said()[-800:]
    passes(f"S9: a page that crashes LMDB: twice it dies of signal {-statuses[0]}, then the database is put aside whole "
           "and it ends with 74; the next start begins anew and signs nothing it may have signed")


def latch(node):
    """The disk fails under a running node: it ends with 74 and says why."""
    if not shutil.which("strace") or subprocess.run(["strace", "true"], capture_output=True).returncode != 0:
        print("skipped: I/O errors under a running node, which need strace and ptrace", flush=True)
        return
    journal = sorted(name for name in os.listdir(node.path("journal")) if name.endswith(".v1"))[-1]
    for call, error, path in (("fdatasync", "EIO", node.path("journal", journal)),
                              ("write", "ENOSPC", node.path("sign", "signed.v1")),
                              ("pwrite64", "EIO", node.path("chain", "data.mdb"))):
        wrapper = ("strace", "-f", "-qq", "-o", "/dev/null", "-P", path, "-e", f"trace={call}", "-e",
                   f"inject={call}:error={error}:when=3+")
        with node.start(*wrapper) as running:
            status = running.ended(60)
            said = running.said()
            assert status == 74 and "stopped signing and writing" in said and path in said or (
                call == "pwrite64" and status == 74 and "stopped signing and writing" in said), (
                    call, status, said[-800:])
    with node.start():
        before = node.height()
        wait("a block with a disk that works", lambda: node.height() > max(before, 0))
    passes("K12: the journal does not sync, the record of signatures has no room, the database is not written: the node "
           "says why and ends with 74, and goes on with a disk that works")


def full_disk():
    place = tempfile.mkdtemp(prefix="timecoin-small.")
    if os.geteuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", place], capture_output=True).returncode != 0:
        os.rmdir(place)
        print("skipped: a disk that fills up under a node, which needs root and tmpfs", flush=True)
        return
    try:
        with Node(parent=place) as node:
            filler = os.path.join(place, "filler")

            def leave(free):
                """Fills the disk up to so many bytes."""
                if os.path.exists(filler):
                    os.remove(filler)
                room = os.statvfs(place)
                with open(filler, "wb") as file:
                    os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - free)

            with node.start() as running:
                wait("a block", lambda: node.height() >= 3)
                leave(2 << 20)
                wait("the warning", lambda: "the disk is nearly full" in running.said())
                wait("the sentence", lambda: "proposes nothing" in node.cli("getconsensusstatus")["explanation"])
                assert node.cli("getconsensusstatus")["disklow"] is True
                before = node.height()
                lives_on(node)
                assert node.height() <= before + 1, "it proposed with a disk nearly full"
                os.remove(filler)
                wait("a block with room again", lambda: node.height() > before + 1)
                assert "the disk has room again" in running.said()
                leave(400_000)
                status = running.ended()
                assert status == 74 and "stopped before a write fails; make room and start again" in running.said(), (
                    status, running.said()[-800:])
            os.remove(filler)
            with node.start():
                before = node.height()
                wait("a block after a restart", lambda: node.height() > max(before, 0))
    finally:
        subprocess.run(["umount", place])
        os.rmdir(place)
    passes("a disk that fills up: it warns and proposes nothing, goes on with room, ends with 74 before a write fails")


start = time.monotonic()
with Node() as node:
    second_instance(node)
    foreign_record(node)
    formats(node)
    latch(node)
    crash_loop(node)
full_disk()
print(f"ok: {time.monotonic() - start:.0f} s")
