"""The clang-tidy run finds what it is there for, and its cache never hides a change."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
CLANG = ROOT / "tools" / "tidy" / "clang.py"
sys.path.insert(0, str(CLANG.parent))

from clang import clang_flags  # noqa: E402

CLEAN = '#include "base/length.h"\nint Length(const char* text) { return text == nullptr ? 0 : 1; }\n'
PLANTED = {
    "bugprone-use-after-move": "#include <string>\n#include <utility>\nvoid Take(std::string s);\n"
                               "size_t F(std::string s) {\n  Take(std::move(s));\n  return s.size();\n}\n",
    "bugprone-infinite-loop": "int F(int n) {\n  int i = 0;\n  while (i < n) {\n  }\n  return i;\n}\n",
    "clang-analyzer-core.NullDereference": "int F(int* p, bool b) {\n  if (b) p = nullptr;\n  return *p;\n}\n",
    "clang-diagnostic-dangling-gsl": "#include <string>\n#include <string_view>\nstd::string Make();\n"
                                     "size_t F() {\n  std::string_view v = Make();\n  return v.size();\n}\n",
}


class ClangTidy(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="leat-tidy-clang-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "src/base").mkdir(parents=True)
        (self.root / "build").mkdir()
        (self.root / ".clang-tidy").write_text((ROOT / ".clang-tidy").read_text())
        (self.root / "src/base/length.h").write_text("#pragma once\nint Length(const char* text);\n")
        (self.root / "src/base/length.cc").write_text(CLEAN)

    def run_clang(self, compiled: list[Path] | None = None) -> subprocess.CompletedProcess:
        entries = [{"directory": str(self.root / "build"), "file": str(file),
                    "command": f"/usr/bin/ccache /usr/bin/c++ -I{self.root}/src -Wall -std=c++20 -include cmake_pch.hxx -o x.o -c {file}"}
                   for file in compiled or sorted((self.root / "src").rglob("*.cc"))]
        (self.root / "build/compile_commands.json").write_text(json.dumps(entries))
        return subprocess.run([sys.executable, str(CLANG), "--root", str(self.root), "--build-dir", str(self.root / "build")],
                              capture_output=True, text=True, check=False)

    def test_passes_clean_files_and_looks_at_them_once(self):
        first = self.run_clang()
        self.assertEqual(first.returncode, 0, first.stdout + first.stderr)
        self.assertIn("1 files, 0 of them unchanged", first.stdout)
        self.assertIn("1 files, 1 of them unchanged", self.run_clang().stdout)

    def test_looks_again_when_an_included_header_has_changed(self):
        self.run_clang()
        (self.root / "src/base/length.h").write_text("#pragma once\nint Length(const char* text);\nint Other();\n")
        self.assertIn("1 files, 0 of them unchanged", self.run_clang().stdout)

    def test_finds_each_planted_fault_again_and_again(self):
        for number, text in enumerate(PLANTED.values()):
            (self.root / f"src/base/planted_{number}.cc").write_text(text)
        for _ in range(2):  # a file with findings is never remembered as passed
            result = self.run_clang()
            self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
            for number, check in enumerate(PLANTED):
                self.assertRegex(result.stdout, rf"planted_{number}\.cc:\d+:\d+: error: .*\[{check}")
            self.assertIn(f"{len(PLANTED)} with findings", result.stdout)

    def test_looks_into_files_that_are_compiled_together(self):
        (self.root / "src/base/planted.cc").write_text(next(iter(PLANTED.values())))
        unity = self.root / "build/unity/base_0.cc"
        unity.parent.mkdir(parents=True)
        unity.write_text("".join(f'#include "../../src/base/{name}.cc"\n' for name in ("length", "planted")))
        result = self.run_clang([unity])
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("2 files, 0 of them unchanged, 1 with findings", result.stdout)

    def test_a_build_folder_that_knows_nothing_is_an_error(self):
        (self.root / "src/base/length.cc").unlink()
        self.assertEqual(self.run_clang().returncode, 2)


class ClangFlags(unittest.TestCase):
    def test_drop_what_is_only_gccs(self):
        command = "cmake -E env A=1 /usr/bin/ccache /usr/bin/c++ -DX -I/i -Werror -Winvalid-pch -include /b/cmake_pch.hxx -o a.o -c a.cc"
        self.assertEqual(clang_flags(command.split(), "a.cc"), ["-DX", "-I/i", "-Wno-unknown-warning-option"])


if __name__ == "__main__":
    unittest.main()
