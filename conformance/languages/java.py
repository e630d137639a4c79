"""Java: the jars that Maven copies into a folder; an adapter is the class `Main`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from conformance.languages import Language, NotInstalled, digest, run, sources, whole
from conformance.pins import parted

PROJECT = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>adapter</groupId><artifactId>adapter</artifactId><version>0</version>
  <dependencies>{dependencies}</dependencies>
</project>
"""
DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


def fetch(folder: Path, pins: Sequence[str]) -> None:
    coordinates = [(*package.split(":"), version) for package, _, version in map(parted, pins)]
    dependencies = "".join(DEPENDENCY.format(*map(escape, each)) for each in coordinates)
    (folder / "pom.xml").write_text(PROJECT.format(dependencies=dependencies), encoding="utf-8")
    run(["mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=jars"], folder)


def command(adapter: Path, folder: Path | None) -> list[str]:
    if folder is None:
        raise NotInstalled(f"{adapter.name} names no package of its own")
    classes, jars = folder / f"built-{digest(adapter)}", str(folder / "jars" / "*")
    if not classes.exists():
        with whole(classes) as new:
            build(adapter, jars, new)
    return ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{classes}:{jars}", "Main"]


def build(adapter: Path, jars: str, classes: Path) -> None:
    """Compile an adapter, with those of the shared classes that it names: the others may want packages of another client."""
    with tempfile.TemporaryDirectory() as shared:
        for path in sources(adapter)[1:]:
            shutil.copy(path, Path(shared) / path.name.removeprefix("_"))
        run(["javac", "-cp", jars, "-sourcepath", shared, "-d", str(classes), str(adapter)], classes.parent)


LANGUAGE = Language("java", ("java", "javac"), ("mvn",), "install a JDK and Maven", fetch, command)
