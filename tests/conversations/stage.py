"""The stage of a transcript: a town with campaign, staff and clock, a person at a door, what they see."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from bot.commands import RESIDENT
from bot.contacting import tick
from bot.conversation import Aside
from bot.desk import Desk, Heard, Hearing
from bot.leaflets import Links
from bot.questionnaires import Prepared, Shelf, context, prepare
from bot.staff import STAFF
from bot.talking import Talk
from bot.texts import catalogue, say
from bot.turns import Turns
from storage import campaigns, contacts, instruments, interviews, outbox
from storage.contacting import stop
from storage.crypto import Keyring
from storage.database import Database
from storage.outbox import Draft
from storage.schema import households
from storage.schema import outbox as outbox_rows
from surveys.forms import Kind
from surveys.interview import AddAnother, Ask, Confirming, Review, Roster, State, prompt
from surveys.personal_codes import bare
from tests.bot import samples
from tests.conversations import doors
from tests.conversations.doors import Door, Message
from tests.conversations.forms import FORMS, publications, workbook
from tests.conversations.transcripts import Act, Said, Transcript
from tests.families import family
from tests.households import link, settle
from tests.town import LEGAL, WARD, ZONE, Resident, Town, contacting, found

NOW = int(datetime(2026, 3, 5, 9, 0, tzinfo=ZONE).timestamp() * 1000)
"""Every transcript begins on Thursday, 5 March 2026, at nine."""
DAY = 86_400_000
TITLE = "Khảo sát năm 2026"
BESIDE = "Phiếu cá nhân 2026"
PUBLIC_URL = "https://hoidan.example"
REVIEW = "review"
OTHERS: Mapping[type, str] = {AddAnother: "another", Roster: "roster", Confirming: "confirm"}
"""What ``asks`` is called where it is no question."""

_UNITS = {"minute": 60_000, "hour": 3_600_000, "day": DAY}


@dataclass(frozen=True, slots=True)
class Ground:
    """A town's database with everything published, to be copied for each transcript."""

    file: Path
    keyring: Keyring
    admin: int
    shelf: Shelf


def lay(folder: Path) -> Ground:
    """Make the ground in an empty folder."""
    file = folder / "ground.db"
    town = found(f"sqlite:///{file}", instruments=(), now=NOW)
    for name in FORMS:
        town.act("instrument.publish", publications()[name])
    ground = Ground(file, town.keyring, town.admin, town.shelf)
    town.close()
    return ground


class Noting(Desk):
    """The desk, with a note of what it heard."""

    def __init__(self) -> None:
        super().__init__(RESIDENT, STAFF, Links(PUBLIC_URL, "hoidan_bot"))
        self.heard: set[str] = set()

    def hear(self, hearing: Hearing, aside: Aside) -> Heard:
        self.heard.add(aside.name)
        return super().hear(hearing, aside)


@dataclass(slots=True)
class Stage:
    """One transcript on one channel. ``told``: the person's own messages, ``seen``: the bot's, in order."""

    transcript: Transcript
    town: Town
    desk: Noting
    person: Door
    talk: Talk | None = None
    invitation: str = ""
    personal: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    seen: list[tuple[Message, Said]] = field(default_factory=list)

    # ── acting ────────────────────────────────────────────────────────────────────────────────────────────

    async def act(self, act: Act | None) -> list[Said]:
        """Let something happen; what the bot says to it, as a person sees it."""
        if act is None:
            self.told.append("")
            messages = await self.person.open(self._code())
        else:
            messages = await self._do(act)
        said = []
        for message in messages:
            one = self._said(message)
            assert one.says != say(self.transcript.language, "turn.fault"), "the message went into quarantine"
            self.seen.append((message, one))
            said.append(one)
        return said

    async def _do(self, act: Act) -> list[Message]:
        what = act.what
        match act.kind:
            case "person":
                text = what["repeat"] * what["times"] if isinstance(what, dict) else str(what)
                self.told.append(text)
                return await self.person.say(self.filled(text))
            case "opens":
                self.told.append("")
                return await self.person.open(self.filled(str(what or "")))
            case "sends":
                self.told.append("")
                return await self._send(what)
            case "edits":
                number = len(self.told) - 1 - self.told[::-1].index(str(what["said"]))
                own = (
                    sum(1 for text in self.told[:number] if text)
                    if self.person.channel == "webchat"
                    else number
                )
                return await self.person.edit(own, self.filled(str(what["to"])))
            case "taps":
                return await self._tap(what)
            case "blocks":
                return await self.person.block()
            case "unblocks":
                return await self.person.unblock()
            case "passes":
                count, unit = str(what).split()
                self.town.now += int(count) * _UNITS[unit.removesuffix("s")]
                return []
            case "waits":
                count, unit = str(what).split()
                self.town.now += int(count) * _UNITS[unit.removesuffix("s")]
                await asyncio.to_thread(tick, self.town.database, contacting(self.town))
                return await self.person.wait()
            case "links":
                self._link()
                return []
            case "works":
                return await self.person.fetch()
            case "fails":
                self._fail(what)
                return []
            case "meanwhile":
                for action, arguments in what.items():
                    given = {k: self.filled(v) if isinstance(v, str) else v for k, v in arguments.items()}
                    self.town.act(action, given)
                # What that sends arrives before the person does anything else, on every channel.
                return await self.person.wait() if self.talk is None else []
        raise AssertionError(act)

    async def _send(self, what: Any) -> list[Message]:
        """``sends: sticker``; ``{workbook}`` a form of ``forms.py``; ``{location}`` a place, *latitude
        longitude*; ``{photo}`` one that is ``good`` or ``broken``.
        """
        if not isinstance(what, dict):
            return await self.person.send(str(what))
        if "workbook" in what:
            name = str(what["workbook"])
            said = await self.person.send_file(f"{name}.xlsx", workbook(name))
            return said + await self.person.fetch()
        if "location" in what:
            latitude, longitude = map(float, str(what["location"]).split())
            return await self.person.send("location", latitude=latitude, longitude=longitude)
        data = samples.png() if what["photo"] == "good" else samples.png()[:-9]
        return await self.person.send("photo", data)

    def _link(self) -> None:
        """Link the person with the first household of the frame, as staff do."""
        town = self.town

        def look(connection: Any) -> tuple[int, int]:
            home = connection.execute(select(func.min(households.c.id))).scalar_one()
            key = contacts.find_unlocked(connection, town.keyring, self.person.channel, self.person.address)
            assert key is not None, "nobody is linked who never wrote"
            return home, key

        home, contact = town.database.read(look)
        town.act("household.link", {"household": home, "contact": contact})

    def _fail(self, what: Mapping[str, Any]) -> None:
        """Messages of the campaign that could not be delivered to somebody else, on another channel."""
        town = self.town

        def write(connection: Any) -> None:
            somebody = contacts.create(connection, town.keyring, "zalo", what["state"], "vi", town.now)
            campaign_id = campaigns.expect(connection, self.filled("{code}")).id
            for number in range(what["times"]):
                draft = Draft("zalo", somebody.id, f"{what['state']}:{number}", "x", {}, 0, True, campaign_id)
                outbox.queue(connection, town.keyring, [draft], town.now)
            connection.execute(
                update(outbox_rows)
                .where(outbox_rows.c.key.startswith(f"{what['state']}:"), outbox_rows.c.state == "due")
                .values(state=what["state"], fault=what["because"])
            )

        town.database.write(write)

    async def _tap(self, what: Any) -> list[Message]:
        """``taps: Nam`` on the newest message with buttons; ``{label, asked}`` on the one that asked that;
        ``{data}`` for what no button of ours carries.
        """
        wanted = {"label": what} if not isinstance(what, dict) else what
        shown = [(message, said) for message, said in self.seen if message.rows]
        if "asked" in wanted:
            shown = [(message, said) for message, said in shown if said.asks == wanted["asked"]]
        assert shown, f"nothing to tap for {what}"
        message, _ = shown[-1]
        if "data" in wanted:
            return await self.person.tap(str(wanted["data"]), message.key)
        return await self.person.tap(self._button(message, str(wanted["label"])), message.key)

    def _button(self, message: Message, label: str) -> str:
        """What the button for ``label`` carries: by its own label without tick, or by its number."""
        by_label = {_bare(button.label): button.data for button in message.buttons}
        numbered = {
            found[3]: found[1] for found in map(_NUMBERED.fullmatch, message.text.split("\n")) if found
        }
        carried = by_label.get(label) or by_label.get(numbered.get(label, ""))
        assert carried, f"no {label!r} among {[*by_label, *numbered]} below:\n{message.text}"
        return carried

    # ── seeing ────────────────────────────────────────────────────────────────────────────────────────────

    def filled(self, text: str) -> str:
        """``{code}``, ``{personal}`` and ``{invitation}`` in what a person types."""
        given = {**self._codes(), "{invitation}": self.invitation, **_named("personal", self.personal)}
        for name, value in given.items():
            text = text.replace(name, value)
        return text

    def _codes(self) -> dict[str, str]:
        """Campaigns' codes by their names in transcripts: ``{code}`` the first, ``{code2}`` the second …"""
        if self.talk is not None:
            return {}
        made = self.town.database.read(lambda connection: campaigns.listing(connection, limit=500))
        names = itertools.chain(("{code}",), (f"{{code{number}}}" for number in itertools.count(2)))
        return dict(zip(names, [one.code for one in reversed(made)], strict=False))

    def _code(self) -> str:
        return self._codes().get("{code}", "")

    def _said(self, message: Message) -> Said:
        """A message as transcripts have it."""
        state, prepared, language = self._standing()
        now = None
        if prepared is not None and state is not None:
            language = prepared.spoken(language)
            about = context(datetime.fromtimestamp(self.town.now / 1000, ZONE), language)
            now = prompt(prepared.questionnaire, state, about)
        self.personal += [code for code in _PERSONAL.findall(message.text) if code not in self.personal]
        names = {value: name for name, value in self._codes().items()}
        for name, code in _named("personal", self.personal).items():
            names |= {code: name, bare(code): name}
        return seen(message, now, language, names, has_buttons=self.talk is None)

    def _standing(self) -> tuple[State | None, Prepared | None, str]:
        """The interview that is open, its form, and the language spoken."""
        if self.talk is not None:
            return self.talk.state, self.talk.prepared, self.talk.language

        def look(connection: Any) -> tuple[State | None, Prepared | None, str]:
            town = self.town
            key = contacts.find_unlocked(connection, town.keyring, self.person.channel, self.person.address)
            contact = contacts.get(connection, key) if key is not None else None
            if contact is None or contact.interview_id is None:
                return None, None, contact.language if contact else self.transcript.language
            one = interviews.find(connection, town.keyring, [contact.interview_id])[contact.interview_id]
            return one.state, town.shelf.get(connection, one.instrument_id), contact.language

        return self.town.database.read(look)


def _named(name: str, values: Sequence[str]) -> dict[str, str]:
    """``{name}`` the first of the values, ``{name2}`` the second …"""
    return {f"{{{name}{number if number > 1 else ''}}}": value for number, value in enumerate(values, 1)}


def _bare(label: str) -> str:
    return re.sub(r"^([☑☐]|❲\d+❳)\s*", "", label)


# ── what a person sees, whatever the channel ────────────────────────────────────────────────────────────────

_RECEIPT = re.compile(r"\b[2-9A-HJ-NP-Z]{10}(-\d+)?\b")
_PERSONAL = re.compile(r"\b[0-9A-TV-Z]{4}(?:-[0-9A-TV-Z]{4}){2}\b")
_SECRET = re.compile(r"(?<=/)[A-Za-z0-9_-]{43}\b")
"""The end of a one-time link."""
_NUMBERED = re.compile(r"(\d+)\. (✓ )?(.*)", re.DOTALL)
_CHANNEL_ONLY = (
    "ask.tick_all", "ask.tap_in_order", "ask.part", "roster.tap", "roster.tap_change", "review.find",
)  # fmt: skip
_TYPED_FOR_PRESSED = {"review.ask_typed": "review.ask", "review.ask_open_typed": "review.ask_open"}
"""Where a terminal says what to type and the other channels what to press."""


def pattern(key: str, language: str) -> re.Pattern[str]:
    """What a sentence of the catalogue looks like, whatever fills it in."""
    return re.compile(as_pattern(catalogue(language)[key]))


def as_pattern(sentence: str) -> str:
    """A sentence with ``{placeholders}`` as a regular expression."""
    parts = re.split(r"(\{[a-z_]+\})", sentence)
    return "".join(
        r"(?s:.{1,400}?)" if part.startswith("{") and part.endswith("}") else re.escape(part)
        for part in parts
    )


def seen(
    message: Message,
    now: object,
    language: str,
    codes: Mapping[str, str],
    *,
    has_buttons: bool,
) -> Said:
    """A message without what is the channel's own: numbers of choices, what to type and what to press."""
    asks: str | None = None
    choices: tuple[str, ...] = ()
    text = message.text
    if not has_buttons:
        text = pattern("terminal.welcome", language).sub("", text, count=1).lstrip()
    if isinstance(now, Ask):
        line = say(language, "ask.line", number=now.number, total=now.total, label=now.label)
        if line in text:
            asks, choices = now.ref.rpartition("/")[2], tuple(choice.label for choice in now.choices)
    elif isinstance(now, Review) and say(language, "review.title") in text:
        asks = REVIEW
    elif isinstance(now, AddAnother | Roster | Confirming):
        asks = OTHERS[type(now)]
    lines = text.split("\n")
    numbered: dict[str, str] = {}
    ticked = []
    kept = []
    for one in lines:
        found = _NUMBERED.fullmatch(one)
        if found and found[3] in choices:
            numbered[found[1]] = found[3]
            ticked += [found[3]] if found[2] else []
        elif not _own(one, language):
            kept.append(_pressed(one, now, language))
    offers, others = [], []
    for button in message.buttons:
        bare = _bare(button.label)
        label = numbered.get(bare, bare)
        if label in choices:
            offers.append(label)
            ticked += [label] if button.ticked else []
        else:
            others.append(button.label)
    if not has_buttons:
        offers = list(numbered.values())
    says = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    for code, name in codes.items():
        says = says.replace(code, name)
    says = _RECEIPT.sub(lambda found: "{receipt}" + (found[1] or ""), says)
    says = _SECRET.sub("{secret}", says)
    if message.changes:
        paged = any(re.fullmatch(r"\d+/\d+", label) for label in others)
        return Said(asks=asks, offers=tuple(offers) if paged else None, ticked=tuple(ticked))
    return Said(
        asks=asks,
        says=says,
        offers=tuple(offers) if choices else None,
        ticked=tuple(ticked) if ticked else None,
        buttons=tuple(_gathered(others)) if has_buttons and others else None,
        picture=True if message.picture else None,
    )


def _own(line: str, language: str) -> bool:
    """Whether a line is there only for channels like this one."""
    return _instruction(language).match(line.removeprefix("(")) is not None


@lru_cache(maxsize=2)
def _instruction(language: str) -> re.Pattern[str]:
    """What begins a line that says what to type, or to press, on this channel."""
    fragments = ("ask.type_dont_know", "ask.type_prefer_not", "ask.type_skip")
    keys = [key for key in catalogue(language) if key.startswith("ask.type_") and key not in fragments]
    return re.compile("|".join(as_pattern(catalogue(language)[key]) for key in (*keys, *_CHANNEL_ONLY)))


def _pressed(line: str, now: object, language: str) -> str:
    """What to type, in the words for channels with buttons."""
    for typed, pressed in _TYPED_FOR_PRESSED.items():
        if isinstance(now, Review) and line == say(language, typed, open=now.open):
            return say(language, pressed, open=now.open)
    return line


def _gathered(labels: Sequence[str]) -> Iterator[str]:
    """Labels with the numbers of the review as one: ✎ 1 … ✎ 22."""
    numbers = [label for label in labels if label.startswith("✎ ")]
    for label in labels:
        if label not in numbers:
            yield label
        elif label == numbers[0]:
            yield label if len(numbers) == 1 else f"{label} … {numbers[-1]}"


# ── setting it up ───────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def staged(transcript: Transcript, channel: str, ground: Ground, folder: Path) -> AsyncIterator[Stage]:
    """The stage of ``transcript`` on ``channel``, as its header says."""
    file = folder / "town.db"
    shutil.copyfile(ground.file, file)
    desk = Noting()
    database = Database(f"sqlite:///{file}")
    town = Town(database, ground.keyring, ground.shelf, desk, None, ground.admin, NOW)  # type: ignore[arg-type]
    town.turns = Turns(database, ground.keyring, ground.shelf, desk, ZONE, clock=lambda: town.now)
    try:
        _frame(transcript, town)
        _campaign(transcript, town)
        _others(transcript, town)
        invitation = _staff(transcript, town)
        desk.heard.clear()
        if channel == "terminal":
            talk, given = _talk(transcript, town)
            yield Stage(transcript, town, desk, doors.TerminalPerson(talk, given), talk)
            return
        async with _entered(channel, town, transcript.language) as person:
            if invitation and transcript.header["staff"].get("signed_in", True):
                await person.say(invitation)
                person.forget()
                desk.heard.clear()
            yield Stage(transcript, town, desk, person, invitation=invitation)
    finally:
        town.close()


@asynccontextmanager
async def _entered(channel: str, town: Town, language: str) -> AsyncIterator[Door]:
    """A person at the door of a chat."""
    if channel == "telegram":
        async with doors.telegram(town, language) as on_telegram:
            yield on_telegram
    else:
        async with doors.webchat(town, language) as in_a_browser:
            yield in_a_browser


def _instrument(form: str) -> str:
    return str(publications()[form]["definition"]["instrument"]["id"])


def _day(town: Town, days: int) -> str:
    return (town.today + timedelta(days=days)).isoformat()


def _frame(transcript: Transcript, town: Town) -> None:
    """``frame: {households, neighbourhoods, people (in each), left, linked, blocked, stopped, families}``:
    the households of the ward, how many more have left it, how many can be written to on Telegram, how many
    of these have blocked us or stopped; then households with names.
    """
    given = transcript.header.get("frame")
    if given is None:
        return

    def write(connection: Any) -> None:
        vintage, code = WARD.split("/")
        named = given.get("neighbourhoods", 1)
        some = {
            "neighbourhoods": [f"Khu phố {n}" for n in range(1, named + 1)]
            if isinstance(named, int)
            else named,
            "people": given.get("people", 0),
        }
        homes = settle(connection, (vintage, code), given.get("households", 0), **some)
        settle(connection, (vintage, code), given.get("left", 0), status="left")
        for number, home in enumerate(homes[: given.get("linked", 0)]):
            contact = contacts.create(connection, town.keyring, "telegram", f"nha{number}", "vi", town.now)
            link(connection, contact.id, home)
            if number < given.get("blocked", 0):
                contacts.set_status(connection, contact.id, "blocked")
            elif number < given.get("blocked", 0) + given.get("stopped", 0):
                stop(connection, contact.id, town.now)

    town.database.write(write)
    for one in given.get("families", ()):
        people = [(str(name), str(sex), str(birth), str(kin)) for name, sex, birth, kin in one["people"]]
        family(town, one["code"], one["head"], *people)


def _campaign(transcript: Transcript, town: Town) -> None:
    """``campaign: {basis, form, title, starts, ends (days from today), status, mode, design, filed,
    beside}``; ``beside`` is the form of a second campaign, ``{code2}``; ``filed`` the file by which data may
    leave the country.
    """
    given = transcript.header.get("campaign")
    form = transcript.header.get("form")
    if given is None and form is None:
        return
    wanted = dict(given or {"basis": "dieu_19"})
    basis = wanted.get("basis", "dong_y")
    made = town.act(
        "campaign.create",
        {
            "title": wanted.get("title", TITLE),
            "area": wanted.get("area", WARD),
            "starts_on": _day(town, wanted.get("starts", 0)),
            "ends_on": _day(town, wanted.get("ends", 30)),
            "reference_date": _day(town, wanted.get("starts", 0)),
            "instrument": _instrument(form or wanted.get("form", "nguoi_lao_dong")),
            "consent": "dong-y-v0" if basis == "dong_y" else None,
            "legal": {
                **LEGAL,
                "basis": basis,
                **({"transfer_file": wanted["filed"]} if "filed" in wanted else {}),
            },
            "mode": wanted.get("mode", "open"),
            "design": wanted.get("design", {}),
        },
    )
    status = wanted.get("status", "open")
    if status != "draft":
        town.act("campaign.open", {"campaign": made["id"]})
    if status == "paused":
        town.act("campaign.pause", {"campaign": made["id"]})
    if status == "closed":
        town.act("campaign.close", {"campaign": made["id"]})
    if "beside" in wanted:
        town.campaign(basis="dieu_19", instrument=_instrument(wanted["beside"]), title=BESIDE)


def _others(transcript: Transcript, town: Town) -> None:
    """``others: [{times, says: [nam, "1990", có]}]``: people who answered the campaign before."""
    code = None
    for group in transcript.header.get("others", ()):
        code = code or campaigns_first(town)
        for _ in range(group.get("times", 1)):
            someone = Resident(town, "webchat", language="vi")
            someone.start(code)
            for text in group["says"]:
                someone.say(str(text))
            someone.say("gửi")


def campaigns_first(town: Town) -> str:
    """The code of the transcript's campaign."""
    return str(town.act("campaign.list")["campaigns"][-1]["code"])


def _staff(transcript: Transcript, town: Town) -> str:
    """``staff: {role, area, name}``: an account for the person; the one-time code that binds it."""
    given = transcript.header.get("staff")
    if given is None:
        return ""
    account = town.act("account.create", {"name": given.get("name", "Nguyễn Thị Hoa")})
    area = given.get("area", WARD)
    town.act(
        "account.grant", {"account": account["id"], "role": given.get("role", "ward_staff"), "area": area}
    )
    return str(town.act("account.invite", {"account": account["id"]})["code"])


def _talk(transcript: Transcript, town: Town) -> tuple[Talk, dict[str, str]]:
    """The same form without a campaign, with what the campaign would have brought along."""

    def prepared(connection: Any) -> Prepared:
        edition = instruments.expect(connection, _instrument(transcript.header["form"]))
        kept = town.shelf.get(connection, edition.id)
        return prepare(0, kept.form, kept.instrument)

    form = town.database.read(prepared)
    brought = {
        "ten_chien_dich": TITLE,
        "ma_xa": WARD.partition("/")[2],
        "ten_xa": "Phường Sài Gòn",
        "ref_date": town.today.isoformat(),
        "cach_tra_loi": "self",
        "co_quan": LEGAL["controller"],
        "xa_moi": WARD.partition("/")[2],
        "mo_dun_ca_nhan": "0",
    }
    declared = {question.name for question in form.form.questions() if question.kind is Kind.HIDDEN}
    given = {name: str(value) for name, value in brought.items() if name in declared}
    return Talk(form, transcript.language, lambda: datetime.fromtimestamp(town.now / 1000, ZONE)), given
