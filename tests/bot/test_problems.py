"""Everything that can be wrong is said in a sentence, in both languages, with nothing left to fill in."""

from __future__ import annotations

import ast
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from bot.problems import explain
from bot.texts import LANGUAGES, catalogue
from surveys.problems import Problem

HOME = Path(__file__).resolve().parents[2]


def raised() -> Iterator[tuple[str, str, set[str] | None]]:
    """Every ``Problem("code", name=…)`` in the program: *(place, code, names of its parameters)*.

    The names are None where a call passes on a mapping that can't be read from the text.
    """
    for floor in ("bot", "scheduler", "storage", "surveys"):
        for path in sorted((HOME / floor).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not (
                    isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem" and node.args
                ):
                    continue
                place = f"{path.relative_to(HOME)}:{node.lineno}"
                names = {keyword.arg for keyword in node.keywords}
                known = None if None in names else {str(name) for name in names} - {"status"}
                for code in _codes(node.args[0]):
                    yield place, code, known


def _codes(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value.removeprefix("problem.")
    elif isinstance(node, ast.IfExp):
        yield from (*_codes(node.body), *_codes(node.orelse))


RAISED = list(raised())


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_has_a_sentence_whose_gaps_can_be_filled(language: str) -> None:
    sentences = catalogue(language)
    assert len(RAISED) > 100
    silent = sorted({code for _, code, _ in RAISED if f"problem.{code}" not in sentences})
    assert silent == []
    wanting = [
        (place, code, missing)
        for place, code, known in RAISED
        if known is not None and (missing := placeholders(sentences[f"problem.{code}"]) - known)
    ]
    assert wanting == []


def test_no_key_stands_in_two_catalogues() -> None:
    keys: Counter[str] = Counter()
    for path in (HOME / "bot" / "locales" / "vi" / "LC_MESSAGES").glob("*.po"):
        with path.open("rb") as file:
            keys.update(str(entry.id) for entry in read_po(file) if entry.id)
    assert [key for key, count in keys.items() if count > 1] == []


def test_fields_roles_and_states_are_named_in_the_language() -> None:
    missing = Problem("campaign_legal_missing", fields=("controller", "retention_days"))
    assert explain("vi", missing) == (
        "Chưa mở được, còn thiếu: đơn vị thực hiện (bên kiểm soát dữ liệu), số ngày lưu thông tin nhận dạng."
    )
    assert explain("en", Problem("argument_wrong", field="legal.basis")) == (
        "Wrong value: legal basis (dong_y or dieu_19)."
    )
    closed = Problem("campaign_status", campaign_step="open", campaign_status="closed")
    assert explain("vi", closed) == "Chiến dịch ở trạng thái đã đóng, nên không mở được."


def test_what_somebody_typed_is_never_taken_for_a_key() -> None:
    assert explain("en", Problem("account_unknown", account="created")).startswith(
        "There is no such account: created"
    )
    assert "{area}" in explain("vi", Problem("area_key_wrong", area="{area}"))


def test_a_code_may_be_given_with_its_prefix() -> None:
    assert explain("vi", Problem("problem.keys_missing")) == explain("vi", Problem("keys_missing"))
