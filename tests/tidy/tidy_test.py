"""Tidy is itself a promise: each kind of violation, planted alone in a small clean tree, must be found and named."""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
TIDY = ROOT / "tools" / "tidy" / "tidy.py"
sys.path.insert(0, str(TIDY.parent))

from lengths import functions  # noqa: E402
from source import strip  # noqa: E402
from table import read_table  # noqa: E402

# Clean, and full of things that only look like violations.
CLEAN = {
    "src/base/clean.h": """// A new idea; delete the old one. std::cout << "x"; sleep_for
#pragma once

#include <absl/strings/str_cat.h>

#include <memory>
#include <new>
#include <string>

#include "base/other.h"

namespace leat {

class Clean {
 public:
  Clean(const Clean&) = delete;
  Clean& operator=(const Clean&) = delete;
  static std::unique_ptr<Clean> Make() { return std::unique_ptr<Clean>(new Clean()); }
  static std::unique_ptr<Clean> MakeOnTheNextLine() {
    auto a_name_that_is_long_enough = std::unique_ptr<Clean>(  // to break the line in front of the one that follows
        new Clean());
    return a_name_that_is_long_enough;
  }
  const char* text() const { return "new T; std::mutex; using namespace std; time(nullptr)"; }
  const char* raw() const { return R"(co_spawn( " rand() ))"; }
  int renewed(int newest) const { return newest + 1'000'000; }

 private:
  Clean() = default;
};

}  // namespace leat
""",
    "src/base/other.h": "#pragma once\n",
    "src/log/clean.cc": '#include "base/clean.h"\n#include "env/disk.h"\n#include "log/clean.h"\n#include "model/ids.h"\n',
    "src/log/clean.h": "#pragma once\n",
    "src/runtime/clock.cc": """#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <mutex>

namespace leat::runtime {
std::mutex mutex;
auto Now() { return std::chrono::steady_clock::now(); }
}  // namespace leat::runtime
""",
    "include/leat/client/producer.h": '#pragma once\n#include <absl/time/time.h>\n\n#include <string>\n\n#include "leat/client/options.h"\n',
    "tests/log/clean_test.cc": "using namespace std;\n",
}


class Tree:
    """A temporary project with the real module table, the real format, and the files given."""

    def __init__(self, files: dict[str, str]):
        self._folder = tempfile.TemporaryDirectory(prefix="leat-tidy-")
        self.root = Path(self._folder.name)
        for name in (".clang-format", "cmake/layers.cmake"):
            self.write(name, (ROOT / name).read_text(encoding="utf-8"))
        for name, text in files.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def tidy(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, str(TIDY), "--root", str(self.root), *arguments], capture_output=True, text=True,
                              check=False)

    def __enter__(self) -> "Tree":
        return self

    def __exit__(self, *_) -> None:
        self._folder.cleanup()


def function_of(lines: int) -> str:
    return "int F(int a) {\n" + "  a += 1;\n" * (lines - 3) + "  return a;\n}\n"


# file, its text, the line and the rule that tidy must name
PLANTED = [
    # includes
    ("src/model/up.cc", '#include "log/partition_log.h"\n', 1, "include"),  # a higher floor
    ("src/log/unnamed.cc", '\n#include "meta/image.h"\n', 2, "include"),  # lower, but not in DEPS
    ("src/sql/asio.cc", "#include <boost/asio.hpp>\n", 1, "include"),  # another module's third party
    ("src/log/fmt.cc", "#include <fmt/format.h>\n", 1, "include"),
    ("src/broker/proto.cc", '#include "leat/v1/broker.pb.h"\n', 1, "include"),
    ("src/log/internal.cc", '#include "leat/internal/records.pb.h"\n', 1, "include"),
    ("src/log/api.cc", '#include "leat/client/producer.h"\n', 1, "include"),  # public API below floor 4
    ("src/log/system.cc", "#include <unistd.h>\n", 1, "include"),
    ("src/log/unknown.cc", "#include <curl/curl.h>\n", 1, "include"),
    ("src/log/relative.cc", '#include "clean.h"\n', 1, "include"),
    ("src/nowhere/file.cc", "int x;\n", 1, "include"),  # not a module
    ("include/leat/client/inside.h", '#pragma once\n#include "base/clean.h"\n', 2, "include"),
    ("include/leat/client/grpc.h", "#pragma once\n#include <grpcpp/grpcpp.h>\n", 2, "include"),
    # lengths
    ("src/log/long.h", "#pragma once\n" + "extern int x;\n" * 400, 401, "file-length"),
    ("src/log/long.cc", "extern int x;\n" * 601, 601, "file-length"),
    ("tests/log/long_test.cc", "extern int x;\n" * 1201, 1201, "file-length"),
    ("src/log/function.cc", function_of(71), 1, "function-length"),
    ("src/log/method.cc", "struct S {\n  explicit S(int a) : a_{a} {\n" + "    a_ += 1;\n" * 70 + "  }\n  int a_;\n};\n", 2,
     "function-length"),
    # banned constructs
    ("src/log/new.cc", "int* p = new int(3);\n", 1, "new"),
    ("src/log/argument.cc", "auto p = Take(\n    new int(3));\n", 2, "new"),
    ("src/log/delete.cc", "void F(int* p) { delete p; }\n", 1, "delete"),
    ("src/log/delete_array.cc", "void F(int* p) {\n  delete[] p;\n}\n", 2, "delete"),
    ("src/log/mutex.cc", "std::mutex m;\n", 1, "threads"),
    ("src/log/shared.cc", "std::shared_mutex m;\n", 1, "threads"),
    ("src/broker/condition.cc", "std::condition_variable c;\n", 1, "threads"),
    ("src/log/absl_mutex.cc", "absl::Mutex m;\n", 1, "threads"),
    ("src/log/system_clock.cc", "auto t = std::chrono::system_clock::now();\n", 1, "clock"),
    ("src/log/steady.cc", "auto t = std::chrono::steady_clock::now();\n", 1, "clock"),
    ("src/log/time.cc", "auto t = time(nullptr);\n", 1, "clock"),
    ("src/log/std_time.cc", "auto t = std::time(nullptr);\n", 1, "clock"),
    ("src/log/now.cc", "auto t = absl::Now();\n", 1, "clock"),
    ("src/log/gettimeofday.cc", "int r = gettimeofday(&tv, nullptr);\n", 1, "clock"),
    ("src/log/clock_gettime.cc", "int r = clock_gettime(0, &ts);\n", 1, "clock"),
    ("src/log/rand.cc", "int r = rand();\n", 1, "random"),
    ("src/log/device.cc", "std::random_device d;\n", 1, "random"),
    ("src/runtime/spawned.cc", "void F() { boost::asio::co_spawn(a, b, c); }\n", 1, "co-spawn"),
    ("src/runtime/sleep.cc", "void F() { std::this_thread::sleep_for(x); }\n", 1, "sleep"),
    ("tests/log/usleep_test.cc", "void F() { usleep(1000); }\n", 1, "sleep"),
    ("tests/log/absl_test.cc", "void F() { absl::SleepFor(d); }\n", 1, "sleep"),
    ("src/log/cout.cc", "void F() { std::cout << 1; }\n", 1, "stdout"),
    ("src/log/using.h", "#pragma once\nusing namespace std;\n", 2, "using-namespace"),
    ("src/log/later.cc", "// TODO: the rest\n", 1, "unfinished"),
    ("src/log/mend.cc", "// FIXME\n", 1, "unfinished"),
    ("proto/leat/v1/mark.proto", "// XXX\n", 1, "unfinished"),
    # the format and the list of exceptions
    ("src/log/format.cc", "int   x;\n", 1, "format"),
    ("tools/tidy/exceptions.txt", "src/log/clean.cc clock\n", 1, "exceptions"),
    ("tools/tidy/exceptions.txt", "src/log/clean.cc clock it was needed once, long ago\n", 1, "exceptions"),
]


class Tidy(unittest.TestCase):
    def test_passes_a_clean_tree(self):
        with Tree(CLEAN) as tree:
            result = tree.tidy()
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertIn(f"{len(CLEAN)} files, 0 findings", result.stdout)

    def test_finds_and_names_each_planted_violation(self):
        for path, text, line, rule in PLANTED:
            with self.subTest(path=path, rule=rule), Tree(CLEAN | {path: text}) as tree:
                result = tree.tidy(*([] if rule == "format" else ["--no-format"]))
                self.assertEqual(result.returncode, 1, f"not found; tidy said: {result.stdout}{result.stderr}")
                findings = result.stdout.splitlines()[:-1]
                self.assertEqual(len(findings), 1, result.stdout)
                self.assertTrue(findings[0].startswith(f"{path}:{line}: {rule}: "), findings[0])

    def test_every_rule_has_a_planted_violation(self):
        rules = {"include", "file-length", "function-length", "new", "delete", "threads", "clock", "random", "co-spawn", "sleep",
                 "stdout", "using-namespace", "unfinished", "format", "exceptions"}
        self.assertEqual({rule for _, _, _, rule in PLANTED}, rules)

    def test_an_exception_with_a_reason_silences_one_rule_in_one_file(self):
        files = CLEAN | {
            "src/log/a.cc": "auto t = absl::Now();\nint* p = new int(3);\n",
            "tools/tidy/exceptions.txt": "src/log/a.cc clock the library wants a point on the system's clock\n",
        }
        with Tree(files) as tree:
            result = tree.tidy("--no-format")
            self.assertEqual(result.returncode, 1)
            self.assertNotIn(": clock:", result.stdout)
            self.assertIn("src/log/a.cc:2: new: ", result.stdout)

    def test_a_long_list_of_exceptions_is_refused(self):
        files = {f"src/log/a{n}.cc": "auto t = absl::Now();\n" for n in range(25)}
        reasons = "".join(f"{name} clock there is some reason or other\n" for name in files)
        with Tree(CLEAN | files | {"tools/tidy/exceptions.txt": reasons}) as tree:
            result = tree.tidy("--no-format")
            self.assertEqual(result.returncode, 1)
            self.assertIn("exceptions.txt:1: exceptions: 25 exceptions", result.stdout)

    def test_formats_when_it_is_told_to(self):
        with Tree(CLEAN | {"src/log/format.cc": "int   x;\n"}) as tree:
            self.assertEqual(tree.tidy("--fix-format").returncode, 0)
            self.assertEqual((tree.root / "src/log/format.cc").read_text(), "int x;\n")

    def test_refuses_a_table_that_names_an_unknown_family(self):
        with Tree(CLEAN) as tree:
            tree.write("cmake/layers.cmake", "leat_layer(base 0 THIRD_PARTY nothing)\n")
            result = tree.tidy("--no-format")
            self.assertEqual(result.returncode, 2)
            self.assertIn("nothing", result.stderr)

    def test_refuses_a_tree_without_files(self):
        with Tree({}) as tree:
            self.assertEqual(tree.tidy("--no-format").returncode, 2)


class Strip(unittest.TestCase):
    def test_removes_comments_and_literals_and_keeps_every_line(self):
        text = 'a; // x "y\nb = "//"; /* p\nq */ c = \'"\'; d = R"z(\n" )")z"; e = 1\'000;\n'
        stripped = strip(text)
        self.assertEqual(stripped.count("\n"), text.count("\n"))
        for word in ("x", "y", "p", "q", "z", "//"):
            self.assertNotIn(word, stripped)
        for kept in ("a;", "b = ", "c = ", "d = ", "e = 1000;"):
            self.assertIn(kept, stripped)

    def test_a_literal_does_not_hide_the_code_behind_it(self):
        self.assertIn("new int", strip('F("\\"//", \'\\\'\'); p = new int;'))


class Functions(unittest.TestCase):
    def names(self, text: str) -> list[tuple[str, int]]:
        return [(function.name, function.lines) for function in functions(strip(text).split("\n"))]

    def test_counts_a_lambda_to_the_function_around_it(self):
        self.assertEqual(self.names("void F() {\n  auto f = [](int a) {\n    return a;\n  };\n}\n"), [("F", 5)])

    def test_sees_methods_constructors_and_operators(self):
        text = """namespace n {
template <typename T>
class C : public B<void()> {
 public:
  C(int a, int b) : a_{a}, b_(b) {
    a_ = 1;
  }
  int Get() const override { return a_; }
  bool operator==(const C& o) const {
    return true;
  }
  int a_ = 0;
};
}  // namespace n
"""
        self.assertEqual(self.names(text), [("C", 3), ("Get", 1), ("operator==", 3)])

    def test_takes_tables_and_types_for_what_they_are(self):
        text = "constexpr int kTable[] = {\n  1,\n  2,\n};\nenum class E : int {\n  kA,\n};\nstruct S {\n  int a{};\n};\nMACRO(x)\nclass D {\n};\n"
        self.assertEqual(self.names(text), [])


class ModuleTable(unittest.TestCase):
    def test_is_the_one_that_cmake_reads(self):
        table = read_table(ROOT / "cmake" / "layers.cmake")
        self.assertEqual(table.modules["base"].floor, 0)
        self.assertIn("stream/plan", table.modules["sql"].deps)
        self.assertEqual(table.module_of("stream/exec/filter.cc").name, "stream/exec")
        self.assertEqual(table.families_of("boost/json.hpp"), ["json"])
        for module in table.modules.values():
            for dependency in module.deps:
                self.assertIn(dependency, table.modules, module.name)


class Documents(unittest.TestCase):
    def test_the_floors_of_the_architecture_are_those_of_the_table(self):
        text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
        written = {name: int(floor) for floor, cell in re.findall(r"^\| (\d) \| (.*?) \|", text, re.MULTILINE)
                   for name in re.findall(r"`([^`]+)`", cell) if not name.startswith("include/")}
        table = read_table(ROOT / "cmake" / "layers.cmake")
        self.assertEqual(written, {module.name: module.floor for module in table.modules.values()})

    def test_links_lead_somewhere(self):
        for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
            for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
                with self.subTest(page=page.relative_to(ROOT).as_posix(), link=link):
                    self.assertTrue(link.startswith(("https://", "http://")) or (page.parent / link).exists())

    def test_every_package_has_its_reason(self):
        text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
        explained = set(re.findall(r"^\| `([^`]+)`", text, re.MULTILINE))
        listed = subprocess.run([str(ROOT / "tools" / "setup"), "--list"], capture_output=True, text=True, check=True)
        self.assertEqual(explained, set(listed.stdout.split()))


if __name__ == "__main__":
    unittest.main()
