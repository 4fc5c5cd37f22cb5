"""What a program did to its files, recorded with strace, and what a power cut may leave of it.

A disk that keeps its word has everything that a sync named: what was written to a file before an fsync or fdatasync of
that file, what was written with O_DSYNC, and the names in a directory before an fsync of it. Of what came later it has
any part: writes reordered, writes cut at any byte, sectors of one write without the others, a file that is as long as it
was to become and has zeros there. The changes of one directory keep their order, as every journal of a file system keeps it.
"""

import copy
import os
import re
import tempfile

SECTOR = 512
CALLS = ("openat", "write", "pwrite64", "writev", "pwritev", "pwritev2", "lseek", "ftruncate", "fallocate", "rename",
         "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "fsync", "fdatasync",
         "msync", "sync_file_range", "sendto", "dup", "dup2", "dup3")
O_CREAT, O_TRUNC, O_APPEND, O_DSYNC = 0o100, 0o1000, 0o2000, 0o10000
LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)(?:<([^>]*)>)?")
DESCRIPTOR = re.compile(r"(\d+)<([^>]*)>")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
# How what was not synced is treated, of each file by itself.
LOST, KEPT, PREFIX, LONGER, SUBSET, SECTORS = WAYS = ("lost", "kept", "prefix", "longer", "subset", "sectors")


def text(raw):
    return bytes.fromhex(raw.replace("\\x", ""))


class File:
    """A file or a directory, whatever its names are."""

    def __init__(self, path, content=None):
        # As it was called first, for messages.
        self.path, self.content, self.length = path, content, len(content or b"")
        self.appended = False


class Recording:
    """One run of a program on a directory: `steps` in their order, and how it was before."""

    def __init__(self, directory, run):
        self.root = os.path.realpath(directory.path)
        self.names = {self.root: File(self.root)}
        for parent, folders, files in os.walk(self.root):
            for name in folders:
                self.names[os.path.join(parent, name)] = File(os.path.join(parent, name))
            for name in files:
                with open(os.path.join(parent, name), "rb") as file:
                    self.names[os.path.join(parent, name)] = File(os.path.join(parent, name), file.read())
        self.before = dict(self.names)
        self.steps = []
        self.descriptors = {}
        with tempfile.NamedTemporaryFile("r") as log:
            self.status, self.lines = run(wrapper=(
                "strace", "-f", "-y", "-xx", "-X", "raw", "-qq", "-s", str(1 << 24), "-o", log.name, "-e",
                "trace=" + ",".join(CALLS)))
            for line in log:
                self.take(line)

    def take(self, line):
        match = LINE.match(line)
        if not match:
            # Two threads at once would be told in halves; the exerciser has one that touches files.
            assert "unfinished" not in line and "resumed" not in line or self.root.encode().hex() not in line, line
            return
        call, arguments, result = match[2], match[3], int(match[4])
        if result >= 0:
            self.called(call, arguments, result, match[5])

    def called(self, call, arguments, result, opened):
        descriptor = DESCRIPTOR.match(arguments)
        number = int(descriptor[1]) if descriptor else None
        strings = [text(string) for string in STRING.findall(arguments)]
        if call == "sendto" and number == 1:
            self.steps.append(("told", strings[0].decode()))
        elif call == "openat":
            self.open(arguments, result, text(opened).decode())
        elif call in ("rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "link",
                      "linkat"):
            self.renamed(call, [os.path.join(self.root, string.decode()) for string in strings])
        elif number in self.descriptors and descriptor[2] and text(descriptor[2]).decode().startswith(self.root):
            self.changed(call, number, arguments, result, b"".join(strings))

    def open(self, arguments, result, path):
        self.descriptors.pop(result, None)
        if not path.startswith(self.root):
            return
        flags = int(re.search(r'", (0x[0-9a-f]+|0)', arguments)[1], 16)
        if path not in self.names:
            assert flags & O_CREAT, arguments
            self.names[path] = File(path, b"")
            self.steps.append(("name", self.names[os.path.dirname(path)], os.path.basename(path), self.names[path]))
        file = self.names[path]
        file.appended |= bool(flags & O_APPEND)
        if flags & O_TRUNC and file.length:
            self.steps.append(("length", file, 0))
            file.length = 0
        self.descriptors[result] = [file, flags, 0]

    def renamed(self, call, paths):
        if not all(path.startswith(self.root + "/") for path in paths):
            return
        parent, name = os.path.split(paths[-1])
        if call in ("mkdir", "mkdirat"):
            self.names[paths[0]] = File(paths[0])
            self.steps.append(("name", self.names[parent], name, self.names[paths[0]]))
        elif call in ("unlink", "unlinkat"):
            del self.names[paths[0]]
            self.steps.append(("unname", self.names[parent], name))
        else:
            old, old_name = os.path.split(paths[0])
            assert call.startswith("rename") and old == parent, f"{call} of {paths} is not understood"
            self.names[paths[1]] = self.names.pop(paths[0])
            self.steps.append(("rename", self.names[parent], old_name, name))

    def changed(self, call, number, arguments, result, data):
        file, flags, position = self.descriptors[number]
        if call == "lseek":
            self.descriptors[number][2] = result
        elif call in ("fsync", "fdatasync"):
            self.steps.append(("sync", file))
        elif call == "ftruncate":
            file.length = int(arguments.rsplit(", ", 1)[1])
            self.steps.append(("length", file, file.length))
        elif call == "fallocate":
            assert ", 0, " in arguments, arguments
            file.length = max(file.length, sum(map(int, arguments.split(", ")[-2:])))
            self.steps.append(("length", file, file.length))
        elif call in ("write", "writev", "pwrite64", "pwritev"):
            if call.startswith("p"):
                position = int(arguments.rsplit(", ", 1)[1])
            elif flags & O_APPEND:
                position = file.length
            assert len(data) >= result, arguments[:200]
            self.steps.append(("write", file, position, data[:result], bool(flags & O_DSYNC)))
            file.length = max(file.length, position + result)
            if not call.startswith("p"):
                self.descriptors[number][2] = position + result
        else:
            raise AssertionError(f"{call} is not understood: {arguments[:200]}")


class Disk:
    """What is certainly on it, and what may be, after a number of steps.

    `ignored`: kinds of files, `file` or `directory`, whose syncs do nothing, as with a program that forgets them.
    """

    def __init__(self, recording, ignored=()):
        self.root, self.ignored = recording.root, ignored
        self.contents, self.folders, self.waiting = {}, {}, {}
        for path, file in recording.before.items():
            self.appear(file)
            if file.content is not None:
                self.contents[file] = bytearray(file.content)
            if path != self.root:
                self.folders.setdefault(recording.before[os.path.dirname(path)], {})[os.path.basename(path)] = file
        self.top = recording.before[self.root]

    def appear(self, file):
        self.waiting.setdefault(file, [])
        if file.content is None:
            self.folders.setdefault(file, {})
        else:
            self.contents.setdefault(file, bytearray())

    def apply(self, step, complete=True):
        """Takes a step in; one that is not complete may have happened in part, and a sync did nothing yet."""
        kind, *words = step
        if kind in ("told", "sync") and not complete:
            return
        if kind == "sync":
            file = words[0]
            if ("directory" if file in self.folders else "file") not in self.ignored:
                for waiting in self.waiting[file]:
                    self.change(file, waiting)
                self.waiting[file] = []
        elif kind == "write":
            file, position, data, synced = words
            synced &= complete and "file" not in self.ignored
            self.waiting[file].append(("write", position, data, synced))
        elif kind == "length":
            self.waiting[words[0]].append(("length", words[1]))
        elif kind != "told":
            if kind == "name":
                self.appear(words[2])
            self.waiting[words[0]].append((kind, *words[1:]))

    def change(self, file, waiting):
        kind, *words = waiting
        if kind in ("write", "length"):
            change_content(self.contents[file], kind, *words[:2])
        else:
            change_names(self.folders[file], kind, *words)

    def after_a_cut(self, draw, *interrupted):
        """What one power cut may leave, in the middle of a step or between two. Returns files as path → bytes, directories as path → None, what was done, and
        the files in which something that is there lies behind something that is not."""
        if interrupted:
            between = copy.copy(self)
            between.waiting = {file: list(steps) for file, steps in self.waiting.items()}
            between.contents, between.folders = dict(self.contents), dict(self.folders)
            between.apply(*interrupted, complete=False)
            return between.after_a_cut(draw)
        found, done, holed = {}, [], set()
        folders = [("", self.top)]
        while folders:
            path, folder = folders.pop()
            found[path] = None
            names, waiting = dict(self.folders[folder]), self.waiting[folder]
            for step in waiting[:draw.randint(0, len(waiting))]:
                change_names(names, *step)
            for name, file in names.items():
                place = os.path.join(path, name)
                if file in self.folders:
                    folders.append((place, file))
                    continue
                found[place], way, has_hole = self.cut(file, draw)
                # Readers of processes that have ended: whoever opens it begins it anew.
                if self.waiting[file] and name != "lock.mdb":
                    done.append(f"{place}: {way} of {len(self.waiting[file])}")
                if has_hole:
                    holed.add(place)
        return found, done, holed

    def cut(self, file, draw):
        content, waiting = bytearray(self.contents[file]), self.waiting[file]
        if not waiting:
            return content, None, False
        way = draw.choice(WAYS)
        present, absent, place = [], [], draw.randint(0, len(waiting))
        for number, (kind, *words) in enumerate(waiting):
            if kind == "length":
                if way in (KEPT, LONGER) or way != LOST and (number < place if way == PREFIX else draw.random() < 0.5):
                    change_content(content, kind, *words)
                continue
            start, data, synced = words
            there, gone = parts(way, start, len(data), number - place, draw)
            if synced:
                there, gone = [(start, start + len(data))], []
            for first, end in there:
                change_content(content, "write", first, data[first - start:end - start])
            if way == LONGER:
                change_content(content, "length", max(len(content), start + len(data)))
            present += there
            absent += gone
        has_hole = file.appended and bool(present) and any(first < max(end for _, end in present) for first, _ in absent)
        return content, way, has_hole


def parts(way, start, length, after, draw):
    """Which bytes of a write are there, and which are not. `after`: how far it lies behind the one that the cut met."""
    end = start + length
    whole = way == KEPT or way in (PREFIX, LONGER) and after < 0 or way == SUBSET and draw.random() < 0.5
    if whole:
        return [(start, end)], []
    if way == SECTORS:
        borders = [start, *range(start - start % SECTOR + SECTOR, end, SECTOR), end]
        there, gone = [], []
        for part in zip(borders, borders[1:]):
            (there if draw.random() < 0.5 else gone).append(part)
        return there, gone
    if way == LOST or way in (PREFIX, LONGER) and after > 0 or way == SUBSET and draw.random() < 0.5:
        return [], [(start, end)]
    middle = draw.randint(start, end)
    # A file has zeros where sectors are missing, and ends anywhere.
    if way == LONGER or draw.random() < 0.5:
        middle = max(start, middle - middle % SECTOR)
    return ([(start, middle)] if middle > start else []), ([(middle, end)] if middle < end else [])


def change_content(content, kind, position, data=None):
    if kind == "length":
        if position < len(content):
            del content[position:]
        else:
            content.extend(bytes(position - len(content)))
        return
    if len(content) < position:
        content.extend(bytes(position - len(content)))
    content[position:position + len(data)] = data


def change_names(names, kind, *words):
    if kind == "name":
        names[words[0]] = words[1]
    elif kind == "unname":
        names.pop(words[0], None)
    elif words[0] in names:
        names[words[1]] = names.pop(words[0])


def write_out(found, path):
    """Lays files and directories under a path that is there and empty."""
    for name in sorted(found):
        place = os.path.join(path, name)
        if found[name] is None:
            os.makedirs(place, exist_ok=True)
        else:
            with open(place, "wb") as file:
                file.write(found[name])
