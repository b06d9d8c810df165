"""Golden interviews made anew in ODK's own engines: ``python -m tests.golden.record [--check] [FORM …]``.

Needs Java 17 (JavaRosa is in the jar that pyxform brings) and, for the second opinion, Node with the packages
of ``driver/package.json`` installed in the folder that ``GOLDEN_NODE`` names. See README.md.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyxform

from tests.golden.differences import DIFFERENCES, Adopt, name
from tests.golden.sources import Source, job, names, source

HERE = Path(__file__).parent
RECORDINGS = HERE / "recordings"
JAR = Path(pyxform.__file__).parent / "validators" / "odk_validate" / "bin" / "ODK_Validate.jar"
NODE = Path(os.environ.get("GOLDEN_NODE", "/tmp/golden/node"))
SEEDS = range(1, 9)
"""How often each form is answered."""

Recording = dict[str, Any]


def engines() -> str:
    """Which of the two engines is missing here; empty when both are there."""
    if not shutil.which("java"):
        return "java"
    if not shutil.which("node") or not (NODE / "node_modules" / "@getodk" / "xforms-engine").exists():
        return "xforms-engine"
    return ""


def record(
    sources: Iterable[Source], seeds: Sequence[int] = SEEDS, *, second: bool = True
) -> list[Recording]:
    """Interviews of these forms: what happened in JavaRosa, and where xforms-engine differs."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = _jobs(sources, Path(folder), seeds)
        first = [json.loads(line) for line in javarosa(jobs).split("\n") if line]
        if second:
            written = Path(folder) / "recordings.jsonl"
            written.write_text("".join(json.dumps(one) + "\n" for one in first), encoding="utf-8")
            opinions = [json.loads(line) for line in xforms_engine(jobs, written).split("\n") if line]
            for recording, opinion in zip(first, opinions, strict=True):
                _join(recording, opinion)
        for recording in first:
            _settle(recording)
        return first


def _jobs(sources: Iterable[Source], folder: Path, seeds: Sequence[int], **more: object) -> Path:
    jobs = []
    for number, form in enumerate(sources):
        xform, still = folder / f"{number}.xml", folder / f"{number}.still.xml"
        xform.write_text(form.xform, encoding="utf-8")
        still.write_text(form.still, encoding="utf-8")
        jobs.append(job(form, xform, still, seeds, **more))
    path = folder / "jobs.json"
    path.write_text(json.dumps(jobs), encoding="utf-8")
    return path


def javarosa(jobs: Path) -> str:
    """What JavaRosa's driver writes for these jobs."""
    command = ["java", "-Xss8m", "-cp", str(JAR), str(HERE / "driver" / "Driver.java"), str(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    return done.stdout


def xforms_engine(jobs: Path, recordings: Path) -> str:
    """What the driver of xforms-engine writes about these recordings."""
    command = ["node", str(HERE / "driver" / "second.mjs"), str(jobs), str(recordings)]
    environment = {**os.environ, "TZ": "Asia/Ho_Chi_Minh"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, encoding="utf-8", cwd=NODE, env=environment
    )
    return done.stdout


def _join(recording: Recording, opinion: Recording) -> None:
    """Put the second opinion into a recording: what is not the same, with the name of the difference."""
    form = recording["form"]
    if opinion.get("error"):
        recording["second_error"] = opinion["error"]
    if opinion.get("differs"):
        recording["differs"] = [
            {"at": at, "what": what, "second": second, "name": name(form, _where(recording, at, more))}
            for at, what, second, *more in opinion["differs"]
        ]
    mine, theirs = recording.get("values"), opinion.get("values")
    if mine is not None and theirs is not None:
        refs = [*mine, *(ref for ref in theirs if ref not in mine)]
        other = {
            ref: {"second": theirs.get(ref), "name": name(form, ref)}
            for ref in refs
            if theirs.get(ref) != mine.get(ref)
        }
        if other:
            recording["second_values"] = other


def _settle(recording: Recording) -> None:
    """Leave out what chance decides, so that the same recording is made each time."""
    form = recording["form"]

    def left_to_chance(ref: str) -> bool:
        known = DIFFERENCES.get(name(form, ref))
        return known is not None and known.adopt is Adopt.CHANCE

    for event in recording.get("events", ()):
        if "choices" in event and left_to_chance(event["ref"]):
            event["choices"].sort()
            del event["choice_labels"]
    asked = {event["ref"] for event in recording.get("events", ())}
    for values in (recording.get("values", {}), recording.get("second_values", {})):
        for ref in [ref for ref in values if left_to_chance(ref) and ref not in asked]:
            values[ref] = {"second": "*", "name": name(form, ref)} if isinstance(values[ref], dict) else "*"
    recording["differs"] = [
        {**one, "second": "*"} if one["at"] >= 0 and left_to_chance(_where(recording, one["at"], ())) else one
        for one in recording.get("differs", ())
    ]
    if not recording["differs"]:
        del recording["differs"]


def _where(recording: Recording, at: int, more: Sequence[str | None]) -> str:
    if at >= 0:
        return str(recording["events"][at]["ref"])
    return (more[0] if more else None) or str(recording.get("submit_ref", ""))


def written(recordings: Iterable[Recording]) -> str:
    """Recordings as they are kept: a line of JSON each."""
    return "".join(
        json.dumps(recording, ensure_ascii=False, separators=(",", ":")) + "\n" for recording in recordings
    )


def kept(name: str) -> list[Recording]:
    """The recordings of a form."""
    text = (RECORDINGS / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def main(arguments: Sequence[str]) -> int:
    """Record the forms named, or all; with ``--check`` only say which recordings are not as they were."""
    check = "--check" in arguments
    wanted = [argument for argument in arguments if argument != "--check"] or list(names())
    missing = engines()
    if missing:
        print(f"not found: {missing} (see tests/golden/README.md)")
        return 2
    found = record([source(form) for form in wanted])
    RECORDINGS.mkdir(exist_ok=True)
    changed = 0
    for form in wanted:
        text = written([recording for recording in found if recording["form"] == form])
        path = RECORDINGS / f"{form}.jsonl"
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            changed += 1
            print(f"changed: {form}")
        elif not check:
            path.write_text(text, encoding="utf-8")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
