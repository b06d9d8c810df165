"""Files that people sent: kept in sealed pieces, part of one interview, gone with it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, update

from storage import contacts, media
from storage.crypto import Keyring, new_keys, parse_keys
from storage.database import Database, insert_row
from storage.migrate import upgrade
from storage.schema import forms, instruments, media_pieces
from storage.schema import interviews as interviews_table
from storage.schema import media as table
from surveys.problems import Problem

NOW = 1_800_000_000_000
MINUTE = 60_000


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        upgrade(opened.engine)
        yield opened


@pytest.fixture
def keyring() -> Keyring:
    return parse_keys(new_keys())


def person(database: Database, keyring: Keyring, address: str = "5", channel: str = "telegram") -> int:
    return database.write(lambda c: contacts.create(c, keyring, channel, address, "vi", NOW)).id


def an_interview(database: Database) -> int:
    def write(connection: Any) -> int:
        digest = f"{connection.execute(select(func.count()).select_from(forms)).scalar_one():064}"
        connection.execute(
            insert(forms).values(
                digest=digest, form_id="f", version="1", title="t", xform="", rows="{}", created_at=NOW
            )
        )
        instrument = insert_row(
            connection,
            instruments,
            name=f"i{digest[-5:]}",
            version="1",
            form_digest=digest,
            definition="{}",
            created_at=NOW,
        )
        return insert_row(
            connection,
            interviews_table,
            instrument_id=instrument,
            stage="wizard",
            way="self",
            document_sealed=b"x",
            status="open",
            version=1,
            started_at=NOW,
            changed_at=NOW,
        )

    return database.write(write)


def uploaded(database: Database, keyring: Keyring, contact: int, data: bytes, kind: str = "image") -> int:
    """A file as the upload writes it."""
    key = database.write(
        lambda c: media.begin(c, contact, kind=kind, type_="image/png", ending="png", size=len(data), now=NOW)
    )
    number = 0
    for number, piece in media.pieces(data):
        sealed = media.seal_piece(keyring, key, number, piece)
        database.write(partial(media.add_piece, media_id=key, number=number, sealed=sealed))
    assert database.write(
        lambda c: media.complete(
            c, key, type_="image/png", size=len(data), sha256=media.digest(data), number=number + 1
        )
    )
    return key


def rows(database: Database, of: Any = table) -> int:
    return int(database.read(lambda c: c.execute(select(func.count()).select_from(of)).scalar_one()))


def test_a_file_comes_back_whole_from_sealed_pieces(database: Database, keyring: Keyring) -> None:
    data = bytes(range(256)) * (media.PIECE // 128)
    key = uploaded(database, keyring, person(database, keyring), data)
    assert database.read(lambda c: media.content(c, keyring, key)) == data
    kept = database.read(lambda c: media.numbered(c, key))
    assert kept is not None
    assert (kept.status, kept.size, kept.sha256) == ("kept", len(data), media.digest(data))
    assert rows(database, media_pieces) == 2
    for sealed in database.read(lambda c: c.execute(select(media_pieces.c.piece_sealed)).scalars().all()):
        assert data[:64] not in bytes(sealed)


def test_a_piece_in_another_place_or_another_file_does_not_open(database: Database, keyring: Keyring) -> None:
    who = person(database, keyring)
    first, second = (uploaded(database, keyring, who, bytes([fill]) * 10) for fill in (1, 2))
    database.write(
        lambda c: c.execute(
            update(media_pieces)
            .where(media_pieces.c.media_id == second)
            .values(
                piece_sealed=select(media_pieces.c.piece_sealed)
                .where(media_pieces.c.media_id == first)
                .scalar_subquery()
            )
        )
    )
    with pytest.raises(Problem) as caught:
        database.read(lambda c: media.content(c, keyring, second))
    assert caught.value.code == "sealed_damaged"


def test_a_file_with_a_piece_missing_is_not_kept(database: Database, keyring: Keyring) -> None:
    who = person(database, keyring)
    key = database.write(lambda c: media.begin(c, who, kind="image", type_="", ending="png", size=9, now=NOW))
    assert not database.write(
        lambda c: media.complete(c, key, type_="image/png", size=9, sha256=b"", number=1)
    )


def test_an_upload_becomes_an_answer_once_and_for_its_sender_alone(
    database: Database, keyring: Keyring
) -> None:
    who, other = person(database, keyring), person(database, keyring, "6")
    key, interview = uploaded(database, keyring, who, b"x"), an_interview(database)
    assert database.write(lambda c: media.attach(c, key, other, interview, "/data/photo")) is None
    kept = database.write(lambda c: media.attach(c, key, who, interview, "/data/photo"))
    assert kept is not None and kept.name.endswith(".png") and len(kept.name) == 36
    assert database.write(lambda c: media.attach(c, key, who, interview, "/data/photo")) is None
    assert [one.id for one in database.read(lambda c: media.of_interviews(c, [interview]))] == [key]
    assert database.read(lambda c: media.named(c, kept.name)) == kept


def test_an_upload_that_became_no_answer_is_forgotten_and_an_answer_is_not(
    database: Database, keyring: Keyring
) -> None:
    who, interview = person(database, keyring), an_interview(database)
    loose, answer = (uploaded(database, keyring, who, b"x") for _ in range(2))
    database.write(lambda c: media.attach(c, answer, who, interview, "/data/photo"))
    assert database.write(lambda c: media.forget_unattached(c, NOW)) == 0
    assert database.write(lambda c: media.forget_unattached(c, NOW + 1)) == 1
    assert database.read(lambda c: media.numbered(c, loose)) is None
    database.write(lambda c: media.drop(c, answer))
    assert (rows(database), rows(database, media_pieces)) == (1, 1)


def test_with_the_interview_its_files_go_bytes_and_all(database: Database, keyring: Keyring) -> None:
    who, gone, stays = person(database, keyring), an_interview(database), an_interview(database)
    for interview in (gone, stays):
        key = uploaded(database, keyring, who, b"x" * (media.PIECE + 1))
        database.write(
            partial(media.attach, media_id=key, contact_id=who, interview_id=interview, ref="/data/a")
        )
        database.write(
            partial(media.issue_link, contact_id=who, interview_id=interview, ref="/d", now=NOW, length=9)
        )
    database.write(lambda c: c.execute(delete(interviews_table).where(interviews_table.c.id == gone)))
    assert (rows(database), rows(database, media_pieces)) == (1, 2)
    assert database.write(lambda c: media.forget(c, [stays])) == 1
    assert (rows(database), rows(database, media_pieces)) == (0, 0)


def promised(database: Database, keyring: Keyring, who: int, interview: int, now: int = NOW) -> str:
    return database.write(
        lambda c: media.expect(
            c,
            keyring,
            contact_id=who,
            interview_id=interview,
            ref="/data/photo",
            kind="image",
            type_="image/jpeg",
            ending="jpg",
            size=9,
            handle="AgAC",
            now=now,
        )
    )[1]


def test_a_promised_file_is_due_on_its_channel_until_it_is_kept_or_failed(
    database: Database, keyring: Keyring
) -> None:
    who, interview = person(database, keyring), an_interview(database)
    name = promised(database, keyring, who, interview)
    assert database.read(lambda c: media.due(c, keyring, "zalo", NOW, 9)) == []
    [one] = database.read(lambda c: media.due(c, keyring, "telegram", NOW, 9))
    assert (one.handle, one.kind, one.language, one.attempts) == ("AgAC", "image", "vi", 0)
    database.write(lambda c: media.postpone(c, one.id, NOW + MINUTE))
    assert database.read(lambda c: media.due(c, keyring, "telegram", NOW, 9)) == []
    [again] = database.read(lambda c: media.due(c, keyring, "telegram", NOW + MINUTE, 9))
    assert again.attempts == 1
    sealed = media.seal_piece(keyring, one.id, 0, b"bytes")
    database.write(lambda c: media.add_piece(c, one.id, 0, sealed))
    database.write(lambda c: media.add_piece(c, one.id, 0, sealed))  # Twice, by two who fetched it.
    for first in (True, False):
        assert first is database.write(
            lambda c: media.complete(c, one.id, type_="image/jpeg", size=5, sha256=b"", number=1)
        )
    assert not database.write(lambda c: media.fail(c, one.id))
    assert database.read(lambda c: media.due(c, keyring, "telegram", NOW + 9 * MINUTE, 9)) == []
    kept = database.read(lambda c: media.named(c, name))
    assert kept is not None and kept.status == "kept"


def test_a_failed_file_leaves_no_bytes_and_no_handle(database: Database, keyring: Keyring) -> None:
    who, interview = person(database, keyring), an_interview(database)
    name = promised(database, keyring, who, interview)
    kept = database.read(lambda c: media.named(c, name))
    assert kept is not None
    sealed = media.seal_piece(keyring, kept.id, 0, b"half")
    database.write(lambda c: media.add_piece(c, kept.id, 0, sealed))
    assert database.write(lambda c: media.fail(c, kept.id))
    assert not database.write(lambda c: media.fail(c, kept.id))
    assert rows(database, media_pieces) == 0
    assert database.read(lambda c: c.execute(select(table.c.handle_sealed)).scalar()) is None


def test_a_link_is_good_once_for_a_while_and_until_the_next(database: Database, keyring: Keyring) -> None:
    who, interview = person(database, keyring), an_interview(database)

    def link() -> str:
        return database.write(lambda c: media.issue_link(c, who, interview, "/data/photo", NOW, MINUTE))

    old, value = link(), link()
    assert database.read(lambda c: media.find_link(c, old, NOW)) is None
    for _ in range(2):  # Looking uses nothing up.
        found = database.read(lambda c: media.find_link(c, value, NOW))
        assert found == media.Link(who, interview, "/data/photo")
    assert database.read(lambda c: media.find_link(c, value, NOW + MINUTE)) is None
    assert database.write(lambda c: media.use_link(c, value, NOW)) == found
    assert database.write(lambda c: media.use_link(c, value, NOW)) is None
    assert database.write(lambda c: media.forget_links(c, NOW + 2 * MINUTE)) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(size=st.integers(1, 3 * media.PIECE))
def test_pieces_together_are_the_file(size: int) -> None:
    data = b"\x5a" * size
    cut = list(media.pieces(data))
    assert b"".join(piece for _, piece in cut) == data
    assert [number for number, _ in cut] == list(range(len(cut)))
