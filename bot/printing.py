"""Paper for a campaign: made by a task, place by place, kept sealed, fetched over our own page.

The child process reads a snapshot, draws a document for each neighbourhood and seals them; the worker puts
the pieces in, writes down for how many households it was, and gives out the link. However many households
there are, no more than one document is in memory.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import Connection

from bot.actions.leaflets import PART, TASK, Kind, record_made
from bot.leaflets import chat_link
from bot.opening import instrument_of
from bot.texts import say
from bot.waiting import link
from storage import areas, campaigns, downloads, invitations, leaflets, senders
from storage.campaigns import Campaign
from storage.crypto import Keyring
from storage.database import Database
from storage.leaflets import Addressee
from surveys.campaigns import Basis
from surveys.letters import fold
from surveys.personal_codes import bare
from surveys.progress import natural

if TYPE_CHECKING:
    from bot.paper import Invitation, Label, Letter, Sender

KIND = TASK
"""The task."""
MAKING = "leaflets_draw"
"""The part of it that runs in a process of its own."""
_EVERY = 200
"""Households between two words of progress."""

Tell = Callable[[int], object]
"""Told how far the work is, in percent."""


# ── what it says ────────────────────────────────────────────────────────────────────────────────────────────


def sender(campaign: Campaign, language: str, page: str, telegram: str = "") -> Sender:
    """What is the same on all paper of a campaign. ``telegram`` is our bot there, if it takes the codes."""
    from bot.paper import Sender

    draft, legal = campaign.draft, campaign.draft.legal
    site = f"{page.rstrip('/')}/chat".partition("://")[2]
    return Sender(
        language=language,
        office=legal.controller,
        address=legal.address,
        phone=legal.phone,
        title=draft.title,
        ends=f"{draft.ends_on:%d/%m/%Y}",
        site=site,
        legal=legal_lines(campaign, language),
        telegram=telegram,
    )


def bot_for(connection: Connection, campaign: Campaign) -> str:
    """The bot on Telegram that takes a campaign's codes; empty where there is none, or where the campaign
    asks about other people and has not filed for a transfer abroad (Law 91/2025/QH15, Article 20).
    """
    about_others = instrument_of(connection, campaign.draft.instrument_id).about_others
    if about_others and not campaign.draft.legal.transfer_file:
        return ""
    return senders.name_on(connection, "telegram")


def legal_lines(campaign: Campaign, language: str) -> tuple[str, ...]:
    """What the law wants everybody told before they are asked: who, why, on which basis, how long, and their
    rights (Law 91/2025/QH15, Articles 4 and 9); the decision behind a survey (Law on Statistics
    89/2015/QH13).
    """
    legal = campaign.draft.legal
    basis = "leaflet.legal_consent" if legal.basis is Basis.CONSENT else "leaflet.legal_task"
    lines = [
        say(
            language,
            "leaflet.legal_who",
            controller=legal.controller,
            address=legal.address,
            purpose=legal.purpose,
        ),
        say(language, basis),
        say(
            language,
            "leaflet.legal_kept",
            storage_place=legal.storage_place,
            days=legal.retention_days or 0,
        ),
        say(language, "leaflet.legal_rights", dpo=legal.dpo_contact),
    ]
    if legal.decision_number and legal.decision_date is not None:
        date = f"{legal.decision_date:%d/%m/%Y}"
        lines.append(say(language, "leaflet.legal_decision", number=legal.decision_number, date=date))
    else:
        lines.append(say(language, "leaflet.legal_internal"))
    return tuple(lines)


@dataclass(frozen=True, slots=True)
class _Making:
    """What drawing needs to know of a campaign. ``place`` names a commune by its code."""

    connection: Connection
    keyring: Keyring
    campaign: Campaign
    sender: Sender
    page: str
    place: Callable[[str], str]

    def invitations(self, some: Iterable[Addressee]) -> Iterator[tuple[Addressee, tuple[Invitation, ...]]]:
        """Each household with its codes."""
        from bot.paper import Invitation

        language = self.sender.language
        for one in some:
            ids = [invitee.case_id for invitee in one.invitees]
            codes = invitations.codes(self.connection, self.keyring, self.campaign.id, ids)
            yield (
                one,
                tuple(
                    Invitation(
                        codes[each.case_id],
                        chat_link(self.page, bare(codes[each.case_id])),
                        (each.name or say(language, "leaflet.person", number=each.number))
                        if each.number
                        else "",
                    )
                    for each in one.invitees
                ),
            )

    def letters(self, some: Iterable[Addressee]) -> Iterator[Letter]:
        from bot.paper import Letter

        language = self.sender.language
        for one, codes in self.invitations(some):
            to = (
                say(language, "leaflet.household_of", name=one.head)
                if one.head
                else say(language, "leaflet.household")
            )
            where = ", ".join(filter(None, (one.neighbourhood, self.place(one.area_code))))
            mark = say(language, "leaflet.mark", code=one.code) if one.code else ""
            yield Letter(tuple(filter(None, (to, one.address, where))), mark, codes)

    def labels(self, some: Iterable[Addressee]) -> Iterator[Label]:
        from bot.paper import Label

        language = self.sender.language
        for one, codes in self.invitations(some):
            where = ", ".join(filter(None, (one.neighbourhood, one.code)))
            for each in codes:
                name = each.name or one.head or say(language, "leaflet.household")
                yield Label(each, tuple(filter(None, (name, one.address, where))))


# ── drawing ─────────────────────────────────────────────────────────────────────────────────────────────────


def work(database: Database, keys: Keyring, arguments: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Draw what was asked for; its sealed pieces lie in ``arguments["folder"]`` afterwards."""
    folder = Path(arguments["folder"])
    made = folder / "made"

    def read(connection: Connection) -> int:
        campaign = campaigns.expect(connection, int(arguments["campaign"]))
        index = areas.index(connection)

        def place(code: str) -> str:
            known = index.get((campaign.area[0], code))
            return known.title if known else ""

        making = _Making(
            connection,
            keys,
            campaign,
            sender(campaign, arguments["language"], arguments["page"], bot_for(connection, campaign)),
            arguments["page"],
            place,
        )
        with made.open("wb") as file:
            return _draw(making, arguments, file, tell)

    pages = database.read(read)
    tell(90)
    download = int(arguments["download"])
    with made.open("rb") as source, (folder / "sealed").open("wb") as file:
        number = 0
        while data := source.read(downloads.PIECE):
            number += 1
            piece = downloads.piece(keys, download, number, data)
            file.write(len(piece).to_bytes(4, "big"))
            file.write(piece)
    made.unlink()
    return {"pages": pages, "pieces": number}


def _draw(making: _Making, arguments: Mapping[str, Any], file: BinaryIO, tell: Tell) -> int:
    """Write the document, or the archive of documents; how many pages."""
    from bot import paper

    kind, campaign = Kind(arguments["kind"]), making.campaign
    if kind is Kind.POSTER:
        own = paper.Invitation(campaign.code, chat_link(making.page, campaign.code))
        return paper.poster(file, making.sender, own, campaign.draft.mode)
    found = leaflets.addressees(
        making.connection,
        making.keyring,
        campaign.id,
        arguments["areas"],
        arguments["neighbourhoods"],
        waiting=bool(arguments["waiting"]),
    )
    parts = _parts(_counted(found, int(arguments["number"]), tell))
    if arguments["files"] == 1:
        return sum(_document(making, kind, file, some) for _, some in parts)
    pages = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, some in parts:
            with archive.open(f"{name}.pdf", "w", force_zip64=True) as out:
                pages += _document(making, kind, out, some)
    return pages


def _document(making: _Making, kind: Kind, file: Any, some: Iterable[Addressee]) -> int:
    """One document; how many pages."""
    from bot import paper

    if kind is Kind.LEAFLET:
        return paper.letters(file, making.sender, making.letters(some))
    return paper.labels(file, making.sender, making.labels(some))


def _counted(some: Iterable[Addressee], number: int, tell: Tell) -> Iterator[Addressee]:
    """The same, with a word of progress now and then."""
    for done, one in enumerate(some, 1):
        if done % _EVERY == 0:
            tell(min(85, 85 * done // max(1, number)))
        yield one


def _parts(some: Iterable[Addressee]) -> Iterator[tuple[str, list[Addressee]]]:
    """Households by place, as many as make one document, in the order somebody walks: by address."""
    for (area, place), there in groupby(some, key=lambda one: (one.area_code, one.neighbourhood)):
        rest = iter(there)
        number = 0
        while part := list(islice(rest, PART)):
            number += 1
            part.sort(key=lambda one: (natural(one.address), natural(one.code), one.household_id))
            name = fold(place).replace(" ", "-").replace("/", "-") or "khac"
            yield f"{area}-{name}-{number}", part


# ── what the worker writes ──────────────────────────────────────────────────────────────────────────────────


def sealed(folder: str) -> Iterator[tuple[int, bytes]]:
    """The sealed pieces that :func:`work` laid down, one after another."""
    number = 0
    with (Path(folder) / "sealed").open("rb") as file:
        while size := file.read(4):
            number += 1
            yield number, file.read(int.from_bytes(size, "big"))


def finish(
    connection: Connection, arguments: Mapping[str, Any], result: Mapping[str, Any], now: int
) -> dict[str, Any]:
    """The paper is there: write down that it was made, give out its link. What is told of it."""
    found = downloads.get(connection, int(arguments["download"]), 0)
    campaign = campaigns.expect(connection, int(arguments["campaign"]))
    told: dict[str, Any] = {
        "code": campaign.code,
        "title": campaign.draft.title,
        "kind": arguments["kind"],
        "pages": result["pages"],
        "files": arguments["files"],
        "link": "",
    }
    if found is None:
        return told
    number = int(arguments["number"])
    secret = downloads.ready(connection, found.id, number)
    record_made(connection, found, campaign, number, now)
    return {**told, "link": link(arguments["page"], secret)}


def give_up(connection: Connection, arguments: Mapping[str, Any]) -> None:
    """The paper could not be made."""
    downloads.drop(connection, int(arguments["download"]))
