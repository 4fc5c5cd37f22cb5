"""Directories in which something is about to happen, and whether this machine can watch it."""

import os
import shutil
import subprocess


def strace_works():
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-f", "-e", "trace=write", "true"], capture_output=True).returncode == 0


def commit_some(count):
    def prepare(directory):
        status, lines = directory.commit(count)
        assert status == 0, lines
    return prepare


def torn(directory):
    """As a kill leaves it: half a record at the end of the journal and of the signer's record."""
    commit_some(7)(directory)
    journal = os.path.join(directory.path, "journal")
    for path in (os.path.join(journal, sorted(name for name in os.listdir(journal) if name.endswith(".v1"))[-1]),
                 os.path.join(directory.path, "sign", "signed.v1")):
        with open(path, "r+b") as file:
            file.seek(0, os.SEEK_END)
            file.write(b"\x00" * 11)


def long_record(directory):
    """A signer's record that the next signatures compact."""
    commit_some(2)(directory)
    path = os.path.join(directory.path, "sign", "signed.v1")
    status, lines = directory.run("sign", 7600)
    assert status == 0, lines[-1:]
    assert os.path.getsize(path) > (1 << 20) - 20_000, os.path.getsize(path)
    while os.path.getsize(path) < 1 << 20:
        status, lines = directory.run("sign", 1 + (max(0, (1 << 20) - os.path.getsize(path)) // 150))
        assert status == 0, lines[-1:]


def pruned(directory):
    """A database from which the next call prunes more."""
    status, lines = directory.prune(60)
    assert status == 0 and lines[-1].startswith("pruned"), lines[-2:]
