"""What several forms ask of a person: rules of birth and age, and lists of choices."""

from __future__ import annotations

from bot.authoring.library.tables import Options, Row, calculate

EXCLUDES_ZERO = "not(selected(., '0') and count-selected(.) > 1)"
"""A *none* among several choices stands alone."""

BIRTH_EXAMPLE = (
    "Ví dụ: 03/1985. Không nhớ tháng thì chỉ ghi năm: 1985.",
    "Example: 03/1985. If the month is not known, the year alone: 1985.",
)

REFERENCE = (
    # Without a campaign (the form tried out alone) the reference date is today.
    calculate("ngay_moc", "if(${ref_date} != '', ${ref_date}, format-date(today(), '%Y-%m-%d'))"),
    calculate("thang_moc", "number(substr(${ngay_moc}, 0, 4)) * 12 + number(substr(${ngay_moc}, 5, 7))"),
)
"""The day at which age is counted, and its month on the scale *year · 12 + month*."""


def birth(latest: str) -> str:
    """The constraint of a birth, ``MM/YYYY`` or ``YYYY``: from 1905, not after ``latest``, an expression of
    the scale of ``thang_moc``.
    """
    return (
        "regex(., '^((0?[1-9]|1[0-2])/)?[0-9]{4}$')"
        " and number(substr(., string-length(.) - 4)) >= 1905"
        " and number(substr(., string-length(.) - 4)) * 12"
        f" + if(contains(., '/'), number(substring-before(., '/')), 1) <= {latest}"
    )


def age_of(born: str, month: str, age: str) -> tuple[Row, Row]:
    """Two calculations from the birth in field ``born``: its month on the scale of ``thang_moc``, and the
    age in full years. An unknown month is January (Decree 135/2020/NĐ-CP).
    """
    text = f"${{{born}}}"
    return (
        calculate(
            month,
            f"if({text} = '', '', number(substr({text}, string-length({text}) - 4)) * 12"
            f" + if(contains({text}, '/'), number(substring-before({text}, '/')), 1))",
        ),
        calculate(age, f"if(${{{month}}} = '', '', int((${{thang_moc}} - ${{{month}}}) div 12))"),
    )


SEX = Options("gioi", (("1", "Nam", "Male"), ("2", "Nữ", "Female")))

ACTIVITY = Options(
    "viec_lam",
    (
        ("1", "Làm công ăn lương", "Paid employee"),
        ("2", "Tự làm, buôn bán, chủ cơ sở", "Self-employed, trader, owner"),
        ("3", "Làm nông, lâm, thủy sản", "Farming, forestry, fishing"),
        ("4", "Không có việc, đang tìm", "No job, looking for one"),
        ("5", "Nội trợ", "Housework at home"),
        ("6", "Đi học", "Studying"),
        ("7", "Nghỉ hưu", "Retired"),
        ("8", "Mất khả năng lao động", "Unable to work"),
        ("9", "Khác", "Other"),
    ),
)

SCHOOL = Options(
    "hoc_van",
    (
        ("0", "Chưa đi học", "Never went to school"),
        ("1", "Dưới tiểu học", "Primary not finished"),
        ("2", "Tiểu học (cấp 1)", "Primary"),
        ("3", "THCS (cấp 2)", "Lower secondary"),
        ("4", "THPT (cấp 3)", "Upper secondary"),
    ),
)

QUALIFICATION = Options(
    "cmkt",
    (
        ("0", "Chưa qua đào tạo", "No training"),
        ("2", "Chứng chỉ nghề dưới 3 tháng", "Vocational certificate, under 3 months"),
        ("3", "Sơ cấp (từ 3 tháng)", "Elementary level (3 months or more)"),
        ("4", "Trung cấp", "Intermediate level"),
        ("41", "Trung học nghề", "Vocational secondary school"),
        ("5", "Cao đẳng", "College"),
        ("6", "Đại học", "University (bachelor)"),
        ("7", "Thạc sĩ", "Master"),
        ("8", "Tiến sĩ", "Doctor (PhD)"),
    ),
)

CONFIRM = Options(
    "xac_nhan",
    (("1", "Đúng như vậy", "That is right"), ("2", "Chưa đúng, tôi sửa", "No, I'll change it")),
)

YES_NO = Options("co_khong", (("1", "Có", "Yes"), ("2", "Không", "No")))
