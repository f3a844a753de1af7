"""Carries out docker/Dockerfile on bare Debians, and runs its container's command, without a container daemon."""

import json
import os
import pathlib
import re
import shutil

from bare import Bare, Service, expect, run
from lifecycle import find_packages

PACKAGES = "/leat/build/release/packages/"  # where the first stage leaves them
# In a network of its own, answers only somebody who listens on all addresses: not on 127.0.0.1 alone.
OTHER_ADDRESS = "127.0.0.2"


def instructions(text):
    """[(word, the rest)] of a Dockerfile, without comments, with continued lines joined."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in lines.splitlines() if line.strip()]


def stages(text):
    """The instructions of each stage; a stage begins with FROM."""
    found = []
    for word, rest in instructions(text):
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest))
    return found


class Image:
    """What the instructions have made of the bare system so far. packages: those that an earlier stage made."""

    def __init__(self, bare, packages, source, **environment):
        self.bare, self.packages, self.source, self.environment = bare, packages, source, environment
        self.user, self.directory, self.health, self.entrypoint, self.volumes = "0:0", "/", None, None, []

    def carry_out(self, word, rest):
        handler = getattr(self, f"do_{word.lower()}", None)
        expect(handler is not None, f"docker/Dockerfile: {word} is an instruction that this check does not know")
        handler(rest)

    def do_from(self, rest):
        expect("debian:bookworm" in rest, f"docker/Dockerfile: the bare system here is bookworm, FROM says {rest}")

    def do_run(self, rest):
        self.bare.do("sh", "-c", f"cd {self.directory} && {rest}", **self.environment)

    def do_copy(self, rest):
        *options, what, where = rest.split()
        if options:
            expect(options == ["--from=build"] and what == f"{PACKAGES}leat_*.deb", f"docker/Dockerfile: unexpected COPY {rest}")
            what = self.packages["leat"]
        if what == ".":
            self._copy_sources(where)
            return
        target = self.bare.path(os.path.join(self.directory, where))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.source / what, target)

    def _copy_sources(self, where):
        """What git has: .dockerignore keeps builds and data out, which git does not have either."""
        for name in run("git", "-C", self.source, "ls-files").stdout.splitlines():
            target = self.bare.path(os.path.join(self.directory, where, name))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.source / name, target)

    def do_user(self, rest):
        self.user = rest

    def do_workdir(self, rest):
        self.directory = rest
        self.bare.path(rest).mkdir(parents=True, exist_ok=True)

    def do_volume(self, rest):
        self.volumes.append(rest)

    def do_expose(self, rest):
        self.ports = rest.split()

    def do_healthcheck(self, rest):
        self.health = json.loads(re.search(r"CMD (\[.*\])$", rest)[1])

    def do_stopsignal(self, rest):
        expect(rest == "SIGTERM", "docker/Dockerfile: this check stops with SIGTERM")

    def do_entrypoint(self, rest):
        self.entrypoint = json.loads(rest)


def carry_out_stage(number, image):
    for word, rest in stages((image.source / "docker/Dockerfile").read_text(encoding="utf-8"))[number]:
        image.carry_out(word, rest)


def check_image_build(bare, packages, source):
    """The first stage too: builds the packages on a bare system, with the compiler cache of this one, and makes the image of them."""
    cache = pathlib.Path(os.environ.get("CCACHE_DIR", pathlib.Path.home() / ".cache/ccache"))
    cache.mkdir(parents=True, exist_ok=True)
    bare.path("ccache").mkdir()
    run("mount", "--bind", cache, bare.path("ccache"))
    carry_out_stage(0, Image(bare, {}, source, CCACHE_DIR="/ccache"))
    print("carried out the first stage of docker/Dockerfile: packages built on a bare system", flush=True)
    with Bare("image-of-build") as last:
        check_image(last, find_packages(bare.path(PACKAGES)), source)


def check_image(bare, packages, source):
    image = Image(bare, packages, source)
    carry_out_stage(-1, image)
    expect(image.user != "0:0" and image.health and image.volumes, "docker/Dockerfile: no USER, no HEALTHCHECK or no VOLUME")
    print("carried out the last stage of docker/Dockerfile", flush=True)

    user, group = image.user.split(":")
    service = Service(bare, [*image.entrypoint, "--set", "advertised.kafka=broker.example:9092"], user=user, group=group,
                      directory=image.directory, writable=image.volumes)
    service.hear("READY=1")
    healthy = service.do(*image.health, check=False)
    expect(healthy.returncode == 0, f"the health check of a running broker fails:\n{healthy.stdout}{healthy.stderr}")
    expect(service.status()["Uid"].split() == [user] * 4, f"expected the container's process to be of user {user}")
    outside = f"{OTHER_ADDRESS}:9095"
    service.do("leat", "--address", outside, "produce", "greetings", text_input="hello\n")
    got = service.do("leat", "--address", outside, "consume", "greetings", "--from-beginning", "--exit-at-end").stdout
    expect(got == "hello\n", f"expected the record that was produced, got '{got}'")
    for port in image.ports:
        reached = service.do("bash", "-c", f"exec 3<>/dev/tcp/{OTHER_ADDRESS}/{port}", check=False)
        expect(reached.returncode == 0, f"nobody listens for the outside on port {port}, which EXPOSE names")
    service.stop()
    print("ran its container: not root, read-only but for the volume, healthy, reached from outside, drained", flush=True)
