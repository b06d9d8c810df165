"""XForm → Form: bounds, documents that are none, circles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.forms import Group
from surveys.xform import MAX_CHOICES, MAX_QUESTIONS, Loaded, Row, circles, read_form
from tests.forms.build import row
from tests.forms.reading import form, places, read, refused, warned


def _xform(body: str = '<input ref="/data/q"><label>Q</label></input>', names: Sequence[str] = ("q",)) -> str:
    leaves = "".join(f"<{name}/>" for name in names)
    return (
        '<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml">'
        f'<h:head><h:title>T</h:title><model><instance><data id="t" version="1">{leaves}</data></instance>'
        f"</model></h:head><h:body>{body}</h:body></h:html>"
    )


def test_a_form_has_at_most_five_thousand_questions() -> None:
    names = [f"q{number}" for number in range(MAX_QUESTIONS + 1)]
    body = "".join(f'<input ref="/data/{name}"><label>Q</label></input>' for name in names)
    loaded = read_form(_xform(body, names), {})
    assert [found.code for found in loaded.errors] == ["too_many_questions"]
    assert read_form(_xform(body, names[:MAX_QUESTIONS]), {}).form is not None
    assert MAX_QUESTIONS == 5000


def test_a_form_has_at_most_twenty_thousand_choices() -> None:
    def made(count: int) -> Loaded:
        items = "".join(f"<item><name>c{number}</name><label>C</label></item>" for number in range(count))
        listed = f'<instance id="l"><root>{items}</root></instance>'
        itemset = (
            "<itemset nodeset=\"instance('l')/root/item\"><value ref='name'/><label ref='label'/></itemset>"
        )
        body = f'<select1 ref="/data/q"><label>Q</label>{itemset}</select1>'
        return read_form(_xform(body).replace("</model>", f"{listed}</model>"), {})

    assert [found.code for found in made(MAX_CHOICES + 1).errors] == ["too_many_choices"]
    assert made(MAX_CHOICES).form is not None
    assert MAX_CHOICES == 20_000


def test_a_label_over_twenty_thousand_characters_is_refused_and_a_long_one_is_warned_about() -> None:
    assert refused([row("text", "q", "x" * 20_001)]) == [("text_too_long", "survey", 2, "label")]
    assert warned([row("text", "q", "x" * 20_000)]) == [("text_long", "survey", 2, "label")]


def test_an_xform_over_sixteen_million_characters_is_refused() -> None:
    loaded = read_form(_xform() + " " * 16 * 2**20, {})
    assert [found.code for found in loaded.errors] == ["too_much"]


def test_paths_that_name_everything_are_seen_through_without_end() -> None:
    survey = [row("calculate", f"c{number}", calculation="count(/data/*)") for number in range(300)]
    loaded = read([row("text", "q", "Q"), *survey])
    assert [found.code for found in loaded.errors] == ["cycle"]


def _nested(depth: int) -> list[dict[str, object]]:
    return [
        *(row("begin group", f"g{number}") for number in range(depth)),
        row("text", "q", "Q"),
        *(row("end group") for _ in range(depth)),
    ]


def test_groups_may_be_nested_ten_deep_but_not_without_end() -> None:
    assert sum(isinstance(item, Group) for item in form(_nested(10)).items()) == 10
    assert refused(_nested(40))[0][0] == "too_deep"


@pytest.mark.parametrize(
    "xform",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
    ],
)
def test_a_document_type_is_refused(xform: str) -> None:
    assert [found.code for found in read_form(xform, {}).errors] == ["unsafe_xml"]


@pytest.mark.parametrize("xform", ["", "không phải xml", "<x/>", "<x>"])
def test_what_is_not_an_xform_is_refused(xform: str) -> None:
    assert [found.code for found in read_form(xform, {}).errors] == ["not_xform"]


def test_a_select_without_choices_is_refused() -> None:
    xform = _xform(body='<select1 ref="/data/q"><label>Q</label></select1>')
    assert places(read_form(xform, {"/data/q": Row("survey", 2)}).errors) == [
        ("no_choices", "survey", 2, "type")
    ]


def test_a_form_of_another_maker_may_bind_by_id_and_write_relative_paths() -> None:
    body = (
        '<group ref="/data/g"><input ref="q"><label>Q</label></input></group>'
        '<input bind="b"><label>B</label></input>'
    )
    xform = _xform(body).replace("<q/>", "<g><q/></g><b/>")
    xform = xform.replace("</model>", '<bind id="b" nodeset="/data/b" type="int"/></model>')
    loaded = read_form(xform, {})
    assert loaded.form is not None
    assert [(found.ref, found.kind.value) for found in loaded.form.questions()] == [
        ("/data/g/q", "text"),
        ("/data/b", "integer"),
    ]


_GRAPHS = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=4), max_size=6
)


@given(_GRAPHS)
def test_a_circle_is_a_walk_along_the_graph_and_none_is_left_without_it(graph: dict[str, list[str]]) -> None:
    found = circles(graph)
    for circle in found:
        for node, following in zip(circle, [*circle[1:], circle[0]], strict=True):
            assert following in graph[node]
    # Without the nodes that stand on a circle's component, everything can be put in order.
    assert bool(found) == (not _has_order(graph))


def _has_order(graph: Mapping[str, Sequence[str]]) -> bool:
    left = {node: {target for target in targets if target in graph} for node, targets in graph.items()}
    while left:
        free = [node for node, targets in left.items() if not targets & left.keys()]
        if not free:
            return False
        for node in free:
            del left[node]
    return True
