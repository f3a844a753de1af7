"""Apache Flink's jars, from Maven Central, and our programs beside them: once for each state of a folder's pom.xml and sources."""

import hashlib
import os
import pathlib
import subprocess
import sys

# What Flink opens of Java 17 in its own start scripts.
OPENED = "util lang time util.concurrent util.concurrent.atomic util.concurrent.locks net io nio text lang.reflect math"


def class_path(folder):
    """The jars of FOLDER/pom.xml and the compiled programs of FOLDER/src, in $LEAT_FLINK_CACHE or ~/.cache/leat/flink."""
    cache = pathlib.Path(os.environ.get("LEAT_FLINK_CACHE", pathlib.Path.home() / ".cache" / "leat" / "flink"))
    sources = sorted((folder / "src").rglob("*.java"))
    jars = cache / ("lib-" + hashlib.sha256((folder / "pom.xml").read_bytes()).hexdigest()[:16])
    stamp = hashlib.sha256(b"".join(p.read_bytes() for p in sources)).hexdigest()[:16]
    classes = cache / ("classes-" + stamp + "-" + jars.name)
    if not (jars / "complete").exists():
        print("fetching Flink's jars into", jars, file=sys.stderr)
        jars.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mvn", "-q", "-B", "-f", str(folder / "pom.xml"), "dependency:copy-dependencies",
                        "-DincludeScope=runtime", f"-DoutputDirectory={jars}"], check=True, stdout=sys.stderr)
        (jars / "complete").touch()
    if not (classes / "complete").exists():
        subprocess.run(["javac", "-nowarn", "-d", str(classes), "-cp", f"{jars}/*", *map(str, sources)], check=True)
        (classes / "complete").touch()
    return f"{jars}/*:{classes}:{folder / 'resources'}"


def java(folder, program, log, options=(), level="OFF"):
    """The command that runs a program of FOLDER; Flink logs to the file `log`, whose folder also takes its configuration."""
    log = pathlib.Path(log)
    configuration = log.with_suffix(".xml")
    configuration.write_text(
        f'<Configuration status="OFF"><Appenders><File name="f" fileName="{log}"><PatternLayout pattern="%d %p %c{{1}} %m%n"/>'
        f'</File></Appenders><Loggers><Root level="{level}"><AppenderRef ref="f"/></Root></Loggers></Configuration>',
        encoding="utf-8")
    return ["java", *options, *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in OPENED.split()),
            f"-Dlog4j2.configurationFile={configuration}", "-Duser.timezone=UTC", "-cp", class_path(folder), program]
