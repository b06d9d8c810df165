"""Instruments with attached files: published once, read back with what their lists and look-ups need."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.questionnaires import Shelf
from storage import instruments
from surveys.problems import Problem
from tests.forms.build import converted, row
from tests.ward import Ward, found

XA = "name,label,gia\nx1,Xã Một,5\nx2,Xã Hai,7\n".encode()
PICTURE = b"\x89PNG\r\n" + bytes(range(256))
SURVEY = [
    row("select_one_from_file xa.csv", "q", "Xã nào?", **{"media::image": "ban_do.png"}),
    row("calculate", "gia", calculation="pulldata('xa', 'gia', 'name', ${q})"),
]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = found(f"sqlite:///{tmp_path / 'xa.db'}")
    yield made
    made.close()


def publication(**files: bytes) -> dict[str, Any]:
    made = converted(SURVEY, settings=[{"form_id": "gia_ca", "form_title": "Giá cả", "version": "1"}])
    instrument = {"id": "gia_ca-v0", "version": "1", "status": "bản thử", "form": "gia_ca", "unit": "person"}
    return {
        "definition": {"instrument": instrument},
        "xform": made.xform,
        "rows": {ref: [at.sheet, at.row] for ref, at in made.rows.items()},
        "attached": {name: b64encode(content).decode() for name, content in files.items()},
    }


FILES = {"xa.csv": XA, "ban_do.png": PICTURE}


def test_the_files_of_a_form_are_kept_with_it_and_read_back(ward: Ward) -> None:
    made = ward.act("instrument.publish", **publication(**FILES))
    form = ward.database.read(lambda c: Shelf().get(c, made["id"]).form)
    asked = next(form.questions())
    assert [choice.name for choice in asked.choices] == ["x1", "x2"]
    assert [media.by_language for media in asked.media] == [{"default": "ban_do.png"}]
    assert form.tables["xa"][1]["gia"] == "7"
    assert form.digest == made["digest"]


def test_a_picture_can_be_fetched_by_its_name(ward: Ward) -> None:
    made = ward.act("instrument.publish", **publication(**FILES))
    picture = ward.database.read(lambda c: instruments.attachment(c, made["id"], "ban_do.png"))
    assert picture is not None and picture.content == PICTURE
    assert ward.database.read(lambda c: instruments.attachment(c, made["id"], "khac.png")) is None


def test_the_same_form_with_the_same_files_is_published_once(ward: Ward) -> None:
    first = ward.act("instrument.publish", **publication(**FILES))
    again = ward.act("instrument.publish", **publication(**FILES, thua=b"x"))
    assert (first["new"], again["new"], again["id"]) == (True, False, first["id"])
    with pytest.raises(Problem) as refusal:
        ward.act("instrument.publish", **publication(**{**FILES, "xa.csv": XA + b"x3,Xa Ba,9\n"}))
    assert refusal.value.code == "instrument_version_taken"


def test_a_form_is_not_published_without_a_file_it_needs(ward: Ward) -> None:
    with pytest.raises(Problem) as refusal:
        ward.act("instrument.publish", **publication(**{"ban_do.png": PICTURE}))
    assert refusal.value.code == "instrument_form_refused"
