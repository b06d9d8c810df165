"""Invitations on paper: what stands on them, whether telephones can read them, who may have them made."""

from __future__ import annotations

import asyncio
import io
import random
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from aiohttp import ClientSession
from sqlalchemy import select, update

from bot.paper import (
    FONTS,
    Invitation,
    Label,
    Letter,
    Sender,
    labels,
    letters,
    poster,
)
from storage import downloads, senders
from storage.database import now_ms
from storage.schema import cases
from surveys.campaigns import Mode
from surveys.personal_codes import write
from surveys.problems import Problem
from surveys.roles import Role
from tests.bot.served import served
from tests.families import THERE, family
from tests.grounds import Ground, copied, lay
from tests.street import questions
from tests.told import told
from tests.town import WARD, ZONE, Resident, Town, found
from tests.working import work

NINE = int(datetime(2026, 3, 5, 9, 0, tzinfo=ZONE).timestamp() * 1000)
CHAT = "https://hoidan.phuong.example/chat/"
SENDER = Sender(
    language="vi",
    office="UBND phường Sài Gòn",
    address="45-47 Lê Duẩn",
    phone="028 3829 7000",
    title="Khảo sát năng lực thông tin và kỹ năng sống năm 2026",
    ends="10/12/2026",
    site="hoidan.phuong.example/chat",
    legal=("Cơ quan kiểm soát dữ liệu: UBND phường Sài Gòn.", "Việc trả lời là tự nguyện."),
)
EVERY_LETTER = (
    "aàảãáạăằẳẵắặâầẩẫấậ đ eèẻẽéẹêềểễếệ iìỉĩíị oòỏõóọôồổỗốộơờởỡớợ uùủũúụưừửữứự yỳỷỹýỵ"
    " AÀẢÃÁẠĂẰẲẴẮẶÂẦẨẪẤẬ Đ EÈẺẼÉẸÊỀỂỄẾỆ IÌỈĨÍỊ OÒỎÕÓỌÔỒỔỖỐỘƠỜỞỠỚỢ UÙỦŨÚỤƯỪỬỮỨỰ YỲỶỸÝỴ"
)


def document(draw: Any, *given: Any) -> pypdfium2.PdfDocument:
    file = io.BytesIO()
    draw(file, SENDER, *given)
    return pypdfium2.PdfDocument(file.getvalue())


def texts(made: pypdfium2.PdfDocument) -> list[str]:
    return [page.get_textpage().get_text_bounded() for page in made]


def read_codes(made: pypdfium2.PdfDocument, dots_per_inch: int = 150) -> set[str]:
    """What a telephone reads off every page, printed so finely."""
    found = set()
    for page in made:
        shown = page.render(scale=dots_per_inch / 72, grayscale=True).to_pil()
        found |= {code.text for code in zxingcpp.read_barcodes(shown)}
    return found


def invitation(number: int, name: str = "") -> Invitation:
    code = write(number, random.Random(number).randbytes(5))
    return Invitation(code, CHAT + code.replace("-", ""), name)


# ── what stands on it ───────────────────────────────────────────────────────────────────────────────────────


def test_every_letter_of_vietnamese_is_printed_as_a_letter_of_the_typeface() -> None:
    lines = tuple(EVERY_LETTER.split())
    made = document(
        letters, [Letter(lines[:7], "", (invitation(1),)), Letter(lines[7:], "", (invitation(2),))]
    )
    shown = "".join(texts(made))
    assert [letter for letter in set(EVERY_LETTER) - {" "} if letter not in shown] == []


def test_the_typeface_stands_with_its_licence() -> None:
    assert "SIL OPEN FONT LICENSE" in (FONTS / "LICENSE-BeVietnamPro.txt").read_text("utf-8")


def test_a_letter_has_address_code_steps_help_and_what_the_law_wants() -> None:
    one = invitation(7)
    to = ("Hộ ông/bà Nguyễn Thị Tường Vy", "12/3B hẻm 45 Nguyễn Đình Chiểu", "Khu phố 3, Phường Sài Gòn")
    (text,) = texts(document(letters, [Letter(to, "Mã hộ: HK-0012", (one,))]))
    for wanted in (*to, "Mã hộ: HK-0012", one.code, SENDER.site, SENDER.phone, SENDER.ends, *SENDER.legal):
        assert wanted in text
    assert "không bao giờ hỏi số căn cước" in text


def test_every_person_of_a_household_has_a_code_of_their_own_on_as_many_pages_as_it_takes() -> None:
    people = [invitation(number, f"Người {number}") for number in range(1, 14)]
    made = document(letters, [Letter(("Hộ ông/bà An",), "", tuple(people))])
    assert len(made) == 3
    assert all("Hộ ông/bà An" in text for text in texts(made))
    assert all(any(one.code in text and one.name in text for text in texts(made)) for one in people)


def test_labels_stand_24_on_a_sheet() -> None:
    made = document(
        labels, [Label(invitation(number), ("Nguyễn Văn An", "12 Lê Lợi")) for number in range(25)]
    )
    assert [len(re.findall("Nguyễn Văn An", text)) for text in texts(made)] == [24, 1]


def test_a_poster_shows_the_campaigns_own_code() -> None:
    made = document(poster, Invitation("K7M2QX", CHAT + "K7M2QX"), Mode.OPEN)
    (text,) = texts(made)
    assert "K7M2QX" in text and SENDER.title.split()[0] in text
    assert read_codes(made, 72) == {CHAT + "K7M2QX"}


@pytest.mark.parametrize(("mode", "said"), [(Mode.OPEN, "Ai cũng"), (Mode.SAMPLE, "đã được chọn")])
def test_a_poster_says_who_is_meant(mode: Mode, said: str) -> None:
    (text,) = texts(document(poster, Invitation("K7M2QX", CHAT + "K7M2QX"), mode))
    assert said in " ".join(text.split())


def test_long_names_and_titles_stay_on_the_paper() -> None:
    long = "Nguyễn " * 40
    sender = Sender("vi", long, long, "028", long, "10/12/2026", SENDER.site, tuple([long] * 20))
    file = io.BytesIO()
    letters(file, sender, [Letter((long, long, long), long, (invitation(1, long),))])
    labels(io.BytesIO(), sender, [Label(invitation(1), (long, long, long))])
    poster(io.BytesIO(), sender, invitation(1), Mode.OPEN)
    (page,) = pypdfium2.PdfDocument(file.getvalue())
    assert invitation(1).code in page.get_textpage().get_text_bounded()
    assert read_codes(pypdfium2.PdfDocument(file.getvalue())) == {invitation(1).link}


# ── whether it can be read ──────────────────────────────────────────────────────────────────────────────────


def test_every_code_on_letters_and_labels_is_read_back_as_its_link() -> None:
    some = [invitation(number * 7919) for number in range(48)]
    sheets = document(labels, [Label(one, ("Nguyễn Văn An",)) for one in some])
    assert read_codes(sheets) == {one.link for one in some}
    people = [invitation(number, f"Người {number}") for number in range(1, 7)]
    both = document(letters, [Letter(("A",), "", tuple(people)), Letter(("B",), "", (some[0],))])
    assert read_codes(both) == {one.link for one in (*people, some[0])}


# ── from the chat to the file ───────────────────────────────────────────────────────────────────────────────


def prepare(town: Town) -> None:
    """A census of four households here, one of their people, one elsewhere, and an open survey."""
    for unit in ("person", "household"):
        town.act("instrument.publish", questions(unit))
    family(
        town, "HK-10", "Trần Thị Bình", ("Trần Thị Bình", "female", "1962", "head"), address="Số 10 Lê Lợi"
    )
    family(
        town, "HK-02", "Nguyễn Văn An", ("Nguyễn Văn An", "male", "1960-03", "head"), address="Số 2 Lê Lợi"
    )
    family(town, "HK-03", "Lê Cúc", ("Lê Cúc", "female", "1950", "head"), neighbourhood="Khu phố 2")
    family(town, "HK-77", "Phạm Dũng", ("Phạm Dũng", "male", "1970-05", "head"), area=THERE)
    city = {"basis": "dieu_19", "mode": "census", "area": "2025-07-01/79"}
    town.campaign(instrument="nho-household", title="Phiếu hộ", **city)
    town.campaign(instrument="nho-person", title="Phiếu người", **city)
    town.campaign(instrument="nho-person", title="Ai cũng được", basis="dieu_19", mode="open")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return lay(tmp_path_factory.mktemp("ground"), NINE, prepare)


@pytest.fixture
def town(ground: Ground, tmp_path: Path) -> Iterator[Town]:
    place = copied(ground, tmp_path)
    yield place
    place.close()


PAGE = "https://hoidan.phuong.example"


def campaign(town: Town, title: str) -> dict[str, Any]:
    listed: list[dict[str, Any]] = town.act("campaign.list")["campaigns"]
    return next(each for each in listed if each["title"] == title)


def printed(town: Town, account: int | None = None, **given: Any) -> tuple[dict[str, Any], bytes]:
    """Have paper made and fetch it: *(what was told, the file)*."""
    asked = {"page": PAGE, **given, "campaign": campaign(town, given["campaign"])["id"]}
    made = town.act("campaign.leaflets", asked, account)
    assert asyncio.run(work(town)) == 1
    content = b""
    number = 1

    def piece() -> bytes | None:
        return town.database.read(lambda c: downloads.opened(c, town.keyring, made["download"], number))

    while (data := piece()) is not None:
        content, number = content + data, number + 1
    return made, content


def documents(content: bytes) -> dict[str, pypdfium2.PdfDocument]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: pypdfium2.PdfDocument(archive.read(name)) for name in archive.namelist()}


def account(town: Town, role: Role, area: str = WARD) -> int:
    key = int(town.act("account.create", {"name": role.value})["id"])
    town.act("account.grant", {"account": key, "role": role.value, "area": area})
    return key


def test_there_is_a_document_a_neighbourhood_with_a_letter_a_household_in_the_order_of_addresses(
    town: Town,
) -> None:
    made, content = printed(town, campaign="Phiếu hộ")
    those = documents(content)
    assert (made["number"], made["files"]) == (4, 3)
    assert sorted(those) == ["26740-khu-pho-1-1.pdf", "26740-khu-pho-2-1.pdf", "26743-khu-pho-1-1.pdf"]
    first, second = texts(those["26740-khu-pho-1-1.pdf"])
    assert "Số 2 Lê Lợi" in first and "Số 10 Lê Lợi" in second
    assert "Khảo sát nội bộ" in first and "Điều 19" in first


def test_paper_names_the_bot_that_takes_the_codes_where_there_is_one(town: Town) -> None:
    alone = "".join(texts(documents(printed(town, campaign="Phiếu người")[1])["26740-khu-pho-1-1.pdf"]))
    assert "Telegram" not in alone
    town.database.write(lambda c: senders.note(c, "telegram", "hoi_dan_bot", town.now))
    both = "".join(texts(documents(printed(town, campaign="Phiếu người")[1])["26740-khu-pho-1-1.pdf"]))
    assert "@hoi_dan_bot" in both
    (wall,) = texts(pypdfium2.PdfDocument(printed(town, campaign="Ai cũng được", kind="poster")[1]))
    assert "@hoi_dan_bot" in wall


def test_the_codes_on_the_letters_lead_to_their_households(town: Town) -> None:
    _, content = printed(town, campaign="Phiếu hộ", neighbourhood="Khu phố 2")
    (link,) = read_codes(pypdfium2.PdfDocument(content))
    assert link.startswith(f"{PAGE}/chat/")
    someone = Resident(town, "webchat")
    someone.start(link.rpartition("/")[2])
    assert "Câu 1/3" in someone.last.text


def test_a_ward_of_a_citys_campaign_prints_its_own_households_alone(town: Town) -> None:
    made, content = printed(town, account(town, Role.WARD_STAFF), campaign="Phiếu người", kind="labels")
    assert made["number"] == 3
    said = "".join("".join(texts(one)) for one in documents(content).values())
    assert "Nguyễn Văn An" in said and "Phạm Dũng" not in said


def test_only_who_is_waiting_to_answer_gets_paper_if_that_is_wanted(town: Town) -> None:
    _, content = printed(town, campaign="Phiếu hộ", neighbourhood="Khu phố 2")
    someone = Resident(town, "webchat")
    (link,) = read_codes(pypdfium2.PdfDocument(content))
    someone.start(link.rpartition("/")[2])
    for said in ("nam", "1960", "không", "gửi"):
        someone.say(said)
    made, _ = printed(town, campaign="Phiếu hộ", waiting=True)
    assert made["number"] == 3
    with pytest.raises(Problem, match="leaflets_nobody"):
        printed(town, campaign="Phiếu hộ", waiting=True, neighbourhood="Khu phố 2")


def test_staff_ask_in_the_chat_and_get_a_link_never_the_paper(town: Town) -> None:
    key = account(town, Role.WARD_STAFF)
    town.desk.links = type(town.desk.links)(PAGE, "hoidan_bot")
    person = Resident(town, "telegram")
    person.start(town.act("account.invite", {"account": key})["code"])
    person.say(f"/toroi {campaign(town, 'Phiếu hộ')['code']} khu phố 2")
    assert "thư mời của 1 hộ" in person.last.text
    asyncio.run(work(town))
    (notice,) = told(town, person)
    assert re.search(rf"{PAGE}/download/\S{{43}}", notice.text)
    assert notice.file is None and "Lê Cúc" not in notice.text


@pytest.mark.parametrize(
    ("said", "count"),
    [("tem", 3), ("labels", 3), ("áp phích", None), ("tem chưa trả lời khu phố 1", 2), ("waiting", 3)],
)
def test_kinds_and_places_are_typed_in_any_order(town: Town, said: str, count: int | None) -> None:
    town.desk.links = type(town.desk.links)(PAGE, "")
    person = Resident(town, "webchat")
    person.start(town.act("account.invite", {"account": account(town, Role.WARD_STAFF)})["code"])
    person.say(f"/toroi {campaign(town, 'Phiếu hộ')['code']} {said}")
    assert ("áp phích" in person.last.text) if count is None else (f"của {count} hộ" in person.last.text)


def test_who_may_not_run_campaigns_gets_no_codes(town: Town) -> None:
    for role in (Role.COLLECTOR, Role.DPO, Role.APPROVER):
        with pytest.raises(Problem, match="not_allowed"):
            printed(town, account(town, role), campaign="Phiếu hộ")
    with pytest.raises(Problem, match="not_allowed"):
        printed(town, account(town, Role.WARD_STAFF, "2025-07-01/26743"), campaign="Ai cũng được")


def test_a_survey_open_to_all_has_a_poster_and_no_letters(town: Town) -> None:
    with pytest.raises(Problem, match="leaflets_no_frame"):
        printed(town, campaign="Ai cũng được")
    _, content = printed(town, campaign="Ai cũng được", kind="poster")
    code = campaign(town, "Ai cũng được")["code"]
    assert read_codes(pypdfium2.PdfDocument(content)) == {f"{PAGE}/chat/{code}"}


def test_paper_is_fetched_by_who_asked_for_it_and_both_are_written_down(town: Town) -> None:
    mine, other = account(town, Role.WARD_STAFF), account(town, Role.WARD_STAFF)
    made, content = printed(town, mine, campaign="Phiếu hộ", neighbourhood="Khu phố 2")
    with pytest.raises(Problem, match="download_gone"):
        town.act("campaign.leaflets_file", {"download": made["download"]}, other)
    given = town.act("campaign.leaflets_file", {"download": made["download"]}, mine)
    assert given["name"].endswith(".pdf") and given["records"] == 1
    log = [(one["action"], one["outcome"]) for one in town.act("audit.list", {"limit": 10})["entries"]]
    assert log.count(("campaign.leaflets", "done")) == 2
    assert ("campaign.leaflets_file", "done") in log
    assert content


def test_the_paper_is_sealed_while_it_waits(town: Town) -> None:
    printed(town, campaign="Phiếu hộ")

    def raw(connection: Any) -> bytes:
        return b"".join(
            bytes(row[0]) for row in connection.exec_driver_sql("SELECT piece_sealed FROM download_pieces")
        )

    kept = town.database.read(raw)
    assert len(kept) > 10_000
    assert b"%PDF" not in kept and b"PK\x03\x04" not in kept


def test_nobody_is_written_to_who_has_refused(town: Town) -> None:
    made, _ = printed(town, campaign="Phiếu hộ", neighbourhood="Khu phố 1")
    key = campaign(town, "Phiếu hộ")["id"]
    first = select(cases.c.id).where(cases.c.campaign_id == key, cases.c.area_code == "26740").limit(1)

    def refuse(connection: Any) -> None:
        case_id = connection.execute(first).scalar_one()
        connection.execute(update(cases).where(cases.c.id == case_id).values(disposition="2.11"))

    town.database.write(refuse)
    after, _ = printed(town, campaign="Phiếu hộ", neighbourhood="Khu phố 1")
    assert (made["number"], after["number"]) == (3, 2)


def test_the_same_paper_is_made_on_either_database(database_url: str) -> None:
    place = found(database_url, instruments=(), now=NINE)
    prepare(place)
    try:
        made, content = printed(place, campaign="Phiếu người", kind="labels")
        assert (made["number"], len(documents(content))) == (4, 3)
    finally:
        place.close()


# ── over the page, and on the command line ──────────────────────────────────────────────────────────────────


def test_the_page_shows_a_button_first_and_then_gives_the_paper_piece_by_piece(town: Town) -> None:
    town.now = now_ms()
    mine = account(town, Role.WARD_STAFF)
    town.act("campaign.extend", {"campaign": campaign(town, "Phiếu hộ")["id"], "ends_on": _soon(town)})
    made, content = printed(town, mine, campaign="Phiếu hộ", neighbourhood="Khu phố 2")
    secret = town.database.write(lambda c: downloads.ready(c, made["download"], made["number"]))

    async def fetched() -> tuple[str, bytes, str, int]:
        async with served(town) as site, ClientSession() as browser:
            async with browser.get(f"{site.base}/download/{secret}") as shown:
                text = await shown.text()
            headers = {"Origin": site.base}
            async with browser.post(f"{site.base}/download/{secret}", headers=headers) as given:
                return text, await given.read(), given.headers["Content-Type"], given.status

    text, data, kind, status = asyncio.run(fetched())
    assert (status, kind, data) == (200, "application/pdf", content)
    assert "mã riêng của người dân" in text and "Lê Cúc" not in text


def _soon(town: Town) -> str:
    return (town.today + timedelta(days=30)).isoformat()
