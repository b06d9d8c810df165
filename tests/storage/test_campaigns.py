"""Campaigns, parameters, requests and the audit log as stored."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert

from storage import audit, campaigns, contacts, instruments, parameters, requests
from storage.audit import Entry
from storage.campaigns import TRIES, Draft, Progress
from storage.crypto import Keyring
from storage.instruments import StoredForm
from storage.schema import cases, interviews, submissions
from surveys.campaigns import Basis, Legal, Mode, Status
from surveys.problems import Problem
from tests.ward import CITY, HERE, LONG_AGO, NOW, THERE, Ward, found

LEGAL = Legal(controller="UBND", basis=Basis.STATE_TASK, retention_days=30, decision_date=date(2026, 1, 2))


@pytest.fixture
def ward(database_url: str) -> Iterator[Ward]:
    office = found(database_url)
    yield office
    office.close()


def draft(area: tuple[str, str] = HERE) -> Draft:
    days = date(2026, 1, 5), date(2026, 2, 5), date(2026, 1, 1)
    return Draft("Khảo sát", 1, 2, Mode.OPEN, area, *days, LEGAL)


def test_a_campaign_is_read_as_it_was_written(ward: Ward) -> None:
    made = ward.database.write(lambda c: campaigns.create(c, draft(), lambda: "AB2CD", ward.chief, NOW))
    assert (made.code, made.status, made.draft, made.created_by) == (
        "AB2CD",
        Status.DRAFT,
        draft(),
        ward.chief,
    )
    for wanted in (made.id, str(made.id), "AB2CD", " ab2cd "):
        assert ward.database.read(partial(campaigns.expect, wanted=wanted)) == made
    assert ward.database.read(lambda c: campaigns.by_code(c, "AB2CD")) == made
    assert ward.database.read(lambda c: campaigns.by_code(c, "AB2CE")) is None


def test_a_code_of_digits_means_that_campaign_and_not_the_one_with_that_number(ward: Ward) -> None:
    made = ward.database.write(lambda c: campaigns.create(c, draft(), lambda: str(ward.here), None, NOW))
    assert ward.database.read(lambda c: campaigns.expect(c, str(ward.here))).id == made.id
    assert ward.database.read(lambda c: campaigns.expect(c, ward.here)).id == ward.here


def test_a_code_that_is_taken_is_drawn_again(ward: Ward) -> None:
    codes = itertools.chain(["AB2CD"] * 3, ["AB3CD"])
    first, second = (
        ward.database.write(lambda c: campaigns.create(c, draft(), lambda: next(codes), None, NOW))
        for _ in range(2)
    )
    assert (first.code, second.code) == ("AB2CD", "AB3CD")
    tries = itertools.count()

    def always_taken() -> str:
        next(tries)
        return "AB2CD"

    with pytest.raises(Problem) as caught:
        ward.database.write(lambda c: campaigns.create(c, draft(), always_taken, None, NOW))
    assert (caught.value.code, next(tries)) == ("campaign_codes_used_up", TRIES)


def test_the_first_opening_and_the_close_are_dated(ward: Ward) -> None:
    def steps(connection: Any) -> Any:
        for status, now in ((Status.OPEN, 10), (Status.PAUSED, 20), (Status.OPEN, 30), (Status.CLOSED, 40)):
            campaigns.set_status(connection, ward.here, status, now)
        return campaigns.expect(connection, ward.here)

    closed = ward.database.write(steps)
    assert (closed.status, closed.opened_at, closed.closed_at) == (Status.CLOSED, 10, 40)


def test_an_amended_draft_replaces_the_old_one(ward: Ward) -> None:
    other = replace(draft(), title="Khác", consent_id=None, legal=Legal())
    made = ward.database.write(lambda c: campaigns.amend(c, ward.here, other))
    assert made.draft == other and made.id == ward.here


@pytest.mark.parametrize(
    ("within", "seen"),
    [
        (None, {"here", "there"}),
        ([CITY], {"here", "there"}),
        ([HERE], {"here"}),
        ([LONG_AGO], set()),
        ([], set()),
    ],
)
def test_campaigns_are_listed_by_area(ward: Ward, within: Any, seen: set[str]) -> None:
    names = {ward.here: "here", ward.there: "there"}
    listed = ward.database.read(lambda c: campaigns.listing(c, within=within))
    assert {names[each.id] for each in listed} == seen
    assert ward.database.read(lambda c: campaigns.listing(c, within=within, statuses=[Status.OPEN])) == []


def test_progress_counts_each_amended_submission_once(ward: Ward) -> None:
    def answers(connection: Any) -> None:
        came = [("2.11", False, 0), ("2.20", True, 0), ("1.1", True, 2)]
        for number, (disposition, begun, revisions) in enumerate(came):
            contact = contacts.create(connection, ward.keyring, "telegram", f"p{number}", "vi", NOW)
            case = connection.execute(
                insert(cases)
                .values(
                    campaign_id=ward.here, contact_id=contact.id, unit="person", area_code=HERE[1],
                    disposition=disposition, created_at=NOW, changed_at=NOW,
                )
                .returning(cases.c.id)
            ).scalar_one()  # fmt: skip
            if not begun:
                continue
            key = connection.execute(
                insert(interviews)
                .values(
                    case_id=case, instrument_id=1, stage="main", way="self", document_sealed=b"",
                    status="open", version=1, started_at=NOW, changed_at=NOW,
                )
                .returning(interviews.c.id)
            ).scalar_one()  # fmt: skip
            for revision in range(1, revisions + 1):
                connection.execute(
                    insert(submissions).values(
                        interview_id=key, case_id=case, campaign_id=ward.here, instrument_id=1, stage="main",
                        revision=revision, receipt=f"r{number}{revision}", document_sealed=b"",
                        channel="telegram", way="self", at=NOW,
                    )
                )  # fmt: skip

    ward.database.write(answers)
    assert ward.database.read(lambda c: campaigns.progress(c, ward.here)) == Progress(3, 2, 1, 1)
    assert ward.database.read(lambda c: campaigns.progress(c, ward.there)) == Progress(0, 0, 0, 0)


# Instruments


def test_an_instrument_is_found_by_number_name_version_or_form(ward: Ward) -> None:
    second = ward.database.write(
        lambda c: instruments.publish(
            c,
            name="phieu-v0",
            version="2",
            form=StoredForm("f" * 64, "phieu", "2", "Phiếu", "<xml/>", "{}"),
            definition="{}",
            now=NOW,
        )
    )[0]
    for wanted, version in (
        (1, "1"),
        ("1", "1"),
        ("phieu-v0@1", "1"),
        ("phieu-v0", "2"),
        ("phieu", "2"),
        ("phieu@1", "1"),
    ):
        assert ward.database.read(partial(instruments.expect, wanted=wanted)).version == version
    whole = ward.database.read(lambda c: instruments.get(c, second.id))
    assert whole is not None and (whole.xform, whole.rows, whole.form_version) == ("<xml/>", "{}", "2")
    for wanted in ("phieu-v0@3", "khac", "77"):
        with pytest.raises(Problem):
            ward.database.read(partial(instruments.expect, wanted=wanted))


# Parameters


def test_a_parameter_has_its_default_until_it_is_set(ward: Ward) -> None:
    read = partial(parameters.number, name="suppression_threshold")
    assert ward.database.read(read) == 5
    for value in (7, 7, 3):
        put = partial(parameters.put, name="suppression_threshold", value=value, now=NOW, set_by=ward.chief)
        ward.database.write(put)
    assert ward.database.read(read) == 3
    kept = ward.database.read(lambda c: parameters.history(c, "suppression_threshold"))
    assert [(each.version, each.value, each.set_by) for each in kept] == [
        (1, 7, ward.chief),
        (2, 3, ward.chief),
    ]
    with pytest.raises(Problem):
        ward.database.read(lambda c: parameters.number(c, "areas.edition"))


# Requests and the log


def ask(ward: Ward, keyring: Keyring, campaign: int | None, due: str) -> int:
    area = {ward.here: HERE, ward.there: THERE}.get(campaign or 0)
    contact = ward.resident().contact_id or 0
    return ward.database.write(
        lambda c: requests.create(
            c,
            keyring,
            contact_id=contact,
            campaign_id=campaign,
            kind="privacy",
            text="Xin xóa",
            due_on=date.fromisoformat(due),
            now=NOW,
            area=area,
        )
    )


def test_requests_are_listed_the_most_urgent_first_and_by_area(ward: Ward) -> None:
    late = ask(ward, ward.keyring, ward.here, "2026-01-09")
    soon = ask(ward, ward.keyring, ward.here, "2026-01-07")
    there = ask(ward, ward.keyring, ward.there, "2026-01-08")
    nowhere = ask(ward, ward.keyring, None, "2026-01-06")

    def listed(**of: Any) -> list[int]:
        return [each.id for each in ward.database.read(lambda c: requests.listing(c, ward.keyring, **of))]

    assert listed() == [nowhere, soon, there, late]
    assert listed(within=[HERE]) == [soon, late]
    assert listed(within=[CITY]) == [soon, there, late]
    ward.database.write(lambda c: requests.answer(c, ward.keyring, soon, "Đã xóa", ward.chief, NOW))
    assert listed(within=[HERE]) == [late]
    assert listed(within=[HERE], state=None) == [soon, late]
    answered = ward.database.read(lambda c: requests.get(c, ward.keyring, soon))
    assert answered is not None and (answered.answer, answered.answered_by) == ("Đã xóa", ward.chief)
    assert ward.database.read(lambda c: requests.area_of(c, there)) == (THERE,)
    assert ward.database.read(lambda c: requests.area_of(c, nowhere)) == (None,)
    assert ward.database.read(lambda c: requests.area_of(c, 999)) is None


def test_the_log_is_paged_and_filtered(ward: Ward) -> None:
    def write(connection: Any) -> None:
        for at in range(100, 110):
            area = HERE if at % 2 else THERE
            audit.record(
                connection, Entry(at, ward.chief, None, "cli", "campaign.open", area, "campaign:1", "done")
            )

    ward.database.write(write)

    def read(**of: Any) -> list[int]:
        return [
            entry.at for entry in ward.database.read(lambda c: audit.entries(c, action="campaign.open", **of))
        ]

    assert read() == list(range(109, 99, -1))
    assert read(within=[HERE]) == [109, 107, 105, 103, 101]
    assert read(within=[HERE], since=105, limit=2) == [109, 107]
    assert read(account_id=ward.chief + 1) == []
    third = ward.database.read(lambda c: audit.entries(c, action="campaign.open", limit=3))[-1]
    assert read(before_id=third.id, limit=2) == [106, 105]
