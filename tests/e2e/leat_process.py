"""Starts and kills real leatd processes on ports that the system picks, and runs the leat tool against them."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request

BIN = pathlib.Path(os.environ["LEAT_BIN"])
SOURCE = pathlib.Path(__file__).resolve().parents[2]


class Broker:
    """One leatd on a data directory of its own. Use as a context manager."""

    def __init__(self, *settings):
        self.directory = tempfile.mkdtemp(prefix="leat-e2e-")
        self.settings = list(settings)
        self.environment = None  # of the process; None: this one's
        self.process = None
        self.grpc = "127.0.0.1:0"
        self.kafka = "127.0.0.1:0"
        self.admin = "127.0.0.1:0"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def data_dir(self):
        return os.path.join(self.directory, "data")

    def command(self):
        """After the first start the ports stay, so that clients find the daemon again."""
        settings = [f"data_dir={self.data_dir}", f"listeners.grpc={self.grpc}", f"listeners.admin={self.admin}",
                    f"listeners.kafka={self.kafka}", *self.settings]
        return [str(BIN / "leatd")] + [word for setting in settings for word in ("--set", setting)]

    def start(self):
        self.begin()
        self.wait_ready()

    def begin(self):
        self.log = open(os.path.join(self.directory, "leatd.log"), "ab")
        self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=self.log, cwd=self.directory,
                                        env=self.environment)

    def wait_ready(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("leatd ended before it was ready:\n" + self.log_text())
        self.ready = json.loads(line)
        self.grpc, self.kafka, self.admin = (self.ready[name] for name in ("grpc", "kafka", "admin"))

    def log_text(self):
        return pathlib.Path(self.directory, "leatd.log").read_text(errors="replace")

    def kill(self):
        """SIGKILL: what the kernel has keeps, what the process had is gone."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        self._reap()

    def wipe(self):
        """The disk is replaced by an empty one. REQUIRES: it does not run."""
        shutil.rmtree(self.data_dir)

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._reap(timeout=60)

    def _reap(self, timeout=None):
        if not self.process:
            return None
        code = self.process.wait(timeout)
        self.process.stdout.close()
        self.log.close()
        self.process = None
        return code

    def leat(self, *arguments, check=True, text_input=None, timeout=300):
        done = subprocess.run([str(BIN / "leat"), "--address", self.grpc, *arguments], input=text_input, text=True,
                              capture_output=True, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"leat {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}\n"
                                 f"--- leatd ---\n{self.log_text()[-4000:]}")
        return done

    def json(self, *arguments):
        return json.loads(self.leat(*arguments, "-o", "json").stdout)

    def http(self, path):
        """(status, body) of a GET on the admin endpoint."""
        try:
            with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
