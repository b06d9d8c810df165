"""Invitations on paper: made by a task, kept sealed for a day, fetched over our own page by who asked."""

from __future__ import annotations

import base64
import math
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from bot.actions.campaigns import Reference
from bot.actions.counts import campaign_seen, part_seen
from bot.actions.gate import Act, Aim, Arguments, Id, action
from bot.actions.progress import neighbourhoods_meant
from storage import audit, campaigns, downloads, invitations, leaflets, tasks
from storage.campaigns import Campaign
from storage.downloads import Download
from surveys.campaigns import Mode, Status
from surveys.letters import fold
from surveys.problems import Problem

if TYPE_CHECKING:
    from sqlalchemy import Connection

TASK = "leaflets"
FILE = "leaflets"
"""The kind of download."""
KEPT_MS = 24 * 3_600_000
MOST = 60_000
"""Households of one print."""
PART = 1_000
"""Households of one document: what an office's printer, and whoever carries the paper, can cope with."""


class Kind(StrEnum):
    """What is printed."""

    LEAFLET = "leaflet"
    """A letter a household, with its code or those of its people."""
    LABELS = "labels"
    """Sheets of labels to cut apart, a code each."""
    POSTER = "poster"
    """One page with the campaign's own code."""


class Print(Arguments, frozen=True):
    """What to print: for all, or those of one ``neighbourhood``, or only who is ``waiting`` to answer.
    ``page`` is where codes are typed and files fetched.
    """

    campaign: Reference
    kind: Kind = Kind.LEAFLET
    neighbourhood: Annotated[str, msgspec.Meta(max_length=100)] = ""
    waiting: bool = False
    page: Annotated[str, msgspec.Meta(max_length=300)] = ""
    language: Annotated[str, msgspec.Meta(max_length=20)] = "vi"


def _named(act: Act, given: Print) -> Aim:
    """Only what is asked about, for the audit; which part is printed is for the action to find out."""
    try:
        return Aim(target=f"campaign:{campaigns.expect(act.connection, given.campaign).id} {given.kind}")
    except Problem:
        return Aim()


@action("campaign.leaflets", Print, _named)
def make(act: Act, given: Print) -> dict[str, Any]:
    """Have paper made for a campaign that is open: a task, told when it is there. Who reaches only a part of
    the campaign's area gets that part.

    Raises Problem ``campaign_unknown``, ``not_allowed``, ``leaflets_not_open``, ``leaflets_no_frame``,
    ``leaflets_no_site``, ``leaflets_nobody``, ``leaflets_many``, ``neighbourhood_unknown``,
    ``neighbourhood_unclear``.
    """
    campaign = campaign_seen(act, given.campaign)
    if campaign.status not in (Status.OPEN, Status.PAUSED):
        raise Problem("leaflets_not_open", title=campaign.draft.title)
    if not given.page:
        raise Problem("leaflets_no_site")
    assert act.actor.account_id is not None
    seen = part_seen(act, campaign)
    some: tuple[str, ...] | None = None
    number = files = 1
    if given.kind is not Kind.POSTER:
        if campaign.draft.mode is Mode.OPEN:
            raise Problem("leaflets_no_frame", title=campaign.draft.title)
        some = neighbourhoods_meant(act, campaign, seen, given.neighbourhood)
        places = leaflets.places(act.connection, campaign.id, seen, some, waiting=given.waiting)
        number, files = sum(places), sum(math.ceil(each / PART) for each in places)
        if not number:
            raise Problem("leaflets_nobody", title=campaign.draft.title)
        if number > MOST:
            raise Problem("leaflets_many", number=number, most=MOST)
        # The key of the codes is settled here, where it can be written.
        invitations.codes(act.connection, act.keyring, campaign.id, ())
    download = downloads.begin(
        act.connection,
        kind=FILE,
        account_id=act.actor.account_id,
        campaign_id=campaign.id,
        name=_name(campaign, given, files),
        now=act.now_ms,
        length=KEPT_MS,
    )
    arguments = {
        "download": download,
        "campaign": campaign.id,
        "kind": given.kind.value,
        "areas": None if seen is None else sorted(seen),
        "neighbourhoods": None if some is None else list(some),
        "waiting": given.waiting,
        "number": number,
        "files": files,
        "page": given.page,
        "language": given.language,
    }
    task = tasks.queue(
        act.connection, act.keyring, TASK, arguments, act.actor.account_id, act.actor.contact_id, act.now_ms
    )
    return {
        "task": task,
        "download": download,
        "kind": given.kind.value,
        "number": number,
        "files": files,
        "code": campaign.code,
        "title": campaign.draft.title,
    }


def _name(campaign: Campaign, given: Print, files: int) -> str:
    """What is fetched: a document, or an archive of one for each place."""
    what = {Kind.LEAFLET: "thu-moi", Kind.LABELS: "tem-ma-qr", Kind.POSTER: "ap-phich"}[given.kind]
    place = fold(given.neighbourhood).replace(" ", "-")[:30]
    return "-".join(filter(None, (what, campaign.code, place))) + (".pdf" if files == 1 else ".zip")


class Fetch(Arguments, frozen=True):
    """A file by its number; without ``content`` it is only said whether the actor may have it."""

    download: Id
    content: bool = True


def _of_download(act: Act, given: Fetch) -> Aim:
    found = downloads.get(act.connection, given.download, act.now_ms)
    if found is None:
        return Aim(target=f"download:{given.download}")
    return Aim(target=f"download:{found.id} rows:{found.records or 0}")


@action("campaign.leaflets_file", Fetch, _of_download)
def fetch(act: Act, given: Fetch) -> dict[str, Any]:
    """The paper that the actor had made: ``content`` in Base64. Raises Problem ``download_gone`` (not there
    any more, or somebody else's), ``download_not_ready``, ``not_allowed`` (any more).
    """
    found = downloads.get(act.connection, given.download, act.now_ms)
    if found is None or found.account_id != act.actor.account_id or found.campaign_id is None:
        raise Problem("download_gone", status=404)
    campaign_seen(act, found.campaign_id)
    if found.records is None:
        raise Problem("download_not_ready", status=409)
    downloads.use(act.connection, found.id, act.now_ms)
    told: dict[str, Any] = {"name": found.name, "records": found.records}
    if given.content:
        data = downloads.content(act.connection, act.keyring, found.id)
        told["content"] = base64.b64encode(data).decode()
    return told


def record_made(connection: Connection, made: Download, campaign: Campaign, records: int, now: int) -> None:
    """Write down that paper was made, with the codes of how many households."""
    target = f"campaign:{campaign.id} rows:{records}"
    entry = audit.Entry(
        now, made.account_id, None, "worker", "campaign.leaflets", campaign.area, target, "done"
    )
    audit.record(connection, entry)
