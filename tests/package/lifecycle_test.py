"""Lives with the packages of this build on a bare Debian (tools/package/check), where that was asked for and is possible."""

import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["LEAT_BUILD"])
SKIPPED = 77


def main():
    if os.environ.get("LEAT_PACKAGE_CHECK") != "1":
        print("SKIPPED: the packages were not installed anywhere. LEAT_PACKAGE_CHECK=1 does that: it takes root, debootstrap, a mirror of\n"
              "Debian, one minute, and two more the first time", file=sys.stderr)
        return SKIPPED
    subprocess.run([os.environ["LEAT_CPACK"], "--config", BUILD / "CPackConfig.cmake"], cwd=BUILD, check=True)
    return subprocess.run([SOURCE / "tools/package/check", "--packages", BUILD / "packages", "--systemd", "--image"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
