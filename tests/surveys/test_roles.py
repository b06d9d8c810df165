"""Roles and grants: when a grant holds and what it reaches."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from surveys.roles import BY_CONTACT, MAY, Grant, Role, covers, in_force, scope

WARD = ("2025-07-01", "26740")
CITY = ("2025-07-01", "79")
LINE = (WARD, CITY)
DAY = date(2026, 1, 5)

days = st.dates(date(2025, 1, 1), date(2027, 1, 1))
areas = st.sampled_from([None, WARD, CITY, ("2025-06-30", "26740"), ("2025-07-01", "01")])


def grant(area: tuple[str, str] | None = WARD, role: Role = Role.OFFICER, **changes: object) -> Grant:
    return Grant(**{"id": 1, "account_id": 1, "role": role, "area": area, "valid_from": DAY, **changes})  # type: ignore[arg-type]


@given(days, st.none() | days, days, st.booleans())
def test_a_grant_holds_from_its_first_day_to_its_last(
    first: date, last: date | None, today: date, revoked: bool
) -> None:
    held = grant(valid_from=first, valid_to=last, revoked=revoked).holds(today)
    assert held == (not revoked and today in _between(first, last))


def _between(first: date, last: date | None) -> set[date]:
    end = last or date(2027, 1, 2)
    return {first + timedelta(days=n) for n in range((end - first).days + 1)}


@given(areas)
def test_a_grant_reaches_its_area_and_all_below_it_in_its_own_list_of_areas(
    area: tuple[str, str] | None,
) -> None:
    assert covers([grant(area)], WARD, LINE) == (area in (None, WARD, CITY))


@given(st.lists(areas))
def test_everywhere_is_reached_by_a_grant_without_an_area_only(held: list[tuple[str, str] | None]) -> None:
    grants = [grant(area) for area in held]
    assert covers(grants, None, ()) == (None in held)
    assert (scope(grants) is None) == (None in held)


def test_an_area_that_is_not_there_is_reached_by_a_grant_without_an_area_only() -> None:
    assert not covers([grant(WARD), grant(CITY)], WARD, ())
    assert covers([grant(None)], WARD, ())


def test_only_grants_of_the_right_role_in_force_count() -> None:
    held = [grant(), grant(role=Role.DPO), grant(valid_from=DAY + timedelta(days=1))]
    assert in_force(held, {Role.OFFICER}, DAY) == (held[0],)


def test_every_action_has_somebody_who_may_do_it_and_none_is_open_by_mistake() -> None:
    assert all(MAY.values())
    assert not BY_CONTACT & MAY.keys()
    # Who looks after accounts and areas has no business with people's records.
    assert {name for name, roles in MAY.items() if Role.ADMINISTRATOR not in roles} == {
        "campaign.waiting",
        "campaign.waiting_file",
        "case.find",
        "case.look",
        "case.assist",
        "case.assisted",
    }
