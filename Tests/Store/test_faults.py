"""Every system call on the files of a commit, of opening after a kill, of a new segment and of a signature: killed
there, or answered with an error. After a fault nothing is acknowledged and nothing signed, the program says why and
ends with 74; what is on disk afterwards is whole. Needs strace; without it, it says so. Run by Scripts/test-store.

usage: test_faults.py PROGRAMS [STRIDE [SEED]]        one of STRIDE faults, drawn by the seed; all of them with 1
"""

import collections
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from exerciser import Directory, Lost
from prepared import commit_some, long_record, pruned, strace_works, torn

stride = int(sys.argv[2]) if len(sys.argv) > 2 else 1
draw = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
CALLS = ("pwrite64", "pwritev", "pwritev2", "write", "writev", "fdatasync", "fsync", "msync", "sync_file_range", "rename",
         "renameat", "renameat2", "unlink", "unlinkat", "ftruncate", "fallocate", "openat", "mkdir", "mkdirat", "flock",
         "fcntl")
WRITES = ("pwrite64", "pwritev", "pwritev2", "write", "writev")
# The last tells that one byte was written, and none was: a disk that lies.
KILL, EIO, ENOSPC, LIE = "signal=KILL", "error=EIO", "error=ENOSPC", "retval=1"
NAMES = {KILL: "kill", EIO: "EIO", ENOSPC: "ENOSPC", LIE: "lie"}


class Work:
    """Something the program does in a prepared directory."""

    def __init__(self, name, prepare, mode, *arguments):
        self.name, self.mode, self.arguments = name, mode, arguments
        self.source = Directory(77)
        prepare(self.source)

    def copy(self):
        return Directory(77, copy_of=self.source)

    def run(self, directory, **options):
        directory.life += 1
        arguments = (directory.life, *self.arguments) if self.mode in ("run", "prune") else self.arguments
        return directory.run(self.mode, *arguments, **options)

    def calls(self):
        """The calls on files of the directory, as names and how many of that name came before."""
        with self.copy() as directory, tempfile.NamedTemporaryFile("r") as log:
            status, _ = self.run(directory, wrapper=(
                "strace", "-f", "-y", "-qq", "-o", log.name, "-e", "trace=" + ",".join(CALLS)))
            assert status == 0, status
            seen = collections.Counter()
            for line in log:
                match = re.match(r"(?:\d+ +)?(\w+)\(", line)
                if not match:
                    continue
                seen[match[1]] += 1
                # Giving a lock back cannot fail in a way that matters: its file is closed next.
                if directory.path in line and "LOCK_UN" not in line:
                    yield match[1], seen[match[1]], line


def works():
    yield Work("a new directory", lambda directory: None, "run", 1)
    yield Work("opening after a kill, and a commit", torn, "run", 1)
    # Some ten blocks fill a segment; one of them is followed by a new one.
    yield Work("commits and a new journal segment", commit_some(3), "run", 14)
    yield Work("commits that let old segments go", commit_some(148), "run", 3)
    yield Work("pruning of old blocks", pruned, "prune", 2)
    yield Work("a signer's record that is compacted", long_record, "sign", 2)


def inject(work, call, number, fault):
    """One run with one fault. Returns its exit status."""
    with work.copy() as directory:
        where = f"{work.name}: {fault} at {call} {number}"
        try:
            status, lines = work.run(directory, wrapper=(
                "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                f"inject={call}:{fault}:when={number}"))
            if fault == KILL:
                if status not in (-signal.SIGKILL, 128 + signal.SIGKILL):
                    raise Lost(f"ended with {status}")
            elif status == 74:
                if not any(line.startswith("fault ") for line in lines):
                    raise Lost(f"ended without a reason: {lines[-2:]}")
            elif status != 0 or is_vital(call, fault):
                raise Lost(f"ended with {status}: {lines[-2:]}")
            if fault != LIE or call != "write":
                directory.check()
        except Lost as loss:
            raise Lost(f"{where}: {loss}") from loss
        return status


def is_vital(call, fault):
    """Whether nothing may be acknowledged after this failure. A disk that lies about how much it wrote is noticed by
    the database, which asks for whole pages; an append to a file goes on with the rest, and its checksum is wrong."""
    return call not in ("fcntl", "openat") and not (fault == LIE and call == "write")


def short_writes():
    """A limit on the size of files cuts a write short truly, as a full disk does: at many places of a commit."""
    with Directory(78) as source:
        commit_some(3)(source)
        journal = os.path.join(source.path, "journal")
        sizes = [os.path.getsize(os.path.join(root, name)) for root, _, names in os.walk(source.path)
                 for name in names if name != "lock.mdb"]
        cut = 0
        for _ in range(max(10, 60 // stride)):
            limit = draw.choice(sizes) + draw.randint(1, 9000)

            def apply():
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            with Directory(78, copy_of=source) as directory:
                status, lines = directory.commit(20, limit=apply)
                assert status in (0, 74), (limit, status, lines[-2:])
                assert status == 0 or any(line.startswith("fault ") for line in lines), lines[-2:]
                cut += status == 74
                directory.check()
    assert cut > 5, "or nothing was tested"
    return cut


def full_disk():
    """A small file system runs full under it; with room again it goes on."""
    place = tempfile.mkdtemp(prefix="timecoin-full.")
    if os.geteuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], capture_output=True).returncode != 0:
        os.rmdir(place)
        return None
    try:
        directory = Directory(79)
        shutil.rmtree(directory.path)
        directory.path = os.path.join(place, "node")
        os.mkdir(directory.path)
        status, lines = directory.commit(5000)
        # A page that finds room for a part of it is an input/output error to LMDB.
        assert status == 74 and any("full:" in line or "commit: Input/output error" in line for line in lines), (
            status, lines[-2:])
        again, lines = directory.commit(5)
        assert again == 74, (again, lines[-2:])
        subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)
        directory.check()
        status, lines = directory.commit(5)
        assert status == 0, lines[-2:]
        return directory.check()
    finally:
        subprocess.run(["umount", place])
        os.rmdir(place)


start = time.monotonic()
print(f"ok: writes cut short at {short_writes()} places: refused, said, nothing lost", flush=True)
height = full_disk()
print("skipped: a full disk, which needs root and tmpfs" if height is None else
      f"ok: a disk that ran full ended it with 74; with room again it went on to height {height}", flush=True)
if not strace_works():
    print("skipped: faults at every system call, which need strace and ptrace", flush=True)
    sys.exit()
for work in works():
    ended = collections.Counter()
    with work.source:
        calls = list(work.calls())
        kinds = collections.Counter(call for call, _, _ in calls)
        for call, number, _ in calls:
            for fault in (KILL, EIO, ENOSPC, LIE):
                if fault in (ENOSPC, LIE) and call not in WRITES:
                    continue
                if draw.randrange(stride) == 0:
                    ended[f"{NAMES[fault]} → {inject(work, call, number, fault)}"] += 1
    print(f"ok: {work.name}: {len(calls)} calls ({', '.join(f'{n} {c}' for c, n in kinds.items())}); "
          f"{', '.join(f'{n} × {what}' for what, n in sorted(ended.items()))}", flush=True)
print(f"ok: {time.monotonic() - start:.0f} s")
