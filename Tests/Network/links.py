"""Nodes whose connections can be cut, held, delayed and drained one way, while they run.

Each node dials each other one through a proxy of its own, so that every direction of every pair is a lever.
"""

import collections
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from support import NODE, Network, run, wait


class Pipe:
    """Bytes of one connection in one direction, each delivered when its time has come."""

    CHUNK = 65_536
    WAITING_MAX = 256

    def __init__(self, source, target, way, close):
        self.source, self.target, self.way, self.close = source, target, way, close
        self.waiting = collections.deque()
        self.changed = threading.Condition()
        self.ended = False
        for work in (self.read, self.write):
            threading.Thread(target=work, daemon=True).start()

    def read(self):
        try:
            while data := self.source.recv(Pipe.CHUNK):
                if self.way.drops:
                    continue
                with self.changed:
                    self.changed.wait_for(lambda: len(self.waiting) < Pipe.WAITING_MAX or self.ended)
                    self.waiting.append((time.monotonic() + self.way.delay, data))
                    self.changed.notify_all()
        except OSError:
            pass
        self.end()

    def write(self):
        try:
            while True:
                with self.changed:
                    self.changed.wait_for(lambda: self.waiting or self.ended)
                    if self.ended:
                        return
                    due, data = self.waiting.popleft()
                    self.changed.notify_all()
                    while not self.ended and (self.way.held or time.monotonic() < due):
                        self.changed.wait(0.02)
                self.target.sendall(data)
        except OSError:
            self.end()

    def end(self):
        with self.changed:
            self.ended = True
            self.changed.notify_all()
        self.close()


class Way:
    """What happens to bytes from one node to another, on whichever connection."""

    def __init__(self):
        self.heal()

    def heal(self):
        self.held = self.drops = False
        self.delay = 0.0


class Link:
    """The proxy through which one node dials another."""

    def __init__(self, target, there, back):
        self.target, self.there, self.back = target, there, back
        self.isCut = False
        self.sockets = set()
        self.guard = threading.Lock()
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.isCut:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.target), 2)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            with self.guard:
                self.sockets |= {near, far}

            def close(near=near, far=far):
                with self.guard:
                    self.sockets -= {near, far}
                for each in (near, far):
                    try:
                        each.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
                    each.close()

            Pipe(near, far, self.there, close)
            Pipe(far, near, self.back, close)

    def close_connections(self):
        with self.guard:
            sockets = list(self.sockets)
        for each in sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.isCut = True
        self.close_connections()

    def heal(self):
        self.isCut = False

    def end(self):
        self.listener.close()
        self.close_connections()


class Spawned(Network):
    """A network whose processes are started here, so that the addresses they dial can be others."""

    def __init__(self, validators, block_time, payment_time="0"):
        self.count = validators
        self.processes = {}
        self.directory = tempfile.mkdtemp(prefix="timecoin-test.")
        run(NODE, "localnet", "up", "--dir", self.directory, "--validators", str(validators),
            "--block-time", block_time, "--payment-time", payment_time, "--detach")
        run(NODE, "localnet", "down", "--dir", self.directory)
        with open(f"{self.directory}/localnet.json") as file:
            self.ports = [node["port"] for node in json.load(file)["nodes"]]

    def start(self, index):
        """Starts a node's process; where it listens and whom it dials is the business of the kind of network."""
        command = [*self.prefix(index), NODE, "run", "--datadir", f"{self.directory}/node{index}",
                   "--network", "local", "--listen", self.listen(index)]
        for peer in self.peers(index):
            command += ["--peer", peer]
        log = open(f"{self.directory}/node{index}/spawned.log", "ab")
        self.processes[index] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

    def prefix(self, index):
        return []

    def kill(self, index):
        self.processes[index].send_signal(signal.SIGKILL)
        self.processes.pop(index).wait()

    def restart(self, index):
        if index in self.processes:
            self.kill(index)
        self.start(index)

    def down(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            process.wait(30)
        self.processes = {}


class ProxiedNetwork(Spawned):
    """Nodes that dial each other through links."""

    def __init__(self, validators=4, block_time="1"):
        super().__init__(validators, block_time)
        pairs = [(near, far) for near in range(validators) for far in range(validators) if near != far]
        self.ways = {pair: Way() for pair in pairs}
        self.links = {
            (near, far): Link(self.ports[far], self.ways[near, far], self.ways[far, near]) for near, far in pairs}
        for index in range(validators):
            self.start(index)

    def listen(self, index):
        return f"127.0.0.1:{self.ports[index]}"

    def peers(self, index):
        return [f"127.0.0.1:{self.links[index, far].port}" for far in range(self.count) if far != index]

    def between(self, left, right):
        return [pair for pair in self.links
                if (pair[0] in left and pair[1] in right) or (pair[0] in right and pair[1] in left)]

    def heal(self):
        """Connections whose bytes were thrown away are worth nothing any more; the others go on."""
        for pair, way in self.ways.items():
            if way.drops:
                self.links[pair].close_connections()
                self.links[pair[1], pair[0]].close_connections()
            way.heal()
        for link in self.links.values():
            link.heal()

    def trouble(self, kind, draw):
        """Does something to the network; returns whether more than two thirds can still hear each other."""
        nodes = list(range(self.count))
        draw.shuffle(nodes)
        minority = nodes[:draw.randint(1, self.count // 2)]
        rest = [node for node in nodes if node not in minority]
        if kind == "cut":
            for pair in self.between(minority, rest):
                self.links[pair].cut()
        elif kind == "hold":
            for pair in self.between(minority, rest):
                self.ways[pair].held = True
        elif kind == "one-way":
            for pair in self.ways:
                self.ways[pair].drops = pair[0] in minority and pair[1] in rest
        elif kind == "delay":
            # Another delay for every direction of every pair: what is sent first need not arrive first.
            for way in self.ways.values():
                way.delay = draw.uniform(0, 0.4)
            return True
        else:
            raise AssertionError(kind)
        return 3 * len(rest) > 2 * self.count

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        for link in self.links.values():
            link.end()


class NamespaceNetwork(Spawned):
    """Nodes in network namespaces of their own on one bridge, where routes can be taken away one way."""

    NETWORK = "10.213.77"

    @staticmethod
    def missing():
        """Why there can be none here, or None."""
        if shutil.which("ip") is None:
            return "there is no `ip`"
        if os.geteuid() != 0:
            return "not root"
        name = f"tc{os.getpid()}probe"
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
        if made.returncode != 0:
            return f"namespaces are not permitted: {made.stderr.strip()}"
        subprocess.run(["ip", "netns", "del", name], check=True)
        return None

    def __init__(self, validators=4, block_time="1"):
        super().__init__(validators, block_time)
        self.name = f"tc{os.getpid()}"
        self.hub = f"{self.name}hub"
        ip("netns", "add", self.hub)
        self.inside(self.hub, "link", "add", "bridge0", "type", "bridge")
        self.inside(self.hub, "link", "set", "bridge0", "up")
        for index in range(validators):
            space = self.space(index)
            ip("netns", "add", space)
            self.inside(space, "link", "set", "lo", "up")
            self.inside(space, "link", "add", "eth0", "type", "veth", "peer", "name", f"port{index}", "netns", self.hub)
            self.inside(space, "address", "add", f"{self.address(index)}/24", "dev", "eth0")
            self.inside(space, "link", "set", "eth0", "up")
            self.inside(self.hub, "link", "set", f"port{index}", "master", "bridge0")
            self.inside(self.hub, "link", "set", f"port{index}", "up")
        for index in range(validators):
            self.start(index)

    def space(self, index):
        return f"{self.name}n{index}"

    def address(self, index):
        return f"{NamespaceNetwork.NETWORK}.{index + 1}"

    def inside(self, space, *arguments):
        ip("-n", space, *arguments)

    def prefix(self, index):
        return ["ip", "netns", "exec", self.space(index)]

    def listen(self, index):
        return f"{self.address(index)}:{self.ports[index]}"

    def peers(self, index):
        return [f"{self.address(far)}:{self.ports[far]}" for far in range(self.count) if far != index]

    def trouble(self, kind, draw):
        nodes = list(range(self.count))
        draw.shuffle(nodes)
        minority = nodes[:draw.randint(1, self.count // 2)]
        rest = [node for node in nodes if node not in minority]
        self.gone = [(near, far) for near in minority for far in rest]
        if kind == "both-ways":
            self.gone += [(far, near) for near, far in self.gone]
        for near, far in self.gone:
            self.inside(self.space(near), "route", "add", "blackhole", f"{self.address(far)}/32")
        return 3 * len(rest) > 2 * self.count

    def heal(self):
        for near, far in self.gone:
            self.inside(self.space(near), "route", "del", "blackhole", f"{self.address(far)}/32")
        self.gone = []

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        for space in [self.space(index) for index in range(self.count)] + [self.hub]:
            ip("netns", "del", space)


def ip(*arguments):
    run("ip", *arguments)


class Load:
    """Payments between random nodes until it is stopped. What was acknowledged has to become final."""

    def __init__(self, network, seed, pause=0.02):
        self.network, self.draw, self.pause = network, random.Random(seed), pause
        self.sent = []
        self.ended = threading.Event()
        self.addresses = [network.cli(index, "getnewaddress").stdout.strip().strip('"')
                          for index in range(network.count)]
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.ended.wait(self.pause):
            source, target = self.draw.randrange(self.network.count), self.draw.randrange(self.network.count)
            try:
                answer = self.network.call(source, "sendtoaddress", self.addresses[target], "0.001")
            except (OSError, ValueError, KeyError):
                continue
            if "result" in answer:
                self.sent.append((source, answer["result"]))

    def stop(self):
        """Ends it, waits until everything that was acknowledged is final, and returns how much that was."""
        self.ended.set()
        self.thread.join()
        for source, txid in self.sent:
            wait(f"{txid} final", lambda: self.network.call(source, "gettransaction", txid)["result"]["final"], 60)
        return len(self.sent)
