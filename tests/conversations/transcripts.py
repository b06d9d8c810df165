"""Transcripts: what both sides of a chat say, as YAML files; README.md says how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
CHANNELS = ("telegram", "webchat", "terminal")
"""Every channel a transcript can run on."""

ACTS = (
    "person", "taps", "opens", "edits", "sends", "blocks", "unblocks", "passes", "waits", "links", "fails",
    "works", "meanwhile",
)  # fmt: skip
"""What can stand in a turn beside ``bot``, and happens."""
BOT_KEYS = ("asks", "says", "offers", "ticked", "buttons", "picture", "only")
HEADER_KEYS = (
    "about", "form", "frame", "campaign", "others", "staff", "language", "channels", "heard", "turns",
)  # fmt: skip

BY_HAND_ONLY = frozenset({"taps", "edits", "sends", "blocks", "unblocks", "opens", "waits", "links", "works"})
"""What nobody can do in a terminal."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the bot. None: this transcript doesn't say.

    ``says`` is the text without what depends on the channel (numbers of choices, what to type); ``offers``
    the choices, ``ticked`` those ticked, ``buttons`` the other buttons; ``asks`` the question's name, or
    ``review``.
    """

    asks: str | None = None
    says: str | None = None
    offers: tuple[str, ...] | None = None
    ticked: tuple[str, ...] | None = None
    buttons: tuple[str, ...] | None = None
    picture: bool | None = None
    only: tuple[str, ...] = CHANNELS


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens: ``kind`` is one of ``ACTS``, ``what`` as written."""

    kind: str
    what: Any


@dataclass(frozen=True, slots=True)
class Exchange:
    """One act and what the bot says to it. The first exchange of a transcript may have no act."""

    act: Act | None
    said: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """One file."""

    path: Path
    header: Mapping[str, Any]
    exchanges: tuple[Exchange, ...] = field(default=())

    @property
    def name(self) -> str:
        return str(self.path.relative_to(FOLDER).with_suffix(""))

    @property
    def language(self) -> str:
        return str(self.header.get("language", "vi"))

    @property
    def channels(self) -> tuple[str, ...]:
        """As given, else all that make sense: a terminal knows a form, but no buttons and no campaign."""
        given = self.header.get("channels")
        if given is not None:
            return tuple(given)
        acts = {exchange.act.kind for exchange in self.exchanges if exchange.act}
        chat_only = "form" not in self.header or bool(acts & BY_HAND_ONLY)
        return CHANNELS[:2] if chat_only else CHANNELS

    @property
    def heard(self) -> tuple[str, ...]:
        """What the bot took messages for (codes, commands, taps; not answers), on the first channel."""
        return tuple(self.header.get("heard", ()))


def everything() -> list[Transcript]:
    """Every transcript, by path."""
    return [read(path) for path in sorted(FOLDER.glob("*/*.yaml"))]


def read(path: Path) -> Transcript:
    """The transcript in a file. Raises ValueError naming what is not understood."""
    document = yaml.safe_load(path.read_text("utf-8"))
    unknown = set(document) - set(HEADER_KEYS)
    if unknown:
        raise ValueError(f"{path}: unknown {sorted(unknown)}")
    header = {key: value for key, value in document.items() if key != "turns"}
    # A transcript of a form begins with its first question, without anybody saying anything.
    begun = "form" in header
    return Transcript(path, header, tuple(_exchanges(document.get("turns") or [], path, begun)))


def _exchanges(turns: Sequence[Mapping[str, Any]], path: Path, begun: bool) -> Iterator[Exchange]:
    act: Act | None = None
    said: list[Said] = []
    for turn in turns:
        (kind, what), *rest = turn.items()
        if rest or kind not in (*ACTS, "bot"):
            raise ValueError(f"{path}: a turn is one of {', '.join((*ACTS, 'bot'))}, not {turn}")
        if kind == "bot":
            said.append(_said(what or {}, path))
            continue
        if begun or said:
            yield Exchange(act, tuple(said))
        act, said, begun = Act(kind, what), [], True
    yield Exchange(act, tuple(said))


def _said(given: Mapping[str, Any], path: Path) -> Said:
    unknown = set(given) - set(BOT_KEYS)
    if unknown:
        raise ValueError(f"{path}: unknown {sorted(unknown)} of the bot")

    def listed(key: str) -> tuple[str, ...] | None:
        return tuple(str(each) for each in given[key]) if key in given else None

    return Said(
        asks=given.get("asks"),
        says=given.get("says"),
        offers=listed("offers"),
        ticked=listed("ticked"),
        buttons=listed("buttons"),
        picture=given.get("picture"),
        only=tuple(given.get("only", CHANNELS)),
    )


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────


class _Flow(list[Any]):
    """A list on one line."""


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are, lists of labels on one line."""


_UNSEEN = re.compile(r"[\u0300-\u036f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Characters a reader would not see, or only on the letter before them: written by their numbers."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if _UNSEEN.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", ""))
_Dumper.add_representer(
    _Flow, lambda dumper, items: dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)
)


def write(transcript: Transcript) -> None:
    """Write a transcript in its place: the header as it stands in the file, ``heard`` and the turns anew."""
    text = transcript.path.read_text("utf-8")
    head = text[: re.search(r"^turns:", text, re.MULTILINE).start()]  # type: ignore[union-attr]
    head = re.sub(r"^heard:.*\n", "", head, flags=re.MULTILINE)
    if transcript.heard:
        head += f"heard: [{', '.join(transcript.heard)}]\n"
    turns = list(_turns(transcript))
    body = yaml.dump(
        turns, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=False
    )
    body = _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", body)
    transcript.path.write_text(f"{head}turns:\n{body}", "utf-8")


def _turns(transcript: Transcript) -> Iterator[dict[str, Any]]:
    for exchange in transcript.exchanges:
        if exchange.act is not None:
            what = exchange.act.what
            yield {exchange.act.kind: what}
        for said in exchange.said:
            yield {"bot": _written(said, transcript.channels)}


def _written(said: Said, channels: Sequence[str]) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for key in BOT_KEYS:
        value = getattr(said, key)
        if key == "only":
            if set(channels) - set(value):
                written[key] = _Flow(value)
        elif isinstance(value, tuple):
            written[key] = _Flow(value)
        elif value is not None:
            written[key] = value
    return written
