"""A bare Debian to try packages on: a root folder of debootstrap's, made once, under an overlay that takes every change."""

import contextlib
import fcntl
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import tempfile

CANNOT = 77  # ctest's word for "skipped"
RELEASE = "bookworm"
MIRROR = os.environ.get("LEAT_DEBIAN_MIRROR", "http://deb.debian.org/debian")
BASE = pathlib.Path(os.environ.get("LEAT_PACKAGE_ROOT", pathlib.Path.home() / ".cache/leat" / RELEASE))
WORK = BASE.parent / f"{BASE.name}-work"  # one folder for each overlay, gone with it
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Failed(SystemExit):
    """A check that did not hold: ends the program with its message."""


def expect(good, message):
    if not good:
        raise Failed(f"FAILED: {message}")


def missing_tools():
    missing = [f"{tool} is not installed" for tool in ("debootstrap", "unshare", "nsenter", "ip", "dpkg-deb") if not shutil.which(tool)]
    return missing + ([] if os.geteuid() == 0 else ["it takes root"])


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=1800, **options)
    if check:
        expect(done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


@contextlib.contextmanager
def alone():
    """One check at a time on a machine: they share the bare system and what apt fetched."""
    BASE.parent.mkdir(parents=True, exist_ok=True)
    with open(BASE.parent / f"{BASE.name}.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another check of packages to end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(WORK, ignore_errors=True)  # what a check left that was killed
        WORK.mkdir()
        yield


def make_base():
    if (BASE / "etc/debian_version").exists():
        return
    print(f"making a bare Debian in {BASE}: about two minutes, once", flush=True)
    # A run that is interrupted leaves no half of a system under the final name.
    making = pathlib.Path(tempfile.mkdtemp(prefix=f"{BASE.name}.", dir=BASE.parent))
    try:
        run("debootstrap", "--variant=minbase", RELEASE, making, MIRROR)
        run("chroot", making, "apt-get", "update", "-q")
        making.chmod(0o755)
        making.rename(BASE)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def granted_files():
    """The hard limit of open files where we cannot raise it, as in a container without CAP_SYS_RESOURCE; else nothing."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard + 1))
    except (OSError, ValueError):
        return [] if hard == resource.RLIM_INFINITY else [hard]
    return []


class Bare:
    """A copy of the bare system that lasts as long as its `with`. Takes namespaces of the caller's own."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=WORK))
        self.root = self.work / "root"
        self.archives = BASE.parent / f"{RELEASE}-archives"
        for folder in (self.root, self.work / "upper", self.work / "overlay", self.archives / "partial"):
            folder.mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={BASE},upperdir={self.work}/upper,workdir={self.work}/overlay", self.root)
        run("mount", "-t", "proc", "proc", self.root / "proc")
        run("mount", "-t", "devpts", "devpts", self.root / "dev/pts")
        # What apt fetched once serves the next run.
        run("mount", "--bind", self.archives, self.root / "var/cache/apt/archives")
        return self

    def __exit__(self, *_):
        run("umount", "-R", self.root, check=False)
        shutil.rmtree(self.work, ignore_errors=True)

    def path(self, inside):
        return self.root / str(inside).lstrip("/")

    def do(self, *command, check=True, text_input=None, **environment):
        """Runs a command inside, as root."""
        return run("chroot", self.root, *command, check=check, input=text_input or "",
                   env={"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **environment})

    def apt(self, *arguments):
        return self.do("apt-get", "-q", "-y", "--no-install-recommends", "-o", "APT::Keep-Downloaded-Packages=true",
                       "-o", "Dpkg::Options::=--force-confold", *arguments)

    def install(self, *names):
        try:
            return self.apt("install", *names)
        except Failed:
            # The lists are as old as the bare system; what they name may have been replaced on the mirror.
            self.apt("update")
            return self.apt("install", *names)

    def put(self, file, folder="/tmp"):
        """Copies a file of ours to a folder inside and returns its name there."""
        shutil.copy(file, self.path(folder))
        return f"{folder}/{pathlib.Path(file).name}"

    def leftovers(self):
        """Files whose name or folder says leat, outside the records of dpkg and apt."""
        found = run("find", self.root, "-xdev", "-iname", "*leat*", "-not", "-path", f"{self.root}/tmp/*",
                    "-not", "-path", f"{self.root}/root/*", "-not", "-path", f"{self.root}/var/cache/*", "-not", "-path", f"{self.root}/var/lib/apt/*").stdout.split()
        return sorted("/" + str(pathlib.Path(path).relative_to(self.root)) for path in found)


class Service:
    """A program inside, under a unit's rules and with a network of its own, so that its ports are free and nobody sees them."""

    def __init__(self, bare, command, *, user, group, directory="/", umask="0022", files=None, writable=None, environment=None):
        self.bare = bare
        self.log = open(bare.work / "service.log", "a+", encoding="utf-8")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        heard_at = bare.path("run/notify")
        heard_at.unlink(missing_ok=True)
        self.notify.bind(str(heard_at))
        heard_at.chmod(0o666)
        view = bare.work / "view"
        view.mkdir(exist_ok=True)
        setup = ["ip link set lo up", f"mount --rbind {bare.root} {view}"]
        if writable is not None:
            setup.append(f"mount -o remount,bind,ro {view}")
            setup += [f"mount --bind {bare.path(path)} {view}{path}" for path in writable]
            setup.append(f"mount -t tmpfs tmpfs {view}/tmp")
        # As systemd does: no more than the kernel gives anybody, or than a container was left.
        files = files and min(files, int(pathlib.Path("/proc/sys/fs/nr_open").read_text()), *granted_files())
        limits = ["prlimit", f"--nofile={files}:{files}"] if files else []
        become = ["setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups" if not str(user).isdigit() else "--clear-groups",
                  "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        start = f"umask {umask} && cd {directory} && exec \"$@\""
        script = " && ".join(setup) + f' && exec chroot {view} "$@"'
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--net", "sh", "-c", script, "sh", *limits, *become, "sh", "-c", start, "sh", *command],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
            env={"PATH": PATH, "NOTIFY_SOCKET": "/run/notify", **(environment or {})})

    def log_text(self):
        self.log.seek(0)
        return self.log.read()

    def hear(self, state, seconds=60):
        self.notify.settimeout(0.5)
        heard, rounds = "", 2 * seconds
        while not heard and rounds > 0 and self.process.poll() is None:
            rounds -= 1
            with contextlib.suppress(TimeoutError):
                heard = self.notify.recv(256).decode()
        expect(heard == state, f"expected the service to say {state} within {seconds} s, got '{heard}'; its log:\n{self.log_text()}")

    def do(self, *command, check=True, text_input=None, **environment):
        """A command inside that sees the service's network."""
        return run("nsenter", f"--net=/proc/{self.process.pid}/ns/net", "chroot", self.bare.root, *command, check=check,
                   input=text_input or "", env={"PATH": PATH, **environment})

    def status(self):
        """{"Uid": ..., ...} of /proc/PID/status."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}

    def stop(self):
        self.process.terminate()
        try:
            code = self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "SIGKILL after 60 s"
        expect(code == 0, f"expected the service to end with 0 after SIGTERM, got {code}; its log:\n{self.log_text()}")
        self.notify.close()
