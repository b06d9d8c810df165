"""XForm → Form: choice lists, attached files, and how a select shows them."""

from __future__ import annotations

import pytest

from surveys.forms import Kind
from surveys.xform import MAX_CHOICES, read_form
from tests.forms.build import choices, converted, row
from tests.forms.reading import (
    EN,
    SETTINGS,
    VI,
    YES_NO,
    form,
    places,
    question,
    read,
    refused,
    shown,
    warned,
)

XA = "name,label,tinh\nx1,Xã Một,hn\nx2,Xã Hai,hn\nx3,Xã Ba,hcm\n".encode()
T = row("text", "t", "T")


def test_a_choice_filter_reads_extra_columns_of_its_list() -> None:
    lists = [
        *choices("tinh", "hn", "hcm"),
        *choices("xa", "a", "b", tinh="hn"),
        *choices("xa", "c", tinh="hcm"),
    ]
    survey = [row("select_one tinh", "t", "T"), row("select_one xa", "q", "Q", choice_filter="tinh = ${t}")]
    found = question(survey, lists)
    assert found.choice_filter is not None
    assert found.choice_filter.references == ("/data/t",)
    assert found.choice_filter.columns == {("xa", "tinh")}
    assert [choice.columns["tinh"] for choice in found.choices] == ["hn", "hn", "hcm"]
    assert found.list_name == "xa"


def test_the_form_carries_every_list_for_expressions() -> None:
    survey = [
        row("select_one yn", "a", "A"),
        row("calculate", "q", calculation="instance('gia')/root/item[name = ${a}]/muc"),
    ]
    lists = [*YES_NO, {"list_name": "gia", "name": "yes", "label": "x", "muc": "5"}]
    loaded = form(survey, lists)
    assert loaded.lists["gia"][0].columns["muc"] == "5"
    assert [choice.name for choice in loaded.lists["yn"]] == ["yes", "no"]


def test_a_choice_label_may_hold_a_reference() -> None:
    lists = [{"list_name": "l", "name": "x", "label": "Con của ${a}"}]
    found = question([row("text", "a", "A"), row("select_one l", "q", "Q")], lists)
    assert shown(found.choices[0].label.by_language["default"]) == "Con của /data/a"


def test_or_other_adds_a_choice_and_a_question_in_the_languages_of_the_form() -> None:
    survey = [
        {"type": "select_multiple l or_other", "name": "q", f"label::{VI}": "Nghề", f"label::{EN}": "Job"}
    ]
    lists = [{"list_name": "l", "name": "x", f"label::{VI}": "Ích", f"label::{EN}": "Ex"}]
    loaded = read(survey, lists, [{**SETTINGS[0], "default_language": VI}])
    assert loaded.form is not None
    asked, other = loaded.form.questions()
    assert asked.choices[-1].name == "other"
    assert asked.choices[-1].label.by_language == {VI: ("Khác",), EN: ("Other",)}
    assert (other.kind, other.name, other.row) == (Kind.TEXT, "q_other", 2)
    assert other.label.by_language == {VI: ("Vui lòng ghi rõ.",), EN: ("Please specify.",)}
    assert other.relevant is not None and other.relevant.references == ("/data/q",)
    assert loaded.warnings == ()


def test_a_table_of_selects_becomes_a_heading_and_questions() -> None:
    survey = [
        row("begin group", "g", "Bảng", appearance="table-list"),
        row("select_one yn", "a", "A"),
        row("select_one yn", "b", "B"),
        row("end group"),
    ]
    kinds = [(found.name, found.kind) for found in form(survey, YES_NO).questions()]
    assert [kind for _, kind in kinds] == [Kind.NOTE, Kind.SELECT_ONE, Kind.SELECT_ONE]
    assert [name for name, _ in kinds[1:]] == ["a", "b"]


@pytest.mark.parametrize(
    ("parameters", "seed"), [("randomize=true", None), ("randomize=true, seed=${n}", "/data/n")]
)
def test_choices_may_be_shuffled_by_a_seed(parameters: str, seed: str | None) -> None:
    found = question(
        [row("integer", "n", "N"), row("select_one yn", "q", "Q", parameters=parameters)], YES_NO
    )
    assert found.shuffled
    assert (found.seed.source if found.seed else None) == seed
    assert [choice.name for choice in found.choices] == ["yes", "no"]


def test_a_shuffled_list_keeps_its_filter() -> None:
    survey = [T, row("select_one yn", "q", "Q", choice_filter="name != ${t}", parameters="randomize=true")]
    found = question(survey, YES_NO)
    assert found.shuffled
    assert found.choice_filter is not None and found.choice_filter.references == ("/data/t",)


def test_a_list_may_come_from_a_csv_file_with_a_filter() -> None:
    survey = [T, row("select_one_from_file xa.csv", "q", "Q", choice_filter="tinh = ${t}")]
    loaded = form(survey, files={"xa.csv": XA})
    found = next(asked for asked in loaded.questions() if asked.name == "q")
    assert [(choice.name, shown(choice.label.by_language["default"])) for choice in found.choices] == [
        ("x1", "Xã Một"),
        ("x2", "Xã Hai"),
        ("x3", "Xã Ba"),
    ]
    assert found.choice_filter is not None and found.choice_filter.columns == {("xa", "tinh")}
    assert loaded.lists[found.list_name] == found.choices
    assert [found.columns["tinh"] for found in found.choices] == ["hn", "hn", "hcm"]


def test_a_list_from_a_file_names_its_columns_for_value_and_label() -> None:
    content = b"ma;ten\n1;Mot\n2;\n;Khong\n"
    survey = [row("select_multiple_from_file xa.csv", "q", "Q", parameters="value=ma, label=ten")]
    loaded = form(survey, files={"xa.csv": content})
    found = next(loaded.questions())
    assert [(choice.name, choice.label.by_language["default"]) for choice in found.choices] == [
        ("1", ("Mot",)),
        ("2", ("2",)),
    ]
    assert loaded.lists[found.list_name] == found.choices
    assert len(loaded.tables["xa"]) == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("xa.xml", b"<root><item><name>x1</name><label>A</label></item></root>"),
        (
            "xa.geojson",
            b'{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "x1", "geometry": '
            b'{"type": "Point", "coordinates": [106.7, 10.8]}, "properties": {"title": "A"}}]}',
        ),
    ],
)
def test_a_list_may_come_from_xml_and_geojson(name: str, content: bytes) -> None:
    found = question([row(f"select_one_from_file {name}", "q", "Q")], files={name: content})
    assert [(choice.name, choice.label.by_language["default"]) for choice in found.choices] == [
        ("x1", ("A",))
    ]


def test_a_column_that_the_file_does_not_have_is_refused() -> None:
    survey = [row("select_one_from_file xa.csv", "q", "Q", parameters="value=ma")]
    assert refused(survey, files={"xa.csv": XA}) == [("unknown_choice_column", "survey", 2, "parameters")]
    survey = [T, row("select_one_from_file xa.csv", "q", "Q", choice_filter="huyen = ${t}")]
    assert refused(survey, files={"xa.csv": XA}) == [("unknown_choice_column", "survey", 3, "choice_filter")]


def test_a_missing_file_is_told_once_at_what_needs_it_first() -> None:
    survey = [
        row("select_one_from_file xa.csv", "a", "A"),
        row("select_one_from_file xa.csv", "b", "B"),
        row("calculate", "c", calculation="pulldata('gia.csv', 'muc', 'ma', ${a})"),
    ]
    loaded = read(survey)
    assert places(loaded.errors) == [
        ("missing_file", "survey", 2, "type"),
        ("missing_file", "survey", 4, "calculation"),
    ]
    assert [found.params["name"] for found in loaded.errors] == ["xa.csv", "gia.csv"]


def test_a_file_that_nothing_reads_may_be_missing() -> None:
    assert warned([row("text", "q", "Q"), row("csv-external", "gia")]) == [
        ("missing_unused_file", "survey", 3, "type")
    ]


def test_tables_are_there_for_look_ups() -> None:
    survey = [
        T,
        row("calculate", "a", calculation="pulldata('gia', 'muc', 'ma', ${t})"),
        row("calculate", "b", calculation="instance('gia')/root/item[ma = ${t}]/muc"),
        row("csv-external", "gia"),
    ]
    loaded = form(survey, files={"gia.csv": b"ma,muc\na,5\n"})
    assert loaded.tables == {"gia": [{"ma": "a", "muc": "5"}]}
    assert refused(survey, files={"gia.csv": b"ma,gia\na,5\n"}) == [
        ("unknown_choice_column", "survey", 3, "calculation"),
        ("unknown_choice_column", "survey", 4, "calculation"),
    ]


def test_a_list_from_a_file_may_be_longer_than_one_in_the_form() -> None:
    content = "ma,ten\n" + "".join(f"x{number},Xã {number}\n" for number in range(MAX_CHOICES + 1))
    survey = [row("select_one_from_file xa.csv", "q", "Q", parameters="value=ma label=ten")]
    assert len(question(survey, files={"xa.csv": content.encode()}).choices) == MAX_CHOICES + 1


def test_the_digest_changes_with_the_files() -> None:
    survey = [row("select_one_from_file xa.csv", "q", "Q")]
    digests = {
        form(survey, files=files).digest
        for files in ({"xa.csv": XA}, {"xa.csv": XA + b"x4,D,hn\n"}, {"xa.csv": XA})
    }
    assert len(digests) == 2


# search() ---------------------------------------------------------------------------------------------------

SEARCHED = [{"list_name": "l", "name": "name", "label": "label"}]


@pytest.mark.parametrize(
    ("search", "source"),
    [
        ("search('xa')", None),
        ("minimal search('xa.csv')", None),
        ("search('xa', 'matches', 'tinh', ${t})", "(tinh = /data/t)"),
        (
            "search('xa', 'startswith', 'label', ${t})",
            "(starts-with(translate(label, U, L), translate(/data/t, U, L)))",
        ),
        (
            "search('xa', 'contains', 'label, name', 'a,b', 'tinh', 'hn')",
            "(contains(translate(label, U, L), translate('a,b', U, L)) or "
            "contains(translate(name, U, L), translate('a,b', U, L))) and (tinh = 'hn')",
        ),
    ],
)
def test_a_search_in_a_file_is_a_list_with_a_filter(search: str, source: str | None) -> None:
    survey = [T, row("select_one l", "q", "Q", appearance=search)]
    loaded = form(survey, SEARCHED, files={"xa.csv": XA})
    found = next(asked for asked in loaded.questions() if asked.name == "q")
    assert [choice.name for choice in found.choices] == ["x1", "x2", "x3"]
    assert loaded.lists[found.list_name] == found.choices
    upper, lower = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
    wanted = source and source.replace("U", f"'{upper}'").replace("L)", f"'{lower}')")
    assert (found.choice_filter.source if found.choice_filter else None) == wanted


def test_a_search_in_a_repeat_looks_at_its_own_member() -> None:
    survey = [
        row("begin repeat", "r", "R"),
        T,
        row("select_one l", "q", "Q", appearance="search('xa', 'matches', 'tinh', ${t})"),
        row("end repeat"),
    ]
    found = question(survey, SEARCHED, files={"xa.csv": XA})
    assert found.choice_filter is not None
    assert found.choice_filter.source == "(tinh = current()/../t)"
    assert "/data/r/t" in found.choice_filter.references


def test_a_search_may_have_choices_of_its_own_before_those_of_the_file() -> None:
    lists = [{"list_name": "l", "name": "0", "label": "Không có"}, *SEARCHED]
    survey = [T, row("select_one l", "q", "Q", appearance="search('xa', 'matches', 'tinh', ${t})")]
    found = question(survey, lists, files={"xa.csv": XA})
    assert [choice.name for choice in found.choices] == ["0", "x1", "x2", "x3"]
    assert found.choice_filter is not None
    assert found.choice_filter.source == "__of_the_form = '1' or ((tinh = /data/t))"


@pytest.mark.parametrize(
    ("search", "code"),
    [
        ("search(${t})", "bad_search"),
        ("search('xa', 'gần', 'tinh', ${t})", "bad_search"),
        ("search('xa', 'matches')", "bad_search"),
        ("search('xa', 'matches', 'huyen', ${t})", "unknown_choice_column"),
        ("search('khong_co')", "missing_file"),
    ],
)
def test_a_search_that_can_not_be_done_is_refused(search: str, code: str) -> None:
    survey = [T, row("select_one l", "q", "Q", appearance=search)]
    assert refused(survey, SEARCHED, files={"xa.csv": XA}) == [(code, "survey", 3, "appearance")]


# Labels of choices in expressions ---------------------------------------------------------------------------


def test_the_label_of_a_choice_may_be_asked_for_by_its_translation() -> None:
    lists = [{"list_name": "l", "name": "x", f"label::{VI}": "Ích", f"label::{EN}": "Ex"}]
    label = "jr:itext(instance('l')/root/item[name = ${a}]/itextId)"
    survey = [
        {"type": "select_one l", "name": "a", f"label::{VI}": "A", f"label::{EN}": "A"},
        {"type": "calculate", "name": "q", "calculation": f"concat({label}, '!')"},
    ]
    settings = [{**SETTINGS[0], "default_language": VI}]
    found = next(asked for asked in form(survey, lists, settings).questions() if asked.name == "q")
    assert found.calculation is not None
    assert found.calculation.source == (
        "concat(jr:choice-name(instance('l')/root/item[name =  /data/a ]/name, '/data/a'), '!')"
    )
    assert found.calculation.functions == {"concat", "jr:choice-name", "instance"}


def test_two_choices_of_one_name_are_doubtful_where_the_second_stands() -> None:
    settings = [{**SETTINGS[0], "allow_choice_duplicates": "yes"}]
    lists = [*YES_NO, *choices("yn", "yes")]
    survey = [row("select_one yn", "q", "Q"), row("select_one yn", "r", "R")]
    assert warned(survey, lists, settings) == [("duplicate_choice", "choices", 4, "name")]


def test_choices_may_stand_in_the_control_itself_as_older_converters_write_them() -> None:
    made = converted([row("select_one yn", "q", "Q")], YES_NO, SETTINGS)
    start, end = made.xform.index("<itemset"), made.xform.index("</itemset>") + len("</itemset>")
    items = "<item><label>Có</label><value>1</value></item><item><label>Không</label><value>2</value></item>"
    loaded = read_form(made.xform[:start] + items + made.xform[end:], made.rows)
    assert loaded.form is not None
    found = next(loaded.form.questions())
    assert found.kind is Kind.SELECT_ONE
    assert [(choice.name, choice.label.by_language["default"]) for choice in found.choices] == [
        ("1", ("Có",)),
        ("2", ("Không",)),
    ]
