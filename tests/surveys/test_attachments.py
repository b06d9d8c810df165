"""Files that come with a form: tables are read as ODK describes them, within bounds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.texts import has
from surveys.attachments import (
    MAX_BYTES,
    MAX_ROWS,
    Unreadable,
    attachment,
    named_files,
    read_table,
    safe_name,
)

ROWS = [{"name": "x1", "label": "Xã Một"}, {"name": "x2", "label": "Xã Hai"}]
TEXT = "name,label\nx1,Xã Một\nx2,Xã Hai\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1258"])
def test_a_csv_file_is_read_in_the_encodings_that_spreadsheets_write(encoding: str) -> None:
    text = TEXT
    if encoding == "cp1258":
        # Windows-1258 has letters with a hat or horn, and tone marks as signs of their own.
        text = text.replace("ã", "a\u0303").replace("ộ", "ô\u0323")
    assert read_table(attachment("xa.csv", text.encode(encoding))) == ROWS


@pytest.mark.parametrize("divider", [",", ";", "\t", "|"])
def test_cells_are_divided_by_whatever_the_first_row_uses(divider: str) -> None:
    assert read_table(attachment("xa.csv", TEXT.replace(",", divider).encode())) == ROWS


def test_cells_between_quotation_marks_may_hold_anything() -> None:
    content = 'name,label\na,"Một, hai"\nb,"dòng 1\ndòng 2"\nc,"""nói"""\n'.encode()
    assert [found["label"] for found in read_table(attachment("l.csv", content))] == [
        "Một, hai",
        "dòng 1\ndòng 2",
        '"nói"',
    ]


def test_blank_rows_are_left_out_and_short_rows_filled_up() -> None:
    content = b"name,label,\n\na\n , \nb,B,\n"
    assert read_table(attachment("l.csv", content)) == [
        {"name": "a", "label": ""},
        {"name": "b", "label": "B"},
    ]


def test_the_items_of_an_xml_file_are_its_rows() -> None:
    content = "<?xml version='1.0' encoding='UTF-8'?><root><item><name>x1</name><label>Xã Một</label></item>"
    content += "<item><name>x2</name><label> Xã Hai </label></item></root>"
    assert read_table(attachment("xa.xml", content.encode())) == ROWS


def test_the_features_of_a_geojson_file_are_its_rows() -> None:
    def feature(kind: str, coordinates: object, **more: object) -> dict[str, object]:
        return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, **more}

    collection = {
        "type": "FeatureCollection",
        "features": [
            feature("Point", [106.7, 10.8], id="cho", properties={"title": "Chợ", "so": 3, "mo": True}),
            feature("LineString", [[106, 10], [107, 11, 5]], properties={"id": "duong", "title": None}),
            feature("Polygon", [[[1, 2], [3, 4], [1, 2]]], id=7.0),
        ],
    }
    assert read_table(attachment("noi.geojson", json.dumps(collection).encode())) == [
        {"geometry": "10.8 106.7 0 0", "id": "cho", "title": "Chợ", "so": "3", "mo": "true"},
        {"geometry": "10 106 0 0; 11 107 0 0", "id": "duong", "title": ""},
        {"geometry": "2 1 0 0; 4 3 0 0; 2 1 0 0", "id": "7"},
    ]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", b"", "file_empty"),
        ("a.csv", b"\n , \n", "file_empty"),
        ("a.csv", b"a,b\n1,2,3\n", "file_row_too_wide"),
        ("a.csv", b"a,a\n1,2\n", "file_column_twice"),
        ("a.csv", b'a,b\n"1,2\n', "file_broken"),
        ("a.csv", b"a\n\xd2\xd2\n".replace(b"\xd2", b"\xd2") + bytes(300), "file_encoding"),
        ("a.csv", ",".join(f"c{number}" for number in range(300)).encode(), "file_too_wide"),
        ("a.csv", b"a\n" + b"x" * 20_000, "file_cell_too_long"),
        ("a.csv", b"a\n" + b"1\n" * (MAX_ROWS + 1), "file_too_long"),
        ("a.csv", b"x" * (MAX_BYTES + 1), "file_too_large"),
        ("a.xml", b"<root><item>", "file_not_xml"),
        ("a.xml", b"<root><muc><name>a</name></muc></root>", "file_not_items"),
        ("a.xml", b"<root/>", "file_not_items"),
        ("a.xml", b'<!DOCTYPE r [<!ENTITY a "b">]><root><item><n>&a;</n></item></root>', "file_unsafe"),
        ("a.geojson", b"{", "file_not_geojson"),
        ("a.geojson", b"[]", "file_not_geojson"),
        ("a.geojson", b'{"features": [{"geometry": {"type": "Circle"}}]}', "file_not_geojson"),
        ("a.geojson", b"[" * 100_000, "file_not_geojson"),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(name: str, content: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        read_table(attachment(name, content))
    assert refusal.value.code == code
    assert has(f"form.{code}")


@given(st.sampled_from(["a.csv", "a.xml", "a.geojson"]), st.binary(max_size=200))
def test_whatever_bytes_come_the_answer_is_rows_or_a_refusal(name: str, content: bytes) -> None:
    try:
        rows = read_table(attachment(name, content))
    except Unreadable as refusal:
        assert has(f"form.{refusal.code}")
    else:
        assert all(isinstance(cell, str) for found in rows for cell in found.values())


def test_an_xform_names_its_files() -> None:
    xform = """
      <instance id="xa" src="jr://file-csv/xa.csv"/><instance id="gia.csv" src="jr://file-csv/gia.csv.csv"/>
      <instance id="__last-saved" src="jr://instance/last-saved"/>
      <value form="image">jr://images/Hình 1.png</value><value form="image">jr://images/../../etc/passwd</value>
      <select1 appearance="minimal search('tinh', 'matches', 'a', 'b')"/>
      <select1 appearance="search('xa.csv')"/>
    """
    assert list(named_files(xform)) == ["xa.csv", "gia.csv", "Hình 1.png", "tinh.csv"]


@pytest.mark.parametrize("name", ["../a.csv", "/etc/passwd", "a/b.png", ".an", "a\\b", "", "x" * 201])
def test_a_name_that_leads_out_of_its_folder_is_no_name(name: str) -> None:
    assert not safe_name(name)
