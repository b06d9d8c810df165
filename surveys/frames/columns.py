"""Headings of lists of households: which column holds what, however an office calls it.

A heading may stand under titles, in one row or in two (*Năm sinh* over *Nam* and *Nữ*), in Vietnamese with
or without marks, or in English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from surveys.frames.lists import Line
from surveys.letters import fold
from surveys.problems import Problem


class Field(StrEnum):
    """What a column holds."""

    CODE = "code"
    AREA_CODE = "area_code"
    AREA_NAME = "area_name"
    AREA_NEW = "area_new"
    VINTAGE = "vintage"
    DISTRICT = "district"
    PROVINCE = "province"
    NEIGHBOURHOOD = "neighbourhood"
    ADDRESS = "address"
    HOUSE_NUMBER = "house_number"
    STREET = "street"
    HEAD = "head"
    HEAD_PHONE = "head_phone"
    NUMBER = "number"
    NAME = "name"
    SEX = "sex"
    SEX_MALE = "sex_male"
    SEX_FEMALE = "sex_female"
    BIRTH = "birth"
    BIRTH_DAY = "birth_day"
    BIRTH_MONTH = "birth_month"
    BIRTH_YEAR = "birth_year"
    BIRTH_MALE = "birth_male"
    BIRTH_FEMALE = "birth_female"
    RELATION = "relation"
    PHONE = "phone"
    SAME_AS = "same_as"
    UNREAD = "unread"
    """Known, and of no use here: a running number, a remark."""
    UNWANTED = "unwanted"
    """What is not needed and therefore not taken (Law 91/2025/QH15): identity, tax and account numbers."""


_HEADINGS: Mapping[Field, str] = {
    Field.CODE: """mã hộ; mã số hộ; số hộ; mã hộ gia đình; mã hộ dân; mã sổ hộ khẩu; số sổ hộ khẩu; sổ hộ khẩu
        số; số hộ khẩu; mã hộ khẩu; mhộ; hộ số; hộ; household code; household id; household; hh id; hhid; hh
        code""",
    Field.AREA_CODE: """mã xã; mã phường; mã xã phường; mã phường xã; mã đơn vị; mã đơn vị hành chính; mã
        đvhc; mã px; mã xp; mã phường xã đặc khu; mã xã phường đặc khu; ward code; commune code; area code;
        area""",
    Field.AREA_NAME: """xã; phường; xã phường; phường xã; tên xã; tên phường; xã phường thị trấn; phường xã
        thị trấn; tên đơn vị; đơn vị; đơn vị hành chính; xã phường đặc khu; phường xã đặc khu; ward; commune;
        ward name; commune name""",
    Field.AREA_NEW: """mã xã mới; mã phường mới; mã xã phường mới; mã phường xã mới; mã đơn vị mới; new ward
        code; new commune code; new area code""",
    Field.VINTAGE: "ngày danh mục; danh mục ngày; vintage",
    Field.DISTRICT: "quận huyện; huyện quận; quận; huyện; tên huyện; tên quận; district; quận huyện thị xã",
    Field.PROVINCE: "tỉnh; tỉnh thành phố; tỉnh thành; thành phố; tên tỉnh; province; city",
    Field.NEIGHBOURHOOD: """khu phố; tổ dân phố; thôn; ấp; tổ; khóm; xóm; bản; buôn; kp; tdp; khu dân cư; tên
        khu phố; khu phố ấp; ấp khu phố; khu phố thôn; thôn tổ; tổ thôn; thôn tổ dân phố; tổ dân phố thôn;
        thôn bản; thôn xóm; khu phố tổ dân phố; tổ dân phố khu phố; khu phố ấp tổ dân phố; tên thôn; tên ấp;
        tên tổ; khối phố; khu; neighbourhood; neighborhood; hamlet; village; địa bàn""",
    Field.ADDRESS: """địa chỉ; nơi ở; chỗ ở; nơi ở hiện nay; nơi ở hiện tại; chỗ ở hiện nay; địa chỉ thường
        trú; nơi thường trú; hộ khẩu thường trú; địa chỉ nơi ở; địa chỉ hiện nay; địa chỉ hiện tại; số nhà
        đường; số nhà tên đường; số nhà đường phố; địa chỉ nhà; address""",
    Field.HOUSE_NUMBER: "số nhà; nhà số; house number; house no",
    Field.STREET: "đường; tên đường; đường phố; ngõ; hẻm; ngõ hẻm; street; road",
    Field.HEAD: """chủ hộ; họ tên chủ hộ; họ và tên chủ hộ; tên chủ hộ; chủ hộ họ và tên; chủ hộ họ tên; head;
        head name; head of household; household head; name of head""",
    Field.HEAD_PHONE: """số điện thoại chủ hộ; điện thoại chủ hộ; sđt chủ hộ; số điện thoại hộ; sđt hộ; điện
        thoại hộ; household phone; phone of head; head phone""",
    Field.NUMBER: """stt trong hộ; số thứ tự trong hộ; thứ tự trong hộ; stt thành viên; số thứ tự thành viên;
        stt nhân khẩu; member number; person number; member no; line number""",
    Field.NAME: """họ và tên; họ tên; tên; họ và tên thành viên; họ tên thành viên; tên thành viên; họ và tên
        nhân khẩu; họ tên nhân khẩu; họ chữ đệm và tên; họ chữ đệm tên; thành viên; nhân khẩu; thành viên họ
        và tên; thành viên họ tên; name; full name; member name; person name; member; person""",
    Field.SEX: "giới tính; giới; phái; nam nữ; giới tính nam nữ; sex; gender",
    Field.SEX_MALE: "giới tính nam; giới nam; nam; male",
    Field.SEX_FEMALE: "giới tính nữ; giới nữ; nữ; female",
    Field.BIRTH: """ngày sinh; ngày tháng năm sinh; ngày tháng năm; tháng năm sinh; sinh ngày; ngày sinh đầy
        đủ; birth; date of birth; birth date; birthday; dob; born; month of birth""",
    Field.BIRTH_DAY: "ngày sinh ngày; sinh ngày ngày; birth day; day of birth",
    Field.BIRTH_MONTH: "tháng sinh; ngày sinh tháng; birth month",
    Field.BIRTH_YEAR: "năm sinh; ngày sinh năm; ns; birth year; year of birth; yob",
    Field.BIRTH_MALE: """năm sinh nam; ngày sinh nam; ngày tháng năm sinh nam; năm sinh của nam; sinh năm nam;
        birth year male; birth male""",
    Field.BIRTH_FEMALE: """năm sinh nữ; ngày sinh nữ; ngày tháng năm sinh nữ; năm sinh của nữ; sinh năm nữ;
        birth year female; birth female""",
    Field.RELATION: """quan hệ; quan hệ với chủ hộ; qh với chủ hộ; qh; mối quan hệ; mối quan hệ với chủ hộ;
        quan hệ chủ hộ; quan hệ với ch; relation; relationship; relation to head; relationship to head""",
    Field.PHONE: """số điện thoại; điện thoại; sđt; đt; số đt; số điện thoại liên hệ; điện thoại liên hệ; di
        động; điện thoại di động; số điện thoại di động; đtdđ; số di động; số zalo; zalo; phone; phone number;
        mobile; telephone; tel""",
    Field.SAME_AS: "trùng với; gộp với; cùng hộ với; same as; merge with",
    Field.UNREAD: """stt; tt; số thứ tự; no; ghi chú; chú thích; note; notes; remark; remarks; số khẩu; số
        nhân khẩu; số người; nhân khẩu số; tổng số khẩu; email; địa chỉ email; nghề nghiệp; trình độ; dân tộc;
        tôn giáo; quốc tịch; nơi sinh; quê quán; nguyên quán; chữ ký; ký nhận; tình trạng; diện""",
    Field.UNWANTED: """cccd; cmnd; số cccd; số cmnd; cmnd cccd; cccd cmnd; số cmnd cccd; số cccd cmnd; số định
        danh; số định danh cá nhân; mã định danh; căn cước; số căn cước; căn cước công dân; số căn cước công
        dân; hộ chiếu; số hộ chiếu; mã số bhxh; số bhyt; bhyt; mã số thuế; số tài khoản; tài khoản; id number;
        identity number; national id; passport; passport number""",
}  # fmt: skip

_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NO_WORD = re.compile(r"[^0-9a-z]+")
_LONGEST_HEADING = 200


def _plain(text: str, *, brackets: bool = False) -> str:
    folded = fold(text[:_LONGEST_HEADING])
    return " ".join(_NO_WORD.sub(" ", folded if brackets else _BRACKETS.sub(" ", folded)).split())


_FIELDS: Mapping[str, Field] = {
    _plain(heading): field for field, headings in _HEADINGS.items() for heading in headings.split(";")
}
_BEGINNINGS = sorted((heading for heading in _FIELDS if " " in heading), key=len, reverse=True)
"""Headings of two words and more, which may go on: "họ và tên người trong hộ"."""


def field_of(heading: str) -> Field | None:
    """What a column with this heading holds; None for one never heard of."""
    found = _exactly(heading)
    if found is not None:
        return found
    plain = _plain(heading)
    beginning = next((one for one in _BEGINNINGS if plain.startswith(one + " ")), None)
    return _FIELDS[beginning] if beginning else None


def _exactly(heading: str) -> Field | None:
    return _FIELDS.get(_plain(heading)) or _FIELDS.get(_plain(heading, brackets=True))


_MANY = frozenset({Field.UNREAD, Field.UNWANTED})
"""Fields that several columns may be."""
_VALUES = frozenset({Field.SEX_MALE, Field.SEX_FEMALE})
"""Headings that are as often what stands below one."""

NAMED = (Field.NAME, Field.HEAD)
"""Without one of these a list names nobody."""

HEADING_WITHIN = 40
"""Lines among which the headings are looked for: titles, the office, the date stand above them."""

MOST_COLUMNS = 60
"""Filled columns of a list. More are a sheet for something else."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Where a sheet's headings are. ``last`` is their last line; ``columns`` what each column holds, by its
    number from 0; ``names`` the headings as written.
    """

    last: int
    columns: Mapping[int, Field]
    names: Mapping[int, str]

    def name(self, field: Field) -> str:
        """How the file calls the column of a field; empty where it has none."""
        return next((self.names[at] for at, found in self.columns.items() if found is field), "")

    def has(self, *fields: Field) -> bool:
        """Whether there is a column for one of these."""
        return any(found in fields for found in self.columns.values())


def find_heading(lines: Sequence[Line], spans: Iterable[tuple[int, int, int]] = ()) -> Heading | None:
    """The headings among the first lines of a sheet; None where no line looks like them.

    ``spans`` are merged cells side by side: *(line, first column, last column)*. At least two columns must be
    known, one of them naming people. Raises Problem ``household_column_twice``.
    """
    wide = {(line, at): first for line, first, last in spans for at in range(first, last + 1)}
    best: Heading | None = None
    most = 0
    shown = [line for line in lines[:HEADING_WITHIN] if any(line.cells)]
    for index, line in enumerate(shown):
        below = shown[index + 1] if index + 1 < len(shown) else None
        texts = {at: (cell,) for at, cell in enumerate(line.cells) if cell}
        candidates: list[tuple[int, dict[int, tuple[str, ...]]]] = [(line.number, {**texts})]
        if below is not None and below.number == line.number + 1:
            candidates.append((below.number, _two_rows(line, below, wide)))
        for number, (last, words) in enumerate(candidates):
            fields = {at: known for at, text in words.items() if (known := _known(text)) is not None}
            told = {field for field in fields.values() if field not in _MANY | _VALUES}
            if len(told) < 2 or not told & set(NAMED):
                continue
            # Two rows rather than the first of them; but a line of data may hold words that are headings,
            # too.
            if len(told) > most or (number == 1 and len(told) == most and best and best.last == line.number):
                most = len(told)
                best = Heading(last, fields, {at: " ".join(text) for at, text in words.items()})
    return None if best is None else _settled(best)


def _known(text: tuple[str, ...]) -> Field | None:
    whole = " ".join(text)
    return _exactly(whole) or (_exactly(text[-1]) if len(text) > 1 else None) or field_of(whole)


def _two_rows(upper: Line, lower: Line, wide: Mapping[tuple[int, int], int]) -> dict[int, tuple[str, ...]]:
    """The texts over each column from two rows of headings; nothing when the lower one is no heading.

    What stands above is spread over the columns it spans, and where a file has no spans over the empty cells
    beside it that have something below.
    """
    texts: dict[int, tuple[str, ...]] = {}
    beside = ""
    for at in range(max(len(upper.cells), len(lower.cells))):
        above = upper.cells[at] if at < len(upper.cells) else ""
        below = lower.cells[at] if at < len(lower.cells) else ""
        if (first := wide.get((upper.number, at))) is not None:
            above = upper.cells[first] if first < len(upper.cells) else ""
        elif not above and below:
            above = beside
        beside = above
        parts = (above,) if above == below else tuple(part for part in (above, below) if part)
        if below and above != below and _exactly(" ".join(parts)) is None and _exactly(below) is None:
            return {}
        if parts:
            texts[at] = parts
    return texts


def _settled(heading: Heading) -> Heading:
    """The same with each field once."""
    columns = dict(heading.columns)
    held: dict[Field, int] = {}
    for at, field in list(columns.items()):
        if field in _MANY:
            continue
        if field not in held:
            held[field] = at
            continue
        first = held[field]
        exact = [one for one in (first, at) if _exactly(heading.names[one]) is field]
        if len(exact) != 1:
            raise Problem("household_column_twice", column=heading.names[at][:60])
        columns[at if exact[0] == first else first] = Field.UNREAD
        held[field] = exact[0]
    return Heading(heading.last, columns, heading.names)


_NUMBERED = re.compile(r"\(?([0-9]{1,2}|[a-z])\)?")


def is_numbering(line: Line) -> bool:
    """Whether a line only numbers the columns, as forms do: (1), (2), (3) or A, B, 1, 2."""
    cells = [fold(cell) for cell in line.cells if cell]
    if len(cells) < 3 or not all(_NUMBERED.fullmatch(cell) for cell in cells):
        return False
    numbers = [int(found) for cell in cells if (found := cell.strip("()")).isdigit()]
    return len(numbers) >= 2 and all(after == before + 1 for before, after in pairwise(numbers))
