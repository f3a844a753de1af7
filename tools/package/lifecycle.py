"""The life of the package on one machine, and what else is asked of it."""

import re
import shutil
import stat
import subprocess
import tempfile
import pathlib

from bare import Service, expect, run

DATA = "/var/lib/leat"
CONFIG = "/etc/leat/leatd.yaml"
ENABLED = "/etc/systemd/system/multi-user.target.wants/leatd.service"
ADDED = "# changed by the administrator\n"


def find_packages(folder):
    """{"leat": path, "libleat-client-dev": path}: the one .deb of each in the folder."""
    found = {}
    for path in sorted(folder.glob("*.deb")):
        name = path.name.split("_")[0]
        expect(name not in found, f"{folder} has more than one package {name}; delete the old one")
        found[name] = path
    expect({"leat", "libleat-client-dev"} <= set(found),
           f"expected leat and libleat-client-dev in {folder}, found {sorted(found) or 'none'}; build the target deb")
    return found


def field(package, name):
    return run("dpkg-deb", "--field", package, name).stdout.strip()


def with_higher_version(package, folder):
    """The package as the next version would be, with another default in its configuration."""
    tree = pathlib.Path(folder) / "tree"
    run("dpkg-deb", "--raw-extract", package, tree)
    control = tree / "DEBIAN/control"
    version = field(package, "Version") + "+next1"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.MULTILINE))
    config = tree / CONFIG.lstrip("/")
    config.write_text(config.read_text() + "# changed by the next version\n")
    sums = tree / "DEBIAN/md5sums"
    if CONFIG.lstrip("/") in sums.read_text():
        lines = [line for line in sums.read_text().splitlines(keepends=True) if CONFIG.lstrip("/") not in line]
        sums.write_text("".join(lines))
    made = pathlib.Path(folder) / f"leat_{version}_amd64.deb"
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, made)
    shutil.rmtree(tree)
    return made, version


def unit_settings(text):
    """{"ExecStart": [..]} of a unit; an empty value forgets what was said before, as systemd does."""
    settings = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        settings[key] = [*settings.get(key, []), value] if value else []
    return settings


def start_as_the_unit_would(bare):
    unit = unit_settings(bare.path("lib/systemd/system/leatd.service").read_text())
    expect(unit["Type"] == ["notify"] and unit["ProtectSystem"] == ["strict"], "the unit is not what this check arranges")
    service = Service(bare, unit["ExecStart"][0].split(), user=unit["User"][0], group=unit["Group"][0],
                      directory=unit["WorkingDirectory"][0], umask=unit["UMask"][0], files=int(unit["LimitNOFILE"][0]),
                      writable=unit["ReadWritePaths"][0].split())
    service.hear("READY=1")
    return service


def check_installed(bare):
    user = bare.do("getent", "passwd", "leat").stdout.strip().split(":")
    expect(user[5:] == [DATA, "/usr/sbin/nologin"], f"expected the user leat with home {DATA} and no shell, got {user}")
    listing = bare.do("stat", "-c", "%U %G %a", DATA).stdout.strip()
    expect(listing == "leat leat 750", f"expected {DATA} to be leat's with mode 750, got '{listing}'")
    conffiles = bare.do("dpkg-query", "-W", "-f", "${Conffiles}", "leat").stdout.split()[::2]
    expect(conffiles == [CONFIG], f"expected one conffile, {CONFIG}, got {conffiles}")
    verified = bare.do("dpkg", "--verify", "leat").stdout
    expect(verified == "", f"files differ from their md5sums:\n{verified}")
    expect("good" in bare.do("leatd", "--config", CONFIG, "--check-config").stdout, "the installed configuration is not good")
    for program in ("leatd", "leat"):
        missing = [line for line in bare.do("ldd", f"/usr/bin/{program}").stdout.splitlines() if "not found" in line]
        expect(not missing, f"{program} misses libraries that Depends should name: {missing}")
    expect(bare.path(ENABLED).is_symlink(), "the unit is not enabled after the installation")
    commands = re.findall(r"^## (leat.*)$", bare.do("leat", "reference").stdout, re.MULTILINE)
    pages = {f"/usr/share/man/man1/{name.replace(' ', '-')}.1.gz" for name in commands} | {"/usr/share/man/man8/leatd.8.gz"}
    absent = [page for page in sorted(pages) if not bare.path(page).is_file()]
    expect(not absent, f"no man page: {absent}")
    completed = bare.do("bash", "-c", "source /usr/share/bash-completion/completions/leat; "
                        "COMP_WORDS=(leat topic cr); COMP_CWORD=2; _leat; echo ${COMPREPLY[@]}").stdout.strip()
    expect(completed == "create", f"expected bash to complete 'leat topic cr' to create, got '{completed}'")


def check_service(bare):
    """A first day: starts, takes records, gives them back, ends in order. Leaves three records in the topic greetings."""
    service = start_as_the_unit_would(bare)
    status = service.status()
    user = bare.do("id", "-u", "leat").stdout.strip()
    expect(status["Uid"].split() == [user] * 4, f"expected leatd to run as leat ({user}), got {status['Uid']}")
    expect(int(status["CapEff"], 16) == 0 and int(status["CapBnd"], 16) == 0 and status["NoNewPrivs"] == "1",
           f"leatd has privileges: {status['CapEff']} {status['CapBnd']} {status['NoNewPrivs']}")
    expect(service.do("leat", "health", "--wait").stdout == "ready\n", "leat health does not say that it is ready")
    service.do("leat", "topic", "create", "greetings", "--partitions", "2")
    service.do("leat", "produce", "greetings", text_input="one\ntwo\nthree\n")
    check_records(service)
    jobs = service.do("leat", "job", "submit", "/usr/share/leat/jobs/fraud.sql")
    expect("fraud" in jobs.stdout, f"the job that the package brings does not start:\n{jobs.stdout}{jobs.stderr}")
    warned = [line for line in service.log_text().splitlines() if "limit of open files" in line]
    expect(not warned, f"LimitNOFILE is too low for the defaults: {warned}")
    service.stop()
    service_says_nothing_of_a_problem(service)
    for path in bare.path(DATA).rglob("*"):
        mode = path.lstat()
        expect(mode.st_uid == int(user) and not mode.st_mode & stat.S_IRWXO, f"{path} is not leat's alone: {oct(mode.st_mode)} {mode.st_uid}")


def service_says_nothing_of_a_problem(service):
    bad = [line for line in service.log_text().splitlines() if re.search(r"\b(warning|error)\b", line.split("]")[0], re.IGNORECASE)]
    expect(not bad, "leatd complained:\n" + "\n".join(bad))


def check_records(service):
    got = service.do("leat", "consume", "greetings", "--from-beginning", "--exit-at-end").stdout.split()
    expect(sorted(got) == ["one", "three", "two"], f"expected the three records that were produced, got {got}")


def check_upgrade(bare, package):
    config = bare.path(CONFIG)
    config.write_text(config.read_text() + ADDED)
    enabled = bare.path(ENABLED)
    enabled.unlink()  # what `systemctl disable leatd` does
    with tempfile.TemporaryDirectory(dir=bare.work) as folder:
        higher, version = with_higher_version(package, folder)
        bare.install(bare.put(higher))
    installed = bare.do("dpkg-query", "-W", "-f", "${Version}", "leat").stdout
    expect(installed == version, f"expected version {version} after the upgrade, got {installed}")
    expect(config.read_text().endswith(ADDED), "the upgrade overwrote the administrator's configuration")
    expect(bare.path(CONFIG + ".dpkg-dist").exists(), "the upgrade did not leave the new default configuration beside the changed one")
    expect(not enabled.is_symlink(),
           "the upgrade enabled the unit that the administrator had disabled")
    service = start_as_the_unit_would(bare)
    service.do("leat", "health", "--wait")
    check_records(service)
    service.stop()


def check_end(bare, package):
    removed = bare.apt("remove", "leat")
    expect("the data stays in /var/lib/leat" in removed.stdout + removed.stderr, "removal does not say that the data stays")
    expect(not bare.path("usr/bin/leatd").exists(), "leatd is there after removal")
    expect(any(bare.path(DATA).iterdir()) and bare.path(CONFIG).exists(), "removal took data or configuration along")

    # Who refuses keeps the data through a purge, and an installation after it goes on with them.
    bare.do("debconf-set-selections", text_input="leat leat/purge-data boolean false\n")
    kept = bare.apt("purge", "leat")
    expect("keeping /var/lib/leat" in kept.stdout + kept.stderr and any(bare.path(DATA).iterdir()),
           f"a purge that should not took the data:\n{kept.stdout}{kept.stderr}")
    bare.install(bare.put(package))
    service = start_as_the_unit_would(bare)
    service.do("leat", "health", "--wait")
    check_records(service)
    service.stop()

    purged = bare.apt("purge", "leat")
    expect("deleting all topics" in purged.stdout + purged.stderr, f"the purge deleted without a word:\n{purged.stdout}{purged.stderr}")
    left = bare.leftovers()
    expect(not left, f"left after the purge: {left}")
    users = bare.do("getent", "passwd", "leat", check=False).stdout
    expect(users == "", f"left after the purge: the user {users}")
    state = bare.do("dpkg-query", "-W", "-f", "${db:Status-Abbrev}", "leat", check=False).stdout
    expect(state == "" or state.startswith("un"), f"dpkg still knows leat as '{state}'")


def check_lifecycle(bare, packages, source):
    package = packages["leat"]
    bare.install(bare.put(package))
    check_installed(bare)
    print("installed: user, folder, conffile, md5sums, libraries, unit, man pages, completion", flush=True)
    check_service(bare)
    print("ran as its unit says: unprivileged, read-only system; produced, consumed, ran a job, ended in order", flush=True)
    check_upgrade(bare, package)
    print("upgraded: records, changed configuration and disabled unit are as they were", flush=True)
    check_end(bare, package)
    print("removed (data stayed), purged twice (kept when told so; else said so, and nothing is left)", flush=True)


# zsh completes only for somebody who types: on a pseudo-terminal. Twice, because the first time loads the function.
ZSH = r"""
zmodload zsh/zpty
zpty typist zsh -f -i
zpty -w typist 'PS1="> "; autoload -Uz compinit; compinit -u -D; echo rea""dy'
zpty -r typist seen '*ready*'
for line in 'leat topic cr:leat topic create' 'leat consume clicks --from-b:leat consume clicks --from-beginning'; do
  zpty -w -n typist "${line%%:*}"$'\t'
  zpty -r typist seen "*${line##*:}*"
  zpty -w -n typist $'\x15'
done
echo completed
"""


def check_shells(bare, packages, source):
    bare.install("bash", "zsh", "fish", bare.put(packages["leat"]))
    bare.path("root/typist").write_text(ZSH)
    zsh = bare.do("timeout", "30", "zsh", "/root/typist", check=False, TERM="dumb")
    expect(zsh.stdout.endswith("completed\n"), f"zsh does not complete 'leat topic cr':\n{zsh.stdout}{zsh.stderr}")
    fish = bare.do("fish", "-c", "complete -C 'leat topic cr'; complete -C 'leat consume clicks --from-b'").stdout.split()
    expect(fish == ["create", "--from-beginning"], f"fish completes 'leat topic cr' and 'leat consume clicks --from-b' to {fish}")
    print("completion works in zsh and fish (in bash: see above)")


def check_lintian(bare, packages, source):
    bare.install("lintian")
    files = [bare.put(package) for package in packages.values()]
    done = bare.do("lintian", "--allow-root", "--fail-on", "error", "--tag-display-limit", "0", *files, check=False)
    print(done.stdout + done.stderr, end="")
    expect(done.returncode == 0, "lintian found errors")


def check_client(bare, packages, source):
    """A project of somebody else's builds against the installed client library."""
    bare.install("g++", "cmake", "ninja-build", bare.put(packages["libleat-client-dev"]))
    shutil.copytree(source / "tests/install/example", bare.path("tmp/example"))
    bare.do("cmake", "-S", "/tmp/example", "-B", "/tmp/example/build", "-G", "Ninja")
    bare.do("cmake", "--build", "/tmp/example/build")
    used = bare.do("/tmp/example/build/example", check=False)
    expect(used.returncode == 2 and used.stderr.startswith("usage: "), f"the example does not start: {used.stdout}{used.stderr}")
    print("a program was built against libleat-client-dev")
