"""The command line of tools/clients: which suites, against what, and what the exit code says."""

import argparse
import os
import re
import sys
from pathlib import Path

from .broker import Leatd, Remote
from .run import run
from .suites import SUITES, Skip

SOURCE = Path(__file__).resolve().parents[3]
SKIPPED = 77


def parse(description):
    parser = argparse.ArgumentParser(prog="tools/clients", description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="+", metavar="LANG", choices=[*SUITES, "all"], help=" ".join([*SUITES, "all"]))
    parser.add_argument("--leatd", type=Path, default=SOURCE / "build/release/bin/leatd", help="the daemon to start")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting for that daemon")
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="test what listens here, and start no daemon")
    parser.add_argument("--log-dir", type=Path, help="with --bootstrap: where that broker keeps its topics, for the dump tool")
    parser.add_argument("--only", default="", metavar="REGEX", help="only the tests whose name matches")
    parser.add_argument("--time-limit", type=int, default=120, metavar="SECONDS", help="for each suite (120)")
    parser.add_argument("--install-only", action="store_true", help="install and build the clients, run nothing")
    parser.add_argument("--require", action="store_true", help="a skipped suite is a failed one")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where the clients are installed")
    options = parser.parse_args()
    if not options.bootstrap and not options.install_only and not options.leatd.is_file():
        parser.error(f"expected a leatd at {options.leatd}: build it (cmake --build --preset release), or name another with "
                     "--leatd, or test a running broker with --bootstrap")
    re.compile(options.only)
    return options


def default_cache():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "leat-clients"


def test(name, options):
    """'passed', 'failed' or 'skipped'."""
    suite = SUITES[name](SOURCE, options.cache / name)
    try:
        suite.install()
    except Skip as why:
        print(f"SKIPPED {name}: {why}", flush=True)
        return "failed" if options.require else "skipped"
    if options.install_only:
        print(f"{name}: installed in {options.cache / name}")
        return "passed"
    broker = Remote(options.bootstrap, options.log_dir) if options.bootstrap else Leatd(options.leatd, options.set)
    with broker:
        return "passed" if run(suite, broker, options) else "failed"


def main(description):
    options = parse(description)
    names = list(SUITES) if "all" in options.suites else options.suites
    outcomes = {name: test(name, options) for name in names}
    if len(names) > 1:
        counts = {kind: [name for name in names if outcomes[name] == kind] for kind in ("passed", "failed", "skipped")}
        print("suites: " + "; ".join(f"{len(found)} {kind}" + (f" ({' '.join(found)})" if found else "")
                                     for kind, found in counts.items()))
        sys.stdout.flush()
    if "failed" in outcomes.values():
        return 1
    return 0 if "passed" in outcomes.values() else SKIPPED
