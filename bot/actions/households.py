"""The frame: lists taken in, households shown, merged, split and linked to contacts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import PurePath
from typing import Annotated, Any

import msgspec

from bot import frames
from bot.actions.gate import EVERYWHERE, Act, Aim, Arguments, Id, action, area_key, area_text
from bot.authoring.sheets import MOST_BYTES
from bot.texts import pick
from storage import (
    areas,
    contacts,
    household_contacts,
    household_deeds,
    household_events,
    household_imports,
    households,
    tasks,
)
from storage.household_imports import Import
from surveys.areas import AreaKey
from surveys.frames import cells
from surveys.frames.lists import Household, Person
from surveys.frames.rows import name_key
from surveys.problems import Problem

UPLOAD_HOURS = 2
"""How long a link to send a list is good: long enough to put the list in order first."""

AreaText = Annotated[str, msgspec.Meta(max_length=40)]
Words = Annotated[str, msgspec.Meta(max_length=300)]


# ── lists on their way in ───────────────────────────────────────────────────────────────────────────────────


class Ask(Arguments, frozen=True):
    """A link to send a list by. ``area``: where its households may be; by default where the actor may
    work.
    """

    area: AreaText | None = None


class Give(Arguments, frozen=True):
    """A list: ``content``, or what came by the link of the import ``upload``.

    ``vintage``: the list of areas that its codes and names are of, where it does not say. ``page``: our
    public address, so that the report can be linked to.
    """

    upload: Id | None = None
    content: Annotated[bytes, msgspec.Meta(max_length=MOST_BYTES)] | None = None
    name: Annotated[str, msgspec.Meta(max_length=255)] = ""
    area: AreaText | None = None
    vintage: date | None = None
    page: Annotated[str, msgspec.Meta(max_length=300)] = ""
    language: Annotated[str, msgspec.Meta(max_length=20)] = "vi"


class Which(Arguments, frozen=True):
    """An import by its number."""

    upload: Id


def _within(act: Act, area: str | None) -> AreaKey | None:
    """Where a list's households may be. Raises Problem ``household_area_needed``, ``household_area_old``,
    ``area_unknown``.
    """
    index = areas.index(act.connection)
    if area:
        key = area_key(area)
    elif act.scope is None:
        return None
    elif len(act.scope) != 1:
        raise Problem("household_area_needed")
    else:
        (key,) = act.scope
    found = index.expect(key)
    if key[0] != index.vintages[-1]:
        raise Problem("household_area_old", area=found.title, vintage=key[0], newest=index.vintages[-1])
    return key


def _aim_of_list(act: Act, given: Ask | Give) -> Aim:
    if isinstance(given, Give) and given.upload is not None:
        found = _expect_import(act, given.upload)
        return Aim(EVERYWHERE if found.area is None else (found.area,), f"import:{found.id}")
    # Without any grant there is no scope to speak of: the gate refuses before the area is asked for.
    if not act.grants:
        return Aim()
    if given.area and areas.index(act.connection).get(area_key(given.area)) is None:
        # Refused like an area elsewhere; whoever reaches everywhere is told that there is none.
        return Aim((area_key(given.area),))
    area = _within(act, given.area)
    return Aim(EVERYWHERE if area is None else (area,))


def _expect_import(act: Act, key: int) -> Import:
    """An import of the actor's own; who else sends for it learns nothing."""
    found = household_imports.get(act.connection, key)
    if found is None or found.account_id != act.actor.account_id:
        raise Problem("household_import_unknown", status=404, upload=key)
    return found


@action("household.upload", Ask, _aim_of_list)
def ask(act: Act, given: Ask) -> dict[str, Any]:
    """A one-time secret to send a list by."""
    area = _within(act, given.area)
    key = _create(act, area)
    value = household_imports.issue_link(act.connection, key, "upload", act.now_ms, UPLOAD_HOURS * 3_600_000)
    title = None if area is None else areas.index(act.connection).place(area)
    return {"id": key, "token": value, "hours": UPLOAD_HOURS, "area": area_text(area), "place": title}


def _create(act: Act, area: AreaKey | None) -> int:
    return household_imports.create(
        act.connection,
        area=area,
        account_id=act.actor.account_id,
        contact_id=act.actor.contact_id,
        channel=act.channel,
        now=act.now_ms,
    )


@action("household.import", Give, _aim_of_list, bulk=True)
def take_in(act: Act, given: Give) -> dict[str, Any]:
    """Have a list read by a task, which takes all of it in or nothing.

    Raises Problem ``household_file_empty``, ``household_import_twice``.
    """
    if given.upload is not None:
        found = _expect_import(act, given.upload)
        if found.state != "asked":
            raise Problem("household_import_twice", status=409)
        key, area, contact_id = found.id, found.area, found.contact_id
    else:
        if not given.content:
            raise Problem("household_file_empty")
        area, contact_id = _within(act, given.area), act.actor.contact_id
        key = _create(act, area)
        sealed = household_imports.pieces(act.keyring, key, "file", given.content)
        household_imports.add_pieces(act.connection, key, "file", sealed)
    if not areas.index(act.connection).vintages:
        raise Problem("household_no_areas")
    contact = None if contact_id is None else contacts.get(act.connection, contact_id)
    task = tasks.queue(
        act.connection,
        act.keyring,
        frames.KIND,
        {
            "import": key,
            "area": area,
            "vintage": given.vintage.isoformat() if given.vintage else None,
            "account": act.actor.account_id,
            "today": act.today.isoformat(),
            "language": pick(contact.language if contact else given.language),
            "page": given.page,
        },
        act.actor.account_id,
        contact_id,
        act.now_ms,
    )
    name = PurePath(given.name.replace("\\", "/")).name
    household_imports.arrive(act.connection, act.keyring, key, name, task, act.now_ms)
    return {"id": key, "task": task, "area": area_text(area)}


@action(
    "household.report", Which, lambda act, given: Aim((), f"import:{_expect_import(act, given.upload).id}")
)
def report(act: Act, given: Which) -> dict[str, Any]:
    """What came of a list, for whoever sent it."""
    found = _expect_import(act, given.upload)
    kept = household_imports.content(act.connection, act.keyring, found.id, "remarks")
    return {
        "upload": found.id,
        "state": found.state,
        "progress": found.progress,
        "area": area_text(found.area),
        "name": household_imports.name_of(act.connection, act.keyring, found.id),
        "summary": dict(found.summary),
        "remarks": msgspec.to_builtins(frames.read_remarks(kept)),
    }


# ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────


class Where(Arguments, frozen=True):
    """An area and all below it; by default all that the actor may see. ``given``: by the areas that lists
    named, of whichever year.
    """

    area: AreaText | None = None
    given: bool = False


class Seek(Arguments, frozen=True):
    """Households by their office's code, or by a telephone."""

    code: Words = ""
    phone: Words = ""
    area: AreaText | None = None


class One(Arguments, frozen=True):
    """A household by its number."""

    household: Id


def _aim_of_area(_act: Act, given: Where | Seek) -> Aim:
    return Aim((area_key(given.area),)) if given.area else Aim()


def _bounds(act: Act, area: str | None) -> frozenset[AreaKey] | None:
    return frozenset({area_key(area)}) if area else act.scope


@action("household.count", Where, _aim_of_area)
def count(act: Act, given: Where) -> dict[str, Any]:
    """How many households and people the frame has, by commune and neighbourhood."""
    index = areas.index(act.connection)
    found = households.count(act.connection, _bounds(act, given.area), given=given.given)
    newest = index.vintages[-1] if index.vintages else ""
    return {
        "households": sum(each.households for each in found),
        "people": sum(each.people for each in found),
        "areas": [
            {
                "area": area_text(each.area),
                "place": index.place(each.area),
                "outdated": each.area[0] < newest,
                "neighbourhood": each.neighbourhood,
                "households": each.households,
                "people": each.people,
            }
            for each in found
        ],
    }


@action("household.find", Seek, _aim_of_area)
def find(act: Act, given: Seek) -> dict[str, Any]:
    """Numbers of households, to be shown one by one."""
    phone = cells.read_phone(given.phone) if given.phone else ""
    if given.phone and not phone:
        raise Problem("household_phone_wrong")
    if not given.code and not phone:
        raise Problem("argument_missing", field="code")
    found = households.find(
        act.connection, act.keyring, _bounds(act, given.area), code=given.code, phone=phone or ""
    )
    return {"households": found}


def _aim_of_one(act: Act, given: One) -> Aim:
    return _aim_of(act, given.household)


def _aim_of(act: Act, *keys: int) -> Aim:
    found = []
    for key in keys:
        area = households.area_of(act.connection, key)
        if area is None:
            raise Problem("household_unknown", status=404, household=key)
        found.append(area)
    return Aim(tuple(dict.fromkeys(found)), f"household:{keys[0]}")


def _person_view(one: Person) -> dict[str, Any]:
    return {
        "person": one.id,
        "number": one.number,
        "name": one.name,
        "sex": one.sex,
        "birth": one.birth,
        "relation": one.relation,
        "phone": one.phone,
        "status": one.status,
    }


@action("household.show", One, _aim_of_one)
def show(act: Act, given: One) -> dict[str, Any]:
    """A household opened: its people, its contacts (by number), what became of it."""
    one = households.get(act.connection, act.keyring, given.household)
    if one is None:
        raise Problem("household_unknown", status=404, household=given.household)
    index = areas.index(act.connection)
    return {
        "id": one.id,
        "area": area_text(one.area),
        "place": index.place(one.area),
        "given": area_text(one.given),
        "neighbourhood": one.neighbourhood,
        "code": one.code,
        "head": one.head,
        "address": one.address,
        "phone": one.phone,
        "status": one.status,
        "merged_into": one.merged_into or None,
        "people": [_person_view(each) for each in one.members],
        "contacts": [
            {
                "contact": each.contact_id,
                "channel": each.channel,
                "person": each.person_id,
                "since": each.since,
                "ended_at": each.ended_at,
                "how": each.how,
            }
            for each in household_contacts.links(act.connection, one.id)
        ],
        "events": [
            {
                "event": each.id,
                "what": each.what,
                "at": each.at,
                "other": each.other_id if each.household_id == one.id else each.household_id,
                "account": each.account_id,
                "place": index.place(each.area),
                "area": area_text(each.area),
                "was": dict(each.was),
                "undone": each.undone,
            }
            for each in household_events.events(act.connection, act.keyring, one.id)
        ],
    }


# ── merging, splitting, taking that back ────────────────────────────────────────────────────────────────────


class Merge(Arguments, frozen=True):
    """``gone`` becomes a part of ``household``."""

    household: Id
    gone: Id


class Split(Arguments, frozen=True):
    """``people`` of a household make one of their own, which ``head`` heads."""

    household: Id
    people: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=100)]
    head: Id
    code: Words = ""
    address: Words | None = None
    neighbourhood: Annotated[str, msgspec.Meta(max_length=100)] | None = None


class Undo(Arguments, frozen=True):
    """A merge or split by the number of its event."""

    event: Id


def _expect(act: Act, key: int) -> Household:
    """A household, locked."""
    found = households.get(act.connection, act.keyring, key, locked=True)
    if found is None:
        raise Problem("household_unknown", status=404, household=key)
    return found


def _expect_active(act: Act, key: int) -> Household:
    found = _expect(act, key)
    if found.status != households.ACTIVE:
        raise Problem("household_not_active", household=key)
    return found


@action("household.merge", Merge, lambda act, given: _aim_of(act, given.household, given.gone))
def merge(act: Act, given: Merge) -> dict[str, Any]:
    """Make one household of two of a commune. Who has the same name and birth in both is one person."""
    if given.household == given.gone:
        raise Problem("household_same")
    both = {key: _expect_active(act, key) for key in sorted((given.household, given.gone))}
    keep, gone = both[given.household], both[given.gone]
    if keep.area != gone.area:
        raise Problem("household_elsewhere")
    twins: dict[int, int] = {}
    for one in gone.members:
        twin = next(
            (each for each in keep.members if _one(each, one) and each.id not in twins.values()), None
        )
        if twin is not None and one.status == households.ACTIVE:
            twins[one.id] = twin.id
    event = household_deeds.merge(
        act.connection, act.keyring, keep, gone, twins, act.actor.account_id, act.now_ms
    )
    return {"household": keep.id, "gone": gone.id, "event": event, "same_people": len(twins)}


def _one(one: Person, other: Person) -> bool:
    """Whether people of two households that are one are one person."""
    if one.status != households.ACTIVE or one.birth != other.birth:
        return False
    if not one.name or not other.name:
        return bool(one.birth) and not one.name and not other.name and one.sex == other.sex
    return name_key(one.name) == name_key(other.name)


@action("household.split", Split, lambda act, given: _aim_of(act, given.household))
def split(act: Act, given: Split) -> dict[str, Any]:
    """Make a household of its own of some people of another."""
    household = _expect_active(act, given.household)
    here = {one.id: one for one in household.members if one.status == households.ACTIVE}
    leaving = list(dict.fromkeys(given.people))
    if not set(leaving) <= here.keys() or given.head not in leaving:
        raise Problem("household_not_member", household=household.id)
    if len(leaving) == len(here):
        raise Problem("household_split_all")
    head = here[given.head]
    if not head.name:
        raise Problem("household_head_child")
    if given.code and households.is_taken(act.connection, act.keyring, household.given, given.code):
        raise Problem("household_code_taken")
    new = replace(
        household,
        id=0,
        code=given.code,
        head=head.name,
        phone=head.phone,
        members=[head],
        address=household.address if given.address is None else given.address,
        neighbourhood=household.neighbourhood
        if given.neighbourhood is None
        else cells.neighbourhood(given.neighbourhood),
    )
    key, event = household_deeds.split(
        act.connection, act.keyring, household, leaving, new, act.actor.account_id, act.now_ms
    )
    return {"household": household.id, "new": key, "event": event}


def _aim_of_deed(act: Act, given: Undo) -> Aim:
    done = household_deeds.deed(act.connection, given.event)
    if done is None:
        raise Problem("household_event_unknown", status=404, event=given.event)
    return _aim_of(act, done.household_id, done.other_id)


@action("household.undo", Undo, _aim_of_deed)
def undo(act: Act, given: Undo) -> dict[str, Any]:
    """Take a merge or split back, as long as nothing else became of either household."""
    found = household_deeds.deed(act.connection, given.event)
    if found is None:
        raise Problem("household_event_unknown", status=404, event=given.event)
    for key in sorted((found.household_id, found.other_id)):
        _expect(act, key)
    done = household_deeds.deed(act.connection, given.event)
    assert done is not None
    event = household_deeds.undo(act.connection, act.keyring, done, act.actor.account_id, act.now_ms)
    return {"household": done.household_id, "other": done.other_id, "event": event}


# ── contacts ────────────────────────────────────────────────────────────────────────────────────────────────


class Link(Arguments, frozen=True):
    """A contact reaches a household, or one ``person`` of it; with ``end`` it does so no more."""

    household: Id
    contact: Id
    person: Id | None = None
    end: bool = False


@action("household.link", Link, lambda act, given: _aim_of(act, given.household))
def link(act: Act, given: Link) -> dict[str, Any]:
    """Note by which contact somebody is reached: several people may share one, one may have several."""
    household = _expect_active(act, given.household)
    if contacts.get(act.connection, given.contact) is None:
        raise Problem("contact_unknown", status=404)
    person = next((one for one in household.members if one.id == given.person), None)
    if given.person is not None and (person is None or person.status != households.ACTIVE):
        raise Problem("household_not_member", household=household.id)
    if person is not None and not person.name and not given.end:
        # Of a child no contact is kept.
        raise Problem("household_head_child")
    if given.end:
        key = household_contacts.unlink(
            act.connection,
            act.keyring,
            contact_id=given.contact,
            household=household,
            person_id=given.person,
            account_id=act.actor.account_id,
            now=act.now_ms,
        )
    else:
        key = household_contacts.link(
            act.connection,
            act.keyring,
            contact_id=given.contact,
            household=household,
            person_id=given.person,
            how="staff",
            account_id=act.actor.account_id,
            now=act.now_ms,
        )
    return {"household": household.id, "contact": given.contact, "changed": key is not None}


# ── boundaries that change ──────────────────────────────────────────────────────────────────────────────────


class Convert(Arguments, frozen=True):
    """Households of ``area``, a commune of an older list, go where its people went.

    ``to`` names the new commune where there are several, ``neighbourhood`` those of one neighbourhood alone.
    """

    area: AreaText
    to: AreaText | None = None
    neighbourhood: Annotated[str, msgspec.Meta(max_length=100)] | None = None


def _aim_of_change(act: Act, given: Convert) -> Aim:
    """Where the households come to: grants in areas of an older list reach nothing there."""
    return Aim(tuple(_targets(act, given)) or EVERYWHERE)


def _targets(act: Act, given: Convert) -> list[AreaKey]:
    index = areas.index(act.connection)
    old, newest = area_key(given.area), index.vintages[-1] if index.vintages else ""
    reached = index.reached(old, newest)
    if given.to is None:
        return reached
    wanted = area_key(given.to)
    if wanted not in reached:
        raise Problem("household_convert_wrong", area=given.area, to=given.to)
    return [wanted]


@action("household.convert", Convert, _aim_of_change, bulk=True)
def convert(act: Act, given: Convert) -> dict[str, Any]:
    """Move households to the area of the newest list; the one their list named stays known.

    Raises Problem ``household_not_converted`` (nobody has said what became of the area),
    ``household_convert_choice`` (it went into several), ``household_convert_wrong``.
    """
    old = area_key(given.area)
    index = areas.index(act.connection)
    targets = _targets(act, given)
    if not targets or old in targets:
        raise Problem("household_not_converted", area=given.area)
    if len(targets) > 1:
        choices = "; ".join(f"{index.place(key)} ({area_text(key)})" for key in targets)
        raise Problem("household_convert_choice", area=given.area, choices=choices)
    households.lock(act.connection, [old, targets[0]])
    number = household_deeds.convert(
        act.connection, old, targets[0], given.neighbourhood, act.actor.account_id, act.now_ms
    )
    return {"area": given.area, "to": area_text(targets[0]), "households": number}
