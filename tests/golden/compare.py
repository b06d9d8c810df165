"""A golden interview gone through again in our engine, question for question."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from bot.authoring.check import read_converted
from bot.authoring.convert import interpret
from bot.driving import Drive
from bot.questionnaires import Prepared, prepare
from surveys.attachments import attachment
from surveys.forms import UPLOADS, Form, Kind
from surveys.instruments import Instrument
from tests.golden.differences import DIFFERENCES, Adopt
from tests.golden.sources import Source

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
"""Where ODK's engines were when they recorded."""

CONTROLS = {
    2: {Kind.SELECT_ONE},
    3: {Kind.SELECT_MULTIPLE},
    6: {Kind.RANGE},
    7: UPLOADS,
    10: {Kind.IMAGE},
    12: {Kind.AUDIO},
    13: {Kind.VIDEO},
    15: {Kind.FILE},
    9: {Kind.ACKNOWLEDGE},
    16: {Kind.RANK},
}
"""What a question is, by JavaRosa's control types; any other is an input, told by its data type."""

INPUTS = {
    2: {Kind.INTEGER},
    3: {Kind.DECIMAL},
    4: {Kind.DATE},
    5: {Kind.TIME},
    6: {Kind.DATETIME},
    10: {Kind.GEOPOINT},
    11: {Kind.BARCODE},
}


MADE_UP = ("", "-", "Other", "Specify other.")
"""What there is where a translation or a label is missing, and what pyxform adds for or_other: ours says
it in words of the form's or the person's language.
"""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something our engine does otherwise: at event ``at`` (-1: after the last) of a recording."""

    at: int
    ref: str
    what: str
    golden: object
    ours: object


def _rule(difference: Mapping[str, Any]) -> Adopt:
    known = DIFFERENCES.get(difference["name"])
    return known.adopt if known else Adopt.JAVAROSA


class Refused(Exception):
    """Our loader does not take the form."""


def prepared(source: Source) -> Prepared:
    """A form ready to be asked. Raises :class:`Refused`."""
    files = [
        attachment(path.name, path.read_bytes())
        for path in sorted(source.media.iterdir())
        if path.suffix in (".csv", ".xml", ".geojson")
    ]
    loaded = read_converted(replace(interpret(source.document), attached=tuple(files)))
    if loaded.form is None:
        raise Refused(f"{source.name}: {loaded.errors}")
    return prepare(0, loaded.form, _instrument(loaded.form))


def _instrument(form: Form) -> Instrument:
    from bot.cli.talk import _instrument as plain

    return plain(form, None)


def compare(
    form: Prepared, recording: Mapping[str, Any], given: Mapping[str, str] = MappingProxyType({})
) -> list[Mismatch]:
    """What our engine does otherwise than the recording; what follows a question that is not asked at all is
    left out.
    """
    return list(_Replay(form, recording).run(given))


class _Replay:
    def __init__(self, form: Prepared, recording: Mapping[str, Any]) -> None:
        now = datetime.fromisoformat(recording["now"].replace(".000+", "+")).astimezone(ZONE)
        language = recording.get("language") or form.form.default_language
        self.recording = recording
        self.drive = Drive(form, language, lambda: now)
        self.out: deque[dict[str, Any]] = deque()
        self.at = -1
        self.empty: set[str] = set()
        """Selects with nothing to choose from."""
        self.questions = {question.ref: question for question in form.form.questions()}
        self.changed = False
        """Whether an answer was changed or an instance taken out."""
        self.seen: set[str] = set()
        """What can only be read and was shown: it may come again when its text has changed."""

    def run(self, given: Mapping[str, str]) -> Iterator[Mismatch]:
        self.out.extend(self.drive.begin(given))
        for at, event in enumerate(self.recording["events"]):
            self.at = at
            found = list(getattr(self, f"_{event['event']}")(event))
            yield from found
            if any(mismatch.what in ("asked", "outcome", "stays") for mismatch in found):
                return
        self.at = -1
        if "until" in self.recording:
            return
        self._pass()
        if not self.recording.get("stuck") and self.out[0]["event"] != "review":
            yield Mismatch(-1, str(self.out[0]["ref"]), "asked", "review", self.out[0]["event"])
            return
        yield from self._values()
        if "submit" in self.recording:
            out = self.drive.take({"submit": True})[0]
            ours = "ok" if out["event"] == "submitted" else str(out.get("reason"))
            golden, ref = self.recording["submit"], self.recording.get("submit_ref", "")
            if golden == "required" and ref in self.empty:
                return
            if ours != golden or (ref and out.get("ref") != ref):
                yield Mismatch(-1, ref, "submit", golden, ours)

    def _pass(self) -> None:
        """Leave out headings and what is shown again."""
        while self.out:
            out = self.out[0]
            shown = out["event"] == "note" or out.get("read_only")
            if out["event"] != "group" and not (shown and (self.changed or out["ref"] in self.seen)):
                return
            self.out.popleft()

    def _group(self, event: Mapping[str, Any]) -> Iterator[Mismatch]:
        # Ours has headings with a text only; those it has stand where JavaRosa's do.
        if self.out and self.out[0]["event"] == "group" and self.out[0]["ref"] == event["ref"]:
            heading = self.out.popleft()
            yield from self._same("label", event["ref"], event.get("label", ""), heading["label"])

    def _read_only(self, event: Mapping[str, Any]) -> Iterator[Mismatch]:
        if self.changed:
            # On the way from a changed answer, ours shows what stands right before a question, Collect all.
            return
        self.seen.discard(event["ref"])
        self._pass()
        out = self.out[0]
        if out["ref"] != event["ref"] or not (out["event"] == "note" or out.get("read_only")):
            yield Mismatch(self.at, event["ref"], "asked", event["ref"], f"{out['event']} {out['ref']}")
            return
        self.out.popleft()
        self.seen.add(event["ref"])
        yield from self._same("label", event["ref"], event.get("label", ""), out["label"])
        if "value" in event or out.get("value"):
            yield from self._same("value", event["ref"], event.get("value", ""), out.get("value") or "")

    def _no_choices(self, event: Mapping[str, Any]) -> Iterator[Mismatch]:
        # A select with nothing to choose from is passed over in chat, also where it is required.
        self.empty.add(event["ref"])
        return iter(())

    def _question(self, event: Mapping[str, Any]) -> Iterator[Mismatch]:
        self._pass()
        out, ref = self.out[0], event["ref"]
        if out["event"] != "question" or out.get("read_only") or out["ref"] != ref:
            yield Mismatch(self.at, ref, "asked", ref, f"{out['event']} {out.get('ref')}")
            return
        kinds = CONTROLS.get(event["control"]) or INPUTS.get(event["data"]) or {Kind.TEXT}
        if out["type"] not in kinds:
            yield Mismatch(self.at, ref, "type", sorted(kinds), out["type"])
        if out["required"] != event["required"]:
            yield Mismatch(self.at, ref, "required", event["required"], out["required"])
        names = [choice["name"] for choice in out["choices"]]
        adopt, golden = self._adopted("choices", event.get("choices", []))
        if adopt is Adopt.CHANCE:
            golden, names = sorted(golden), sorted(names)
        elif golden == names:
            labels = [choice["label"] for choice in out["choices"]]
            for one, other in zip(event.get("choice_labels", []), labels, strict=False):
                yield from self._same("choice_label", ref, one, other)
        if golden != names:
            yield Mismatch(self.at, ref, "choices", golden, names)
        yield from self._same("label", ref, event.get("label", ""), out["label"])
        yield from self._same("value", ref, event.get("value", ""), out["value"])
        yield from self._attempts(event)

    def _attempts(self, event: Mapping[str, Any]) -> Iterator[Mismatch]:
        for value, outcome, *message in event.get("attempts", []):
            out = self.drive.take({"value": value or None})
            rejected = out[0] if out[0]["event"] == "rejected" else None
            ours = rejected["reason"] if rejected else "ok"
            if ours != outcome:
                yield Mismatch(self.at, event["ref"], "outcome", [value, outcome], ours)
                return
            if message and rejected:
                yield from self._same("message", event["ref"], message[0], rejected["message"])
            self.out = deque(each for each in out if each["event"] != "rejected")
        if event.get("given_up"):
            # The old answer stands: go on without one.
            self.out = deque(self.drive.take({"back": True}))

    def _change(self, event: Mapping[str, Any]) -> Iterator[Mismatch]:
        self.changed = True
        self.out = deque(self.drive.take({"change": event["ref"]}))
        if self.out[0]["event"] == "rejected":
            yield Mismatch(self.at, event["ref"], "asked", "change", self.out[0]["message"])
            return
        yield from self._question(event)

    def _add_another(self, event: Mapping[str, Any]) -> Iterator[Mismatch]:
        self._pass()
        out = self.out[0]
        if out["event"] != "add_another" or out["ref"] != event["ref"]:
            yield Mismatch(self.at, event["ref"], "asked", "add_another", f"{out['event']} {out.get('ref')}")
            return
        self.out = deque(self.drive.take({"add": event["add"]}))

    def _remove(self, event: Mapping[str, Any]) -> Iterator[Mismatch]:
        self.changed = True
        self.out = deque(self.drive.take({"remove": event["ref"]}))
        if self.out[0]["event"] == "rejected":
            yield Mismatch(self.at, event["ref"], "asked", "remove", self.out[0]["message"])

    def _values(self) -> Iterator[Mismatch]:
        ours = self.drive._values()["values"]
        golden = self.recording["values"]
        for ref in [*golden, *(ref for ref in ours if ref not in golden)]:
            here = ours.get(ref) or ""
            question = self.questions.get(re.sub(r"\[\d+\]", "", ref))
            if question is None:
                continue  # A group with nothing in it.
            if not here and self.recording.get("stuck") and (question.default or question.settings):
                continue  # A default that nobody has come to yet.
            value = golden.get(ref) or ""
            difference = self.recording.get("second_values", {}).get(ref)
            if difference is not None:
                adopt = _rule(difference)
                if adopt is Adopt.CHANCE:
                    value = here if bool(here) == bool(value) else value
                elif adopt is Adopt.XFORMS_ENGINE:
                    value = difference["second"] or ""
            # What is blank and never asked may be left out; an answer may not.
            if question.kind is Kind.SELECT_MULTIPLE:
                # JavaRosa keeps the order in which choices were given, ours is that of the list.
                value, here = " ".join(sorted(value.split())), " ".join(sorted(here.split()))
            if not same(value, here):
                yield Mismatch(-1, ref, "value", value, here)

    def _adopted(self, what: str, golden: Any) -> tuple[Adopt, Any]:
        """What is to be compared with at this event, where the two engines differ, and whose way that is."""
        for difference in self.recording.get("differs", []):
            if difference["at"] == self.at and difference["what"] == what:
                adopt = _rule(difference)
                return adopt, difference["second"] if adopt is Adopt.XFORMS_ENGINE else golden
        return Adopt.JAVAROSA, golden

    def _same(self, what: str, ref: str, golden: str | None, ours: object) -> Iterator[Mismatch]:
        _, golden = self._adopted(what, golden or "")
        if what in ("label", "choice_label", "message") and golden in MADE_UP:
            return
        if what == "value" and self.questions[re.sub(r"\[\d+\]", "", ref)].kind is Kind.SELECT_MULTIPLE:
            equal = sorted(str(golden or "").split()) == sorted(str(ours or "").split())
        elif what == "value":
            equal = same(golden or "", str(ours or ""))
        else:
            equal = plain(golden) == plain(str(ours))
        if not equal:
            yield Mismatch(self.at, ref, what, golden, ours)


_NUMBER = re.compile(r"-?\d+(\.\d+)?(E-?\d+)?")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)?T?(\d\d:\d\d)?(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?")


def same(golden: str, ours: str) -> bool:
    """Whether two ODK values are one: numbers by value, times of the day to the second."""
    if golden == ours:
        return True
    if _NUMBER.fullmatch(golden) and _NUMBER.fullmatch(ours):
        a, b = float(golden), float(ours)
        return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))
    parts = golden.split(), ours.split()
    if len(parts[0]) == len(parts[1]) > 1:
        return all(same(a, b) for a, b in zip(*parts, strict=True))
    one, other = _MOMENT.fullmatch(golden), _MOMENT.fullmatch(ours)
    if one and other and golden and ours:
        return [one[i] or ":00" * (i == 3) for i in (1, 2, 3)] == [
            other[i] or ":00" * (i == 3) for i in (1, 2, 3)
        ]
    return False


def plain(text: str) -> str:
    """A label without what only decorates it, and without spaces: JavaRosa loses those between references."""
    text = re.sub(r"</?[a-zA-Z][^>]*>", "", text)
    return "".join(re.sub(r"[*_#\\]", "", text).split())
