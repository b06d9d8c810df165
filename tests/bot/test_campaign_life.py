"""A campaign's life by its actions: looked at, approved by somebody else, opened once, paused, extended, put
away; big ones opened by a task; quotas and samples kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from bot import opening
from bot.actions import Actor
from bot.actions.gate import VIETNAM
from bot.campaigning import preview_message
from bot.messages import ABILITIES, Outgoing
from bot.notices import notice
from bot.readings import Reading, finish
from bot.settings import keyring as settings_keyring
from bot.worker import Worker
from storage import campaigns, contacts, openings, outbox, tasks
from storage.database import now_ms
from storage.schema import cases, draws
from surveys.areas import AreaKey
from surveys.campaigns import Mode, Status
from surveys.designs import Design
from surveys.problems import Problem
from surveys.roles import Role
from tests.acceptance.processes import install
from tests.households import link, settle
from tests.town import LEGAL, WARD, Resident, Town
from tests.town import found as town_found
from tests.ward import CITY, HERE, NOW, THERE, Ward, found, outcomes, publication


@pytest.fixture
def ward(database_url: str) -> Iterator[Ward]:
    office = found(database_url)
    form = publication("ho")
    form["definition"]["instrument"]["unit"] = "household"
    office.act("instrument.publish", **form)
    yield office
    office.close()


def refusal(do: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        do()
    return caught.value


def homes(ward: Ward, number: int, **given: Any) -> list[int]:
    return ward.database.write(partial(settle, area=HERE, number=number, **given))


def census(ward: Ward, **changes: Any) -> int:
    """A draft that asks every household here."""
    given = {"mode": "census", "instrument": "ho-v0", **changes}
    return int(ward.act("campaign.create", **ward.draft(**given))["id"])


def sample(ward: Ward, size: int, **design: Any) -> int:
    return census(ward, mode="sample", design={"size": size, "seed": "QĐ 12", **design})


def preview(ward: Ward, campaign: int, actor: Actor | None = None) -> Any:
    return finish(ward.database, ward.act("campaign.preview", actor, campaign=campaign))


def number_of(ward: Ward, campaign: int) -> int:
    statement = select(func.count()).select_from(cases).where(cases.c.campaign_id == campaign)
    return int(ward.database.read(lambda c: c.execute(statement).scalar_one()))


def run_task(ward: Ward) -> opening.Opened:
    """Do what the worker does with the task that opens a campaign."""
    task = ward.database.write(lambda c: tasks.claim(c, ward.keyring, "me", ward.now, 60_000))
    assert task is not None and task.kind == "campaign_open"
    return asyncio.run(
        opening.open_by_steps(ward.database, task.arguments["campaign"], VIETNAM, clock=lambda: ward.now)
    )


# Looking


def test_a_preview_tells_who_is_asked_who_is_not_and_how_they_are_reached(ward: Ward) -> None:
    here = homes(ward, 6, neighbourhoods=("Khu phố 1", "Khu phố 2"))
    homes(ward, 2, status="left")
    for home in here[:3]:
        contact = ward.resident().contact_id or 0
        ward.database.write(partial(link, contact_id=contact, household=home))
    made = census(ward, design={"neighbourhoods": ["Khu phố 1"]})
    shown = preview(ward, made)
    assert (shown["frame"], shown["cases"]) == (3, 3)
    assert shown["left_out"] == {"inactive": 2, "other_neighbourhood": 3, "asked_elsewhere": 0}
    assert shown["reach"] == {
        "channels": {"telegram": 2},
        "reached": 2,
        "no_contact": 1,
        "blocked": 0,
        "opted_out": 0,
        "estimated": False,
    }
    assert [(one["channel"], one["language"]) for one in shown["messages"]] == [
        ("telegram", "vi"),
        ("telegram", "en"),
    ]
    assert all(shown["code"] in one["text"] and shown["title"] in one["text"] for one in shown["messages"])
    assert number_of(ward, made) == 0


def test_a_preview_says_how_long_sending_takes_at_the_real_rate_and_what_it_costs(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    for home in homes(ward, 4):
        contact = ward.resident().contact_id or 0
        ward.database.write(partial(link, contact_id=contact, household=home))
    # Five of a second's six are for replies.
    monkeypatch.setenv("HOIDAN_TELEGRAM_PER_SECOND", "6")
    ward.act("parameter.set", name="telegram_message_price", value=55)
    sending = preview(ward, census(ward, rules={"plan": "few"}))["sending"]
    # Asked at seven in the morning: the first may go at eight.
    assert sending == {
        "messages": 4,
        "begins": "2026-01-05T08:00+07:00",
        "ends": "2026-01-05T08:00+07:00",
        "seconds": 4,
        "cost": 220,
        "most_per_case": 2,
    }


def test_a_preview_of_a_sample_shows_each_stratum(ward: Ward) -> None:
    homes(ward, 30, neighbourhoods=("Khu phố 1", "Khu phố 1", "Khu phố 2"))
    shown = preview(ward, sample(ward, 6, strata="neighbourhood"))
    assert [(one["stratum"], one["frame"], one["sample"]) for one in shown["strata"]] == [
        (f"{HERE[1]}/Khu phố 1", 20, 4),
        (f"{HERE[1]}/Khu phố 2", 10, 2),
    ]
    too_large = preview(ward, sample(ward, 31))
    assert too_large["problem"] == {"code": "sample_size", "params": {"size": 31, "least": 1, "most": 30}}


def test_of_an_open_campaign_there_is_nothing_to_count(ward: Ward) -> None:
    shown = preview(ward, ward.here)
    assert (shown["frame"], shown["cases"], shown["approval"]["needed"]) == (None, None, False)


def test_who_is_asked_the_same_elsewhere_is_left_out(ward: Ward) -> None:
    homes(ward, 5)
    first, second = census(ward), census(ward, title="Lại")
    ward.act("campaign.open", campaign=first)
    shown = preview(ward, second)
    assert (shown["cases"], shown["left_out"]["asked_elsewhere"]) == (0, 5)
    assert refusal(lambda: ward.act("campaign.open", campaign=second)).code == "frame_empty"
    ward.act("campaign.close", campaign=first)
    assert preview(ward, second)["cases"] == 5


# Approval


def test_above_the_threshold_another_account_has_to_approve(ward: Ward) -> None:
    homes(ward, 6)
    ward.act("parameter.set", name="approval_cases", value=5)
    staff, approver = ward.staff(Role.WARD_STAFF), ward.staff(Role.APPROVER, CITY)
    made = ward.act("campaign.create", staff, **ward.draft(mode="census", instrument="ho-v0"))["id"]
    assert preview(ward, made, staff)["approval"]["needed"]
    problem = refusal(lambda: ward.act("campaign.open", staff, campaign=made))
    assert (problem.code, problem.params["threshold"]) == ("campaign_approval_needed", 5)
    assert refusal(lambda: ward.act("campaign.approve", staff, campaign=made, size=6)).code == "not_allowed"
    ward.act("campaign.approve", approver, campaign=made, size=6)
    assert not preview(ward, made, staff)["approval"]["needed"]
    opened = ward.act("campaign.open", staff, campaign=made)
    assert (opened["status"], opened["size"], opened["approved_by"]) == ("open", 6, approver.account_id)
    assert number_of(ward, made) == 6


def test_nobody_approves_what_they_made_or_changed_and_a_change_voids_an_approval(ward: Ward) -> None:
    homes(ward, 6)
    ward.act("parameter.set", name="approval_cases", value=5)
    maker, changer, third = (ward.staff(Role.OFFICER, CITY) for _ in range(3))
    made = ward.act("campaign.create", maker, **ward.draft(mode="census", instrument="ho-v0"))["id"]
    approve = partial(ward.act, "campaign.approve", campaign=made, size=6)
    assert refusal(lambda: approve(maker)).code == "campaign_approve_own"
    approve(changer)
    ward.act("campaign.amend", changer, campaign=made, title="Khác")
    assert ward.act("campaign.status", maker, campaign=made)["approved_size"] is None
    assert refusal(lambda: approve(changer)).code == "campaign_approve_own"
    approve(third)
    ward.act("campaign.open", maker, campaign=made)


def told(ward: Ward, actor: Actor) -> list[tuple[str, dict[str, Any]]]:
    """What waits for somebody: *(message, parameters)*."""

    def look(connection: Connection) -> list[tuple[str, dict[str, Any]]]:
        claimed = outbox.claim(connection, ward.keyring, "telegram", "t", 1, 100, NOW)
        return [(one.message, dict(one.params)) for one in claimed if one.contact_id == actor.contact_id]

    return ward.database.write(look)


def named(role: str, place: AreaKey) -> str:
    """What the account of :meth:`Ward.staff` is called."""
    return f"{role} {place}"


def with_contact(ward: Ward, role: Role, place: AreaKey = HERE) -> Actor:
    """Somebody with a grant who can be written to."""
    account_id, contact_id = ward.staff(role, place).account_id, ward.resident().contact_id
    assert account_id is not None and contact_id is not None
    ward.database.write(lambda c: contacts.bind_account(c, contact_id, account_id))
    return Actor(account_id, contact_id)


def test_approval_is_asked_of_those_who_can_give_it_and_told_to_who_asked(ward: Ward) -> None:
    homes(ward, 6)
    ward.act("parameter.set", name="approval_cases", value=5)
    staff, officer = with_contact(ward, Role.WARD_STAFF), with_contact(ward, Role.OFFICER, CITY)
    made = ward.act("campaign.create", staff, **ward.draft(mode="census", instrument="ho-v0"))["id"]
    assert refusal(lambda: ward.act("campaign.ask_approval", officer, campaign=made)).code == (
        "campaign_no_approver"
    )
    assert ward.act("campaign.ask_approval", staff, campaign=made)["asked"] == [named("officer", CITY)]
    ((message, params),) = told(ward, officer)
    assert (message, params["who"], params["area_title"]) == (
        "life.approval_asked",
        named("ward_staff", HERE),
        "Phường Sài Gòn",
    )
    # Where there is an approver, they are asked and officers are left in peace.
    approver = with_contact(ward, Role.APPROVER)
    assert ward.act("campaign.ask_approval", staff, campaign=made)["asked"] == [named("approver", HERE)]
    assert [message for message, _ in told(ward, approver)] == ["life.approval_asked"]
    assert told(ward, officer) == []
    ward.act("campaign.approve", approver, campaign=made, size=6)
    ((message, params),) = told(ward, staff)
    assert (message, params["by"], params["approved_size"]) == (
        "life.approved",
        named("approver", HERE),
        6,
    )


def test_a_preview_offers_only_what_its_reader_may_do(ward: Ward) -> None:
    homes(ward, 6)
    ward.act("parameter.set", name="approval_cases", value=5)
    staff, approver = with_contact(ward, Role.WARD_STAFF), with_contact(ward, Role.APPROVER)
    made = ward.act("campaign.create", staff, **ward.draft(mode="census", instrument="ho-v0"))["id"]

    def labels(actor: Actor) -> list[str]:
        shown = preview_message(preview(ward, made, actor), "vi", ABILITIES["webchat"])
        return [button.label for row in shown.rows for button in row]

    assert (labels(staff), labels(approver)) == (["Xin phê duyệt"], ["Phê duyệt 6"])
    ward.act("campaign.approve", approver, campaign=made, size=6)
    assert (labels(staff), labels(approver)) == (["Mở chiến dịch"], [])


def test_a_sample_message_is_shown_once_for_all_channels_on_which_it_reads_the_same(ward: Ward) -> None:
    own = [ward.resident(channel).contact_id for channel in ("telegram", "webchat")]
    for home, contact_id in zip(homes(ward, 2), own, strict=True):
        assert contact_id is not None
        ward.database.write(partial(link, contact_id=contact_id, household=home))
    text = preview_message(preview(ward, census(ward)), "vi", ABILITIES["webchat"]).text
    assert text.count("Tin mẫu (") == 2 and "Tin mẫu (Telegram, trang chat, tiếng Việt):" in text


def test_a_preview_says_that_a_report_is_due_before_the_campaign_ends(ward: Ward) -> None:
    made = ward.act("campaign.create", **ward.draft(starts_on="2026-01-05", ends_on="2026-01-20"))["id"]
    due = {one["name"]: one["late"] for one in preview(ward, made)["deadlines"]}
    assert due == {"deadline_departments": True, "deadline_files": True}
    text = preview_message(preview(ward, made), "vi", ABILITIES["telegram"]).text
    assert "⚠ Hạn báo cáo ngày 10/01/2026" in text


def test_neighbourhoods_are_those_of_the_list_however_they_are_typed(ward: Ward) -> None:
    homes(ward, 4, neighbourhoods=["Khu phố 1", "Khu phố 12"])
    made = census(ward, design={"neighbourhoods": ["12", "KHU PHO 1"]})
    kept = ward.act("campaign.status", campaign=made)["design"]["neighbourhoods"]
    assert list(kept) == ["Khu phố 12", "Khu phố 1"]
    problem = refusal(lambda: census(ward, design={"neighbourhoods": ["Khu phố 7"]}))
    assert (problem.code, problem.params["known"]) == ("campaign_neighbourhood", "Khu phố 1, Khu phố 12")


def at_work(town: Town, role: Role) -> Resident:
    """A member of staff in a web chat."""
    account = town.act("account.create", {"name": f"Cán bộ {role}"})["id"]
    town.act("account.grant", {"account": account, "role": role.value, "area": WARD})
    person = Resident(town, "webchat")
    person.start(town.act("account.invite", {"account": account})["code"])
    return person


def waiting_for(town: Town, person: Resident) -> Outgoing:
    """The newest message that waits for somebody; as if it was shown."""
    mine = [person.contact_id]
    newest = town.database.write(
        lambda c: outbox.claim(c, town.keyring, "webchat", "t", 1, 100, town.now, mine)
    )[-1]
    params: Any = newest.params
    if "reading" in params:
        params = finish(town.database, Reading(params["reading"], params["arguments"]))
    person.seen.append(notice(newest.message, params, "vi", ABILITIES["webchat"]))
    return person.last


def test_two_members_of_staff_settle_an_approval_in_the_chat(tmp_path: Path) -> None:
    town = town_found(f"sqlite:///{tmp_path / 'h.db'}", instruments=("nguoi_lao_dong",))
    try:
        town.database.write(partial(settle, area=HERE, number=4, people=2))
        town.act("parameter.set", {"name": "approval_cases", "value": "5"})
        staff, approver = at_work(town, Role.WARD_STAFF), at_work(town, Role.APPROVER)
        made = town.act("campaign.create", draft_of_everybody(town))
        staff.say(f"/xemtruoc {made['code']}")
        assert "cần cán bộ khác phê duyệt: Cán bộ approver" in waiting_for(town, staff).text
        staff.tap("Xin phê duyệt")
        assert waiting_for(town, staff).text.startswith("Đã gửi Cán bộ approver để xem và phê duyệt")
        asked = waiting_for(town, approver).text
        assert asked.startswith("Cán bộ ward_staff xin phê duyệt chiến dịch “Khảo sát hộ”")
        approver.tap("Xem trước")
        waiting_for(town, approver)
        approver.tap("Phê duyệt 8")
        assert "Đã phê duyệt" in waiting_for(town, approver).text
        staff.say(f"/mochiendich {made['code']}")
        assert "đã mở" in waiting_for(town, staff).text
    finally:
        town.close()


def draft_of_everybody(town: Town) -> dict[str, Any]:
    """The arguments of a census of persons."""
    today = town.today.isoformat()
    return {
        "title": "Khảo sát hộ",
        "area": WARD,
        "starts_on": today,
        "ends_on": (town.today + timedelta(days=30)).isoformat(),
        "reference_date": today,
        "instrument": "nltt-kns-v0",
        "mode": "census",
        "legal": {**LEGAL, "basis": "dieu_19"},
    }


def test_a_frame_that_has_grown_since_is_approved_again(ward: Ward) -> None:
    homes(ward, 6)
    ward.act("parameter.set", name="approval_cases", value=5)
    made, approver = census(ward), ward.staff(Role.APPROVER)
    ward.act("campaign.approve", approver, campaign=made, size=6)
    homes(ward, 1)
    problem = refusal(lambda: ward.act("campaign.open", campaign=made))
    assert (problem.code, problem.params) == ("campaign_approval_outgrown", {"size": 7, "approved": 6})
    assert number_of(ward, made) == 0


def test_an_approver_of_another_ward_is_no_approver_here(ward: Ward) -> None:
    made = census(ward)
    there = ward.staff(Role.APPROVER, THERE)
    assert refusal(lambda: ward.act("campaign.approve", there, campaign=made, size=6)).code == "not_allowed"


# Opening


def test_a_small_campaign_is_opened_with_all_its_cases_at_once(ward: Ward) -> None:
    homes(ward, 12, neighbourhoods=("Khu phố 1", "Khu phố 2"))
    made = census(ward)
    opened = ward.act("campaign.open", campaign=made)
    assert (opened["status"], opened["size"], opened["made"], opened["opening"]) == ("open", 12, True, False)
    eight = NOW + 3_600_000
    found_ = ward.database.read(
        lambda c: (
            c.execute(select(cases.c.next_at).where(cases.c.campaign_id == made).distinct()).scalars().all()
        )
    )
    assert found_ == [eight]


def test_of_two_who_open_at_once_exactly_one_does_and_the_other_is_told(ward: Ward) -> None:
    homes(ward, 30)
    made = census(ward)
    staff = [ward.staff(Role.WARD_STAFF) for _ in range(4)]

    def opens(actor: Actor) -> str:
        try:
            return str(ward.act("campaign.open", actor, campaign=made)["status"])
        except Problem as problem:
            return problem.code

    with ThreadPoolExecutor(4) as pool:
        told = sorted(pool.map(opens, staff))
    assert told == ["campaign_status"] * 3 + ["open"]
    assert number_of(ward, made) == 30
    assert [done for done in outcomes(ward) if done == ("campaign.open", "done")] == [
        ("campaign.open", "done")
    ]


def big(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is big begins at four."""
    for module in ("bot.opening", "bot.actions.campaign_life"):
        monkeypatch.setattr(f"{module}.SMALL", 3)
    monkeypatch.setattr("bot.opening.STEP", 2)
    monkeypatch.setattr("bot.opening.SHORTEST", 2)
    monkeypatch.setattr("bot.opening.LONGEST", 2)


def test_a_big_campaign_is_opened_by_a_task(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    big(ward, monkeypatch)
    homes(ward, 9)
    made = census(ward)
    asked = ward.act("campaign.open", campaign=made)
    assert (asked["status"], asked["opening"], number_of(ward, made)) == ("draft", True, 0)
    assert refusal(lambda: ward.act("campaign.open", campaign=made)).code == "campaign_opening"
    assert refusal(lambda: ward.act("campaign.amend", campaign=made, title="A")).code == "campaign_opening"
    opened = run_task(ward)
    assert (opened.problem, opened.campaign.status, opened.campaign.size) == (None, Status.OPEN, 9)
    assert opened.campaign.made_at == NOW and number_of(ward, made) == 9


def test_a_task_that_finds_more_than_was_approved_leaves_a_draft(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    big(ward, monkeypatch)
    homes(ward, 9)
    ward.act("parameter.set", name="approval_cases", value=2)
    made = census(ward)
    ward.act("campaign.approve", ward.staff(Role.APPROVER), campaign=made, size=8)
    ward.act("campaign.open", campaign=made)
    left = run_task(ward)
    assert left.problem is not None and left.problem.code == "campaign_approval_outgrown"
    status = ward.act("campaign.status", campaign=made)
    assert (status["status"], number_of(ward, made)) == ("draft", 0)
    ward.act("campaign.approve", ward.staff(Role.APPROVER), campaign=made, size=9)
    ward.act("campaign.open", campaign=made)


def test_an_opening_that_was_killed_goes_on_where_it_ended(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    big(ward, monkeypatch)
    homes(ward, 9)
    made = census(ward)
    ward.act("campaign.open", campaign=made)
    steps = iter(range(3))

    def killed(*given: Any) -> Any:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return step(*given)

    step = openings.step
    monkeypatch.setattr(openings, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        run_task(ward)
    assert 0 < number_of(ward, made) < 9
    assert not ward.act("campaign.status", campaign=made)["made"]
    monkeypatch.setattr(openings, "step", step)
    assert ward.act("campaign.resume", campaign=made)["opening"]
    ward.now += 61_000
    opened = run_task(ward)
    assert (number_of(ward, made), opened.campaign.made_at) == (9, ward.now)


def test_a_draw_that_was_killed_is_drawn_anew_as_a_whole(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    big(ward, monkeypatch)
    monkeypatch.setattr("storage.openings.ROWS", 4)
    homes(ward, 40)
    made = sample(ward, 10)
    ward.act("campaign.open", campaign=made)
    keep, kept = openings.keep_draw, iter(range(2))

    def killed(*given: Any) -> None:
        if next(kept, None) is None:
            raise KeyboardInterrupt
        keep(*given)

    monkeypatch.setattr(openings, "keep_draw", killed)
    with pytest.raises(KeyboardInterrupt):
        run_task(ward)
    monkeypatch.setattr(openings, "keep_draw", keep)
    homes(ward, 40)
    ward.now += 61_000
    opened = run_task(ward).campaign
    assert opened.drawn is not None and opened.drawn.frame == {"": 80}
    assert ward.database.read(lambda c: c.execute(select(func.count()).select_from(draws)).scalar_one()) == 20
    probabilities = ward.database.read(
        lambda c: set(c.execute(select(cases.c.probability).where(cases.c.campaign_id == made)).scalars())
    )
    assert (probabilities, number_of(ward, made)) == ({0.125}, 10)


def test_the_same_seed_draws_the_same_sample_and_the_seed_is_kept(ward: Ward) -> None:
    homes(ward, 50)

    def asked(title: str) -> set[int]:
        made = sample(ward, 10)
        ward.act("campaign.open", campaign=made)
        ward.act("campaign.close", campaign=made)
        assert ward.act("campaign.status", campaign=made)["design"]["seed"] == "QĐ 12", title
        statement = select(cases.c.household_id).where(cases.c.campaign_id == made)
        return set(ward.database.read(lambda c: c.execute(statement).scalars().all()))

    assert asked("một") == asked("hai")
    given = census(ward, mode="sample", design={"size": 5})
    assert ward.act("campaign.status", campaign=given)["design"]["seed"].isdecimal()


# While it runs


def test_a_campaign_is_paused_resumed_extended_closed_and_put_away(ward: Ward) -> None:
    homes(ward, 3)
    made = census(ward)
    ward.act("campaign.open", campaign=made)
    ward.now += 5
    paused = ward.act("campaign.pause", campaign=made)
    assert (paused["status"], paused["paused_at"], paused["running"]) == ("paused", NOW + 5, False)
    assert refusal(lambda: ward.act("campaign.pause", campaign=made)).code == "campaign_status"
    extended = ward.act("campaign.extend", campaign=made, ends_on="2026-03-01")
    assert (extended["before"], extended["ends_on"], extended["status"]) == (
        "2026-02-05", "2026-03-01", "paused",
    )  # fmt: skip
    resumed = ward.act("campaign.resume", campaign=made)
    assert (resumed["status"], resumed["paused_at"], resumed["opened_at"]) == ("open", None, NOW)
    assert refusal(lambda: ward.act("campaign.archive", campaign=made)).code == "campaign_status"
    ward.act("campaign.close", campaign=made)
    assert refusal(lambda: ward.act("campaign.resume", campaign=made)).code == "campaign_status"
    assert ward.act("campaign.archive", campaign=made)["status"] == "archived"
    assert made not in [one["id"] for one in ward.act("campaign.list")["campaigns"]]
    assert [one["id"] for one in ward.act("campaign.list", status="archived")["campaigns"]] == [made]
    steps = [("campaign." + name, "done") for name in ("pause", "extend", "resume", "close", "archive")]
    assert [done for done in outcomes(ward) if done in steps] == steps


def test_a_campaign_whose_last_day_has_passed_can_be_given_more(ward: Ward) -> None:
    ward.act("campaign.open", campaign=ward.here)
    ward.today = date(2026, 2, 20)
    late = partial(ward.act, "campaign.extend", campaign=ward.here)
    assert refusal(lambda: late(ends_on="2026-02-19")).code == "campaign_extension"
    assert late(ends_on="2026-02-28")["running"]


@pytest.mark.parametrize("name", ["campaign.extend", "campaign.replace"])
def test_a_draft_is_changed_rather_than_extended_or_replaced_in(ward: Ward, name: str) -> None:
    given = {"ends_on": "2026-03-01"} if name == "campaign.extend" else {"case": 1, "reason": "moved"}
    assert refusal(lambda: ward.act(name, campaign=ward.here, **given)).code == "campaign_not_running"


def test_a_lost_case_gives_way_to_the_next_of_the_reserve(ward: Ward) -> None:
    homes(ward, 30)
    made = sample(ward, 4, reserve=25)
    ward.act("campaign.open", campaign=made)
    first = ward.database.read(
        lambda c: c.execute(select(func.min(cases.c.id)).where(cases.c.campaign_id == made)).scalar_one()
    )
    done = ward.act("campaign.replace", campaign=made, case=first, reason="refused")
    row = ward.database.read(
        lambda c: c.execute(select(cases).where(cases.c.id == done["replacement"])).one()
    )
    assert (row.rank, row.replaces, row.probability) == (5, first, 4 / 30)
    lost = ward.database.read(
        lambda c: c.execute(select(cases.c.disposition).where(cases.c.id == first)).scalar_one()
    )
    assert lost == "2.11"
    again = refusal(
        lambda: ward.act("campaign.replace", campaign=made, case=done["replacement"], reason="moved")
    )
    assert again.code == "reserve_empty"


def test_two_who_replace_the_same_case_at_once_take_one_unit(ward: Ward) -> None:
    homes(ward, 30)
    made = sample(ward, 4)
    ward.act("campaign.open", campaign=made)
    first = ward.database.read(
        lambda c: c.execute(select(func.min(cases.c.id)).where(cases.c.campaign_id == made)).scalar_one()
    )

    def replaces(_: int) -> str:
        try:
            ward.act("campaign.replace", campaign=made, case=first, reason="moved")
        except Problem as problem:
            return problem.code
        return "done"

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(replaces, range(3))) == ["case_replaced", "case_replaced", "done"]
    assert number_of(ward, made) == 5


# Status


def test_status_tells_reports_that_are_due_and_how_full_quotas_are(ward: Ward) -> None:
    person = publication("ca_nhan")
    person["definition"]["person"] = {"sex": {"field": "cau", "male": 1, "female": 2}, "birth": "cau"}
    ward.act("instrument.publish", **person)
    quotas = [{"most": 3, "sex": "female"}, {"most": 5, "area": HERE[1]}]
    made = ward.act("campaign.create", **ward.draft(instrument="ca_nhan-v0", design={"quotas": quotas}))["id"]
    ward.today = date(2026, 12, 1)
    ward.act("parameter.set", name="deadline_units", value=1205)
    shown = ward.act("campaign.status", campaign=made)
    assert [(one["most"], one["completes"]) for one in shown["quotas"]] == [(3, 0), (5, 0)]
    assert shown["deadlines"][0] == {
        "name": "deadline_units", "on": "2026-12-05", "days_left": 4, "near": True,
    }  # fmt: skip
    problem = refusal(lambda: ward.act("parameter.set", name="deadline_units", value=1131))
    assert problem.code == "parameter_day"
    elsewhere = refusal(
        lambda: ward.act("campaign.create", **ward.draft(design={"quotas": [{"most": 1, "area": THERE[1]}]}))
    )
    assert elsewhere.code == "quota_elsewhere"


def test_the_office_may_not_write_earlier_because_a_campaign_would(ward: Ward) -> None:
    homes(ward, 1)
    ward.act("parameter.set", name="contact_begins", value=900)
    made = census(ward, rules={"begins": "08:00", "not_started": [2]})
    ward.act("campaign.open", campaign=made)
    at = ward.database.read(
        lambda c: c.execute(select(cases.c.next_at).where(cases.c.campaign_id == made)).scalar_one()
    )
    assert at == NOW + 2 * 3_600_000


def test_a_lost_note_of_opening_does_not_last(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    big(ward, monkeypatch)
    homes(ward, 9)
    made = census(ward)
    ward.act("campaign.open", campaign=made)
    ward.now += opening.LAPSE_MS
    assert ward.act("campaign.open", campaign=made)["opening"]
    ward.database.write(lambda c: campaigns.note(c, made, opening_at=None))
    ward.database.write(lambda c: c.execute(update(cases).values(sent=0)))
    assert ward.act("campaign.open", campaign=made)["opening"]


# The worker


def test_the_worker_draws_in_a_process_of_its_own_and_tells_who_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = install(tmp_path, f"sqlite:///{tmp_path / 'hoidan.db'}")
    for name, value in installation.environment.items():
        if name.startswith("HOIDAN_"):
            monkeypatch.setenv(name, value)
    keys = settings_keyring(installation.settings)
    with installation.opened() as database:
        asked = database.read(lambda c: campaigns.expect(c, installation.code))

        def prepare(connection: Any) -> int:
            settle(connection, asked.area, 30, people=1)
            design = Design(size=6, seed="1")
            draft = replace(asked.draft, title="Mẫu", mode=Mode.SAMPLE, design=design)
            made = campaigns.create(connection, draft, lambda: "AB2CD", None, NOW).id
            campaigns.note(connection, made, opening_at=NOW)
            contact = contacts.create(connection, keys, "telegram", "7001", "vi", NOW)
            tasks.queue(connection, keys, "campaign_open", {"campaign": made}, None, contact.id, NOW)
            return made

        made = database.write(prepare)
        assert asyncio.run(Worker(installation.settings, database, keys).drain()) == 1
        opened = database.read(lambda c: campaigns.expect(c, made))
        (told,) = database.write(lambda c: outbox.claim(c, keys, "telegram", "test", 1, 10, now_ms()))
        assert (opened.status, opened.size, opened.opening_at) == (Status.OPEN, 6, None)
        assert (told.message, told.params["size"], told.params["code"]) == ("task.campaign_open", 6, "AB2CD")
