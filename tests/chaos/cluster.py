"""Three real daemons on loopback, whose links to each other go through proxies that can be cut."""

import os
import pathlib
import socket
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from leat_process import Broker  # noqa: E402

from link import Links  # noqa: E402


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """Use as a context manager. Nodes are named by their ids, from 1."""

    def __init__(self, nodes=3, *settings):
        self.settings = settings
        self.ids = range(1, nodes + 1)
        self.nodes = {}

    def __enter__(self):
        self.links_loop = Links().__enter__()
        self.folder = tempfile.TemporaryDirectory(prefix="leat-chaos-")
        secret = pathlib.Path(self.folder.name, "secret")
        secret.write_text(os.urandom(32).hex())
        secret.chmod(0o600)
        self.internal = internal = {node: f"127.0.0.1:{free_port()}" for node in self.ids}
        # links[a, b] carries what a begins to say to b.
        self.links = {(a, b): self.links_loop.add(internal[b]) for a in self.ids for b in self.ids if a != b}
        for node in self.ids:
            voters = ",".join(f"{other}@{internal[other] if other == node else self.links[node, other].address}"
                              for other in self.ids)
            quorum = [f"listeners.internal={internal[node]}", f"cluster.voters={voters}", f"cluster.secret_file={secret}"]
            self.nodes[node] = Broker(f"node_id={node}", *(quorum if len(self.ids) > 1 else []), *self.settings)
        for node in self.ids:
            self.nodes[node].begin()
        for node in self.ids:
            self.nodes[node].wait_ready()
        return self

    def __exit__(self, *_):
        for node in self.nodes.values():
            node.__exit__()
        self.folder.cleanup()
        self.links_loop.__exit__()

    @property
    def kafka(self):
        return ",".join(node.kafka for node in self.nodes.values())

    @property
    def grpc(self):
        return ",".join(node.grpc for node in self.nodes.values())

    def isolate(self, node, *ways):
        """From all others: `in` loses what they say to it, `out` what it says to them; neither named: both."""
        for (a, b), link in self.links.items():
            for way in ways or ("in", "out"):
                if b == node:
                    link.cut("to" if way == "in" else "back")
                elif a == node:
                    link.cut("back" if way == "in" else "to")

    def heal(self):
        for link in self.links.values():
            link.heal()
