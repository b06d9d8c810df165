"""The form of workers and residents."""

from __future__ import annotations

from bot.authoring.library.people import (
    ACTIVITY,
    BIRTH_EXAMPLE,
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

_NOT_SCREENED_OUT = "${sang_loc} = ''"
_SELF = "${cach_tra_loi} != 'proxy'"


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
        *REFERENCE,
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
            BIRTH_EXAMPLE,
            required=True,
            relevant="${sinh_ho_so} = ''",
            # How a chat reads "3/85"; other clients pass it over on a text.
            appearance="month-year",
            constraint=birth("${thang_moc}"),
            message=(
                "Ghi tháng/năm sinh, ví dụ 03/1985, hoặc chỉ năm, ví dụ 1985. Năm từ 1905, không sau ngày"
                " khảo sát.",
                "Write month/year of birth, like 03/1985, or the year alone, like 1985. From 1905, not"
                " after the survey.",
            ),
        ),
        calculate("gioi_chot", "coalesce(${gioi_ho_so}, ${gioi})"),
        calculate("sinh_chot", "coalesce(${sinh_ho_so}, ${sinh})"),
        *age_of("sinh_chot", "thang_sinh", "tuoi"),
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
            constraint=EXCLUDES_ZERO,
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
            constraint=f"count-selected(.) <= 3 and {EXCLUDES_ZERO}",
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
        SEX,
        ACTIVITY,
        SCHOOL,
        QUALIFICATION,
        CONFIRM,
        YES_NO,
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
