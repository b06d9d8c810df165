"""Personal codes: written for people, read in whatever way they come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.codes import find_code, make_code
from surveys.personal_codes import ALPHABET, bare, has_letters, read, write

TAG = bytes([1, 254, 3, 4, 5])
CODE = "016J-07Z0-6105"


def test_a_code_is_the_case_and_its_tag_in_groups_of_four() -> None:
    assert write(1234, TAG) == CODE
    assert write(32**4, TAG) == "1-0000-07Z0-6105"


@given(case=st.integers(1, 2**50 - 1), tag=st.binary(min_size=5, max_size=5))
def test_every_code_is_read_as_it_was_written(case: int, tag: bytes) -> None:
    code = write(case, tag)
    for text in (
        code,
        bare(code),
        code.lower(),
        code.replace("-", " "),
        f"https://hoidan.example/chat/{bare(code)}",
    ):
        assert read(text) == (case, tag)


@pytest.mark.parametrize(
    "text",
    [
        f"  {CODE} ",
        f"Mã của tôi: {CODE}.",
        "o16j-o7zo-61o5",
        "O16J O7ZO 6IO5",
        "０１６Ｊ－０７Ｚ０－６１０５".replace("－", "-"),
        f"https://t.me/hoidan_bot?start={bare(CODE)}",
        f"Lời mời riêng cho Lan: https://hoidan.example/chat/{bare(CODE)}\nXin chuyển tin này.",
    ],
)
def test_slips_of_letters_and_whole_messages_are_read(text: str) -> None:
    assert read(text) == (1234, TAG)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0912345678",
        "ABC123",
        "TT-ABCD-2345",
        "016J-07Z0-610",
        "xin chào các bạn",
        "016U-07Z0-6105",
        "x" * 5000,
    ],
)
def test_anything_else_is_no_personal_code(text: str) -> None:
    assert read(text) is None


@given(number=st.integers(0, 262_143))
def test_the_code_of_a_campaign_is_never_a_personal_one(number: int) -> None:
    assert read(make_code(number, 5)) is None
    assert read(f"https://hoidan.example/chat/{make_code(number)}") is None


@given(case=st.integers(1, 32**4 - 1), tag=st.binary(min_size=5, max_size=5))
def test_a_personal_code_is_never_taken_for_a_campaigns(case: int, tag: bytes) -> None:
    assert find_code(write(case, tag)) is None
    assert find_code(bare(write(case, tag))) is None


def test_letters_that_look_like_others_are_left_out() -> None:
    assert len(ALPHABET) == 32
    assert not set("ILOU") & set(ALPHABET)


def test_digits_alone_may_be_a_telephone_number() -> None:
    assert has_letters(CODE)
    assert not has_letters("0283-8297-0001")
