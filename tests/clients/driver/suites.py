"""The suites: what each needs, how its client is installed, and how it is started."""

import hashlib
import os
import shutil
import subprocess
import sys


_INSTALL_SECONDS = 240


class Skip(Exception):
    """Why a suite cannot run here."""


class Suite:
    """A folder of tests/clients. `cache` belongs to it: what it installs and builds goes there."""

    name = ""
    tools = ()  # programs that must be on the PATH
    pins = ()  # files of the suite that say which versions are installed; installed again when one changes

    def __init__(self, source, cache):
        self.source = source / "tests" / "clients"
        self.folder = self.source / self.name
        self.cache = cache

    def install(self):
        for tool in self.tools:
            if not shutil.which(tool):
                raise Skip(f"no {tool}")
        self.cache.mkdir(parents=True, exist_ok=True)
        stamp = self.cache / "installed"
        digest = hashlib.sha256(b"".join((self.folder / pin).read_bytes() for pin in self.pins)).hexdigest()
        if not stamp.is_file() or stamp.read_text() != digest:
            stamp.unlink(missing_ok=True)
            self.fetch()
            stamp.write_text(digest)
        self.build()

    def fetch(self):
        """Downloads the pinned versions; raises Skip when the registry cannot be reached."""

    def build(self):
        """Makes the suite ready to run; runs every time."""

    def command(self):
        raise NotImplementedError

    def work_dir(self):
        return self.cache

    def environment(self):
        return {}

    def download(self, *command, cwd=None):
        self._call("the registry did not deliver", command, cwd, Skip)

    def compile(self, *command, cwd=None):
        self._call("does not build", command, cwd, SystemExit)

    def _call(self, problem, command, cwd, error):
        try:
            done = subprocess.run([str(word) for word in command], cwd=cwd or self.cache, text=True, errors="replace",
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                                  timeout=_INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            raise error(f"{self.name}: {command[0]} did not end within {_INSTALL_SECONDS} s") from None
        if done.returncode != 0:
            text = f"{problem} ({' '.join(str(word) for word in command)} ended with {done.returncode})\n{done.stdout[-3000:]}"
            raise error(text if error is Skip else f"tools/clients: {self.name} {text}")


class C(Suite):
    name = "c"
    tools = ("cmake", "ninja", "c++")

    def fetch(self):
        found = subprocess.run(["pkg-config", "--exists", "rdkafka"], check=False).returncode if shutil.which("pkg-config") else 1
        if found != 0:
            raise Skip("no librdkafka-dev")

    @property
    def build_folder(self):
        """One for each checkout: CMake does not build another source folder in the same place."""
        return self.cache / ("build-" + hashlib.sha256(str(self.folder).encode()).hexdigest()[:8])

    def build(self):
        self.compile("cmake", "-G", "Ninja", "-S", self.folder, "-B", self.build_folder)
        self.compile("ninja", "-C", self.build_folder)

    def command(self):
        return [self.build_folder / "librdkafka_suite"]


class Kcat(Suite):
    name = "kcat"
    tools = ("kcat",)

    def command(self):
        return [sys.executable, "-B", self.folder / "suite.py"]


class Python(Suite):
    name = "python"
    pins = ("requirements.txt",)

    def fetch(self):
        shutil.rmtree(self.cache / "venv", ignore_errors=True)
        self.download(sys.executable, "-m", "venv", self.cache / "venv")
        self.download(self.cache / "venv/bin/pip", "install", "-q", "--retries", "1", "--timeout", "20", "--only-binary", ":all:", "-r",
                      self.folder / "requirements.txt")

    def command(self):
        return [self.cache / "venv/bin/python", "-B", self.folder / "suite.py"]

    def environment(self):
        return {"PYTHONPATH": str(self.source / "python_harness")}


class Aiokafka(Python):
    name = "aiokafka"


class Kafkajs(Suite):
    name = "kafkajs"
    tools = ("node", "npm")
    pins = ("package.json", "package-lock.json")

    def fetch(self):
        shutil.rmtree(self.cache / "node_modules", ignore_errors=True)
        for pin in self.pins:
            shutil.copy(self.folder / pin, self.cache / pin)
        self.download("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=20000")

    def build(self):
        # Node looks for packages above the file that asks for them, so the suite runs from where they are.
        for folder in (self.source / "node_harness", self.folder):
            for file in folder.glob("*.mjs"):
                shutil.copy(file, self.cache / file.name)

    def command(self):
        return ["node", self.cache / "suite.mjs"]


class Platformatic(Kafkajs):
    name = "platformatic"


class Java(Suite):
    name = "java"
    tools = ("javac", "java", "mvn")
    pins = ("pom.xml",)
    harness = ("java_harness",)

    def fetch(self):
        shutil.rmtree(self.cache / "lib", ignore_errors=True)
        shutil.copy(self.folder / "pom.xml", self.cache / "pom.xml")
        self.download("mvn", "-q", "-B", "-f", self.cache / "pom.xml", "dependency:copy-dependencies",
                      f"-DoutputDirectory={self.cache / 'lib'}")

    def build(self):
        shutil.rmtree(self.cache / "classes", ignore_errors=True)
        sources = [file for folder in (*self.harness, self.name) for file in sorted((self.source / folder).glob("*.java"))]
        self.compile("javac", "-Xlint:all,-options,-path,-classfile,-processing", "-d", self.cache / "classes", "-cp",
                     self.cache / "lib/*", *sources)

    def command(self):
        class_path = os.pathsep.join([str(self.cache / "classes"), str(self.cache / "lib/*")])
        return ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", class_path, "Suite"]


class Tools(Java):
    name = "tools"
    harness = ()

    def command(self):
        return [sys.executable, "-B", self.folder / "suite.py"]


class Streams(Java):
    name = "streams"


class Go(Suite):
    name = "go"
    tools = ("go",)
    pins = ("go.mod", "go.sum")

    def fetch(self):
        self.download("go", "mod", "download", cwd=self.folder)

    def build(self):
        self.compile("go", "build", "-o", self.cache / "suite", ".", cwd=self.folder)

    def command(self):
        return [self.cache / "suite"]


SUITES = {suite.name: suite for suite in (C, Kcat, Python, Aiokafka, Kafkajs, Platformatic, Java, Tools, Streams, Go)}
