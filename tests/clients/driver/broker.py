"""What a suite talks to: a leatd of its own, or a broker that somebody else runs."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path


class Remote:
    """A broker at a fixed address. Use as a context manager."""

    def __init__(self, bootstrap, log_dir):
        self.bootstrap = bootstrap
        self.log_dir = log_dir

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def log_tail(self):
        return ""


class Leatd:
    """A leatd with an empty data directory, on ports that the system picks; killed and removed at the end."""

    def __init__(self, program, settings):
        self.program = program.resolve()
        self.settings = settings

    def __enter__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="leat-clients-"))
        self.log_dir = self.directory / "data"
        settings = [f"data_dir={self.log_dir}", *(f"listeners.{name}=127.0.0.1:0" for name in ("grpc", "admin", "kafka")),
                    *self.settings]
        command = [str(self.program)] + [word for setting in settings for word in ("--set", setting)]
        with open(self.directory / "leatd.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=self.directory)
        line = self.process.stdout.readline()
        ready = json.loads(line) if line else {}
        if "kafka" not in ready:
            tail = self.log_tail()
            self.__exit__()
            raise SystemExit(f"tools/clients: expected leatd to say where it listens for Kafka clients, and it said {line!r}\n{tail}")
        self.bootstrap = ready["kafka"]
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log_tail(self):
        text = (self.directory / "leatd.log").read_text(errors="replace")
        ended = "" if self.process.poll() is None else f"(leatd has ended with {self.process.returncode})\n"
        return f"--- leatd's log ---\n{text[-4000:]}{ended}"
