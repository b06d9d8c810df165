"""A new campaign, asked of staff."""

from __future__ import annotations

from bot.authoring.library.tables import Options, Row, Workform, calculate, hidden

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
    version="3",
    title="Chiến dịch mới",
    survey=(
        *hidden("hom_nay", "ma_don_vi", "ten_don_vi"),
        # What there is to choose from, as words: questionnaires, those not named below, neighbourhoods of the
        # list; the next report; the bot on a platform abroad. Empty where nothing is known.
        *hidden("cac_phieu", "phieu_rieng", "cac_khu_pho", "han_bao_cao", "kenh_ngoai"),
        calculate("khu_pho_co", "if(${cac_khu_pho} != '', ${cac_khu_pho}, '…')"),
        calculate("han_gan", "if(${han_bao_cao} != '', ${han_bao_cao}, '…')"),
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
            "select_one phieu",
            "phieu",
            ("Hỏi bằng phiếu nào?", "Which questionnaire?"),
            required=True,
            choice_filter="if(name = 'khac', ${phieu_rieng} != '',"
            " ${cac_phieu} = '' or contains(concat(' ', ${cac_phieu}, ' '), concat(' ', name, ' ')))",
        ),
        Row(
            "text",
            "phieu_khac",
            ("Tên phiếu?", "Name of the questionnaire?"),
            ("Đã công bố: ${phieu_rieng}.", "Published: ${phieu_rieng}."),
            required=True,
            relevant="${phieu} = 'khac'",
            constraint="string-length(.) <= 80",
            message=_TOO_LONG,
        ),
        Row(
            "select_one cach_hoi",
            "cach_hoi",
            ("Hỏi những ai?", "Who is asked?"),
            (
                "Ai có mã: không cần danh sách hộ. Toàn bộ và chọn mẫu: theo danh sách hộ đã nhập.",
                "Whoever has the code: needs no list. Everybody and a sample: by the list of households.",
            ),
            required=True,
        ),
        Row(
            "select_one han_ngach",
            "han_ngach",
            ("Có giới hạn số phiếu của từng nhóm không?", "Is the number of answers of each group limited?"),
            (
                "Nhóm nào đủ rồi thì người đến sau vẫn được hỏi giới, tuổi, rồi được cảm ơn và dừng.",
                "Once a group is full, who comes later is still asked sex and age, then thanked.",
            ),
            required=True,
            relevant="${cach_hoi} = 'open' and ${phieu} != 'ho-gia-dinh-v0'",
        ),
        Row(
            "integer",
            "moi_nhom",
            ("Mỗi nhóm nhiều nhất bao nhiêu phiếu?", "How many answers of each group at most?"),
            ("Chỉ phiếu hoàn thành được tính. Ví dụ: 100.", "Only completes count. For example: 100."),
            required=True,
            relevant="${han_ngach} != '' and ${han_ngach} != 'none'",
            constraint=". >= 1 and . <= 1000000",
            message=("Xin ghi một số từ 1 đến 1000000.", "Please write a number from 1 to 1000000."),
        ),
        Row(
            "integer",
            "co_mau",
            ("Chọn mẫu bao nhiêu?", "How large is the sample?"),
            (
                "Số hộ; phiếu cá nhân thì số người. Ví dụ: 600.",
                "Households, or people where people are asked. For example: 600.",
            ),
            required=True,
            relevant="${cach_hoi} = 'sample'",
            constraint=". >= 2 and . <= 200000",
            message=("Xin ghi một số từ 2 đến 200000.", "Please write a number from 2 to 200000."),
        ),
        Row(
            "select_one phan_tang",
            "phan_tang",
            ("Chia đều mẫu theo đâu?", "Spread the sample evenly over what?"),
            (
                "Mỗi khu phố hoặc mỗi xã có phần theo số hộ của mình.",
                "Each neighbourhood or commune gets its share.",
            ),
            required=True,
            relevant="${cach_hoi} = 'sample'",
        ),
        Row(
            "text",
            "hat_giong",
            ("Hạt giống để rút mẫu?", "Seed of the draw?"),
            (
                "Không bắt buộc. Chữ hoặc số ghi trong biên bản, để ai cũng rút lại được đúng mẫu này.",
                "Optional. Words or a number of the record, by which anybody can repeat the draw.",
            ),
            relevant="${cach_hoi} = 'sample'",
            constraint="string-length(.) <= 100",
            message=_TOO_LONG,
        ),
        Row(
            "text",
            "khu_pho",
            ("Chỉ hỏi khu phố nào?", "Only some neighbourhoods?"),
            (
                "Không bắt buộc. Ghi tên hoặc số, cách nhau bằng dấu phẩy. Bỏ qua thì hỏi cả địa bàn."
                " Danh sách hộ có: ${khu_pho_co}.",
                "Optional. Names or numbers, with commas between. If skipped, the whole area is asked."
                " The list of households has: ${khu_pho_co}.",
            ),
            relevant="${cach_hoi} != 'open'",
        ),
        Row(
            "select_one nhac",
            "nhac",
            ("Nhắc người chưa trả lời mấy lần?", "How often are people reminded?"),
            (
                "Không nhắc ban đêm, không nhắc ngày lễ.",
                "Never at night nor on public holidays.",
            ),
            required=True,
            relevant="${cach_hoi} != 'open'",
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
            (
                "Ví dụ: ${hom_nay_viet}. Hạn báo cáo sắp tới: ${han_gan}.",
                "For example: ${hom_nay_viet}. The next report is due on: ${han_gan}.",
            ),
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
        Row(
            "text",
            "ho_so_ngoai",
            (
                "Số hồ sơ chuyển dữ liệu cá nhân ra nước ngoài?",
                "Number of the file on the transfer of personal data abroad?",
            ),
            (
                "Không bắt buộc. Telegram giữ tin nhắn ở nước ngoài (Điều 20 Luật 91/2025/QH15). Chưa có hồ"
                " sơ thì bỏ qua: phiếu hỏi về người khác và tệp chỉ nhận trên trang web.",
                "Optional. Telegram keeps messages abroad (Article 20, Law 91/2025/QH15). If there is no"
                " file, skip it: forms about other people and files are then taken on the web page only.",
            ),
            relevant="${kenh_ngoai} != ''",
            constraint=_SHORT,
            message=_TOO_LONG,
        ),
    ),
    lists=(
        Options(
            "phieu",
            (
                ("nltt-kns-v0", "Phiếu cá nhân", "Personal"),
                ("ho-gia-dinh-v0", "Phiếu hộ gia đình", "Household"),
                ("cdht-v0", "Công dân học tập", "Learning citizen"),
                ("khac", "Phiếu khác", "Another"),
            ),
        ),
        Options(
            "han_ngach",
            (
                ("none", "Không giới hạn", "No limit"),
                ("sex", "Theo nam, nữ", "By sex"),
                ("age", "Theo nhóm tuổi", "By age group"),
                ("sex_age", "Theo giới và nhóm tuổi", "By sex and age group"),
            ),
        ),
        Options(
            "cach_hoi",
            (
                ("open", "Ai có mã", "Whoever has the code"),
                ("census", "Toàn bộ", "Everybody"),
                ("sample", "Chọn mẫu", "A sample"),
            ),
        ),
        Options(
            "phan_tang",
            (
                ("neighbourhood", "Theo khu phố", "Neighbourhoods"),
                ("commune", "Theo phường, xã", "Communes"),
                ("none", "Không chia", "Not at all"),
            ),
        ),
        Options(
            "nhac",
            (
                ("standard", "Ba lần", "Three times"),
                ("few", "Một lần", "Once"),
                ("none", "Không nhắc", "Never"),
            ),
        ),
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
