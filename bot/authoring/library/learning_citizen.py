"""The learning citizen: ten indicators a person scores for themselves, ten points each.

The wording follows the draft list of July 2020 (4 + 4 + 2 indicators). The official appendices, one for each
group of people (Decision 324/QĐ-KHVN of 2023), go in its place when they are at hand.
"""

from __future__ import annotations

from bot.authoring.library.people import REFERENCE
from bot.authoring.library.tables import Options, Row, Workform, calculate, hidden

MOST = 10
"""Points of one indicator."""
ENOUGH, LEAST = 80, 5
"""Points in all, and of each indicator, from which a person assesses themselves as a learning citizen."""

_GROUPS: tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "tu_hoc",
        "Phần 2. Tự học, học tập suốt đời",
        "Part 2. Learning by oneself, lifelong",
        (
            (
                "Thường xuyên đọc, nghe, xem để cập nhật kiến thức mới.",
                "Regularly reading, listening, watching to keep knowledge up to date.",
            ),
            (
                "Có kế hoạch học tập của mình và làm theo kế hoạch đó.",
                "Having a learning plan of one's own and keeping to it.",
            ),
            (
                "Sắp xếp thời gian để tham gia lớp học, hoạt động học tập.",
                "Making time for courses and learning activities.",
            ),
            (
                "Động viên, giúp người thân hoặc đồng nghiệp học tập.",
                "Encouraging and helping relatives or colleagues to learn.",
            ),
        ),
    ),
    (
        "cong_cu",
        "Phần 3. Sử dụng công cụ",
        "Part 3. Using tools",
        (
            (
                "Dùng công nghệ thông tin, Internet cho việc học, việc làm và đời sống.",
                "Using information technology and the Internet for learning, work and life.",
            ),
            (
                "Dùng được một ngoại ngữ ở mức mình cần.",
                "Using a foreign language as far as one needs it.",
            ),
            (
                "Tính toán để lo việc nhà, việc làm và chi tiêu.",
                "Calculating for household, work and spending.",
            ),
            (
                "Xem xét, phản biện thông tin trước khi tin và làm theo.",
                "Examining information critically before believing and following it.",
            ),
        ),
    ),
    (
        "quan_he",
        "Phần 4. Quan hệ xã hội",
        "Part 4. Relations with others",
        (
            (
                "Giữ quan hệ thân thiện, biết hòa giải khi có mâu thuẫn.",
                "Keeping friendly relations, and making peace in a conflict.",
            ),
            (
                "Hợp tác, chia sẻ hiểu biết với người khác.",
                "Working together and sharing what one knows.",
            ),
        ),
    ),
)


def _indicator(number: int, vi: str, en: str) -> tuple[Row, Row]:
    name = f"cd_{number:02d}"
    return (
        Row(
            "range",
            name,
            (f"Chỉ số {number}. {vi} Tự chấm mấy điểm?", f"Indicator {number}. {en} How many points?"),
            (
                "Từ 0 (chưa làm) đến 10 (làm rất tốt).",
                "From 0 (not at all) to 10 (very well).",
            ),
            required=True,
            parameters=f"start=0 end={MOST} step=1",
        ),
        Row(
            "text",
            f"{name}_minh_chung",
            (f"Minh chứng cho chỉ số {number}?", f"Evidence for indicator {number}?"),
            (
                "Không bắt buộc. Ví dụ: giấy chứng nhận, tên lớp học, hoặc chỉ ghi có, không.",
                "Optional. For example: a certificate, the name of a course, or just yes or no.",
            ),
            constraint="string-length(.) <= 140",
            message=(
                "Xin viết ngắn lại, tối đa 140 chữ cái.",
                "Please make it shorter, at most 140 letters.",
            ),
        ),
    )


def _parts() -> tuple[Row, ...]:
    rows: list[Row] = []
    number = 0
    for name, vi, en, indicators in _GROUPS:
        rows.append(Row("begin group", name, (vi, en)))
        for said in indicators:
            number += 1
            rows += _indicator(number, *said)
        rows.append(Row("end group"))
    return tuple(rows)


_SCORES = [f"${{cd_{number:02d}}}" for number in range(1, 11)]
_COMPLETE = " and ".join(f"{score} != ''" for score in _SCORES)

LEARNING_CITIZEN = Workform(
    id="cong_dan_hoc_tap",
    version="1",
    title="Phiếu tự đánh giá Công dân học tập",
    survey=(
        *hidden(
            "ten_chien_dich",
            "co_quan",
            "ten_xa",
            "ma_xa",
            "ref_date",
            "cach_tra_loi",
            "xung_ho",
            "gioi_ho_so",
            "sinh_ho_so",
        ),
        calculate("xh", "if(${xung_ho} != '', ${xung_ho}, 'ông/bà')"),
        *REFERENCE,
        calculate("nam_moc", "number(substr(${ngay_moc}, 0, 4))"),
        Row("begin group", "phan_1", ("Phần 1. Thông tin chung", "Part 1. General")),
        Row(
            "note",
            "mo_dau",
            (
                "${ten_chien_dich}, ${ten_xa}. Mười chỉ số, mỗi chỉ số ${xh} tự chấm từ 0 đến 10 điểm. Xin"
                " chấm"
                " đúng như mình làm được.",
                "${ten_chien_dich}, ${ten_xa}. Ten indicators; give yourself 0 to 10 points for each, as it"
                " really is.",
            ),
            relevant="${ten_chien_dich} != ''",
        ),
        Row(
            "select_one nhom",
            "nhom",
            ("Trong các nhóm sau, ${xh} thuộc nhóm nào?", "Which of these groups do you belong to?"),
            required=True,
        ),
        Row(
            "integer",
            "nam_danh_gia",
            ("Tự đánh giá cho năm nào?", "Which year is assessed?"),
            (
                "Tính từ ngày 1/1 đến ngày 31/12 của năm đó.",
                "From 1 January to 31 December of that year.",
            ),
            required=True,
            # The criteria are of 2022 and 2023.
            constraint=". >= 2022 and . <= ${nam_moc}",
            message=(
                "Xin ghi một năm từ 2022 đến ${nam_moc}.",
                "Please write a year from 2022 to ${nam_moc}.",
            ),
            # Not by way of nam_moc: defaults are set before anything is calculated.
            default="if(${ref_date} != '', substr(${ref_date}, 0, 4), format-date(today(), '%Y'))",
        ),
        Row("end group"),
        *_parts(),
        calculate("du_diem", f"if({_COMPLETE}, '1', '0')"),
        calculate("tong_diem", f"if(${{du_diem}} = '1', {' + '.join(_SCORES)}, '')"),
        calculate("thap_nhat", f"if(${{du_diem}} = '1', min({', '.join(_SCORES)}), '')"),
        calculate(
            "tu_danh_gia",
            f"if(${{du_diem}} = '0', '', if(${{tong_diem}} >= {ENOUGH} and ${{thap_nhat}} >= {LEAST}, '1',"
            f" '2'))",
        ),
        Row(
            "note",
            "ket_dat",
            (
                "Tổng ${tong_diem}/100 điểm, thấp nhất ${thap_nhat} điểm: tự đánh giá đạt. Việc công nhận"
                " Công dân"
                " học tập do cấp có thẩm quyền quyết định.",
                "${tong_diem} of 100 points, the lowest ${thap_nhat}: met, by your own assessment. Whether"
                " it is"
                " recognised, the competent level decides.",
            ),
            relevant="${tu_danh_gia} = '1'",
        ),
        Row(
            "note",
            "ket_khong_dat",
            (
                f"Tổng ${{tong_diem}}/100 điểm, thấp nhất ${{thap_nhat}} điểm: tự đánh giá chưa đạt (cần từ"
                f" {ENOUGH} điểm, không chỉ số nào dưới {LEAST}).",
                f"${{tong_diem}} of 100 points, the lowest ${{thap_nhat}}: not met yet, by your own"
                f" assessment"
                f" ({ENOUGH} are needed, no indicator below {LEAST}).",
            ),
            relevant="${tu_danh_gia} = '2'",
        ),
    ),
    lists=(
        Options(
            "nhom",
            (
                ("1", "Người dân trong xã", "Resident"),
                ("2", "Người lao động", "Worker"),
                ("3", "Cán bộ, công nhân viên, doanh nhân", "Official, employee, entrepreneur"),
                ("4", "Học sinh, sinh viên, học viên", "Pupil, student, trainee"),
            ),
        ),
    ),
)
