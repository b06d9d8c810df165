"""What a file is shows in its bytes alone; what is broken, disguised or of no use here is not taken."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.filetypes import MOST_PIXELS, Fault, NotTaken, recognise
from tests.bot import samples


def fault(data: bytes) -> Fault:
    with pytest.raises(NotTaken) as caught:
        recognise(data)
    return caught.value.fault


@pytest.mark.parametrize("name", samples.TAKEN)
def test_every_kind_of_file_that_a_question_can_ask_for_is_recognised(name: str) -> None:
    data, type_ = samples.TAKEN[name]
    assert recognise(data).type == type_


@pytest.mark.parametrize("name", samples.NOT_TAKEN)
def test_programs_archives_pages_and_two_things_in_one_are_not_taken(name: str) -> None:
    assert fault(samples.NOT_TAKEN[name]) is not Fault.EMPTY


def test_an_empty_file_is_empty() -> None:
    assert fault(b"") is Fault.EMPTY


@pytest.mark.parametrize("name", ["png", "jpeg", "gif", "webp", "heic", "mp4", "wav", "pdf", "docx", "odt"])
def test_a_file_that_ends_too_early_is_broken(name: str) -> None:
    data, _ = samples.TAKEN[name]
    assert fault(data[: len(data) - 6]) is Fault.BROKEN


@pytest.mark.parametrize("make", [samples.png, samples.jpeg])
def test_a_picture_that_declares_more_pixels_than_a_telephone_takes_is_a_bomb(make: object) -> None:
    whole = samples.png(1, 1)
    bomb = whole[:16] + struct.pack(">II", 60_000, 60_000) + whole[24:]
    assert MOST_PIXELS < 60_000 * 60_000
    assert fault(bomb if make is samples.png else samples.jpeg(60_000, 60_000)) is Fault.PIXELS


def test_an_archive_that_claims_to_hold_a_thousand_times_itself_is_no_document() -> None:
    many = {f"word/{number}.xml": b"" for number in range(5_001)}
    assert fault(samples.docx(**many)) is Fault.UNKNOWN


@given(st.binary(max_size=400))
def test_whatever_the_bytes_they_are_recognised_or_refused(data: bytes) -> None:
    try:
        assert recognise(data).kinds
    except NotTaken as refused:
        assert refused.fault in Fault


@given(st.sampled_from(sorted(samples.TAKEN)), st.data())
def test_a_changed_or_shortened_file_never_ends_in_anything_else(name: str, data: st.DataObject) -> None:
    whole = bytearray(samples.TAKEN[name][0])
    for _ in range(data.draw(st.integers(0, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        recognise(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except NotTaken as refused:
        assert refused.fault in Fault
