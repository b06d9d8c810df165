"""Areas as stored: what lies above and below, in which list, and how they change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from storage import areas
from storage.areas import Put
from storage.database import Database
from storage.migrate import upgrade
from storage.schema import areas as table
from surveys.areas import Area, AreaKey, Conversion, ConversionKind
from surveys.placenames import Level
from tests.ward import CITY, HERE, LONG_AGO, NOW, THERE

FROM = date(2025, 7, 1)


def unit(key: AreaKey, name: str, level: Level, parent: str | None) -> Area:
    kinds = {Level.PROVINCE: "thành phố", Level.COMMUNE: "phường", Level.NEIGHBOURHOOD: "khu phố"}
    return Area(*key, name, kinds[level], level, parent, FROM)


TREE = [
    unit(CITY, "Hồ Chí Minh", Level.PROVINCE, None),
    unit(HERE, "Sài Gòn", Level.COMMUNE, "79"),
    unit(THERE, "Bến Thành", Level.COMMUNE, "79"),
    unit(("2025-07-01", "26740-1"), "1", Level.NEIGHBOURHOOD, "26740"),
    unit(("2025-06-30", "79"), "Hồ Chí Minh", Level.PROVINCE, None),
    unit(LONG_AGO, "Bến Nghé", Level.COMMUNE, "79"),
]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as made:
        upgrade(made.engine)
        made.write(lambda c: areas.put(c, TREE, NOW))
        yield made


def test_areas_are_read_as_they_were_written(database: Database) -> None:
    ended = replace(TREE[5], valid_to=date(2025, 6, 30))
    assert database.write(lambda c: areas.put(c, [ended, *TREE[:5]], NOW)) == Put(0, 1, 5)
    assert database.read(lambda c: areas.get(c, LONG_AGO)) == ended
    assert set(database.read(areas.load)) == {ended, *TREE[:5]}
    assert database.read(areas.vintages) == {"2025-06-30": 2, "2025-07-01": 4}


def test_writing_the_same_again_changes_nothing(database: Database) -> None:
    before = database.read(areas.edition)
    assert database.write(lambda c: areas.put(c, TREE, NOW)) == Put(0, 0, 6)
    assert database.read(areas.edition) == before != ""


def test_the_line_of_an_area_leads_up_in_its_own_list(database: Database) -> None:
    line = database.read(lambda c: areas.line(c, ("2025-07-01", "26740-1")))
    assert line == (("2025-07-01", "26740-1"), HERE, CITY)
    assert database.read(lambda c: areas.line(c, LONG_AGO)) == (LONG_AGO, ("2025-06-30", "79"))
    assert database.read(lambda c: areas.line(c, ("2025-07-01", "99999"))) == ()


def test_a_circle_in_bad_data_does_not_hang(database: Database) -> None:
    circle = [
        unit(("2000-01-01", "1"), "A", Level.COMMUNE, "2"),
        unit(("2000-01-01", "2"), "B", Level.COMMUNE, "1"),
    ]
    database.write(lambda c: areas.put(c, circle, NOW))
    assert database.read(lambda c: areas.line(c, circle[0].key))[:2] == (circle[0].key, circle[1].key)
    assert inside(database, [circle[0].key]) == {one.key for one in circle}


def inside(database: Database, within: list[AreaKey]) -> set[AreaKey]:
    condition = areas.inside(table.c.vintage, table.c.code, within)
    statement = select(table.c.vintage, table.c.code).where(condition)
    return database.read(lambda c: {(row[0], row[1]) for row in c.execute(statement)})


@pytest.mark.parametrize(
    ("within", "found"),
    [
        ([HERE], {HERE, ("2025-07-01", "26740-1")}),
        ([CITY], {CITY, HERE, THERE, ("2025-07-01", "26740-1")}),
        ([LONG_AGO, THERE], {LONG_AGO, THERE}),
        ([], set()),
        ([("2025-07-01", "99999")], set()),
    ],
)
def test_what_lies_inside_is_the_area_and_all_below_it(
    database: Database, within: list[AreaKey], found: set[AreaKey]
) -> None:
    assert inside(database, within) == found


def test_the_index_is_kept_until_something_changes(database: Database) -> None:
    first = database.read(areas.index)
    assert database.read(areas.index) is first
    database.write(lambda c: areas.put(c, [replace(TREE[2], name="Bến Thành mới")], NOW))
    second = database.read(areas.index)
    assert second is not first
    assert second.place(THERE) == "Phường Bến Thành mới, Thành phố Hồ Chí Minh"


def test_an_import_that_was_undone_leaves_the_index_as_it_was(database: Database) -> None:
    before = database.read(areas.index)

    def undone(connection: object) -> None:
        areas.put(connection, [unit(("2025-07-01", "1"), "X", Level.COMMUNE, "79")], NOW)  # type: ignore[arg-type]
        raise KeyError

    with pytest.raises(KeyError):
        database.write(undone)
    assert database.read(areas.index) is before


def test_conversions_are_read_as_they_were_written(database: Database) -> None:
    whole = Conversion(*LONG_AGO, *HERE, ConversionKind.WHOLE, 1.0, "NQ 1685", "Phường Bến Nghé, Quận 1")
    part = Conversion("2025-06-30", "26743", *HERE, ConversionKind.PART, None, "NQ 1685", "x" * 300)
    assert database.write(lambda c: areas.put_conversions(c, [whole, part], NOW)) == Put(2, 0, 0)
    index = database.read(areas.index)
    assert index.successors(LONG_AGO) == (whole,)
    known = replace(part, share=0.25)
    assert database.write(lambda c: areas.put_conversions(c, [whole, known], NOW)) == Put(0, 1, 1)
    assert database.read(areas.index).successors(part.old) == (known,)
    assert [match.area.key for match in index.search("ben nghe")] == [HERE]
