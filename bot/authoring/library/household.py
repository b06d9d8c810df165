"""The household: where it lives, who belongs to it, and what is known of each member."""

from __future__ import annotations

import csv
from pathlib import Path

from bot.authoring.library.people import (
    ACTIVITY,
    CONFIRM,
    EXCLUDES_ZERO,
    QUALIFICATION,
    REFERENCE,
    SCHOOL,
    SEX,
    YES_NO,
    age_of,
    birth,
)
from bot.authoring.library.tables import Options, Row, Workform, calculate, hidden

_UNITS = Path(__file__).parents[3] / "surveys" / "library" / "areas" / "units_2025-07-01.csv"
_CITY = "79"
"""Thành phố Hồ Chí Minh, whose programme this survey serves."""
_NEIGHBOURHOODS = 60

_BELONGS = "selected('1 2 3', ${vai_tro})"
_NOT_SCREENED_OUT = "${sang_loc} = ''"
_ASKED = "${tv_hoi} = '1'"
_CONFIRMED = ". = '1'"


def _communes(province: str) -> tuple[tuple[str, str, str], ...]:
    """The communes of a province in the list of 2025-07-01: code, name, name."""
    with _UNITS.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["parent"] == province]
    titles = ((row["code"], f"{row['type'][:1].upper()}{row['type'][1:]} {row['name']}") for row in rows)
    return tuple((code, title, title) for code, title in titles)


def _check(name: str, vi: str, en: str, relevant: str, change: tuple[str, str]) -> Row:
    """A soft check: unusual, but it happens, so the person confirms rather than being refused."""
    return Row(
        "select_one xac_nhan",
        name,
        (f"{vi} Như vậy có đúng không?", f"{en} Is that right?"),
        required=True,
        relevant=relevant,
        constraint=_CONFIRMED,
        message=(
            f"Xin sửa {change[0]}. Câu này sẽ tự mất khi các câu khớp nhau.",
            f"Please change {change[1]}. This question goes once the answers agree.",
        ),
    )


# Retirement ages in months since 2021 (Decree 135/2020/NĐ-CP, Article 4): men 60 years 3 months and 3 months
# more each year up to 62 years, women 55 years 4 months and 4 months more up to 60 years.
def _retirement(sex: str, year: str) -> str:
    first, step, most = {"male": (723, 3, 744), "female": (664, 4, 720)}[sex]
    return f"min({most}, {first} + {step} * ({year} - 2021))"


# In working age until the last day of the month of retirement, the first one in which the age is at least the
# retirement age of its year (Article 3): retired is whoever reached it by last month or by last December.
_RETIRED = (
    "(${thang_trong_nam} > 1 and ${thang_moc} - 1 - ${tv_thang}"
    " >= if(${tv_gioi} = '2', ${huu_nu}, ${huu_nam}))"
    " or ${thang_moc} - ${thang_trong_nam} - ${tv_thang}"
    " >= if(${tv_gioi} = '2', ${huu_nu_truoc}, ${huu_nam_truoc})"
)

_HOME = (
    Row("begin group", "phan_1", ("Phần 1. Nơi ở của hộ", "Part 1. Where the household lives")),
    Row(
        "note",
        "mo_dau",
        (
            "${ten_chien_dich}. Khoảng 13 câu về hộ, rồi vài câu về từng người từ đủ 15 tuổi. Cần biết tháng,"
            " năm sinh của mọi người.",
            "${ten_chien_dich}. About 13 questions on the household, then a few on everyone aged 15 or over."
            " You need everybody's month and year of birth.",
        ),
        relevant="${ten_chien_dich} != ''",
    ),
    Row(
        "select_one vai_tro",
        "vai_tro",
        ("Trong hộ, ${xh} là ai?", "Who are you in the household?"),
        required=True,
    ),
    Row(
        # Yes and no: "đúng" without its marks would be "dừng", which stops.
        "select_one co_khong",
        "dung_dia_ban",
        ("Hộ có đang ở ${ten_xa} không?", "Does the household live in ${ten_xa}?"),
        required=True,
        relevant=f"{_BELONGS} and ${{xa_moi}} != ''",
    ),
    Row(
        "select_one ma_xa",
        "ma_xa",
        (
            "Hộ đang ở xã, phường hoặc đặc khu nào?",
            "In which commune, ward or special zone does the household live?",
        ),
        ("Gõ một phần tên để tìm.", "Type part of the name to find it."),
        required=True,
        relevant=f"{_BELONGS} and (${{xa_moi}} = '' or ${{dung_dia_ban}} = '2')",
        appearance="autocomplete",
    ),
    calculate("xa_chot", "if(${dung_dia_ban} = '1', ${xa_moi}, ${ma_xa})"),
    Row(
        "select_one khu_pho",
        "khu_pho",
        ("Hộ ở khu phố, ấp hoặc tổ dân phố số mấy?", "In which neighbourhood, by its number?"),
        (
            "Có thể gõ số. Không có số thì gõ: khác.",
            "You can type the number. Without one, type: other.",
        ),
        required=True,
        relevant=_BELONGS,
        appearance="autocomplete",
    ),
    Row(
        "select_one co_khong",
        "cu_tru",
        (
            "Hộ đã ở đây từ 6 tháng trở lên, hoặc sẽ ở ổn định?",
            "Has the household lived here for 6 months or more, or moved in for good?",
        ),
        required=True,
        relevant=_BELONGS,
    ),
    Row(
        "select_one loai_ho",
        "loai_ho",
        ("Hộ thuộc loại nào?", "What kind of household is it?"),
        (
            "Nhà tập thể: ký túc xá, doanh trại, cơ sở nuôi dưỡng.",
            "Collective quarters: dormitory, barracks, care home.",
        ),
        required=True,
        relevant="${cu_tru} = '1'",
    ),
    calculate(
        "sang_loc",
        "if(${vai_tro} = '4', 'khong_thuoc_ho', if(${cu_tru} = '2', 'khong_cu_tru',"
        " if(${loai_ho} = '4', 'nha_tap_the', '')))",
    ),
    Row(
        "note",
        "ket_khong_thuoc_ho",
        (
            "Xin cảm ơn. Phiếu này cần một người từ 18 tuổi của hộ trả lời, nên dừng ở đây. Xin nhờ người của"
            " hộ mở lời mời.",
            "Thank you. A member of the household aged 18 or over has to answer, so this form ends here."
            " Please ask one of them to open the invitation.",
        ),
        relevant="${sang_loc} = 'khong_thuoc_ho'",
    ),
    Row(
        "note",
        "ket_khong_cu_tru",
        (
            "Xin cảm ơn. Khảo sát này chỉ hỏi hộ thường trú ở đây, nên phiếu dừng ở đây.",
            "Thank you. This survey is of households that usually live here, so it ends here.",
        ),
        relevant="${sang_loc} = 'khong_cu_tru'",
    ),
    Row(
        "note",
        "ket_nha_tap_the",
        (
            "Xin cảm ơn. Khảo sát này không hỏi nhà tập thể, nên phiếu dừng ở đây.",
            "Thank you. Collective quarters are not part of this survey, so it ends here.",
        ),
        relevant="${sang_loc} = 'nha_tap_the'",
    ),
    Row("end group"),
)

_SIZE = (
    Row(
        "begin group",
        "phan_2",
        ("Phần 2. Người và phương tiện của hộ", "Part 2. People and devices"),
        relevant=_NOT_SCREENED_OUT,
    ),
    Row(
        "integer",
        "so_nk",
        ("Hộ có bao nhiêu người thực tế thường trú?", "How many people usually live in the household?"),
        (
            "Kể cả trẻ em và người tạm vắng. Không kể người đang ở doanh trại quân đội, công an.",
            "Count children and people away for a while, not those in army or police quarters.",
        ),
        required=True,
        constraint=". >= 1 and . <= 30 and (${loai_ho} != '2' or . = 1)",
        message=(
            "Xin ghi một số từ 1 đến 30. Hộ có một người thì ghi 1.",
            "Please write a number from 1 to 30. For a household of one person, 1.",
        ),
    ),
    Row(
        "integer",
        "so_15",
        ("Trong đó có bao nhiêu người từ đủ 15 tuổi?", "How many of them are 15 or over?"),
        ("Phần sau sẽ hỏi về từng người này.", "The next part asks about each of them."),
        required=True,
        constraint=". >= 0 and . <= ${so_nk}",
        message=(
            "Số này từ 0 đến ${so_nk}, là số người của hộ. Nếu hộ đông hơn, xin sửa số người của hộ trước.",
            "This is a number from 0 to ${so_nk}, the size of the household. If there are more people, please"
            " change that first.",
        ),
    ),
    _check(
        "so_15_xn",
        "Hộ không có ai từ đủ 15 tuổi.",
        "Nobody in the household is 15 or over.",
        "${so_15} = 0",
        ("số người từ đủ 15 tuổi", "the number of people aged 15 or over"),
    ),
    Row(
        "select_one internet",
        "internet",
        ("Hộ dùng Internet bằng cách nào?", "How does the household use the Internet?"),
        required=True,
    ),
    Row(
        "select_multiple thiet_bi",
        "thiet_bi",
        ("Trong hộ có những thiết bị nào?", "Which of these does the household have?"),
        ("Chọn được nhiều mục.", "More than one may be chosen."),
        required=True,
        constraint=EXCLUDES_ZERO,
        message=(
            'Nếu chọn "Không có thiết bị nào" thì xin bỏ chọn các mục khác.',
            'With "None of these", please untick everything else.',
        ),
    ),
    Row(
        "select_one gio_nhac",
        "gio_nhac",
        ("Nếu cần nhắc, nên nhắn vào lúc nào?", "If we have to remind you, when?"),
        required=True,
        relevant="${dy_lien_he_lai} = '1'",
    ),
    Row(
        "text",
        "sdt",
        ("Số điện thoại để liên hệ lại?", "A telephone number for us to call?"),
        (
            "Không bắt buộc. Ví dụ: 0912345678. Số này được cất riêng với câu trả lời.",
            "Optional. For example: 0912345678. It is kept apart from the answers.",
        ),
        relevant="${dy_lien_he_lai} = '1'",
        constraint="regex(., '^0[0-9]{9}$')",
        message=(
            "Số điện thoại gồm 10 chữ số, bắt đầu bằng số 0. Không muốn ghi thì bỏ qua.",
            "A telephone number has 10 digits and begins with 0. You can also skip this.",
        ),
        appearance="numbers",
    ),
    Row("end group"),
)

_MEMBER = (
    Row(
        "begin repeat",
        "thanh_vien",
        ("Thành viên", "Member"),
        relevant=_NOT_SCREENED_OUT,
        # A plain reference: whoever adds or takes out a member changes that answer.
        repeat_count="${so_15}",
    ),
    calculate("tv_thu", "position(..)"),
    Row(
        "text",
        "tv_ten",
        ("Tên gọi của người thứ ${tv_thu}?", "What shall we call person ${tv_thu}?"),
        (
            "Chỉ để phân biệt, viết tắt cũng được, ví dụ: Lan, anh Ba. Tên sẽ được xóa khi khảo sát kết"
            " thúc.",
            "Only to tell people apart; initials will do. Names are deleted when the survey ends.",
        ),
        required=True,
        constraint="string-length(.) <= 20",
        message=("Xin viết ngắn lại, tối đa 20 chữ cái.", "Please make it shorter, at most 20 letters."),
    ),
    Row(
        "select_one tv_qh",
        "tv_qh",
        ("${tv_ten} có quan hệ thế nào với chủ hộ?", "What is ${tv_ten} to the head of the household?"),
        required=True,
        # Only the others are looked at: whether one's own new answer stands in the roster already, engines
        # differ.
        constraint=". != '1' or count(${thanh_vien}[tv_qh = '1' and tv_thu != current()/../tv_thu]) = 0",
        message=(
            "Danh sách đã có chủ hộ. Nếu ${tv_ten} mới là chủ hộ, xin sửa người kia trước.",
            "There is a head already. If it is ${tv_ten}, please change the other person first.",
        ),
    ),
    Row(
        "select_one gioi",
        "tv_gioi",
        ("Giới tính của ${tv_ten}?", "Sex of ${tv_ten}?"),
        required=True,
    ),
    Row(
        "text",
        "tv_sinh",
        ("Tháng, năm sinh của ${tv_ten}?", "Month and year of birth of ${tv_ten}?"),
        (
            "Ví dụ: 03/1985. Không nhớ tháng thì chỉ ghi năm; không nhớ năm thì ghi năm ước chừng.",
            "Example: 03/1985. Without the month, the year alone; if that is not known either, about which"
            " year.",
        ),
        required=True,
        # How a chat reads "3/85"; other clients pass it over on a text.
        appearance="month-year",
        # Fully 15 at the reference date.
        constraint=birth("${thang_moc} - 180"),
        message=(
            "Ghi tháng/năm sinh, ví dụ 03/1985, hoặc chỉ năm. Từ năm 1905; danh sách chỉ gồm người từ đủ 15"
            " tuổi.",
            "Write month/year of birth, like 03/1985, or the year alone. From 1905; only people aged 15 or"
            " over are listed.",
        ),
    ),
    *age_of("tv_sinh", "tv_thang", "tv_tuoi"),
    _check(
        "tv_tuoi_xn",
        "${tv_ten} và chủ hộ là cha mẹ với con mà cách nhau chưa tới 12 tuổi.",
        "${tv_ten} and the head are parent and child, yet less than 12 years apart.",
        "${thang_chu_ho} != '' and ${tv_thang} != ''"
        " and ((${tv_qh} = '3' and ${tv_thang} < ${thang_chu_ho} + 144)"
        " or (${tv_qh} = '4' and ${thang_chu_ho} < ${tv_thang} + 144))",
        (
            "quan hệ với chủ hộ hoặc tháng, năm sinh của một trong hai người",
            "the relation to the head, or the month and year of birth of one of them",
        ),
    ),
    # A child is a person under 16 (Law on Children 2016): a parent or guardian decides and answers (Law
    # 91/2025/QH15, Article 24). The head and the head's spouse are the parents of the head's child.
    Row(
        "select_one co_khong",
        "tv_giam_ho",
        (
            "${tv_ten} chưa đủ 16 tuổi: ${xh} có phải cha, mẹ hoặc người giám hộ không?",
            "${tv_ten} is under 16: are you a parent or guardian?",
        ),
        required=True,
        relevant="${tv_tuoi} < 16 and not(selected('1 2', ${vai_tro}) and ${tv_qh} = '3')",
    ),
    calculate("tv_hoi", "if(${tv_tuoi} != '' and ${tv_giam_ho} != '2', '1', '0')"),
    # Whether the person answers for themselves; of the two roles that say so, only one is in each household.
    calculate(
        "tv_cach",
        "if((${vai_tro} = '1' and ${tv_qh} = '1')"
        " or (${vai_tro} = '2' and ${tv_qh} = '2' and ${so_vo_chong} = 1),"
        " if(${cach_tra_loi} = 'assisted', 'assisted', 'self'), 'proxy')",
    ),
    Row(
        "select_one hoc_van",
        "tv_hoc_van",
        (
            "Bậc học phổ thông cao nhất ${tv_ten} đã học xong?",
            "Highest general education ${tv_ten} has finished?",
        ),
        (
            "Học hết lớp 10 của hệ 10 năm cũng là học xong THPT.",
            "Grade 10 of the former ten-year system is upper secondary too.",
        ),
        required=True,
        relevant=f"{_ASKED} and ${{tv_tuoi}} >= 5",
    ),
    Row(
        "select_one co_khong",
        "tv_biet_chu",
        (
            "${tv_ten} có đọc, viết và hiểu được một câu đơn giản không?",
            "Can ${tv_ten} read, write and understand a simple sentence?",
        ),
        (
            "Bằng tiếng Việt, tiếng dân tộc hoặc tiếng nước ngoài.",
            "In Vietnamese, an ethnic or a foreign language.",
        ),
        required=True,
        relevant=f"{_ASKED} and ${{tv_hoc_van}} < 2 and ${{tv_tuoi}} >= 15",
    ),
    Row(
        "select_one cmkt",
        "tv_cmkt",
        (
            "Bằng, chứng chỉ chuyên môn kỹ thuật cao nhất của ${tv_ten}?",
            "Highest technical certificate or degree of ${tv_ten}?",
        ),
        required=True,
        relevant=f"{_ASKED} and ${{tv_tuoi}} >= 15",
    ),
    _check(
        "tv_cmkt_xn",
        "${tv_ten} mới ${tv_tuoi} tuổi mà đã có bằng này.",
        "${tv_ten} is ${tv_tuoi} and has this degree already.",
        "(${tv_cmkt} = '6' and ${tv_tuoi} < 20) or (${tv_cmkt} = '7' and ${tv_tuoi} < 22)"
        " or (${tv_cmkt} = '8' and ${tv_tuoi} < 25)",
        ("bằng cấp hoặc tháng, năm sinh", "the degree, or the month and year of birth"),
    ),
    _check(
        "tv_hv_xn",
        "${tv_ten} có bằng đại học trở lên mà chưa học xong THPT.",
        "${tv_ten} has a university degree without finished upper secondary school.",
        "selected('6 7 8', ${tv_cmkt}) and ${tv_hoc_van} < 4",
        ("bậc học phổ thông hoặc bằng cấp", "the general education or the degree"),
    ),
    Row(
        "select_one viec_lam",
        "tv_viec",
        ("Trong 7 ngày qua, ${tv_ten} chủ yếu làm gì?", "Main activity of ${tv_ten} in the last 7 days?"),
        required=True,
        relevant=f"{_ASKED} and ${{tv_tuoi}} >= 15",
    ),
    Row(
        "select_one tv_moi",
        "tv_moi",
        (
            "${tv_ten} có tự trả lời phiếu cá nhân không?",
            "Will ${tv_ten} answer a personal form?",
        ),
        (
            "Gửi lời mời: ${xh} nhận một mã riêng để chuyển cho người đó.",
            "Invitation: you get a code of their own to pass on.",
        ),
        required=True,
        relevant=f"${{mo_dun_ca_nhan}} != '0' and ${{tv_tuoi}} >= 16 and not({_RETIRED})",
    ),
    Row("end repeat"),
)

_ROSTER = (
    # Of all members together: read in the loop, and shown to be confirmed.
    calculate(
        "thang_chu_ho",
        "if(count(${thanh_vien}[tv_qh = '1' and tv_thang != '']) = 1,"
        " sum(${thanh_vien}[tv_qh = '1']/tv_thang), '')",
    ),
    calculate("so_chu_ho", "count(${thanh_vien}[tv_qh = '1'])"),
    calculate("so_vo_chong", "count(${thanh_vien}[tv_qh = '2'])"),
    calculate("danh_sach", "join(', ', ${thanh_vien}/tv_ten)"),
    Row(
        "select_one dung_sua",
        "xac_nhan",
        (
            "Danh sách ${so_15} người từ đủ 15 tuổi: ${danh_sach}. Đã đúng và đủ chưa?",
            "People aged 15 or over (${so_15}): ${danh_sach}. Is the list right and complete?",
        ),
        required=True,
        relevant=f"{_NOT_SCREENED_OUT} and ${{so_15}} > 0",
        constraint=". = '1' and ${so_chu_ho} = 1",
        message=(
            "Xin sửa, thêm hoặc bớt người (gõ: thêm người, hoặc: xóa Lan). Phải có đúng một người là chủ hộ."
            " Rồi trả lời lại câu này.",
            "Please change, add or take out people (type: add, or: remove Lan). Exactly one must be the head."
            " Then answer this again.",
        ),
        # Another list is another question.
        trigger="${so_15}, ${tv_ten}",
        calculation="''",
    ),
)

HOUSEHOLD = Workform(
    id="ho_gia_dinh",
    version="1",
    title="Phiếu hộ gia đình: danh sách thành viên, học vấn, trình độ",
    survey=(
        *hidden(
            "ten_chien_dich",
            "co_quan",
            "ten_xa",
            "xa_moi",
            "ref_date",
            "cach_tra_loi",
            "xung_ho",
            "dy_lien_he_lai",
            "mo_dun_ca_nhan",
        ),
        calculate("xh", "if(${xung_ho} != '', ${xung_ho}, 'ông/bà')"),
        *REFERENCE,
        calculate("nam_moc", "number(substr(${ngay_moc}, 0, 4))"),
        calculate("thang_trong_nam", "number(substr(${ngay_moc}, 5, 7))"),
        calculate("huu_nam", _retirement("male", "${nam_moc}")),
        calculate("huu_nu", _retirement("female", "${nam_moc}")),
        calculate("huu_nam_truoc", _retirement("male", "${nam_moc} - 1")),
        calculate("huu_nu_truoc", _retirement("female", "${nam_moc} - 1")),
        *_HOME,
        *_SIZE,
        *_MEMBER,
        *_ROSTER,
    ),
    lists=(
        Options(
            "vai_tro",
            (
                ("1", "Chủ hộ", "Head of household"),
                ("2", "Vợ, chồng của chủ hộ", "Spouse of the head"),
                ("3", "Người khác từ 18 tuổi", "Other member, 18 or over"),
                ("4", "Không thuộc hộ này", "Not of this household"),
            ),
        ),
        YES_NO,
        # The list of 2025-07-01. For another province, or another vintage, its own communes go here.
        Options("ma_xa", _communes(_CITY)),
        Options(
            "khu_pho",
            (
                *(
                    (str(number), f"Khu phố, ấp {number}", f"Neighbourhood {number}")
                    for number in range(1, _NEIGHBOURHOODS + 1)
                ),
                ("97", "Khác", "Other"),
            ),
        ),
        Options(
            "loai_ho",
            (
                ("1", "Gia đình", "Family"),
                ("2", "Một người", "One person"),
                ("3", "Ở ghép, nhà trọ", "Shared or rented rooms"),
                ("4", "Nhà tập thể", "Collective quarters"),
            ),
        ),
        CONFIRM,
        Options(
            "internet",
            (
                ("1", "Cáp quang, wifi", "Cable or wifi"),
                ("2", "Chỉ mạng di động", "Mobile network only"),
                ("3", "Không có Internet", "No Internet"),
            ),
        ),
        Options(
            "thiet_bi",
            (
                ("1", "Điện thoại thông minh", "Smartphone"),
                ("2", "Máy tính, máy tính bảng", "Computer, tablet"),
                ("3", "Ti vi", "Television"),
                ("0", "Không có thiết bị nào", "None of these"),
            ),
        ),
        Options(
            "gio_nhac",
            (
                ("1", "Buổi sáng", "Morning"),
                ("2", "Buổi chiều", "Afternoon"),
                ("3", "Buổi tối", "Evening"),
                ("0", "Không nhắc", "Don't remind me"),
            ),
        ),
        Options(
            "tv_qh",
            (
                ("1", "Chủ hộ", "The head"),
                ("2", "Vợ, chồng", "Wife or husband"),
                ("3", "Con", "Son or daughter"),
                ("4", "Cha, mẹ", "Father or mother"),
                ("5", "Anh, chị, em", "Brother or sister"),
                ("6", "Ông, bà, cháu", "Grandparent, grandchild"),
                ("7", "Họ hàng khác", "Other relative"),
                ("8", "Không họ hàng", "Not related"),
            ),
        ),
        SEX,
        SCHOOL,
        QUALIFICATION,
        ACTIVITY,
        Options(
            "tv_moi",
            (
                ("1", "Có, gửi lời mời", "Yes, by invitation"),
                ("2", "Nhờ cán bộ hỗ trợ", "With help from staff"),
                ("3", "Không", "No"),
            ),
        ),
        Options("dung_sua", (("1", "Đúng và đủ", "Right and complete"), ("2", "Cần sửa", "Needs changes"))),
    ),
)
