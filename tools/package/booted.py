"""The package under a real systemd: the bare system is booted in namespaces of its own, as a container would be."""

import contextlib
import os
import signal
import subprocess
import time

from bare import PATH, expect, run
from lifecycle import CONFIG, DATA, check_records, with_higher_version

STEP_SECONDS = 0.2
PATIENCE_SECONDS = 60


def await_that(holds, message):
    """Asks again until `holds()`; systemd has no single event for all that is waited for here."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        expect(time.monotonic() < deadline, message() if callable(message) else message)
        time.sleep(STEP_SECONDS)


class Booted:
    """A bare system with systemd as its first process, as long as its `with`. It has no network but loopback."""

    def __init__(self, bare):
        self.bare = bare

    def __enter__(self):
        root = self.bare.root
        self.groups = root / "sys/fs/cgroup"
        for kind, where in (("sysfs", "sys"), ("tmpfs", "run"), ("cgroup2", "sys/fs/cgroup")):
            run("mount", "-t", kind, kind, root / where)
        # systemd takes the control group that it starts in for the root of all.
        self.group = self.groups / f"leat-package-check-{os.getpid()}-{self.bare.work.name}"
        self.group.mkdir()
        inside = " && ".join([f"umount {self.groups}", f"mount -t cgroup2 cgroup2 {self.groups}", f"umount -R {root}/proc",
                              f"mount -t proc proc {root}/proc", "ip link set lo up", "hostname leat-check",
                              f"exec chroot {root} env container=leat-check /sbin/init --log-target=console"])
        self.log = open(self.bare.work / "boot.log", "a+", encoding="utf-8")
        self.holder = subprocess.Popen(
            ["sh", "-c", f'echo $$ > {self.group}/cgroup.procs && exec unshare --cgroup --pid --fork --kill-child --mount --uts --ipc '
             f'--net sh -c "$0"', inside], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, env={"PATH": PATH})
        await_that(self._first_process, lambda: "the bare system did not start:\n" + self.log_text())
        await_that(lambda: self.do("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"),
                   lambda: "systemd did not come up:\n" + self.log_text())
        return self

    def __exit__(self, *_):
        self.holder.kill()
        self.holder.wait()
        with contextlib.suppress(OSError):
            os.kill(self.init, signal.SIGKILL)
        run("find", self.group, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+", check=False)

    def _first_process(self):
        found = run("ps", "-o", "pid=", "--ppid", self.holder.pid, check=False).stdout.split()
        self.init = int(found[0]) if found else None
        return self.init is not None

    def log_text(self):
        self.log.seek(0)
        return self.log.read()

    def do(self, *command, check=True, text_input=None):
        """Runs a command in the booted system, as root."""
        return run("nsenter", f"--target={self.init}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
                   "chroot", self.bare.root, *command, check=check, input=text_input or "",
                   env={"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})

    def shown(self, name):
        return self.do("systemctl", "show", "leatd", "--value", "-p", name).stdout.strip()

    def journal(self):
        return self.do("journalctl", "-u", "leatd", "--no-pager").stdout


def expect_active(booted, when):
    state = booted.do("systemctl", "is-active", "leatd", check=False).stdout.strip()
    expect(state == "active", f"{when}: expected leatd to be active, it is {state}:\n{booted.journal()}")
    booted.do("leat", "health")  # Type=notify: active means ready


def check_start_and_use(booted):
    expect_active(booted, "after the installation")
    booted.do("leat", "topic", "create", "greetings")
    booted.do("leat", "produce", "greetings", text_input="one\ntwo\nthree\n")
    booted.do("leat", "job", "submit", "/usr/share/leat/jobs/fraud.sql")
    booted.do("leat", "produce", "transactions", "--file", "/usr/share/leat/data/card_transactions.csv", "--key", "cc_num")
    booted.do("leat", "lag", "--group", "fraud", "--wait")
    check_records(booted)
    refused = [line for line in booted.journal().splitlines() if "not permitted" in line or "warning" in line.lower()]
    expect(not refused, "under its unit leatd says:\n" + "\n".join(refused))


def check_restarts(booted):
    first = booted.shown("MainPID")
    booted.do("systemctl", "kill", "--signal=KILL", "leatd")
    await_that(lambda: booted.shown("MainPID") not in ("0", first) and booted.shown("ActiveState") == "active",
               lambda: "leatd was killed and did not come back:\n" + booted.journal())
    check_records(booted)
    # What is wrong with the configuration is said once, and not again every two seconds.
    config = booted.bare.path(CONFIG)
    good = config.read_text()
    config.write_text(good.replace("node_id: 1", "node_id: one"))
    booted.do("systemctl", "restart", "leatd", check=False)
    await_that(lambda: booted.shown("ActiveState") == "failed", lambda: "expected a failed unit:\n" + booted.journal())
    expect(booted.shown("ExecMainStatus") == "2" and "node_id" in booted.journal(), "the journal does not say what is wrong")
    config.write_text(good)
    booted.do("systemctl", "restart", "leatd")
    stopped_from = booted.shown("MainPID")
    booted.do("systemctl", "stop", "leatd")
    expect(booted.shown("Result") == "success" and booted.shown("ExecMainStatus") == "0",
           f"leatd ({stopped_from}) did not end in order:\n{booted.journal()}")
    booted.do("systemctl", "start", "leatd")


def check_systemd(bare, packages, source):
    # The network ends with the boot: what the package depends on comes before.
    bare.install("systemd", "systemd-sysv", "dbus", bare.put(packages["leat"]))
    bare.apt("purge", "leat")
    # systemd clears /tmp when it starts.
    package = bare.put(packages["leat"], "/root")
    higher = bare.put(with_higher_version(packages["leat"], bare.work)[0], "/root")
    with Booted(bare) as booted:
        booted.do("dpkg", "-i", package)
        check_start_and_use(booted)
        print("systemd: installed and started, within the unit's filters; produced, consumed, ran the fraud job", flush=True)
        check_restarts(booted)
        print("systemd: came back after SIGKILL, stayed down with a wrong configuration, stopped in order", flush=True)
        before = booted.shown("MainPID")
        booted.do("dpkg", "-i", higher)
        expect(booted.shown("MainPID") != before, "the upgrade did not restart leatd")
        expect_active(booted, "after the upgrade")
        check_records(booted)
        booted.do("systemctl", "disable", "--now", "leatd")
        booted.do("dpkg", "-i", package, check=False)
        expect(booted.do("systemctl", "is-enabled", "leatd", check=False).stdout.strip() == "disabled", "a downgrade enabled the unit")
        booted.do("systemctl", "enable", "--now", "leatd")
        expect_active(booted, "after enabling it again")
        running = f"/proc/{booted.shown('MainPID')}"
        booted.do("test", "-e", running)
        booted.do("dpkg", "-r", "leat")
        expect(booted.do("test", "-e", running, check=False).returncode == 1, "leatd runs on after its removal")
        expect(any(bare.path(DATA).iterdir()), "removal took the data along")
        booted.do("dpkg", "-P", "leat")
        left = bare.leftovers()
        expect(not left, f"left after the purge: {left}")
        print("systemd: upgrade restarted it, removal stopped it, the purge left nothing", flush=True)
