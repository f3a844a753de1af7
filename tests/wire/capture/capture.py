"""Captures what real clients and a real Kafka say to each other, for tests/wire/golden:

    capture.py --kafka DIR [--python PYTHON] [--node DIR] [--out FOLDER]

DIR/lib holds the jars of Apache Kafka. A broker is started on its own data folder; its advertised address is a proxy in
this program, which keeps frames and can lower the versions that the broker offers, so that the same client is made to
speak every version. PYTHON is an interpreter with kafka-python and aiokafka, the node folder one with kafkajs, and kcat is
used when it is in the path; what is missing is said and left out. For every API, version and direction one frame is
kept: the largest under a limit from the first client that spoke it. Run `leat_wire_test` with LEAT_UPDATE_GOLDEN=1
afterwards: it adds the decoded text.
"""

import argparse
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLES = HERE.parents[2] / "src" / "wire" / "messages"
BROKER_PORT, CONTROLLER_PORT, PROXY_PORT = 29192, 29193, 29194
API_VERSIONS = 18
FRAME_LIMIT = 400  # larger frames are kept only if there is no smaller one
LARGE = 470  # larger ones are written of the newest version only
MOST = 6000
LOWEST = {0: 3, 3: 1, 10: 1}  # below which the Java client gives up


@dataclass
class Frame:
    client: str
    bytes: bytes


class Recorder:
    def __init__(self):
        self.lock = threading.Lock()
        self.frames: dict[tuple[int, int, str], Frame] = {}
        self.client = "none"
        self.lower_by = 0

    def keep(self, key: int, version: int, direction: str, body: bytes) -> None:
        with self.lock:
            old = self.frames.get((key, version, direction))
            better = old is None
            if old and old.client == self.client:
                fits, old_fits = len(body) <= FRAME_LIMIT, len(old.bytes) <= FRAME_LIMIT
                better = (fits and (not old_fits or len(body) > len(old.bytes))) or (
                    not fits and not old_fits and len(body) < len(old.bytes))
            if better and len(body) <= MOST:
                self.frames[key, version, direction] = Frame(self.client, body)

    def lowered(self, body: bytes, version: int) -> bytes:
        """The broker's list of versions with every maximum lowered by lower_by, but not below the minimum."""
        if not self.lower_by:
            return body
        out = bytearray(body)
        at = 6  # correlation id, error code
        if version >= 3:
            count, at, step = out[at] - 1, at + 1, 7
            if count > 126:
                raise ValueError("a list of more than 126 APIs")
        else:
            count, at, step = struct.unpack_from(">i", out, at)[0], at + 4, 6
        for i in range(count):
            key, low, high = struct.unpack_from(">hhh", out, at + i * step)
            low = max(low, LOWEST.get(key, 0))
            struct.pack_into(">h", out, at + i * step + 4, max(low, high - self.lower_by))
        return bytes(out)


def read_exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def read_frame(sock: socket.socket) -> bytes:
    return read_exactly(sock, struct.unpack(">i", read_exactly(sock, 4))[0])


class Proxy:
    def __init__(self, recorder: Recorder):
        self.recorder = recorder
        self.listener = socket.create_server(("127.0.0.1", PROXY_PORT), backlog=100)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            client, _ = self.listener.accept()
            broker = socket.create_connection(("127.0.0.1", BROKER_PORT))
            for sock in (client, broker):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pending: dict[int, tuple[int, int]] = {}
            threading.Thread(target=self.forward, args=(client, broker, self.request, pending), daemon=True).start()
            threading.Thread(target=self.forward, args=(broker, client, self.response, pending), daemon=True).start()

    def forward(self, source, target, look, pending) -> None:
        try:
            while True:
                frame = look(read_frame(source), pending)
                target.sendall(struct.pack(">i", len(frame)) + frame)
        except (EOFError, OSError):
            for sock in (source, target):
                sock.close()

    def request(self, frame: bytes, pending) -> bytes:
        key, version, correlation = struct.unpack_from(">hhi", frame)
        pending[correlation] = (key, version)
        self.recorder.keep(key, version, "request", frame)
        return frame

    def response(self, frame: bytes, pending) -> bytes:
        key, version = pending.pop(struct.unpack_from(">i", frame)[0], (-1, -1))
        if key < 0:
            return frame
        if key != API_VERSIONS:
            self.recorder.keep(key, version, "response", frame)
            return frame
        if struct.unpack_from(">h", frame, 4)[0] == 35:  # UNSUPPORTED_VERSION: written in version 0
            version = 0
        self.recorder.keep(key, version, "response", frame)
        return self.recorder.lowered(frame, version)


class Kafka:
    def __init__(self, lib: Path, folder: Path, more_properties: str = ""):
        self.classes = ["-cp", f"{lib}/*"]
        properties = folder / "server.properties"
        properties.write_text(f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{CONTROLLER_PORT}
listeners=PLAINTEXT://127.0.0.1:{BROKER_PORT},CONTROLLER://127.0.0.1:{CONTROLLER_PORT}
advertised.listeners=PLAINTEXT://127.0.0.1:{PROXY_PORT}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
group.initial.rebalance.delay.ms=0
{more_properties}""")
        tool = ["java", *self.classes, "kafka.tools.StorageTool"]
        subprocess.run([*tool, "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", properties], check=True, capture_output=True)
        self.process = subprocess.Popen(["java", "-Xmx512m", *self.classes, "kafka.Kafka", str(properties)],
                                        stdout=(folder / "server.log").open("w"), stderr=subprocess.STDOUT)
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", BROKER_PORT)).close()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("Kafka did not open its port")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def run(recorder: Recorder, client: str, command: list, lower_by: int = 0, feed: str = "", seconds: int = 150) -> None:
    recorder.client, recorder.lower_by = client, lower_by
    before, start = len(recorder.frames), time.monotonic()
    try:
        done = subprocess.run([str(part) for part in command], input=feed, capture_output=True, text=True, timeout=seconds)
        tail = (done.stdout + done.stderr).strip().splitlines()[-40:]
        result = f"exit {done.returncode}"
    except subprocess.TimeoutExpired:
        tail, result = [], "cut off"
    print(f"== {client} lowered by {lower_by}: {len(recorder.frames) - before} new, {result}, "
          f"{time.monotonic() - start:.0f} s", flush=True)
    for line in tail:
        print(f"   {line[:200]}")


def kcat(recorder: Recorder, server: str) -> None:
    if not shutil.which("kcat"):
        return print("left out: kcat is not in the path")
    base = ["kcat", "-b", server, "-X", "allow.auto.create.topics=true"]
    run(recorder, "librdkafka", [*base, "-P", "-t", "kcat", "-K", ":", "-z", "lz4"], feed="k:one\nk:two\n")
    run(recorder, "librdkafka", [*base, "-P", "-t", "kcat", "-X", "enable.idempotence=true"], feed="three\n")
    run(recorder, "librdkafka", [*base, "-L"])
    run(recorder, "librdkafka", [*base, "-C", "-t", "kcat", "-o", "beginning", "-e"])
    run(recorder, "librdkafka", [*base, "-Q", "-t", "kcat:0:-1"])
    run(recorder, "librdkafka", [*base, "-G", "readers", "-X", "auto.offset.reset=earliest", "-e", "kcat"])
    run(recorder, "librdkafka", [*base, "-X", "broker.version.fallback=0.10.0", "-X", "api.version.request=true", "-C", "-t",
                                 "kcat", "-X", "isolation.level=read_committed", "-o", "beginning", "-e"])


def write(recorder: Recorder, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    known = {int(re.search(r"^api (\d+)", table.read_text(), re.M)[1]) for table in TABLES.glob("*.msg")}
    newest = {(key, direction): version for key, version, direction in sorted(recorder.frames)}
    for (key, version, direction), frame in sorted(recorder.frames.items()):
        large = len(frame.bytes) > LARGE and version != newest[key, direction]
        if key not in known or large:
            continue
        text = f"{direction} {key} {version} from {frame.client if direction == 'request' else 'kafka to ' + frame.client}\n"
        digits = frame.bytes.hex()
        text += "".join(digits[i:i + 116] + "\n" for i in range(0, len(digits), 116))
        (out / f"{key:02}_v{version:02}_{direction}.golden").write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kafka", type=Path, required=True)
    parser.add_argument("--python", type=Path)
    parser.add_argument("--node", type=Path)
    parser.add_argument("--out", type=Path, default=HERE.parent / "golden")
    parser.add_argument("--levels", type=int, default=14, help="by how much versions are lowered at most")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="leat_capture_"))
    server = f"127.0.0.1:{PROXY_PORT}"
    recorder = Recorder()
    Proxy(recorder)
    kafka = Kafka(args.kafka / "lib", folder)
    try:
        kcat(recorder, server)
        if args.python:
            for name in ("kafka_python", "aiokafka"):
                run(recorder, name, [args.python, HERE / f"{name}_client.py", server])
        if args.node:
            run(recorder, "kafkajs", ["env", f"NODE_PATH={args.node / 'node_modules'}", "node", HERE / "kafkajs_client.js",
                                      server])
        subprocess.run(["javac", *kafka.classes, "-d", folder, HERE / "Everything.java"], check=True)
        java = ["java", "-Xmx256m", "-cp", f"{folder}:{args.kafka / 'lib'}/*", "Everything", server]
        for level in range(args.levels):
            run(recorder, "java", [*java, f"run{level}", "downgrade" if level == 0 else "stay"], lower_by=level)
        run(recorder, "java", [*java, "again", "stay"])  # all versions, but transactions as they were before 4.0
        for level in (1, 2, 4, 6) if args.python else ():
            run(recorder, "kafka_python", [args.python, HERE / "kafka_python_client.py", server], lower_by=level)
    finally:
        kafka.stop()
        shutil.rmtree(folder)
    write(recorder, args.out)
    kept = recorder.frames
    print(f"{len(kept)} frames, {sum(len(f.bytes) for f in kept.values())} bytes, {len({k for k, _, _ in kept})} keys")


if __name__ == "__main__":
    sys.exit(main())
