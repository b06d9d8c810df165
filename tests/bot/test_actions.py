"""The gate and the actions behind it: who may do what, where, and what comes of it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.actions import ACTIONS, Act, Actor, perform
from storage import accounts, contacts, household_imports, outbox, trials
from storage.assists import new_case
from storage.crypto import new_keys, parse_keys
from storage.database import Database
from storage.migrate import upgrade
from storage.schema import metadata
from surveys.parameters import PARAMETERS
from surveys.problems import Problem
from surveys.roles import BY_CONTACT, MAY, Role
from tests.households import people_of, settle
from tests.ward import (
    CITY,
    HERE,
    LEGAL,
    LONG_AGO,
    NOW,
    THERE,
    TODAY,
    Ward,
    enter,
    found,
    outcomes,
    publication,
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an office as founded, to be copied."""
    path = tmp_path_factory.mktemp("ward") / "template.db"
    found(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def ward(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Iterator[Ward]:
    """An office of its own for a test, on each kind of database."""
    if request.param == "sqlite":
        office = enter(f"sqlite:///{shutil.copy(template, tmp_path / 'hoidan.db')}")
        yield office
        office.close()
        return
    server = request.getfixturevalue("postgres_server")
    name = server.create_database(server.template("ward", lambda url: found(url).close()))
    office = enter(server.url(name))
    yield office
    office.close()
    server.drop_database(name)


@pytest.fixture(scope="module")
def office(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """One office for the tests that change nothing of each other's."""
    made = enter(f"sqlite:///{shutil.copy(template, tmp_path_factory.mktemp('office') / 'hoidan.db')}")
    yield made
    made.close()


def refusal(do: Callable[[], object]) -> Problem:
    """The Problem that comes of it."""
    with pytest.raises(Problem) as caught:
        do()
    return caught.value


def text(area: tuple[str, str]) -> str:
    return "/".join(area)


# Who may do what, where


@dataclass(frozen=True, slots=True)
class Sample:
    """Arguments for an action in an area, made from what is there. ``limited``: the action has no area of
    its own, but shows each actor what is theirs; ``everywhere``: only a grant without an area will do;
    ``empty``: in an area that is none there is nothing, and that is no mistake; ``own``: makes something of
    the actor's own first, which is what the action is about.
    """

    arguments: Callable[[Ward, dict[str, Any]], dict[str, Any]]
    limited: bool = False
    everywhere: bool = False
    empty: bool = False
    own: Callable[[Act], dict[str, Any]] | None = None


def _campaign(_ward: Ward, place: dict[str, Any]) -> dict[str, Any]:
    return {"campaign": place["campaign"]}


def _request(_ward: Ward, place: dict[str, Any]) -> dict[str, Any]:
    return {"request": place["request"]}


def _area(_ward: Ward, place: dict[str, Any]) -> dict[str, Any]:
    return {"area": text(place["area"])}


def _household(_ward: Ward, place: dict[str, Any]) -> dict[str, Any]:
    return {"household": place["household"]}


def _nothing(_ward: Ward, _place: dict[str, Any]) -> dict[str, Any]:
    return {}


def _own_import(act: Act) -> dict[str, Any]:
    """A list that the actor sends for."""
    return {
        "upload": household_imports.create(
            act.connection,
            area=None,
            account_id=act.actor.account_id,
            contact_id=None,
            channel=act.channel,
            now=act.now_ms,
        )
    }


_numbers = itertools.count()


def _own_trial(act: Act) -> dict[str, Any]:
    """A form that the actor tries; some form, for whoever can have none."""
    if act.actor.account_id is None:
        return {"trial": 1}
    address = f"thử {next(_numbers)}"
    chat = contacts.create(act.connection, act.keyring, "webchat", address, "vi", act.now_ms)
    made = trials.begin(
        act.connection,
        act.keyring,
        account_id=act.actor.account_id,
        contact_id=chat.id,
        media_id=1,
        name="phieu.xlsx",
        state="ready",
        now=act.now_ms,
    )
    return {"trial": made}


SAMPLES = {
    "account.create": Sample(lambda w, p: {"name": "Người mới"}, limited=True),
    "account.invite": Sample(lambda w, p: {"account": p["account"]}),
    "account.close": Sample(lambda w, p: {"account": p["account"]}),
    "account.grant": Sample(
        lambda w, p: {"account": p["account"], "role": "officer", "area": text(p["area"])}
    ),
    "account.revoke": Sample(lambda w, p: {"grant": p["grant"]}),
    "account.list": Sample(lambda w, p: {}, limited=True),
    "area.import": Sample(lambda w, p: {"content": "code,name\n"}, everywhere=True),
    "conversion.import": Sample(lambda w, p: {"content": "old_code,new_code\n"}, everywhere=True),
    "area.find": Sample(lambda w, p: {"text": "sài gòn"}, limited=True),
    "instrument.publish": Sample(lambda w, p: publication(), everywhere=True),
    "instrument.list": Sample(lambda w, p: {}, limited=True),
    "campaign.create": Sample(lambda w, p: w.draft(p["area"])),
    "campaign.amend": Sample(_campaign),
    "campaign.preview": Sample(_campaign),
    "campaign.ask_approval": Sample(_campaign),
    "campaign.approve": Sample(lambda w, p: {"campaign": p["campaign"], "size": 600}),
    "campaign.open": Sample(_campaign),
    "campaign.pause": Sample(_campaign),
    "campaign.resume": Sample(_campaign),
    "campaign.extend": Sample(lambda w, p: {"campaign": p["campaign"], "ends_on": "2026-03-01"}),
    "campaign.close": Sample(_campaign),
    "campaign.archive": Sample(_campaign),
    "campaign.replace": Sample(lambda w, p: {"campaign": p["campaign"], "case": 1, "reason": "moved"}),
    "campaign.republish": Sample(_campaign),
    "campaign.remind": Sample(_campaign),
    "campaign.status": Sample(_campaign),
    "campaign.list": Sample(lambda w, p: {}, limited=True),
    "campaign.progress": Sample(_campaign),
    "campaign.waiting": Sample(_campaign),
    "alert.list": Sample(lambda w, p: {}, limited=True),
    "counts.show": Sample(_campaign),
    "counts.rebuild": Sample(_campaign),
    "delivery.list": Sample(lambda w, p: {}, limited=True),
    "delivery.retry": Sample(_campaign),
    "delivery.drop": Sample(_campaign),
    "event.list": Sample(lambda w, p: {}, everywhere=True),
    "parameter.set": Sample(lambda w, p: {"name": "suppression_threshold", "value": 6}, everywhere=True),
    "parameter.list": Sample(lambda w, p: {}, limited=True),
    "audit.list": Sample(lambda w, p: {}, limited=True),
    "request.list": Sample(lambda w, p: {}, limited=True),
    "request.answer": Sample(lambda w, p: {"request": p["request"], "text": "Đã xóa."}),
    "message.list": Sample(lambda w, p: {}, limited=True),
    "message.show": Sample(_request),
    "message.take": Sample(_request),
    "message.answer": Sample(lambda w, p: {"request": p["request"], "text": "Đã xóa."}),
    "message.close": Sample(_request),
    "message.reopen": Sample(_request),
    "campaign.leaflets": Sample(_campaign),
    "campaign.leaflets_file": Sample(lambda w, p: {"download": 1}, limited=True),
    "case.find": Sample(lambda w, p: {"household": "HK-01"}, limited=True),
    "case.look": Sample(lambda w, p: {"case": p["case"]}),
    "case.assist": Sample(lambda w, p: {"case": p["case"], "way": "assisted"}),
    "case.assisted": Sample(lambda w, p: {}, limited=True),
    "campaign.waiting_file": Sample(lambda w, p: {"download": 1}, limited=True),
    "digest.set": Sample(lambda w, p: {"wanted": False}, limited=True),
    "form.try": Sample(lambda w, p: {"media": 1, "name": "phieu.xlsx"}, limited=True),
    "form.list": Sample(lambda w, p: {}, limited=True),
    "form.begin": Sample(_nothing, limited=True, own=_own_trial),
    "form.drop": Sample(_nothing, limited=True, own=_own_trial),
    "household.upload": Sample(_area),
    "household.import": Sample(lambda w, p: {**_area(w, p), "content": b"x", "name": "ho.xlsx"}),
    "household.report": Sample(_nothing, limited=True, own=_own_import),
    "household.count": Sample(_area, empty=True),
    "household.find": Sample(lambda w, p: {**_area(w, p), "code": "HK-1"}, empty=True),
    "household.show": Sample(_household),
    "household.merge": Sample(lambda w, p: {**_household(w, p), "gone": p["beside"]}),
    "household.split": Sample(
        lambda w, p: {**_household(w, p), "people": [p["person"]], "head": p["person"]},
    ),
    "household.undo": Sample(lambda w, p: {"event": p["merger"]}),
    "household.link": Sample(lambda w, p: {**_household(w, p), "contact": p["contact"]}),
    "household.convert": Sample(lambda w, p: {"area": text(p["before"])}),
}


THERE_BEFORE = ("2025-06-30", "26743")
BEFORE = """vintage,code,name,type,level,parent,valid_from,valid_to
2025-06-30,26743,Phạm Ngũ Lão,phường,commune,760,2021-01-01,2025-06-30
"""
BECAME = """old_vintage,old_code,new_vintage,new_code,kind,share,source,old_name
2025-06-30,26743,2025-07-01,26743,toan_bo,,NQ 1685,"Phường Phạm Ngũ Lão, Quận 1, Thành phố Hồ Chí Minh"
"""


@pytest.fixture(scope="module")
def places(office: Ward) -> dict[str, dict[str, Any]]:
    """What there is here, there, and nowhere."""
    office.act("area.import", content=BEFORE)
    office.act("conversion.import", content=BECAME)
    made = {}
    for name, area, campaign, before in (
        ("here", HERE, office.here, LONG_AGO),
        ("there", THERE, office.there, THERE_BEFORE),
    ):
        collector = office.staff(Role.COLLECTOR, area)
        account = collector.account_id or 0
        held = office.database.read(partial(accounts.grants_of, account_id=account))
        resident = office.resident()
        asked = office.act("request.create", resident, kind="privacy", text="Xóa", campaign=campaign)
        homes = office.database.write(partial(settle, area=area, number=4, people=2))
        merger = office.act("household.merge", household=homes[2], gone=homes[3])
        made[name] = {
            "household": homes[0],
            "beside": homes[1],
            "person": office.database.read(partial(people_of, household=homes[0]))[0],
            "merger": merger["event"],
            "contact": resident.contact_id,
            "before": before,
            "area": area,
            "campaign": campaign,
            "account": account,
            "grant": held[0].id,
            "request": asked["id"],
            "case": office.database.write(
                partial(new_case, campaign_id=campaign, area_code=area[1], unit="person", now=office.now)
            ),
        }
    made["nowhere"] = {
        "area": ("2025-07-01", "99999"),
        "campaign": 999_999,
        "account": 999_999,
        "grant": 999_999,
        "request": 999_999,
        "case": 999_999,
        "household": 999_999,
        "beside": 999_998,
        "person": 999_999,
        "merger": 999_999,
        "contact": 1,
        "before": ("2025-06-30", "99999"),
    }
    return made


@pytest.fixture(scope="module")
def people(office: Ward) -> dict[tuple[Role, str], Actor]:
    """An account for every role with every kind of grant."""
    week = timedelta(days=7)
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "here": (HERE, {}),
        "here until today": (HERE, {"valid_to": TODAY}),
        "the city": (CITY, {}),
        "everywhere": (None, {}),
        "the place that had this code before": (LONG_AGO, {}),
        "here until last week": (HERE, {"valid_from": TODAY - week, "valid_to": TODAY - week}),
        "everywhere from next week": (None, {"valid_from": TODAY + week}),
    }
    return {
        (role, kind): office.staff(role, area, **validity)
        for role in Role
        for kind, (area, validity) in kinds.items()
    }


def attempt(office: Ward, actor: Actor, name: str, arguments: dict[str, Any]) -> Problem | None:
    """What the gate says to it. Whatever it did is undone."""
    with office.database.engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("BEGIN")
        try:
            act, own = office.act_on(connection, actor), SAMPLES[name].own if name in SAMPLES else None
            perform(act, name, arguments if own is None else {**arguments, **own(act)})
        except Problem as problem:
            return problem
        finally:
            transaction.rollback()
    return None


def refused(problem: Problem | None) -> bool:
    return problem is not None and problem.code == "not_allowed" and problem.status == 403


def test_every_action_has_roles_and_a_sample_here() -> None:
    assert set(ACTIONS) == set(MAY) | BY_CONTACT
    assert set(SAMPLES) == set(MAY)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_an_action_is_done_with_a_grant_in_force_that_reaches_its_area_and_not_otherwise(
    name: str, office: Ward, places: dict[str, dict[str, Any]], people: dict[tuple[Role, str], Actor]
) -> None:
    sample = SAMPLES[name]
    inside = sample.arguments(office, places["here"])
    outside = sample.arguments(office, places["there"])
    for role in Role:
        may = role in MAY[name]
        here = may and not sample.everywhere
        there = here and sample.limited
        expected = {
            "here": (here, there),
            "here until today": (here, there),
            "the city": (here, here),
            "everywhere": (may, may),
            "the place that had this code before": (there, there),
            "here until last week": (False, False),
            "everywhere from next week": (False, False),
        }
        for grant, allowed in expected.items():
            actor = people[role, grant]
            done = [not refused(attempt(office, actor, name, given)) for given in (inside, outside)]
            assert (role, grant, *done) == (role, grant, *allowed)


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"account.create"}))
def test_nothing_is_done_for_a_contact_a_stranger_or_a_closed_account(
    name: str, office: Ward, places: dict[str, dict[str, Any]]
) -> None:
    arguments = SAMPLES[name].arguments(office, places["here"])
    closed = office.staff(Role.ADMINISTRATOR, None)
    office.act("account.close", account=closed.account_id)
    for actor in (closed, Actor(), Actor(contact_id=1), Actor(system_user="chief")):
        assert refused(attempt(office, actor, name, arguments))


AIMED = [name for name, sample in sorted(SAMPLES.items()) if not (sample.limited or sample.everywhere)]
"""Actions on a thing that stands in an area."""


@pytest.mark.parametrize("name", AIMED)
def test_a_refusal_does_not_tell_whether_the_thing_exists(
    name: str, office: Ward, places: dict[str, dict[str, Any]]
) -> None:
    role = min(MAY[name])
    actor = office.staff(role, HERE)
    there = attempt(office, actor, name, SAMPLES[name].arguments(office, places["there"]))
    nowhere = attempt(office, actor, name, SAMPLES[name].arguments(office, places["nowhere"]))
    assert there is not None and nowhere is not None
    assert (there.code, there.status, there.params) == (nowhere.code, nowhere.status, nowhere.params)
    everywhere = office.staff(role, None)
    told = attempt(office, everywhere, name, SAMPLES[name].arguments(office, places["nowhere"]))
    assert not refused(told)
    assert (told is None) == SAMPLES[name].empty


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.own])
def test_what_is_somebody_elses_own_is_as_unknown_as_what_is_nowhere(name: str, office: Ward) -> None:
    role = min(MAY[name])
    own = SAMPLES[name].own
    assert own is not None

    def make(connection: Any, of: Actor) -> dict[str, Any]:
        return own(office.act_on(connection, of))

    for area in (HERE, None):
        actor, other = office.staff(role, area), office.staff(role, area)
        theirs = office.database.write(partial(make, of=other))
        told = [refusal(partial(office.act, name, actor, **theirs))]
        told.append(refusal(partial(office.act, name, actor, **dict.fromkeys(theirs, 999_999))))
        assert told[0].status in (403, 404)
        assert (told[0].code, told[0].status) == (told[1].code, told[1].status)
        assert attempt(office, other, name, {}) is None


def test_households_of_two_wards_are_merged_by_nobody_who_reaches_one_of_them(
    office: Ward, places: dict[str, dict[str, Any]]
) -> None:
    here, there = places["here"]["household"], places["there"]["household"]
    actor = office.staff(Role.WARD_STAFF, HERE)
    for one, other in ((here, there), (there, here)):
        assert refused(attempt(office, actor, "household.merge", {"household": one, "gone": other}))


def test_what_a_contact_does_for_itself_needs_a_contact(office: Ward) -> None:
    chief = Actor(account_id=office.chief)
    assert refused(attempt(office, chief, "request.create", {"kind": "question", "text": "?"}))
    assert refused(attempt(office, chief, "account.bind", {"code": "nv_x"}))


# Arguments


@pytest.mark.parametrize(
    ("name", "arguments", "code", "field"),
    [
        ("account.create", {}, "argument_missing", "name"),
        ("account.create", {"name": "A", "nme": "B"}, "argument_unknown", "nme"),
        ("account.create", {"name": ""}, "argument_wrong", "name"),
        ("account.create", {"name": 7}, "argument_wrong", "name"),
        ("account.create", {"name": "A\0B"}, "argument_wrong", "…"),
        ("account.create", {"name": "A\ud800"}, "argument_wrong", "…"),
        ("account.grant", {"account": 1, "role": "king", "area": "*"}, "argument_wrong", "role"),
        ("account.revoke", {"grant": 10**30}, "argument_wrong", "grant"),
        ("account.revoke", {"grant": "một"}, "argument_wrong", "grant"),
        ("campaign.create", {"title": "A"}, "argument_missing", "area"),
        ("campaign.amend", {"campaign": 1, "legal": {"basis": "vui"}}, "argument_wrong", "legal.basis"),
        ("campaign.amend", {"campaign": 1, "legal": {"ten": "A"}}, "argument_unknown", "legal.ten"),
        ("campaign.amend", {"campaign": 1, "starts_on": "31/02/2026"}, "argument_wrong", "starts_on"),
        ("audit.list", {"limit": 0}, "argument_wrong", "limit"),
    ],
)
def test_an_argument_that_cannot_be_taken_is_named(
    office: Ward, name: str, arguments: dict[str, Any], code: str, field: str
) -> None:
    problem = refusal(lambda: office.act(name, **arguments))
    assert (problem.code, problem.params) == (code, {"field": field})


def test_numbers_may_come_as_text(office: Ward) -> None:
    assert office.act("campaign.status", campaign=str(office.here))["id"] == office.here


def test_an_unknown_action_is_a_problem(office: Ward) -> None:
    assert refusal(lambda: office.act("city.sell")).code == "action_unknown"


# The log


def rows(ward: Ward) -> dict[str, int]:
    """How many rows each table has."""
    return ward.database.read(
        lambda c: {
            table.name: c.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
    )


def test_a_refusal_leaves_an_audit_row_and_nothing_else(ward: Ward) -> None:
    collector = ward.staff(Role.COLLECTOR)
    before = rows(ward)
    assert refusal(lambda: ward.act("campaign.open", collector, campaign=ward.here)).code == "not_allowed"
    after = rows(ward)
    assert after.pop("audit") == before.pop("audit") + 1
    assert after == before
    entry = ward.act("audit.list", limit=1)["entries"][0]
    assert entry == {
        "id": entry["id"],
        "at": NOW,
        "account": collector.account_id,
        "contact": None,
        "channel": "test",
        "action": "campaign.open",
        "area": text(HERE),
        "target": f"campaign:{ward.here}",
        "outcome": "refused",
    }


def test_what_went_wrong_half_way_is_undone_and_logged_as_failed(ward: Ward) -> None:
    before = rows(ward)
    # The instrument is checked after the form was read, the version after the form was kept.
    other = publication()
    other["xform"] = other["xform"].replace("Đồng ý?", "Ông/bà đồng ý?")
    assert refusal(lambda: ward.act("instrument.publish", **other)).code == "instrument_version_taken"
    after = rows(ward)
    assert after.pop("audit") == before.pop("audit") + 1
    assert after == before
    assert outcomes(ward)[-1] == ("instrument.publish", "failed")


def test_the_log_holds_no_personal_data(ward: Ward) -> None:
    made = ward.act("account.create", name="Lê Thị Bình")
    code = ward.act("account.invite", account=made["id"])["code"]
    contact = ward.resident()
    ward.act("account.bind", contact, code=code)
    asked = ward.act("request.create", contact, kind="privacy", text="Xin xóa số 0901234567")
    ward.act("request.answer", request=asked["id"], text="Đã xóa số 0901234567")
    written = str(ward.act("audit.list", limit=1000))
    assert all(word not in written for word in ("Bình", code, "0901234567"))
    assert ("request.answer", "done") in outcomes(ward)


def test_staff_see_the_log_of_their_own_areas_only(ward: Ward) -> None:
    ward.act("campaign.open", campaign=ward.here)
    ward.act("campaign.open", campaign=ward.there)
    watcher = ward.staff(Role.DPO, HERE)
    seen = ward.act("audit.list", watcher)["entries"]
    assert {entry["area"] for entry in seen} == {text(HERE)}
    assert {entry["area"] for entry in ward.act("audit.list")["entries"]} >= {text(HERE), text(THERE), None}


# Accounts


def test_the_first_account_administers_everything_and_there_is_only_one_first(ward: Ward) -> None:
    shown = ward.act("account.list")["accounts"]
    (chief,) = shown
    assert (chief["system_user"], chief["grants"][0]["role"]) == ("chief", "administrator")
    assert shown[0]["grants"][0]["area"] == "*"
    second = refusal(lambda: ward.act("account.create", Actor(system_user="thief"), name="Kẻ trộm"))
    assert second.code == "not_allowed"


def test_a_chat_contact_cannot_found_the_first_account(database_url: str) -> None:
    with Database(database_url) as database:
        upgrade(database.engine)
        ward = Ward(database, parse_keys(new_keys()))
        contact = ward.resident()
        assert refusal(lambda: ward.act("account.create", contact, name="A")).code == "not_allowed"


def test_an_invitation_binds_one_contact_once(ward: Ward) -> None:
    made = ward.act("account.create", name="Bình")
    code = ward.act("account.invite", account="bình")["code"]
    first, second = ward.resident(), ward.resident()
    shown = ward.act("account.bind", first, code=f" {code} ")
    assert (shown["id"], [each["channel"] for each in shown["contacts"]]) == (made["id"], ["telegram"])
    assert refusal(lambda: ward.act("account.bind", second, code=code)).code == "invitation_wrong"
    known = ward.database.read(lambda c: contacts.get(c, first.contact_id or 0))
    assert known is not None and known.account_id == made["id"]


def test_an_invitation_is_good_for_seventy_two_hours(ward: Ward) -> None:
    made = ward.act("account.create", name="Bình")
    early, late = (ward.act("account.invite", account=made["id"])["code"] for _ in range(2))
    ward.now = NOW + 72 * 3_600_000 - 1
    ward.act("account.bind", ward.resident(), code=early)
    ward.now += 1
    assert refusal(lambda: ward.act("account.bind", ward.resident(), code=late)).code == "invitation_wrong"


def test_a_contact_of_another_account_is_not_taken_over_and_the_code_stays_good(ward: Ward) -> None:
    contact = ward.resident()
    for name in ("Bình", "Châu"):
        ward.act("account.create", name=name)
    ward.act("account.bind", contact, code=ward.act("account.invite", account="Bình")["code"])
    code = ward.act("account.invite", account="Châu")["code"]
    assert refusal(lambda: ward.act("account.bind", contact, code=code)).code == "contact_taken"
    ward.act("account.bind", ward.resident(), code=code)


def test_nobody_invites_himself_into_an_account_that_reaches_further(ward: Ward) -> None:
    small = ward.staff(Role.ADMINISTRATOR, HERE)
    great = ward.staff(Role.OFFICER, CITY)
    problem = refusal(lambda: ward.act("account.invite", small, account=great.account_id))
    assert problem.code == "not_allowed"
    assert refusal(lambda: ward.act("account.invite", small, account=ward.chief)).code == "not_allowed"
    equal = ward.staff(Role.COLLECTOR, HERE)
    assert ward.act("account.invite", small, account=equal.account_id)["account"] == equal.account_id


def test_a_closed_account_loses_grants_contacts_and_open_invitations(ward: Ward) -> None:
    made = ward.act("account.create", name="Bình")
    ward.act("account.grant", account="Bình", role="ward_staff", area=text(HERE))
    contact = ward.resident()
    ward.act("account.bind", contact, code=ward.act("account.invite", account="Bình")["code"])
    code = ward.act("account.invite", account="Bình")["code"]
    shown = ward.act("account.close", account="Bình")
    assert (shown["status"], shown["grants"], shown["contacts"]) == ("closed", [], [])
    assert refusal(lambda: ward.act("account.bind", ward.resident(), code=code)).code == "invitation_wrong"
    assert refusal(lambda: ward.act("campaign.list", Actor(account_id=made["id"]))).code == "not_allowed"
    assert refusal(lambda: ward.act("account.invite", account=made["id"])).code == "account_closed"


def test_a_revoked_grant_ends_at_once(ward: Ward) -> None:
    officer = ward.staff(Role.OFFICER, CITY)
    assert ward.act("campaign.list", officer)["campaigns"]
    held = ward.act("account.list")["accounts"][-1]["grants"][0]
    assert ward.act("account.revoke", grant=held["id"])["grants"] == []
    assert refusal(lambda: ward.act("campaign.list", officer)).code == "not_allowed"
    assert refusal(lambda: ward.act("account.revoke", grant=held["id"])).code == "grant_unknown"


def test_the_last_administrator_can_neither_be_closed_nor_revoked(ward: Ward) -> None:
    grant = ward.act("account.list")["accounts"][0]["grants"][0]["id"]
    assert refusal(lambda: ward.act("account.close", account=ward.chief)).code == "last_administrator"
    assert refusal(lambda: ward.act("account.revoke", grant=grant)).code == "last_administrator"
    ward.act("account.create", name="Phó phòng")
    ward.act("account.grant", account="Phó phòng", role="administrator", area="*")
    ward.act("account.close", account=ward.chief)


def test_two_people_of_one_name_are_told_apart_by_number(ward: Ward) -> None:
    first, second = (ward.act("account.create", name="Nguyễn Văn An")["id"] for _ in range(2))
    problem = refusal(lambda: ward.act("account.invite", account="nguyễn văn  an"))
    assert (problem.code, problem.params["ids"]) == ("account_ambiguous", (first, second))
    assert ward.act("account.invite", account=str(second))["account"] == second


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"area": "26740"}, "area_key_wrong"),
        ({"area": "2025-07-01/99999"}, "area_unknown"),
        ({"valid_to": "2026-01-04"}, "grant_dates"),
        ({"account": "Ai đó"}, "account_unknown"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(ward: Ward, changes: dict[str, Any], code: str) -> None:
    ward.act("account.create", name="Bình")
    given = {"account": "Bình", "role": "officer", "area": text(HERE), **changes}
    assert refusal(lambda: ward.act("account.grant", **given)).code == code


def test_the_same_grant_is_not_given_twice(ward: Ward) -> None:
    ward.act("account.create", name="Bình")
    given = {"account": "Bình", "role": "officer", "area": text(HERE)}
    ward.act("account.grant", **given)
    assert refusal(lambda: ward.act("account.grant", **given)).code == "grant_held"


def test_a_user_of_the_system_acts_as_one_account_only(ward: Ward) -> None:
    problem = refusal(lambda: ward.act("account.create", name="Bình", system_user="chief"))
    assert problem.code == "system_user_taken"


# Areas


def test_an_area_is_found_by_its_former_name(office: Ward) -> None:
    (first,) = office.act("area.find", text="ben nghe quan 1")["areas"]
    assert (first["area"], first["former"]) == (text(HERE), "Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh")


def test_a_file_of_areas_is_taken_in_whole_or_not_at_all(ward: Ward) -> None:
    before = rows(ward)["areas"]
    problem = refusal(
        lambda: ward.act(
            "area.import",
            columns=["vintage", "code", "name", "type", "level", "parent"],
            rows=[
                [2, ["2025-07-01", "26746", "Tân Định", "phường", "commune", "79"]],
                [3, ["2025-07-01", "26747", "Không Đâu", "phường", "commune", "98"]],
            ],
        )
    )
    assert (problem.code, problem.params["lines"]) == ("area_lines_refused", "3")
    assert rows(ward)["areas"] == before
    done = ward.act(
        "area.import",
        columns=["vintage", "code", "name", "type", "level", "parent"],
        rows=[
            [2, ["2025-07-01", "26746", "Tân Định", "phường", "commune", "79"]],
            [3, ["2025-07-01", "26743", "Bến Thành (mới)", "phường", "commune", "79"]],
            [4, ["2025-07-01", "26740", "Sài Gòn", "phường", "commune", "79"]],
        ],
    )
    assert (done["added"], done["changed"], done["unchanged"]) == (1, 1, 1)
    assert ward.act("area.find", text="tan dinh")["areas"][0]["code"] == "26746"


def test_a_new_area_is_found_although_the_index_was_kept(ward: Ward) -> None:
    assert ward.act("area.find", text="đặc khu côn đảo")["areas"] == []
    row = "2025-07-01,26732,Côn Đảo,đặc khu,commune,79"
    ward.act("area.import", content=f"vintage,code,name,type,level,parent\n{row}\n")
    assert ward.act("area.find", text="đặc khu côn đảo")["areas"][0]["title"] == "Đặc khu Côn Đảo"


# Instruments


def test_publishing_the_same_again_changes_nothing(ward: Ward) -> None:
    again = ward.act("instrument.publish", **publication())
    assert (again["id"], again["new"]) == (1, False)
    newer = ward.act("instrument.publish", **publication(version="2"))
    assert newer["new"]
    assert [each["version"] for each in ward.act("instrument.list")["instruments"]] == ["1", "2", "1"]


def test_a_form_that_cannot_be_asked_is_not_published(ward: Ward) -> None:
    broken = publication("hong")
    broken["xform"] = "<xml/>"
    assert refusal(lambda: ward.act("instrument.publish", **broken)).code == "instrument_form_refused"
    mismatched = publication("khac")
    mismatched["definition"]["instrument"]["form"] = "phieu"
    assert refusal(lambda: ward.act("instrument.publish", **mismatched)).code == "instrument_other_form"


# Campaigns


def test_a_campaign_opens_with_its_code_and_closes_for_good(ward: Ward) -> None:
    opened = ward.act("campaign.open", campaign=ward.here)
    assert (opened["status"], opened["running"], opened["opened_at"]) == ("open", True, NOW)
    status = ward.act("campaign.status", campaign=opened["code"].lower())
    assert status["progress"] == {"cases": 0, "begun": 0, "submitted": 0, "refused": 0}
    assert ward.act("campaign.close", campaign=opened["code"])["status"] == "closed"
    assert refusal(lambda: ward.act("campaign.open", campaign=ward.here)).code == "campaign_status"
    assert refusal(lambda: ward.act("campaign.close", campaign=ward.here)).code == "campaign_status"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"legal": {"basis": "dong_y"}}, "campaign_legal_missing"),
        ({"consent": None}, "campaign_consent_form"),
        ({"starts_on": "2025-12-01", "ends_on": "2026-01-04"}, "campaign_over"),
    ],
)
def test_a_campaign_that_may_not_be_asked_in_does_not_open(
    ward: Ward, changes: dict[str, Any], code: str
) -> None:
    made = ward.act("campaign.create", **ward.draft(**changes))
    assert refusal(lambda: ward.act("campaign.open", campaign=made["id"])).code == code
    assert ward.act("campaign.status", campaign=made["id"])["status"] == "draft"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ends_on": "2026-01-04"}, "campaign_dates"),
        ({"reference_date": "2016-01-01"}, "campaign_reference_date"),
        ({"instrument": "khong-co"}, "instrument_unknown"),
        ({"instrument": "dong_y-v0"}, "campaign_instrument_is_consent"),
        ({"consent": "phieu-v0"}, "campaign_consent_is_not"),
        ({"mode": "sample"}, "design_size"),
        ({"design": {"size": 10}}, "design_no_sample"),
        ({"rules": {"begins": "23:00"}}, "rules_hours"),
        ({"area": text(LONG_AGO)}, "campaign_area_ended"),
        ({"area": "2025-07-01/99999"}, "area_unknown"),
        ({"title": " \u200b "}, "argument_missing"),
        ({"legal": {"internal": True, "decision_number": "12/QĐ"}}, "campaign_internal"),
        ({"legal": {"retention_days": 0}}, "campaign_retention"),
    ],
)
def test_a_draft_that_makes_no_sense_is_refused(ward: Ward, changes: dict[str, Any], code: str) -> None:
    assert refusal(lambda: ward.act("campaign.create", **ward.draft(**changes))).code == code


def test_a_draft_can_be_amended_and_an_open_campaign_cannot(ward: Ward) -> None:
    made = ward.act("campaign.create", **ward.draft(legal={}, consent=None))
    assert "controller" in made["missing"] and "decision_number" in made["missing"]
    legal = {**LEGAL, "basis": "dieu_19"}
    amended = ward.act("campaign.amend", campaign=made["id"], title="Tên mới", legal=legal)
    assert (amended["title"], amended["missing"], amended["code"]) == ("Tên mới", [], made["code"])
    ward.act("campaign.open", campaign=made["id"])
    problem = refusal(lambda: ward.act("campaign.amend", campaign=made["id"], title="Khác"))
    assert problem.code == "campaign_no_draft"


def test_campaigns_have_codes_of_their_own_and_are_listed_by_area(ward: Ward) -> None:
    listed = ward.act("campaign.list")["campaigns"]
    assert len({each["code"] for each in listed}) == len(listed) == 2
    seen = ward.act("campaign.list", ward.staff(Role.WARD_STAFF, HERE))["campaigns"]
    assert [each["id"] for each in seen] == [ward.here]
    assert ward.act("campaign.list", ward.staff(Role.WARD_STAFF, LONG_AGO))["campaigns"] == []
    assert ward.act("campaign.list", status="open")["campaigns"] == []


# Parameters


def test_a_parameter_keeps_every_version_and_its_bounds(ward: Ward) -> None:
    assert ward.act("parameter.set", name="suppression_threshold", value="10")["version"] == 1
    assert ward.act("parameter.set", name="suppression_threshold", value=10)["version"] == 1
    assert ward.act("parameter.set", name="suppression_threshold", value=4)["version"] == 2
    in_force = {each["name"]: each["value"] for each in ward.act("parameter.list")["parameters"]}
    assert in_force == {name: p.default for name, p in PARAMETERS.items()} | {"suppression_threshold": 4}
    too_low = refusal(lambda: ward.act("parameter.set", name="suppression_threshold", value=1))
    assert too_low.code == "parameter_bounds"
    assert refusal(lambda: ward.act("parameter.set", name="ten", value=1)).code == "parameter_unknown"


# Requests


def test_a_request_is_due_in_two_working_days_and_its_answer_reaches_the_chat(ward: Ward) -> None:
    resident = ward.resident()
    asked = ward.act("request.create", resident, kind="privacy", text="Xin xóa", campaign=ward.here)
    assert asked["due_on"] == "2026-01-07"
    staff = ward.staff(Role.WARD_STAFF, HERE)
    (waiting,) = ward.act("request.list", staff)["requests"]
    assert (waiting["text"], waiting["late"]) == ("Xin xóa", False)
    answered = ward.act("request.answer", staff, request=asked["id"], text="Đã xóa ạ.")
    assert (answered["state"], answered["answered_by"]) == ("answered", staff.account_id)
    assert ward.act("request.list", staff)["requests"] == []
    (told,) = ward.database.write(
        lambda c: outbox.claim(c, ward.keyring, "telegram", "test", 1, 10, ward.now)
    )
    assert (told.contact_id, told.message) == (resident.contact_id, "request.answered")
    assert told.params == {"id": asked["id"], "text": "Đã xóa ạ.", "kind": "privacy"}
    again = refusal(lambda: ward.act("request.answer", staff, request=asked["id"], text="Lại"))
    assert again.code == "request_answered"


def test_requests_elsewhere_and_without_a_campaign_are_not_shown_to_a_ward(ward: Ward) -> None:
    for campaign in (ward.there, None):
        ward.act("request.create", ward.resident(), kind="question", text="Hỏi", campaign=campaign)
    assert ward.act("request.list", ward.staff(Role.WARD_STAFF, HERE))["requests"] == []
    assert len(ward.act("request.list", ward.staff(Role.DPO, None))["requests"]) == 2


def test_a_request_past_its_day_is_shown_as_late(ward: Ward) -> None:
    ward.act("request.create", ward.resident(), kind="question", text="Hỏi")
    ward.today = TODAY + timedelta(days=3)
    assert ward.act("request.list")["requests"][0]["late"]


def test_one_contact_cannot_bury_the_requests_of_others(ward: Ward) -> None:
    resident = ward.resident()
    for _ in range(10):
        ward.act("request.create", resident, kind="question", text="?")
    problem = refusal(lambda: ward.act("request.create", resident, kind="question", text="?"))
    assert (problem.code, problem.status) == ("requests_many", 429)
    ward.act("request.create", ward.resident(), kind="question", text="?")


def test_names_and_words_are_not_readable_in_the_file(tmp_path: Path) -> None:
    ward = found(f"sqlite:///{tmp_path / 'hoidan.db'}")
    ward.act("account.create", name="Lê Thị Bí Mật")
    asked = ward.act("request.create", ward.resident(), kind="privacy", text="Nhà tôi ở số chín")
    ward.act("request.answer", request=asked["id"], text="Chúng tôi đã biết")
    ward.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert "Trưởng phòng".encode() not in stored and "Bí Mật".encode() not in stored
    assert "số chín".encode() not in stored and "đã biết".encode() not in stored
