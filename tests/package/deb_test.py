"""The packages that cpack makes of this build, looked at without installing them."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["LEAT_BUILD"])
PLACES = {"leat": ("./etc/leat/", "./lib/systemd/system/leatd.service", "./usr/bin/leat", "./usr/share/"),
          "libleat-client-dev": ("./usr/include/leat/", "./usr/lib/libleat_", "./usr/lib/cmake/leat/", "./usr/share/doc/")}


def output_of(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="leat-deb-"))
        made = subprocess.run([os.environ["LEAT_CPACK"], "--config", BUILD / "CPackConfig.cmake", "-B", cls.work,
                               "-D", f"CPACK_OUTPUT_FILE_PREFIX={cls.work}/out"], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise RuntimeError(made.stdout + made.stderr)
        cls.packages = {path.name.split("_")[0]: path for path in cls.work.glob("out/*.deb")}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work)

    def field(self, name, key):
        return output_of("dpkg-deb", "--field", self.packages[name], key).strip()

    def control(self, name):
        folder = self.work / f"{name}-control"
        output_of("dpkg-deb", "--control", self.packages[name], folder)
        return folder

    def test_there_are_two_with_the_version_of_the_program(self):
        self.assertEqual(set(self.packages), set(PLACES))
        version = output_of(BUILD / "bin/leatd", "--version").strip()
        for name in PLACES:
            self.assertEqual((self.field(name, "Version"), self.field(name, "Architecture")), (version, "amd64"))
            self.assertEqual(self.packages[name].name, f"{name}_{version}_amd64.deb")

    def test_files_are_where_they_belong_and_roots(self):
        for name, places in PLACES.items():
            for line in output_of("dpkg-deb", "--contents", self.packages[name]).splitlines():
                mode, owner, _, _, _, path = line.split(None, 5)
                self.assertEqual(owner, "root/root", line)
                self.assertNotRegex(mode, r"^.....w|^........w|s|t", line)
                self.assertTrue(path.endswith("/") or path.startswith(places), line)

    def test_depends_are_found_by_asking_the_programs(self):
        depends = {entry.split()[0] for entry in self.field("leat", "Depends").split(",")}
        self.assertLessEqual({"libc6", "libstdc++6", "zlib1g", "adduser", "debconf"}, depends)
        self.assertFalse([name for name in depends if name.endswith("-dev")])

    def test_the_configuration_is_the_one_conffile(self):
        listed = (self.control("leat") / "conffiles").read_text().splitlines()
        self.assertEqual(listed, ["/etc/leat/leatd.yaml"])

    def test_scripts_are_good_shell_and_refuse_what_they_do_not_know(self):
        folder = self.control("leat")
        for script in ("postinst", "prerm", "postrm", "config"):
            subprocess.run(["sh", "-n", folder / script], check=True)
        done = subprocess.run([folder / "postrm", "sideways"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("'sideways'", done.stderr)

    def test_programs_are_stripped_and_nothing_names_the_build_tree(self):
        for name in PLACES:
            tree = self.work / f"{name}-tree"
            output_of("dpkg-deb", "--extract", self.packages[name], tree)
            for path in tree.rglob("*.cmake"):
                self.assertNotIn(str(BUILD), path.read_text(encoding="utf-8"), path.name)
        for program in ("leat", "leatd"):
            sections = output_of("readelf", "--sections", "--wide", self.work / "leat-tree/usr/bin" / program)
            self.assertNotRegex(sections, r"\.symtab|\.debug_")

    def test_systemd_understands_the_unit(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed: nobody reads the unit as systemd does")
        tree = self.work / "unit-tree"
        output_of("dpkg-deb", "--extract", self.packages["leat"], tree)
        unit = tree / "lib/systemd/system/leatd.service"
        # The program is not installed here; where it is in the tree, it is checked to be there.
        text = re.sub(r"^ExecStart=/", f"ExecStart={tree}/", unit.read_text(), flags=re.MULTILINE)
        unit.write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE))
        read = subprocess.run(["systemd-analyze", "verify", "--recursive-errors=no", unit], capture_output=True, text=True, check=False)
        said = [line for line in read.stderr.splitlines() if "leatd.service" in line]
        self.assertEqual((read.returncode, said), (0, []), read.stderr)


if __name__ == "__main__":
    unittest.main()
