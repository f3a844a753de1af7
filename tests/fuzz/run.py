"""Runs a fuzz target:

    run.py NAME --program FILE --build FOLDER [--seconds N] [--keep FILE]
    run.py NAME --source FOLDER --build FOLDER [--seconds N] [--keep FILE]    # builds it first, with clang

Starts from corpus/NAME.hex, an input a line; corpus/NAME.dict has words worth trying. --keep writes the inputs that reach the
most, few and short, in the same form. What fails is kept in the folder of --build.
Exits with 77, which ctest takes as skipped, where there is no clang with libFuzzer.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIPPED = 77
MOST_KEPT_BYTES = 40_000


def find_clang() -> str | None:
    for name in ("clang++", "clang++-14"):
        if not shutil.which(name):
            continue
        runtime = subprocess.run([name, "-print-file-name=libclang_rt.fuzzer-x86_64.a"], capture_output=True, text=True)
        if Path(runtime.stdout.strip()).exists():
            return name
    return None


def build(clang: str, name: str, source: Path, folder: Path) -> Path:
    flags = "-O1 -g1 -w -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all"
    if not (folder / "build.ninja").exists():
        subprocess.run(["cmake", "-S", source, "-B", folder, "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={clang}", "-DLEAT_FUZZ=ON",
                        "-DLEAT_BUILD_BENCH=OFF", f"-DCMAKE_CXX_FLAGS={flags}"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "--target", f"{name}_fuzz"], check=True, stdout=subprocess.DEVNULL)
    return folder / "bin" / f"{name}_fuzz"


def unpack(corpus: Path, folder: Path) -> None:
    folder.mkdir()
    for number, line in enumerate(corpus.read_text().split() if corpus.exists() else ()):
        (folder / f"{number:05}").write_bytes(bytes.fromhex(line))


def keep(program: Path, seeds: Path, found: Path, folder: Path, target: Path) -> None:
    merged = folder / "merged"
    merged.mkdir()
    subprocess.run([program, "-merge=1", merged, found, seeds], check=True, capture_output=True)
    lines, size = [], 0
    for data in sorted((path.read_bytes() for path in merged.iterdir()), key=lambda data: (len(data), data)):
        size += len(data)
        if size > MOST_KEPT_BYTES:
            break
        lines.append(data.hex() + "\n")
    target.write_text("".join(lines))
    print(f"kept {len(lines)} inputs")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--program", type=Path)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    program = args.program
    if program is None:
        clang = find_clang()
        if clang is None or args.source is None:
            print("skipped: there is no clang++ with libFuzzer (packages clang and libclang-rt-14-dev; tools/setup installs them), or "
                  "the target was not built for another reason that tests/fuzz/CMakeLists.txt tells")
            return SKIPPED
        program = build(clang, args.name, args.source, args.build)
    args.build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="leat_fuzz_") as temporary:
        folder = Path(temporary)
        seeds, found = folder / "seeds", folder / "found"
        unpack(HERE / "corpus" / f"{args.name}.hex", seeds)
        found.mkdir()
        words = HERE / "corpus" / f"{args.name}.dict"
        done = subprocess.run([program, f"-max_total_time={args.seconds}", "-max_len=4096", "-timeout=5", "-rss_limit_mb=1024",
                               "-malloc_limit_mb=64", "-print_final_stats=1", f"-artifact_prefix={args.build}/",
                               *([f"-dict={words}"] if words.exists() else []), found, seeds], text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print("\n".join(done.stdout.splitlines()[-30:]))
        if done.returncode == 0 and args.keep:
            keep(program, seeds, found, folder, args.keep)
        return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
