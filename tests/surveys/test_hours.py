"""The hour somebody wants to be reminded at, in their own words."""

from __future__ import annotations

from datetime import time

import pytest

from surveys.hours import asked_hour, is_any, read_hour


@pytest.mark.parametrize(
    ("said", "hour"),
    [
        ("nhắc tôi lúc 19 giờ", time(19)),
        ("Nhac toi luc 7h30 toi", time(19, 30)),
        ("giờ nhắc: 8 giờ sáng nhé", time(8)),
        ("nhắc tôi lúc bảy giờ tối", time(19)),
        ("nhắn tin cho tôi lúc 18h", time(18)),
        ("Remind me at 7 pm", time(19)),
        ("nhắc tôi lúc 19", time(19)),
    ],
)
def test_a_wish_names_its_hour(said: str, hour: time) -> None:
    wanted = asked_hour(said)
    assert wanted is not None
    assert read_hour(wanted) == hour


def test_any_hour_will_do_again() -> None:
    wanted = asked_hour("giờ nhắc bất kỳ")
    assert wanted is not None and is_any(wanted)
    assert is_any("any time") and not is_any("19h")


def test_the_words_alone_ask_which_hour_holds() -> None:
    assert asked_hour("giờ nhắc") == ""


@pytest.mark.parametrize(
    "said",
    ["", "nhắc tôi lúc rảnh", "nhắc tôi lúc 25 giờ", "19 giờ", "có", "nhắc tôi lúc 19 giờ được không?"],
)
def test_anything_else_is_no_such_wish(said: str) -> None:
    assert asked_hour(said) is None
