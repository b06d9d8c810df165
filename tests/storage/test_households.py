"""The frame as stored: sealed, taken in whole or not at all, merged and split with a way back."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, inspect, select, update

from storage import (
    areas,
    contacts,
    household_contacts,
    household_deeds,
    household_events,
    household_imports,
    household_plans,
    households,
)
from storage.crypto import Keyring, new_keys, parse_keys
from storage.database import Database
from storage.household_contacts import Link
from storage.household_events import Event
from storage.household_plans import Staging, Stale
from storage.migrate import upgrade
from storage.schema import contact_links, household_pieces, metadata, persons
from storage.schema import household_events as events_table
from storage.schema import household_imports as imports_table
from storage.schema import households as table
from surveys.areas import Area
from surveys.frames.lists import Household, Person, Place, Relation
from surveys.frames.matching import Plan, plan
from surveys.frames.rows import Report
from surveys.placenames import Level
from surveys.population import Sex
from surveys.problems import Problem

NOW = 1_800_000_000_000
WARD, OTHER, OLD = ("2025-07-01", "26740"), ("2025-07-01", "26743"), ("2025-06-30", "26737")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        upgrade(opened.engine)
        units = [
            Area("2025-07-01", "79", "Hồ Chí Minh", "thành phố", Level.PROVINCE, None, date(2025, 7, 1)),
            Area("2025-07-01", "26740", "Sài Gòn", "phường", Level.COMMUNE, "79", date(2025, 7, 1)),
            Area("2025-07-01", "26743", "Bến Thành", "phường", Level.COMMUNE, "79", date(2025, 7, 1)),
        ]
        opened.write(lambda connection: areas.put(connection, units, NOW))
        yield opened


@pytest.fixture
def keyring() -> Keyring:
    return parse_keys(new_keys())


def household(code: str, *people: tuple[str, str], area: tuple[str, str] = WARD, **more: Any) -> Household:
    """A household of people *(name, birth)*, the first of them its head."""
    members = [
        Person(name, Sex.MALE, birth, Relation.CHILD if number > 1 else Relation.HEAD, number=number)
        for number, (name, birth) in enumerate(people, 1)
    ]
    given: dict[str, Any] = {"area": area, "given": area, "neighbourhood": "Khu phố 1", "whole": True, **more}
    given["places"] = [Place("", 2)]
    return Household(code=code, head=people[0][0], members=members, **given)


def begun(database: Database, state: str = "waiting") -> int:
    """A list that is being read."""

    def write(connection: Connection) -> int:
        key = household_imports.create(
            connection, area=WARD, account_id=None, contact_id=None, channel="test", now=NOW
        )
        connection.execute(update(imports_table).where(imports_table.c.id == key).values(state=state))
        return key

    return database.write(write)


def planned(database: Database, keyring: Keyring, *drafts: Household) -> io.BytesIO:
    """The file of a plan for these."""
    communes = {one.area for one in drafts}

    def make(connection: Connection) -> tuple[Plan, int]:
        known = households.known(connection, keyring, communes)
        return plan(drafts, known, Report()), household_events.edition(connection, communes)

    made, edition = database.read(make)
    file = io.BytesIO()
    household_plans.save_plan(file, keyring, made, communes, edition)
    file.seek(0)
    return file


def staged(database: Database, file: io.BytesIO, import_id: int) -> Staging:
    """A plan whose new rows are there."""
    staging = Staging(file, account_id=None, import_id=import_id, now=NOW)
    while database.write(staging.step):
        continue
    return staging


def put(database: Database, keyring: Keyring, *drafts: Household) -> None:
    """Take households in, as an import does."""
    import_id = begun(database)
    staging = staged(database, planned(database, keyring, *drafts), import_id)

    def finish(connection: Connection) -> None:
        staging.end(connection)
        household_imports.end(connection, import_id, "done", {}, NOW)

    database.write(finish)


def known(database: Database, keyring: Keyring) -> list[Household]:
    return database.read(lambda connection: households.known(connection, keyring, [WARD, OTHER, OLD]))


def became(database: Database, keyring: Keyring, key: int) -> list[Event]:
    return database.read(lambda connection: household_events.events(connection, keyring, key))


def reached(database: Database, key: int) -> list[Link]:
    return database.read(lambda connection: household_contacts.links(connection, key))


def names(one: Household) -> list[str]:
    return [each.name for each in one.members if each.status == "active"]


def le() -> Household:
    return household("H1", ("Lê A", "1985-03"), ("Lê B", "2001"), phone="0912345678", address="1 Lê Lợi")


def test_what_is_taken_in_is_there_just_so(database: Database, keyring: Keyring):
    put(database, keyring, le(), household("H2", ("Trần C", "1960"), area=OTHER, neighbourhood=""))
    one, two = known(database, keyring)
    assert one.told == le().told and [each.told for each in one.members] == [
        each.told for each in le().members
    ]
    assert (two.area, two.code, names(two)) == (OTHER, "H2", ["Trần C"])
    assert [each.what for each in became(database, keyring, one.id)] == ["imported"]
    put(database, keyring, le())
    assert [each.what for each in became(database, keyring, one.id)] == ["imported"]


def test_nothing_personal_stands_in_the_tables_in_clear(database: Database, keyring: Keyring):
    put(database, keyring, le())

    def everything(connection: Connection) -> str:
        found = [repr(list(connection.execute(select(each)))) for each in metadata.sorted_tables]
        return "\n".join(found)

    text = database.read(everything)
    for secret in ("Lê A", "0912345678", "1985-03", "Lê Lợi", "H1"):
        assert secret not in text
    columns = {column["name"] for column in inspect(database.engine).get_columns("persons")}
    assert "name" not in columns


def test_a_change_leaves_behind_what_was(database: Database, keyring: Keyring):
    put(database, keyring, le())
    changed = le()
    changed.address = "9 Hai Bà Trưng"
    put(database, keyring, changed)
    (one,) = known(database, keyring)
    assert one.address == "9 Hai Bà Trưng"
    assert [each.what for each in became(database, keyring, one.id)] == ["imported", "changed"]
    changed_then = became(database, keyring, one.id)[1]
    assert changed_then.was == {"household": {"address": "1 Lê Lợi"}, "people": {}, "new": 0}
    sealed = database.read(
        lambda c: c.execute(select(events_table.c.detail_sealed).order_by(events_table.c.id.desc())).scalar()
    )
    assert sealed is not None and "Lê Lợi".encode() not in sealed


def test_what_is_on_its_way_in_is_nobodys_until_all_of_it_is_there(database: Database, keyring: Keyring):
    import_id = begun(database)
    staging = staged(database, planned(database, keyring, le()), import_id)
    assert database.read(lambda c: c.execute(select(table.c.status)).scalar_one()) == "coming"
    assert known(database, keyring) == []
    assert database.read(lambda c: households.count(c, None)) == []
    assert database.read(lambda c: households.find(c, keyring, None, code="H1", phone="0912345678")) == []
    key = database.read(lambda c: c.execute(select(table.c.id)).scalar_one())
    assert database.read(lambda c: households.get(c, keyring, key)) is None
    assert database.read(lambda c: households.area_of(c, key)) is None
    database.write(staging.end)
    assert names(known(database, keyring)[0]) == ["Lê A", "Lê B"]


def test_an_import_that_broke_off_leaves_nothing(database: Database, keyring: Keyring):
    import_id = begun(database)
    staged(database, planned(database, keyring, le(), household("H2", ("Trần C", "1960"))), import_id)
    # Somebody else is still at it: not theirs to clear.
    assert database.write(lambda c: household_plans.clear(c, None)) == 0
    assert database.write(lambda c: household_plans.clear(c, import_id)) == 2
    for each in (table, persons, events_table):
        counting = select(func.count()).select_from(each)
        assert database.read(partial(Connection.scalar, statement=counting)) == 0
    put(database, keyring, le())
    assert len(known(database, keyring)) == 1


def test_what_a_given_up_import_left_is_cleared(database: Database, keyring: Keyring):
    import_id = begun(database)
    staged(database, planned(database, keyring, le()), import_id)
    database.write(lambda c: household_imports.end(c, import_id, "failed", {}, NOW))
    assert database.write(lambda c: household_plans.clear(c, None)) == 1


def test_a_plan_made_before_somebody_changed_the_frame_is_stale(database: Database, keyring: Keyring):
    put(database, keyring, le())
    file = planned(database, keyring, household("H2", ("Trần C", "1960")))
    put(database, keyring, household("H3", ("Phạm D", "1970")))
    staging = staged(database, file, begun(database))
    with pytest.raises(Stale):
        database.write(staging.end)
    assert {one.code for one in known(database, keyring)} == {"H1", "H3"}


def test_two_lists_with_the_same_codes_at_once_do_not_both_come_in(database: Database, keyring: Keyring):
    first, second = planned(database, keyring, le()), planned(database, keyring, le())
    staging = staged(database, first, begun(database))
    with pytest.raises(Stale):
        staged(database, second, begun(database))
    database.write(staging.end)
    assert len(known(database, keyring)) == 1


def test_another_wards_list_makes_no_plan_stale(database: Database, keyring: Keyring):
    file = planned(database, keyring, le())
    put(database, keyring, household("H1", ("Trần C", "1960"), area=OTHER))
    database.write(staged(database, file, begun(database)).end)
    assert len(known(database, keyring)) == 2


def test_households_and_people_are_counted_by_neighbourhood(database: Database, keyring: Keyring):
    put(
        database,
        keyring,
        le(),
        household("H2", ("Trần C", "1960"), neighbourhood="Khu phố 2"),
        household("H1", ("Võ D", "1960"), area=OTHER),
    )
    found = database.read(lambda c: households.count(c, [("2025-07-01", "79")]))
    assert [(each.area, each.neighbourhood, each.households, each.people) for each in found] == [
        (WARD, "Khu phố 1", 1, 2),
        (WARD, "Khu phố 2", 1, 1),
        (OTHER, "Khu phố 1", 1, 1),
    ]
    assert len(database.read(lambda c: households.count(c, [OTHER]))) == 1


def test_a_household_is_found_by_its_code_and_by_a_telephone(database: Database, keyring: Keyring):
    two = household("H2", ("Trần C", "1960"), area=OTHER)
    two.members[0].phone = "0987654321"
    put(database, keyring, le(), two)
    one_id, two_id = (one.id for one in known(database, keyring))

    def find(within: list[tuple[str, str]] | None = None, **by: Any) -> list[int]:
        return database.read(lambda c: households.find(c, keyring, within, **by))

    assert find(code=" h1 ") == [one_id]
    assert find(phone="0912345678") == [one_id]
    assert find(phone="0987654321") == [two_id]
    assert find([WARD], phone="0987654321") == []


# Merging and splitting


def merged(database: Database, keyring: Keyring) -> tuple[Household, Household, int]:
    """Two households made one, with a contact each; *(kept, gone, event)*."""
    put(database, keyring, le(), household("H2", ("Lê B", "2001"), ("Trần C", "1960")))

    def do(connection: Connection) -> int:
        keep, gone = households.known(connection, keyring, [WARD])
        for each in (keep, gone):
            contact = contacts.create(connection, keyring, "telegram", str(each.id), "vi", NOW)
            person = each.members[1].id if each is keep else each.members[0].id
            assert household_contacts.link(
                connection,
                keyring,
                contact_id=contact.id,
                household=each,
                person_id=person,
                how="staff",
                account_id=None,
                now=NOW,
            )
        twins = {gone.members[0].id: keep.members[1].id}
        return household_deeds.merge(connection, keyring, keep, gone, twins, None, NOW)

    event = database.write(do)
    keep, gone = known(database, keyring)
    return keep, gone, event


def undo(database: Database, keyring: Keyring, event: int) -> int:
    def do(connection: Connection) -> int:
        done = household_deeds.deed(connection, event)
        assert done is not None
        return household_deeds.undo(connection, keyring, done, None, NOW)

    return database.write(do)


def test_two_households_become_one_with_all_their_people_and_contacts(database: Database, keyring: Keyring):
    keep, gone, _ = merged(database, keyring)
    assert (gone.status, gone.merged_into) == ("merged", keep.id)
    assert names(keep) == ["Lê A", "Lê B", "Trần C"] and names(gone) == []
    found = database.read(lambda c: c.execute(select(persons.c.status, persons.c.moved_to)).all())
    assert ("duplicate", keep.members[1].id) in [tuple(row) for row in found]
    assert {each.person_id for each in reached(database, keep.id)} == {keep.members[1].id}
    assert len(reached(database, keep.id)) == 2


def test_a_household_made_of_two_has_one_head_and_each_gets_theirs_back(database: Database, keyring: Keyring):
    put(database, keyring, le(), household("H2", ("Trần C", "1960"), ("Trần D", "1990")))
    keep, gone = known(database, keyring)
    event = database.write(lambda c: household_deeds.merge(c, keyring, keep, gone, {}, None, NOW))
    assert [one.relation for one in known(database, keyring)[0].members] == [
        Relation.HEAD,
        Relation.CHILD,
        None,
        Relation.CHILD,
    ]
    # A list that has only the household that is no more leaves the head of the other one alone.
    alone = household("H2", ("Trần C", "1960"), ("Trần D", "1990"))
    put(database, keyring, alone)
    assert [each.what for each in became(database, keyring, keep.id)] == ["imported", "merged"]
    undo(database, keyring, event)
    assert known(database, keyring)[1].members[0].relation is Relation.HEAD


def test_a_merge_is_taken_back_to_how_it_was(database: Database, keyring: Keyring):
    keep, gone, event = merged(database, keyring)
    undo(database, keyring, event)
    one, two = known(database, keyring)
    assert (names(one), names(two)) == (["Lê A", "Lê B"], ["Lê B", "Trần C"])
    assert two.status == "active" and not two.merged_into
    assert [len(reached(database, each.id)) for each in (keep, gone)] == [1, 1]
    (done,) = [each for each in became(database, keyring, keep.id) if each.what == "merged"]
    assert done.undone
    with pytest.raises(Problem, match="household_undone"):
        undo(database, keyring, event)


def test_what_was_changed_since_can_not_be_taken_back(database: Database, keyring: Keyring):
    _, _, event = merged(database, keyring)
    changed = household("H1", ("Lê A", "1985-03"), ("Lê B", "2001"), ("Trần C", "1960"), address="7 Lê Lợi")
    put(database, keyring, changed)
    with pytest.raises(Problem, match="household_undo_late"):
        undo(database, keyring, event)


def test_the_list_that_named_both_changes_nothing_after_a_merge(database: Database, keyring: Keyring):
    merged(database, keyring)
    before = database.read(lambda c: household_events.edition(c, [WARD]))
    put(database, keyring, le(), household("H2", ("Lê B", "2001"), ("Trần C", "1960")))
    assert database.read(lambda c: household_events.edition(c, [WARD])) == before


def split(database: Database, keyring: Keyring) -> tuple[int, int]:
    """The second person of a household on their own; *(the new household, the event)*."""

    def do(connection: Connection) -> tuple[int, int]:
        (one,) = households.known(connection, keyring, [WARD])
        leaver = one.members[1]
        new = Household(WARD, WARD, "Khu phố 2", "H9", leaver.name, "5 Lê Lợi", members=[leaver])
        return household_deeds.split(connection, keyring, one, [leaver.id], new, None, NOW)

    return database.write(do)


def test_people_can_make_a_household_of_their_own_and_come_back(database: Database, keyring: Keyring):
    put(database, keyring, le())
    new, event = split(database, keyring)
    one, two = known(database, keyring)
    assert (names(one), names(two)) == (["Lê A"], ["Lê B"])
    assert (two.id, two.code, two.head, two.members[0].relation) == (new, "H9", "Lê B", Relation.HEAD)
    undo(database, keyring, event)
    one, two = known(database, keyring)
    assert names(one) == ["Lê A", "Lê B"] and one.members[1].relation is Relation.CHILD
    assert (two.status, two.merged_into, names(two)) == ("merged", one.id, [])


# Contacts


def test_a_contact_reaches_several_people_and_a_person_has_several_contacts(
    database: Database, keyring: Keyring
):
    put(database, keyring, le())

    def do(connection: Connection) -> list[int | None]:
        (one,) = households.known(connection, keyring, [WARD])
        first, second = (
            contacts.create(connection, keyring, channel, "5", "vi", NOW).id
            for channel in ("telegram", "webchat")
        )
        given: dict[str, Any] = {"household": one, "how": "staff", "account_id": None, "now": NOW}
        pairs: list[tuple[int, int | None]]
        pairs = [(first, one.members[0].id), (first, one.members[1].id), (second, one.members[0].id)]
        pairs += [(second, None), (second, None)]
        made = [
            household_contacts.link(connection, keyring, contact_id=contact, person_id=person, **given)
            for contact, person in pairs
        ]
        del given["how"]
        made.append(
            household_contacts.unlink(connection, keyring, contact_id=second, person_id=None, **given)
        )
        made.append(
            household_contacts.unlink(connection, keyring, contact_id=second, person_id=None, **given)
        )
        return made

    made = database.write(do)
    assert [each is not None for each in made] == [True, True, True, True, False, True, False]
    ended = database.read(lambda c: list(c.execute(select(contact_links.c.ended_at)).scalars()))
    assert ended.count(None) == 3


# Boundaries


def test_households_move_to_the_new_area_and_keep_the_one_their_list_named(
    database: Database, keyring: Keyring
):
    put(
        database,
        keyring,
        household("H1", ("Lê A", "1985-03"), area=OLD),
        household("H2", ("Lê B", "1985-03"), area=OLD, neighbourhood="Khu phố 2"),
    )
    assert database.write(lambda c: household_deeds.convert(c, OLD, WARD, "Khu phố 2", None, NOW)) == 1
    one, two = known(database, keyring)
    assert (one.area, two.area, two.given) == (OLD, WARD, OLD)
    told = became(database, keyring, two.id)
    assert [(each.what, each.area) for each in told] == [
        ("imported", OLD),
        ("converted", OLD),
        ("converted", WARD),
    ]
    # Its office's code still finds it.
    put(
        database,
        keyring,
        household("H2", ("Lê B", "1985-03"), area=WARD, given=OLD, neighbourhood="Khu phố 2"),
    )
    assert len(known(database, keyring)) == 2


# Lists on their way


def test_a_link_to_send_a_list_is_good_once_and_one_to_its_report_for_a_while(
    database: Database, keyring: Keyring
):
    import_id = begun(database, "asked")
    issue = partial(household_imports.issue_link, import_id=import_id, now=NOW, length=7_200_000)
    up, down = (database.write(partial(issue, purpose=purpose)) for purpose in ("upload", "report"))
    find, use = household_imports.find_link, household_imports.use_link
    assert database.read(lambda c: find(c, up, "report", NOW)) is None
    assert database.read(lambda c: find(c, up, "upload", NOW)) is not None
    assert [database.write(lambda c: use(c, up, "upload", NOW)) for _ in range(2)] == [True, False]
    assert database.read(lambda c: find(c, up, "upload", NOW)) is None
    assert [database.write(lambda c: use(c, down, "report", NOW)) for _ in range(2)] == [True, True]
    later = NOW + household_imports.GRACE_MS
    assert not database.write(lambda c: use(c, down, "report", later))


def test_a_file_is_kept_in_sealed_pieces_until_it_was_read(database: Database, keyring: Keyring):
    import_id, data = begun(database), b"Nguyen Van A;" * 50_000

    def keep(connection: Connection) -> None:
        pieces = household_imports.pieces(keyring, import_id, "file", data)
        household_imports.add_pieces(connection, import_id, "file", pieces)

    database.write(keep)
    rows = database.read(lambda c: list(c.execute(select(household_pieces.c.piece_sealed)).scalars()))
    assert len(rows) == 3 and not any(b"Nguyen" in bytes(row) for row in rows)
    assert database.read(lambda c: household_imports.content(c, keyring, import_id, "file")) == data
    assert database.write(lambda c: household_imports.end(c, import_id, "done", {}, NOW))
    assert database.read(lambda c: household_imports.content(c, keyring, import_id, "file")) == b""
    assert not database.write(lambda c: household_imports.end(c, import_id, "done", {}, NOW))


def test_old_reports_and_lists_that_never_came_are_forgotten(database: Database, keyring: Keyring):
    never, done = begun(database, "asked"), begun(database)
    database.write(lambda c: household_imports.issue_link(c, never, "upload", NOW, 1))
    pieces = list(household_imports.pieces(keyring, done, "report", b"x"))
    database.write(lambda c: household_imports.add_pieces(c, done, "report", pieces))
    database.write(lambda c: household_imports.end(c, done, "done", {"lines": 1}, NOW))
    assert database.write(lambda c: household_imports.forget(c, NOW)) == 0
    assert database.write(lambda c: household_imports.forget(c, NOW + 10)) == 1
    kept = database.read(lambda c: household_imports.get(c, done))
    assert kept is not None and kept.summary == {"lines": 1}
    assert database.read(lambda c: household_imports.content(c, keyring, done, "report")) == b""


def test_ids_never_collide_with_rows_made_in_between(database: Database, keyring: Keyring):
    put(database, keyring, le())
    file = planned(database, keyring, *(household(f"X{n}", (f"Người {n}", "1970")) for n in range(900)))
    staging = Staging(file, account_id=None, import_id=begun(database), now=NOW)
    assert database.write(staging.step)
    row = {"status": "left", "created_at": NOW, "changed_at": NOW}
    where = {
        "area_vintage": OTHER[0],
        "area_code": OTHER[1],
        "given_vintage": OTHER[0],
        "given_code": OTHER[1],
    }
    database.write(lambda c: c.execute(insert(table).values(**where, **row)))
    while database.write(staging.step):
        continue
    database.write(staging.end)
    assert len(known(database, keyring)) == 902
