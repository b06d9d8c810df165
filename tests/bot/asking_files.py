"""A town with a survey that asks for files and a place, and what a test does with it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from storage import interviews, media
from storage.media import Kept
from tests.forms.build import Rows, converted
from tests.town import Town

VI, EN = "Tiếng Việt (vi)", "English (en)"


def row(type_: str, name: str, vi: str, en: str, **columns: Any) -> dict[str, Any]:
    return {"type": type_, "name": name, f"label::{VI}": vi, f"label::{EN}": en, **columns}


SURVEY: Rows = [
    row("image", "anh_nha", "Xin chụp mặt trước căn nhà.", "Please photograph the front.", required="yes"),
    row("geopoint", "vi_tri", "Căn nhà ở đâu?", "Where is the house?", required="yes"),
    row("file", "giay_to", "Xin gửi giấy tờ nếu có.", "Please send papers, if any."),
    row("audio", "loi_ke", "Xin kể về căn nhà.", "Please tell about the house."),
    row("date", "ngay_xay", "Nhà xây xong ngày nào?", "When was it finished?", required="yes"),
]


def campaign(
    town: Town,
    survey: Rows = SURVEY,
    choices: Rows = (),
    attached: Mapping[str, bytes] | None = None,
    **legal: Any,
) -> str:
    """The code of an open campaign that asks ``survey`` of whoever comes, without a consent form."""
    made = converted(
        survey,
        choices,
        settings=[{"form_title": "Nhà ở", "form_id": "nha_o", "version": "1", "default_language": VI}],
    )
    assert not made.errors
    town.act(
        "instrument.publish",
        {
            "definition": {
                "instrument": {
                    "id": "nha-o", "version": "1", "status": "thử", "form": "nha_o", "unit": "person"
                }
            },
            "xform": made.xform,
            "attached": {name: b64encode(file).decode() for name, file in (attached or {}).items()},
            "rows": {ref: (place.sheet, place.row) for ref, place in made.rows.items()},
        },
    )  # fmt: skip
    return town.campaign(
        basis="dieu_19",
        instrument="nha-o",
        legal={
            "controller": "UBND phường Sài Gòn",
            "address": "45-47 Lê Duẩn",
            "phone": "028 3829 7000",
            "purpose": "thống kê nhà ở",
            "storage_place": "máy chủ của phường",
            "retention_days": 90,
            "dpo_contact": "dpo@phuong.example",
            "basis": "dieu_19",
            "internal": True,
            **legal,
        },
    )


def files(town: Town) -> list[Kept]:
    """Every file of every interview, oldest first, and every one that is no answer."""

    def read(connection: Any) -> list[Kept]:
        found = [media.numbered(connection, key) for key in range(1, 50)]
        return [one for one in found if one is not None]

    return town.database.read(read)


def content(town: Town, kept: Kept) -> bytes:
    """The bytes of a file."""
    return town.database.read(lambda connection: media.content(connection, town.keyring, kept.id))


def answers(town: Town, interview: int = 1) -> dict[str, str]:
    """What an interview has been answered, by the last step of the reference."""
    found = town.database.write(
        lambda connection: interviews.find(connection, town.keyring, [interview])[interview]
    )
    return {ref.rpartition("/")[2]: value for ref, value in found.state.answers.items()}


def history(town: Town, interview: int = 1) -> list[tuple[str, str | None]]:
    """Every version of every answer: *(last step of the reference, value)*."""
    lines = town.database.read(
        lambda connection: interviews.answer_history(connection, town.keyring, interview)
    )
    return [(line[0].rpartition("/")[2], line[1]) for line in lines]
