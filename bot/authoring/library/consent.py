"""The form that asks for consent."""

from __future__ import annotations

from bot.authoring.library.tables import Options, Row, Workform, hidden

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
            "ve_nguoi_khac",
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
            "nguoi_khac",
            (
                "Phiếu hỏi cả về người khác trong hộ. Xin cho họ biết, và chỉ trả lời về người nào không"
                " phản đối.",
                "The form asks about others in the household, too. Please tell them, and answer only about"
                " those"
                " who don't object.",
            ),
            relevant="${ve_nguoi_khac} = '1'",
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
