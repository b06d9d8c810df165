"""The shipped questionnaires as tables, and the program that writes them as XLSForm workbooks.

``python -m bot.authoring.library`` writes every ``surveys/library/*/form.xlsx`` anew, byte for byte the same
each time. The workbooks are what the product runs; the tables are what is edited, since a change in them can
be read in a diff. What the questions are for, and how answers become indicators, stands in the
``instrument.yaml`` beside each workbook.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.packaging.core import DocumentProperties
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.xml.functions import tostring

LIBRARY = Path(__file__).parents[2] / "surveys" / "library"

VI = "Tiếng Việt (vi)"
EN = "English (en)"

SURVEY_COLUMNS = (
    "type",
    "name",
    f"label::{VI}",
    f"label::{EN}",
    f"hint::{VI}",
    f"hint::{EN}",
    "required",
    "relevant",
    "constraint",
    f"constraint_message::{VI}",
    f"constraint_message::{EN}",
    "calculation",
    "appearance",
)
CHOICE_COLUMNS = ("list_name", "name", f"label::{VI}", f"label::{EN}")
SETTING_COLUMNS = ("form_title", "form_id", "version", "default_language")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of sheet ``survey``. Texts are pairs: Vietnamese, English."""

    type: str
    name: str = ""
    label: tuple[str, str] = ("", "")
    hint: tuple[str, str] = ("", "")
    required: bool = False
    relevant: str = ""
    constraint: str = ""
    message: tuple[str, str] = ("", "")
    calculation: str = ""
    appearance: str = ""

    def cells(self) -> tuple[str, ...]:
        """The row in the order of ``SURVEY_COLUMNS``."""
        return (
            self.type,
            self.name,
            *self.label,
            *self.hint,
            "yes" if self.required else "",
            self.relevant,
            self.constraint,
            *self.message,
            self.calculation,
            self.appearance,
        )


@dataclass(frozen=True, slots=True)
class Options:
    """One list of choices: name, Vietnamese, English, and values of extra columns."""

    name: str
    rows: tuple[tuple[str, str, str], ...]
    extra: dict[str, dict[str, str]] = field(default_factory=dict)
    """Extra column → choice → value."""


@dataclass(frozen=True, slots=True)
class Workform:
    """A whole workbook: settings, survey rows, lists of choices."""

    id: str
    version: str
    title: str
    survey: tuple[Row, ...]
    lists: tuple[Options, ...]


def hidden(*names: str) -> tuple[Row, ...]:
    """Declared hidden fields: what the case and the campaign bring along."""
    return tuple(Row("hidden", name) for name in names)


def calculate(name: str, calculation: str) -> Row:
    """A value worked out, never shown."""
    return Row("calculate", name, calculation=calculation)


# ── the worker and resident form ────────────────────────────────────────────────────────────────────────────

_NOT_SCREENED_OUT = "${sang_loc} = ''"
_SELF = "${cach_tra_loi} != 'proxy'"
_EXCLUDES_ZERO = "not(selected(., '0') and count-selected(.) > 1)"

_BIRTH = (
    "regex(., '^((0?[1-9]|1[0-2])/)?[0-9]{4}$')"
    " and number(substr(., string-length(.) - 4)) >= 1905"
    " and number(substr(., string-length(.) - 4)) * 12"
    " + if(contains(., '/'), number(substring-before(., '/')), 1) <= ${thang_moc}"
)


def _level(name: str, vi: str, en: str) -> Row:
    return Row(f"select_one {name}", name, (vi, en), required=True)


def _often(name: str, vi: str, en: str) -> Row:
    return Row(
        "select_one muc_do",
        name,
        (vi, en),
        (
            "Trong 3 tháng qua, ${xh} thấy mình như vậy ở mức nào?",
            "In the last 3 months, how often was this true?",
        ),
        required=True,
    )


WORKER = Workform(
    id="nguoi_lao_dong",
    version="1",
    title="Phiếu người lao động và cư dân: năng lực thông tin, kỹ năng sống, trình độ",
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
            "dy_lien_he_lai",
            "dy_nhay_cam",
        ),
        # How the person is spoken to: as the campaign says, else by whether they answer for themselves.
        calculate(
            "xh",
            "if(${xung_ho} != '', ${xung_ho}, if(${cach_tra_loi} = 'proxy', 'người được hỏi', 'ông/bà'))",
        ),
        # Without a campaign (the form tried out alone) the reference date is today.
        calculate("ngay_moc", "if(${ref_date} != '', ${ref_date}, format-date(today(), '%Y-%m-%d'))"),
        calculate("thang_moc", "number(substr(${ngay_moc}, 0, 4)) * 12 + number(substr(${ngay_moc}, 5, 7))"),
        Row("begin group", "phan_1", ("Phần 1. Thông tin chung", "Part 1. General")),
        Row(
            "note",
            "mo_dau",
            (
                "${ten_chien_dich}, ${ten_xa}. Khoảng 20 câu, mất chừng 10 phút. Câu nào không biết hoặc"
                " không muốn"
                " trả lời, xin cứ chọn như vậy.",
                "${ten_chien_dich}, ${ten_xa}. About 20 questions, some 10 minutes. Where you don't know"
                " or prefer not"
                " to say, just choose that.",
            ),
            relevant="${ten_chien_dich} != ''",
        ),
        Row(
            "select_one gioi",
            "gioi",
            ("Giới tính của ${xh}?", "Sex?"),
            required=True,
            relevant="${gioi_ho_so} = ''",
        ),
        Row(
            "text",
            "sinh",
            ("Tháng, năm sinh của ${xh}?", "Month and year of birth?"),
            (
                "Ví dụ: 03/1985. Không nhớ tháng thì chỉ ghi năm: 1985.",
                "Example: 03/1985. If the month is not known, the year alone: 1985.",
            ),
            required=True,
            relevant="${sinh_ho_so} = ''",
            # How a chat reads "3/85"; other clients pass it over on a text.
            appearance="month-year",
            constraint=_BIRTH,
            message=(
                "Ghi tháng/năm sinh, ví dụ 03/1985, hoặc chỉ năm, ví dụ 1985. Năm từ 1905, không sau ngày"
                " khảo sát.",
                "Write month/year of birth, like 03/1985, or the year alone, like 1985. From 1905, not"
                " after the survey.",
            ),
        ),
        calculate("gioi_chot", "coalesce(${gioi_ho_so}, ${gioi})"),
        calculate("sinh_chot", "coalesce(${sinh_ho_so}, ${sinh})"),
        # Months of birth on the scale of thang_moc. An unknown month is January (Decree 135/2020/NĐ-CP).
        calculate(
            "thang_sinh",
            "if(${sinh_chot} = '', '', number(substr(${sinh_chot}, string-length(${sinh_chot}) - 4)) * 12"
            " + if(contains(${sinh_chot}, '/'), number(substring-before(${sinh_chot}, '/')), 1))",
        ),
        calculate("tuoi", "if(${thang_sinh} = '', '', int((${thang_moc} - ${thang_sinh}) div 12))"),
        # A child is a person under 16 (Law on Children 2016): at 15 a parent or guardian answers.
        calculate(
            "sang_loc",
            "if(${tuoi} = '', '', if(${tuoi} < 15, 'duoi_15',"
            " if(${tuoi} < 16 and ${cach_tra_loi} != 'proxy', 'du_15', '')))",
        ),
        Row(
            "note",
            "ket_duoi_15",
            (
                "Xin cảm ơn. Khảo sát này chỉ hỏi người từ đủ 15 tuổi, nên phiếu dừng ở đây.",
                "Thank you. This survey asks people aged 15 and over, so it ends here.",
            ),
            relevant="${sang_loc} = 'duoi_15'",
        ),
        Row(
            "note",
            "ket_du_15",
            (
                "Xin cảm ơn. Ở tuổi 15, cha, mẹ hoặc người giám hộ trả lời thay, nên phiếu dừng ở đây."
                " Xin nhờ cha, mẹ"
                " mở lời mời của gia đình.",
                "Thank you. At 15, a parent or guardian answers, so this form ends here. Please ask them"
                " to open the"
                " family's invitation.",
            ),
            relevant="${sang_loc} = 'du_15'",
        ),
        Row(
            "select_one viec_lam",
            "viec_lam",
            ("Trong 7 ngày qua, ${xh} chủ yếu làm gì?", "Main activity in the last 7 days?"),
            required=True,
            relevant=_NOT_SCREENED_OUT,
        ),
        Row("end group"),
        Row(
            "begin group",
            "phan_2",
            ("Phần 2. Học vấn, tay nghề", "Part 2. Education and skills"),
            relevant=_NOT_SCREENED_OUT,
        ),
        Row(
            "select_one hoc_van",
            "hoc_van",
            ("Bậc học phổ thông cao nhất ${xh} đã học xong?", "Highest general education finished?"),
            (
                "Học hết lớp 10 của hệ 10 năm cũng là học xong THPT.",
                "Grade 10 of the former ten-year system is upper secondary too.",
            ),
            required=True,
        ),
        Row(
            "select_one cmkt",
            "cmkt",
            (
                "Bằng, chứng chỉ chuyên môn kỹ thuật cao nhất của ${xh}?",
                "Highest technical certificate or degree?",
            ),
            required=True,
        ),
        # A soft check: unusual, but it happens, so the person confirms rather than being refused.
        Row(
            "select_one xac_nhan",
            "cmkt_xac_nhan",
            (
                "Có bằng đại học trở lên mà chưa học xong THPT. Như vậy có đúng không?",
                "A university degree without finished upper secondary school. Is that right?",
            ),
            required=True,
            relevant="selected('6 7 8', ${cmkt}) and ${hoc_van} < 4",
            constraint=". = '1'",
            message=(
                "Xin sửa lại câu về bậc học phổ thông hoặc câu về bằng, chứng chỉ. Câu này sẽ tự mất khi"
                " hai câu khớp.",
                "Please change the answer on general education or on the degree. This question goes once"
                " they agree.",
            ),
        ),
        Row(
            "select_one co_khong",
            "tay_nghe",
            (
                "Hiện ${xh} có nghề tự học hoặc được truyền nghề, làm thạo từ 3 năm trở lên không?",
                "Skilled in a trade without a certificate (self-taught or handed down), for 3 years or more?",
            ),
            required=True,
            relevant="selected('0 2', ${cmkt})",
        ),
        Row(
            "select_one linh_vuc",
            "linh_vuc",
            ("Bằng, chứng chỉ cao nhất đó thuộc lĩnh vực nào?", "Field of that certificate or degree?"),
            required=True,
            relevant="selected('3 4 41 5 6 7 8', ${cmkt})",
        ),
        Row(
            "select_multiple dao_tao_12t",
            "dao_tao_12t",
            (
                "12 tháng qua, ${xh} đã học hoặc tập huấn nội dung nào?",
                "What training or courses in the last 12 months?",
            ),
            ("Chọn được nhiều mục.", "More than one may be chosen."),
            required=True,
            constraint=_EXCLUDES_ZERO,
            message=(
                'Nếu chọn "Không học nội dung nào" thì xin bỏ chọn các mục khác.',
                'With "None", please untick everything else.',
            ),
        ),
        Row(
            "select_multiple nhu_cau",
            "nhu_cau",
            ("12 tháng tới, ${xh} muốn học gì?", "Wishes to learn in the next 12 months?"),
            ("Chọn tối đa 3 mục.", "At most 3."),
            required=True,
            constraint=f"count-selected(.) <= 3 and {_EXCLUDES_ZERO}",
            message=(
                'Xin chọn tối đa 3 mục. Nếu chọn "Chưa có nhu cầu" thì bỏ chọn các mục khác.',
                'Please choose at most 3. With "Nothing yet", untick everything else.',
            ),
        ),
        Row("end group"),
        Row(
            "begin group",
            "phan_3",
            ("Phần 3. Tìm và dùng thông tin", "Part 3. Finding and using information"),
            relevant=f"{_NOT_SCREENED_OUT} and {_SELF}",
        ),
        _level(
            "il_nhu_cau",
            "Gặp việc mới (giấy tờ, khám bệnh, tìm việc, học nghề), trước tiên ${xh} thường làm gì?",
            "When something new comes up (papers, a doctor, a job, a course), what do you do first?",
        ),
        _level(
            "il_tim",
            "3 tháng qua, khi cần thông tin, ${xh} thường tìm thế nào?",
            "In the last 3 months, when you needed information, how did you look for it?",
        ),
        _level(
            "il_danh_gia",
            "Trước khi tin một tin trên mạng, ${xh} thường làm gì?",
            "Before you believe something you read online, what do you usually do?",
        ),
        _level(
            "il_su_dung",
            "12 tháng qua, ${xh} đã dùng thông tin tìm được vào việc gì?",
            "In the last 12 months, what did you do with the information you found?",
        ),
        _level(
            "il_an_toan",
            'Có tin nhắn: "Ông/bà được nhận trợ cấp, bấm đường dẫn và nhập mã OTP". Khi đó ${xh} làm gì?',
            'A text message says: "You are granted an allowance, tap the link and enter the OTP code".'
            " What do you do?",
        ),
        Row("end group"),
        Row(
            "begin group",
            "phan_4",
            ("Phần 4. Kỹ năng sống", "Part 4. Life skills"),
            relevant=f"{_NOT_SCREENED_OUT} and {_SELF}",
        ),
        _often(
            "ls_quyet_dinh",
            "Tôi cân nhắc cái được, cái mất trước khi quyết định việc quan trọng.",
            "I weigh what I gain and lose before an important decision.",
        ),
        _often(
            "ls_giai_quyet",
            "Gặp trục trặc, tôi tìm nguyên nhân và thử cách giải quyết.",
            "When something goes wrong, I look for the cause and try a solution.",
        ),
        _often(
            "ls_sang_tao",
            "Tôi nghĩ ra cách mới để làm việc hằng ngày tốt hơn.",
            "I think of new ways to do everyday things better.",
        ),
        _often(
            "ls_phan_bien",
            'Tôi hỏi "vì sao, có chắc không" trước khi làm theo lời người khác.',
            'I ask "why, is that certain?" before doing what others say.',
        ),
        _often(
            "ls_giao_tiep",
            "Tôi nói rõ ý mình và nghe hết lời người khác.",
            "I say clearly what I mean and hear others out.",
        ),
        _often(
            "ls_quan_he",
            "Có mâu thuẫn, tôi chủ động nói chuyện để giữ quan hệ.",
            "In a conflict, I start talking to keep the relationship.",
        ),
        _often(
            "ls_tu_nhan",
            "Tôi biết mình mạnh, yếu ở đâu, cần học thêm gì.",
            "I know where I am strong and weak, and what I need to learn.",
        ),
        _often(
            "ls_thau_cam",
            "Tôi đặt mình vào hoàn cảnh người khác để hiểu họ.",
            "I put myself in other people's place to understand them.",
        ),
        _often(
            "ls_cam_xuc",
            "Khi nóng giận, buồn bực, tôi giữ bình tĩnh trước khi nói, làm.",
            "When angry or upset, I calm down before I speak or act.",
        ),
        _often(
            "ls_ap_luc",
            "Khi căng thẳng, tôi có cách phù hợp để bớt căng thẳng.",
            "Under stress, I have good ways to ease it.",
        ),
        Row("end group"),
    ),
    lists=(
        Options("gioi", (("1", "Nam", "Male"), ("2", "Nữ", "Female"))),
        Options(
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
        ),
        Options(
            "hoc_van",
            (
                ("0", "Chưa đi học", "Never went to school"),
                ("1", "Dưới tiểu học", "Primary not finished"),
                ("2", "Tiểu học (cấp 1)", "Primary"),
                ("3", "THCS (cấp 2)", "Lower secondary"),
                ("4", "THPT (cấp 3)", "Upper secondary"),
            ),
        ),
        Options(
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
        ),
        Options(
            "xac_nhan",
            (("1", "Đúng như vậy", "That is right"), ("2", "Chưa đúng, tôi sửa", "No, I'll change it")),
        ),
        Options("co_khong", (("1", "Có", "Yes"), ("2", "Không", "No"))),
        Options(
            "linh_vuc",
            (
                ("14", "Sư phạm", "Teaching"),
                ("34", "Kinh doanh, quản lý", "Business, management"),
                ("38", "Luật, hành chính", "Law, administration"),
                ("48", "Công nghệ thông tin", "Information technology"),
                ("52", "Kỹ thuật, công nghệ", "Engineering, technology"),
                ("62", "Nông, lâm, thủy sản", "Agriculture, forestry, fisheries"),
                ("72", "Sức khỏe", "Health"),
                ("81", "Dịch vụ, du lịch, vận tải", "Services, tourism, transport"),
                ("22", "Nhân văn, nghệ thuật, báo chí", "Humanities, arts, journalism"),
                ("90", "Khác", "Other"),
            ),
            # The level-II fields of the education classification (Decision 01/2017/QĐ-TTg).
            {
                "ma_cap_2": {
                    "14": "14",
                    "34": "34",
                    "38": "31 38",
                    "48": "46 48",
                    "52": "51 52 54 58",
                    "62": "62 64",
                    "72": "72 76",
                    "81": "81 84",
                    "22": "21 22 32",
                    "90": "42 44 85 86 90",
                }
            },
        ),
        Options(
            "dao_tao_12t",
            (
                (
                    "1",
                    "Kỹ năng số, tìm và kiểm tra thông tin",
                    "Digital skills, finding and checking information",
                ),
                ("2", "Kỹ năng sống", "Life skills"),
                ("3", "Nghề, chuyên môn", "Trade or profession"),
                ("4", "Nội dung khác", "Something else"),
                ("0", "Không học nội dung nào", "None"),
            ),
        ),
        Options(
            "nhu_cau",
            (
                ("1", "Kỹ năng số", "Digital skills"),
                ("2", "Ngoại ngữ", "Foreign language"),
                ("3", "Nghề, nâng tay nghề", "Trade, better skills"),
                ("4", "Kinh doanh, khởi nghiệp", "Business, start-up"),
                ("5", "Kỹ năng sống", "Life skills"),
                ("6", "Pháp luật", "Law"),
                ("7", "Sức khỏe", "Health"),
                ("8", "Học văn hóa lên lớp, lấy bằng", "School grades, diploma"),
                ("0", "Chưa có nhu cầu", "Nothing yet"),
            ),
        ),
        Options(
            "il_nhu_cau",
            (
                ("0", "Chờ người khác làm giúp hoặc bỏ qua", "Wait for someone to do it, or let it be"),
                (
                    "1",
                    "Hỏi người quen, chưa rõ cần biết gì",
                    "Ask people I know, not sure what I need to know",
                ),
                (
                    "2",
                    "Nghĩ ra điều cần biết rồi mới hỏi, tìm",
                    "Think what I need to know, then ask or search",
                ),
                (
                    "3",
                    "Nêu rõ từng điều cần biết và biết nơi có thông tin",
                    "Name each thing I need to know, and know where to find it",
                ),
            ),
        ),
        Options(
            "il_tim",
            (
                ("0", "Không tự tìm", "Did not look myself"),
                ("1", "Tìm khi có người chỉ từng bước", "Looked when someone showed me each step"),
                ("2", "Tự tìm bằng một cách", "Looked by myself, in one way"),
                (
                    "3",
                    "Tự tìm nhiều cách, đổi từ khóa hoặc nguồn khi chưa ra",
                    "Looked by myself in several ways, with other words or sources when needed",
                ),
            ),
        ),
        Options(
            "il_danh_gia",
            (
                ("0", "Tin luôn hoặc không để ý", "Believe it, or don't mind"),
                ("1", "Xem có nhiều người chia sẻ không", "See whether many people share it"),
                ("2", "Xem ai đăng, đăng khi nào", "See who posted it and when"),
                (
                    "3",
                    "Đối chiếu nguồn chính thức hoặc ít nhất hai nguồn",
                    "Check an official source, or at least two sources",
                ),
            ),
        ),
        Options(
            "il_su_dung",
            (
                ("0", "Chưa dùng vào việc gì", "Have not used any"),
                ("1", "Dùng khi có người giúp", "Used it with someone's help"),
                ("2", "Tự giải quyết một việc của mình", "Solved a matter of my own by myself"),
                (
                    "3",
                    "Tổng hợp, viết hoặc trình bày lại cho công việc, cho người khác",
                    "Put it together, wrote or presented it for work or for others",
                ),
            ),
        ),
        Options(
            "il_an_toan",
            (
                ("0", "Làm theo", "Do as it says"),
                ("1", "Chuyển tiếp hỏi người khác", "Forward it to ask someone"),
                ("2", "Không bấm, xóa tin", "Don't tap, delete it"),
                (
                    "3",
                    "Không bấm, không chuyển tiếp, báo ngân hàng, công an hoặc số chính thức",
                    "Don't tap or forward, report it to the bank, the police or an official number",
                ),
            ),
        ),
        Options(
            "muc_do",
            (
                ("0", "Hầu như không", "Hardly ever"),
                ("1", "Thỉnh thoảng", "Sometimes"),
                ("2", "Thường xuyên", "Often"),
                ("3", "Hầu như luôn", "Almost always"),
            ),
        ),
    ),
)


# ── the consent form ────────────────────────────────────────────────────────────────────────────────────────

_TAKES_PART = "${dy_tra_loi} = '1'"

CONSENT = Workform(
    id="dong_y",
    version="1",
    title="Đồng ý tham gia khảo sát",
    survey=(
        *hidden(
            "ten_chien_dich",
            "co_quan",
            "dia_chi",
            "dien_thoai",
            "muc_dich",
            "noi_luu",
            "so_ngay",
            "cau_nen_tang",
            "mo_dun_nhay_cam",
            "mo_dun_ket_noi",
        ),
        Row(
            "note",
            "ten",
            (
                "Khảo sát năng lực thông tin, kỹ năng sống và trình độ của người dân: ${ten_chien_dich}",
                "Survey of people's information literacy, life skills and qualification: ${ten_chien_dich}",
            ),
        ),
        Row(
            "note",
            "ben_kiem_soat",
            (
                "Đơn vị thực hiện (bên kiểm soát dữ liệu): ${co_quan}, ${dia_chi}, điện thoại ${dien_thoai}.",
                "Carried out by (data controller): ${co_quan}, ${dia_chi}, telephone ${dien_thoai}.",
            ),
        ),
        Row("note", "cau_muc_dich", ("Mục đích: ${muc_dich}", "Purpose: ${muc_dich}")),
        Row(
            "note",
            "du_lieu",
            (
                "Dữ liệu thu: giới tính, tháng năm sinh, xã/phường, việc làm, học vấn, câu trả lời tự"
                " đánh giá.",
                "Data collected: sex, month and year of birth, commune or ward, work, education, your"
                " self-assessment.",
            ),
        ),
        Row(
            "note",
            "luu_giu",
            (
                "Lưu tại ${noi_luu}. Thông tin nhận dạng được xóa sau ${so_ngay} ngày. ${cau_nen_tang}",
                "Kept at ${noi_luu}. What identifies you is deleted after ${so_ngay} days. ${cau_nen_tang}",
            ),
        ),
        Row(
            "note",
            "quyen",
            (
                "Ông/bà có quyền: biết, xem, sửa, rút lại đồng ý, yêu cầu cung cấp, xóa, hạn chế, phản"
                " đối, khiếu nại."
                ' Gõ "riêng tư" bất cứ lúc nào.',
                "You have the right to know, see, correct, withdraw consent, ask for a copy, delete,"
                " restrict, object and"
                ' complain. Type "privacy" at any time.',
            ),
        ),
        Row(
            "note",
            "nghia_vu",
            (
                "Khi tham gia, xin trả lời đúng về mình và tôn trọng thông tin của người khác."
                " Không trả lời cũng không ảnh hưởng quyền lợi nào.",
                "If you take part, please answer truthfully and respect other people's data."
                " Not answering has no effect on any of your rights.",
            ),
        ),
        Row(
            "select_one dong_y",
            "dy_tra_loi",
            ("Ông/bà có đồng ý tham gia khảo sát không?", "Do you agree to take part in the survey?"),
            required=True,
        ),
        Row(
            "select_one dong_y",
            "dy_lien_he_lai",
            (
                "Ông/bà có đồng ý để chúng tôi liên hệ lại, để nhắc trả lời hoặc hỏi lại vài câu (phúc"
                " tra) không?",
                "Do you agree that we contact you again, to remind you or to ask a few questions once more?",
            ),
            ("Không bắt buộc.", "Optional."),
            relevant=_TAKES_PART,
        ),
        Row(
            "select_one dong_y",
            "dy_nhay_cam",
            (
                "Phiếu có câu hỏi về dữ liệu cá nhân nhạy cảm. Ông/bà có đồng ý trả lời các câu đó không?",
                "Some questions are about sensitive personal data. Do you agree to answer those?",
            ),
            ("Không bắt buộc.", "Optional."),
            relevant=f"{_TAKES_PART} and ${{mo_dun_nhay_cam}} = '1'",
        ),
        Row(
            "select_one dong_y",
            "dy_ket_noi",
            (
                "Ông/bà có đồng ý kết nối câu trả lời với cơ sở dữ liệu học tập của người dân không?",
                "Do you agree that your answers are linked to the residents' learning database?",
            ),
            ("Không bắt buộc.", "Optional."),
            relevant=f"{_TAKES_PART} and ${{mo_dun_ket_noi}} = '1'",
        ),
        Row(
            "note",
            "ket_tu_choi",
            (
                "Xin cảm ơn ông/bà. Chúng tôi sẽ không hỏi thêm.",
                "Thank you. We won't ask anything more.",
            ),
            relevant="${dy_tra_loi} = '2'",
        ),
    ),
    lists=(Options("dong_y", (("1", "Đồng ý", "I agree"), ("2", "Không đồng ý", "I don't agree"))),),
)

# ── a new campaign, asked of staff ──────────────────────────────────────────────────────────────────────────

_SHORT = "string-length(.) <= 300"
_TOO_LONG = ("Xin ghi ngắn lại, tối đa 300 chữ cái.", "Please make it shorter, at most 300 letters.")
_DATE_EXAMPLE = ("Ví dụ: ${hom_nay_viet}.", "For example: ${hom_nay_viet}.")


def _words(name: str, vi: str, en: str, hint_vi: str, hint_en: str, relevant: str = "") -> Row:
    return Row(
        "text",
        name,
        (vi, en),
        (hint_vi, hint_en),
        required=True,
        relevant=relevant,
        constraint=_SHORT,
        message=_TOO_LONG,
    )


WIZARD = Workform(
    id="chien_dich_moi",
    version="1",
    title="Chiến dịch mới",
    survey=(
        *hidden("hom_nay", "ma_don_vi", "ten_don_vi"),
        # Tried out alone, today is the day of the device.
        calculate("ngay_nay", "if(${hom_nay} != '', ${hom_nay}, format-date(today(), '%Y-%m-%d'))"),
        calculate("hom_nay_viet", "format-date(date(${ngay_nay}), '%d/%m/%Y')"),
        Row(
            "note",
            "cho_don_vi",
            ("Tạo chiến dịch mới. Đơn vị: ${ten_don_vi}.", "A new campaign. Area: ${ten_don_vi}."),
            relevant="${ma_don_vi} != ''",
        ),
        _words(
            "ten",
            "Tên chiến dịch?",
            "Title of the campaign?",
            "Người dân sẽ thấy tên này. Ví dụ: Khảo sát kỹ năng sống.",
            "People will see it. For example: Life skills survey.",
        ),
        _words(
            "don_vi",
            "Khảo sát ở đâu?",
            "Where?",
            "Ghi tên phường, xã hoặc tỉnh, thành phố. Ví dụ: phường Sài Gòn.",
            "Name of the ward or commune, or of the province. For example: phường Sài Gòn.",
            relevant="${ma_don_vi} = ''",
        ),
        Row(
            "date",
            "tu_ngay",
            ("Ngày bắt đầu?", "First day?"),
            _DATE_EXAMPLE,
            required=True,
            constraint=". >= date(${ngay_nay})",
            message=(
                "Ngày bắt đầu phải từ hôm nay (${hom_nay_viet}) trở đi.",
                "The first day can't be before today (${hom_nay_viet}).",
            ),
        ),
        Row(
            "date",
            "den_ngay",
            ("Ngày kết thúc?", "Last day?"),
            _DATE_EXAMPLE,
            required=True,
            constraint=". >= ${tu_ngay} and . - ${tu_ngay} <= 366",
            message=(
                "Ngày kết thúc phải từ ngày bắt đầu trở đi, và trong vòng một năm.",
                "The last day can't be before the first day, nor more than a year after it.",
            ),
        ),
        Row(
            "date",
            "ngay_moc",
            ("Ngày mốc để tính tuổi?", "Reference date, at which age is counted?"),
            ("Không bắt buộc. Bỏ qua thì lấy ngày bắt đầu.", "Optional. If skipped, it is the first day."),
            constraint="${tu_ngay} - . <= 366 and . - ${den_ngay} <= 366",
            message=(
                "Ngày mốc cách thời gian khảo sát tối đa một năm.",
                "The reference date must be within a year of the survey.",
            ),
        ),
        Row(
            "select_one can_cu",
            "can_cu",
            ("Căn cứ để xử lý dữ liệu cá nhân?", "What allows the personal data to be processed?"),
            (
                "Người dân đồng ý: hỏi ý kiến trước khi khảo sát. Nhiệm vụ theo luật: Điều 19 Luật"
                " 91/2025/QH15, không hỏi trước.",
                "Consent: people are asked first. Task by law: Article 19, Law 91/2025/QH15, not asked.",
            ),
            required=True,
        ),
        Row(
            "select_one co_quyet_dinh",
            "co_quyet_dinh",
            ("Có quyết định tổ chức khảo sát không?", "Is there a decision to carry out the survey?"),
            required=True,
        ),
        _words(
            "so_qd",
            "Số của quyết định?",
            "Number of the decision?",
            "Ví dụ: 12/QĐ-UBND.",
            "For example: 12/QĐ-UBND.",
            relevant="${co_quyet_dinh} = '1'",
        ),
        Row(
            "date",
            "ngay_qd",
            ("Ngày ký quyết định?", "Date of the decision?"),
            _DATE_EXAMPLE,
            required=True,
            relevant="${co_quyet_dinh} = '1'",
            constraint=". <= date(${ngay_nay})",
            message=(
                "Ngày ký không được sau hôm nay (${hom_nay_viet}).",
                "The date can't be after today (${hom_nay_viet}).",
            ),
        ),
        _words(
            "co_quan",
            "Đơn vị nào thực hiện khảo sát?",
            "Which office carries it out?",
            "Đơn vị này giữ dữ liệu. Ví dụ: UBND phường Sài Gòn.",
            "It holds the data. For example: UBND phường Sài Gòn.",
        ),
        _words(
            "dia_chi",
            "Địa chỉ của đơn vị đó?",
            "Address of that office?",
            "Người dân sẽ thấy địa chỉ này.",
            "People will see it.",
        ),
        _words(
            "dien_thoai",
            "Số điện thoại để người dân hỏi?",
            "Telephone number for people's questions?",
            "Ví dụ: 028 3829 7000.",
            "For example: 028 3829 7000.",
        ),
        _words(
            "muc_dich",
            "Khảo sát để làm gì?",
            "What is the survey for?",
            "Ví dụ: lập kế hoạch mở lớp học cho người dân.",
            "For example: to plan courses for residents.",
        ),
        _words(
            "noi_luu",
            "Câu trả lời được lưu ở đâu?",
            "Where are the answers kept?",
            "Ví dụ: máy chủ của phường.",
            "For example: the ward's server.",
        ),
        Row(
            "integer",
            "so_ngay",
            (
                "Sau khi kết thúc, giữ thông tin nhận dạng bao nhiêu ngày?",
                "For how many days after the end is what identifies people kept?",
            ),
            ("Thường là 90 ngày.", "Usually 90 days."),
            required=True,
            constraint=". >= 1 and . <= 3650",
            message=("Xin ghi một số từ 1 đến 3650.", "Please write a number from 1 to 3650."),
        ),
        _words(
            "lien_he_bvdl",
            "Liên hệ ai về bảo vệ dữ liệu cá nhân?",
            "Whom to contact about data protection?",
            "Ghi tên, điện thoại hoặc thư điện tử.",
            "A name, telephone or e-mail address.",
        ),
    ),
    lists=(
        Options(
            "can_cu",
            (("dong_y", "Người dân đồng ý", "Consent"), ("dieu_19", "Nhiệm vụ theo luật", "Task by law")),
        ),
        Options(
            "co_quyet_dinh",
            (("1", "Có", "Yes"), ("2", "Không, khảo sát nội bộ", "No, an internal survey")),
        ),
    ),
)

FORMS = (WORKER, CONSENT, WIZARD)


# ── workbooks ───────────────────────────────────────────────────────────────────────────────────────────────

_MADE = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""Written into every workbook instead of the moment it was made."""

_WIDTHS = {
    "label": 60,
    "hint": 40,
    "constraint": 40,
    "constraint_message": 60,
    "calculation": 60,
    "relevant": 36,
}


def workbook(form: Workform) -> bytes:
    """The form as an .xlsx file: sheets ``survey``, ``choices``, ``settings``, every cell a text."""
    book = Workbook()
    book.remove(book.worksheets[0])
    _write(book.create_sheet("survey"), SURVEY_COLUMNS, [row.cells() for row in form.survey])
    extra = tuple(dict.fromkeys(column for options in form.lists for column in options.extra))
    _write(
        book.create_sheet("choices"),
        (*CHOICE_COLUMNS, *extra),
        [
            (options.name, *row, *(options.extra.get(column, {}).get(row[0], "") for column in extra))
            for options in form.lists
            for row in options.rows
        ],
    )
    _write(book.create_sheet("settings"), SETTING_COLUMNS, [(form.title, form.id, form.version, VI)])
    made = io.BytesIO()
    book.save(made)
    return _timeless(made.getvalue())


def write_library(folder: Path = LIBRARY) -> list[Path]:
    """Write every form to ``folder/<id>/form.xlsx``; returns the paths."""
    paths = []
    for form in FORMS:
        path = folder / form.id / "form.xlsx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(workbook(form))
        paths.append(path)
    return paths


def _write(sheet: Worksheet, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    sheet.append(list(columns))
    for row in rows:
        sheet.append([value or None for value in row])
    for cells in sheet.iter_rows():
        for cell in cells:
            cell.number_format = "@"
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for index, column in enumerate(columns):
        sheet.column_dimensions[get_column_letter(index + 1)].width = _WIDTHS.get(
            column.partition("::")[0], 18
        )
    sheet.freeze_panes = "C2" if sheet.title != "settings" else "A2"


def _timeless(made: bytes) -> bytes:
    """The same workbook with a fixed time in its properties and its archive, so that equal forms are equal
    files.
    """
    properties = DocumentProperties(creator="hoidan", created=_MADE, modified=_MADE)
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(written, "w") as new:
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            data = tostring(properties.to_tree()) if name == "docProps/core.xml" else old.read(name)
            entry = zipfile.ZipInfo(name, (_MADE.year, _MADE.month, _MADE.day, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            new.writestr(entry, data)
    return written.getvalue()


def main() -> int:
    """Write the library where it stands and say what was written."""
    for path in write_library():
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
