"""Three real leatd on loopback as one cluster, each with a directory of its own."""

import os
import pathlib
import socket
import subprocess
import tempfile

from leat_process import BIN, Broker

NODES = (1, 2, 3)


def free_ports(count):
    """Ports that nobody has at this moment."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class LeatCluster:
    """Use as a context manager, which starts all, or those of `started`; what runs at the end is killed."""

    def __init__(self, *settings, started=NODES):
        self.folder = tempfile.TemporaryDirectory(prefix="leat-cluster-")
        self.secret = self.new_secret("secret")
        self.internal = dict(zip(NODES, free_ports(len(NODES))))
        self.started = started
        self.nodes = {node: self.make(node, *settings) for node in NODES}

    def new_secret(self, name):
        path = pathlib.Path(self.folder.name, name)
        path.write_text(os.urandom(32).hex())
        path.chmod(0o600)
        return path

    def make(self, node, *settings, port=None, secret=None):
        """A daemon with this node's settings, on a directory of its own; not started."""
        voters = ",".join(f"{other}@127.0.0.1:{at}" for other, at in self.internal.items())
        return Broker(f"node_id={node}", f"listeners.internal=127.0.0.1:{port or self.internal[node]}", f"cluster.voters={voters}",
                      f"cluster.secret_file={secret or self.secret}", *settings)

    def __enter__(self):
        self.start(*self.started)
        return self

    def __exit__(self, *_):
        for node in self.nodes.values():
            node.__exit__()
        self.folder.cleanup()

    def start(self, *nodes):
        for node in nodes:
            self.nodes[node].begin()
        for node in nodes:
            self.nodes[node].wait_ready()

    def command(self, *arguments):
        """The tool's command line, with all addresses: it finds those that answer."""
        addresses = ",".join(node.grpc for node in self.nodes.values() if not node.grpc.endswith(":0"))
        return [str(BIN / "leat"), "--address", addresses, *arguments]

    def begin_leat(self, *arguments):
        return subprocess.Popen(self.command(*arguments), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def leat(self, *arguments, check=True, text_input=None, timeout=120):
        done = subprocess.run(self.command(*arguments), input=text_input, text=True, capture_output=True, timeout=timeout)
        if check and done.returncode != 0:
            logs = "".join(f"--- node {node} ---\n{broker.log_text()[-3000:]}" for node, broker in self.nodes.items() if broker.process)
            raise AssertionError(f"leat {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}\n{logs}")
        return done
