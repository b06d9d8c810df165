"""Forms that members of staff try in the chat: sent, checked, answered, forgotten; nothing of it counts."""

from __future__ import annotations

import asyncio
import io
import itertools
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from bot.messages import ABILITIES, Attached, Inbound, Outgoing, What
from bot.notices import notice
from bot.readings import Reading
from bot.readings import finish as work_out
from bot.trying import SHOWN
from scheduler import jobs
from scheduler.jobs import TRIED_MS, forget_trials, forget_uploads
from storage import audit, contacts, media, outbox, trials
from storage.schema import answer_log, interviews, ledger, media_pieces, person_rows, submissions, trial_files
from storage.schema import media as media_table
from storage.schema import tasks as task_table
from storage.schema import trials as table
from storage.trials import Trial
from tests import working
from tests.bot import test_webchat_browser as browser
from tests.bot.chromium import PROGRAM, Tab
from tests.bot.served import Served, Visitor, served, visitor
from tests.bot.test_media import Platform, telegram, upload
from tests.conversations.forms import publications
from tests.forms.build import choices, row, xlsx
from tests.town import WARD, Resident, Town, found

HEAD = [{"form_title": "Nhà ở", "form_id": "nha_o", "version": "2"}]
GOOD = xlsx(
    [
        row("integer", "so_nguoi", "Nhà có mấy người?", required="yes"),
        row("select_one co", "vuon", "Nhà có vườn không?"),
        row("calculate", "gap_doi", calculation="${so_nguoi} * 2"),
    ],
    choices("co", "co", "khong"),
    HEAD,
)
BAD = xlsx([row("text", f"q{n}", f"Câu {n}?", relevant="khong_co(1) = 1") for n in range(20)], (), HEAD)


_numbers = itertools.count()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    place = found(f"sqlite:///{tmp_path / 'hoidan.db'}", instruments=())
    yield place
    place.close()


def staff(
    town: Town, role: str = "officer", channel: str = "telegram", area: str = "*", address: str = ""
) -> Resident:
    """A member of staff in a chat."""
    account = town.act("account.create", {"name": "Bình"})
    town.act("account.grant", {"account": account["id"], "role": role, "area": area})
    someone = Resident(town, channel, address)
    someone.start()
    someone.say(town.act("account.invite", {"account": account["id"]})["code"])
    return someone


def work(town: Town) -> int:
    """Do every task that waits; how many."""
    return asyncio.run(working.work(town))


def told(town: Town, who: Resident, channel: str = "telegram") -> list[Outgoing]:
    """What the outbox brings, as the channel would show it."""
    waiting = town.database.write(lambda c: outbox.claim(c, town.keyring, channel, "test", 1, 50, town.now))
    made = []
    for one in waiting:
        params = one.params
        if "reading" in params:
            params = work_out(town.database, Reading(params["reading"], params["arguments"]))
        made.append(notice(one.message, params, one.language, ABILITIES[channel]))
    return made


def send(who: Resident, content: bytes, name: str = "phieu.xlsx", *, size: int = 0) -> str:
    """A document in a chat whose bytes are fetched at once."""
    town = who.town
    file = Attached("file", name, size or len(content), "", f"handle {name}")
    event = Inbound(who.channel, f"file {next(_numbers)}", who.address, What.FILE, message="7", file=file)
    turned = town.turns.take(event).result(30)
    assert turned.reply is not None
    fetched(town, content)
    return turned.reply.text


def fetched(town: Town, content: bytes) -> None:
    from bot import media as files
    from bot.trials import arrived

    for one in town.database.read(lambda c: media.due(c, town.keyring, "telegram", town.now, 9)):
        asyncio.run(
            files.store(
                town.database,
                town.keyring,
                one.id,
                content,
                "",
                then=lambda c, key=one.id: arrived(c, town.keyring, key, town.now),  # type: ignore[misc]
            )
        )


def checked(who: Resident, content: bytes, name: str = "phieu.xlsx") -> Outgoing:
    """A form sent and checked: what is told of it."""
    send(who, content, name)
    assert work(who.town) == 1
    [report] = told(who.town, who)
    return report


def kept(town: Town) -> list[Trial]:
    def read(connection: Connection) -> list[Trial]:
        ids = [each[0] for each in connection.execute(select(table.c.id).order_by(table.c.id))]
        return [one for key in ids if (one := trials.get(connection, town.keyring, key))]

    return town.database.read(read)


def rows(town: Town, which: Any) -> int:
    return int(town.database.read(lambda c: c.execute(select(func.count()).select_from(which)).scalar_one()))


def done(town: Town) -> list[tuple[str, str, str]]:
    """What was audited of forms, oldest first: *(action, target, outcome)*."""
    found = town.database.read(lambda c: audit.entries(c))
    return [(e.action, e.target, e.outcome) for e in reversed(found) if e.action.startswith("form.")]


def work_waits(town: Town) -> int:
    return rows(town, task_table)


def labels(message: Outgoing) -> list[str]:
    return [button.label for line in message.rows for button in line]


def tap(who: Resident, message: Outgoing, label: str) -> Outgoing | None:
    return who.tap(label, message)


# ── from the file to the end of the trial ───────────────────────────────────────────────────────────────────


def test_a_form_is_checked_tried_and_shown_and_nothing_of_it_counts(town: Town) -> None:
    lan = staff(town)
    assert "đang kiểm tra" in send(lan, GOOD)
    assert work(town) == 1
    [report] = told(town, lan)
    assert "dùng được: “Nhà ở” (mã nha_o, phiên bản 2)" in report.text and "Câu hỏi: 2." in report.text
    assert labels(report) == ["▶ Thử ngay", "Xóa biểu mẫu"]
    first = tap(lan, report, "▶ Thử ngay")
    assert first is not None and "Nhà có mấy người?" in first.text
    for words in ("bốn", "khong"):
        prompt = lan.say(words)
        assert prompt is not None and prompt.text.startswith("(Bản thử – không lưu vào số liệu)")
    lan.tap("✔ Gửi câu trả lời")
    [end] = told(town, lan)
    assert "1. Nhà có mấy người: 4" in end.text
    assert "2. Nhà có vườn không: KHONG" in end.text
    assert "/data/gap_doi = 8" in end.text
    assert "instrument publish" in end.text
    assert [rows(town, which) for which in (submissions, ledger, person_rows)] == [0, 0, 0]
    assert done(town) == [("form.try", "form:1", "done"), ("form.begin", "form:1", "done")]
    # Idle again, and ready for the next.
    contact = town.database.read(lambda c: contacts.get(c, lan.contact_id))
    assert contact is not None and contact.interview_id is None


def test_errors_are_told_with_sheet_row_and_column_the_first_of_them(town: Town) -> None:
    lan = staff(town)
    report = checked(lan, BAD)
    lines = [line for line in report.text.split("\n") if line.startswith("– survey hàng")]
    assert len(lines) == SHOWN and "hàng 2, cột relevant" in lines[0]
    assert "… và 5 dòng nữa" in report.text
    assert labels(report) == ["Xóa biểu mẫu"]
    refused = lan.say("/phieu thử 1")
    assert refused is not None and "chưa thử được" in refused.text
    assert kept(town)[0].state == "refused"


def test_the_report_comes_in_the_language_of_whoever_reads_it(town: Town) -> None:
    lan = staff(town)
    lan.say("english")
    report = checked(lan, BAD)
    assert "can't be asked yet" in report.text and "survey row 2, column relevant" in report.text


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"%PDF-1.7 no workbook", "phieu.xlsx", "xlsx"),
        (b"PK\x03\x04 broken", "phieu.xlsx", "hỏng"),
    ],
)
def test_what_is_no_workbook_is_refused_in_words(town: Town, content: bytes, name: str, words: str) -> None:
    report = checked(staff(town), content, name)
    assert "chưa dùng được" in report.text and words in report.text
    assert labels(report) == ["Xóa biểu mẫu"]


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", b"<a>" + b" " * (80 << 20) + b"</a>")
    return packed.getvalue()


def test_a_bomb_is_refused_before_it_is_unpacked(town: Town) -> None:
    report = checked(staff(town), bomb())
    assert "chưa dùng được" in report.text
    assert kept(town)[0].state == "refused"


def test_a_file_that_is_too_large_is_refused_at_once(town: Town) -> None:
    lan = staff(town)
    assert "Tệp lớn quá" in send(lan, b"", size=21 << 20)
    assert kept(town) == [] and rows(town, media_table) == 0


def test_a_form_and_its_files_come_in_one_archive(town: Town) -> None:
    packed = io.BytesIO()
    survey = [row("select_one_from_file xa.csv", "xa", "Ở xã nào?")]
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("phieu/form.xlsx", xlsx(survey, (), HEAD))
        archive.writestr("phieu/xa.csv", "name,label\n1,Bến Nghé\n2,Bến Thành\n")
    lan = staff(town)
    report = checked(lan, packed.getvalue(), "phieu.zip")
    first = tap(lan, report, "▶ Thử ngay")
    assert first is not None and labels(first)[:2] == ["Bến Nghé", "Bến Thành"]
    assert rows(town, trial_files) == 1


def test_what_publishing_would_change_is_told(town: Town) -> None:
    publication = publications()["nho"]
    town.act("instrument.publish", publication)
    newer = xlsx(
        [row("integer", "sinh", "Sinh năm nào?"), row("text", "moi", "Câu mới?")],
        (),
        [{"form_title": "Nhỏ", "form_id": "nho", "version": "9"}],
    )
    lan = staff(town)
    report = checked(lan, newer)
    assert "Khác bản đang phát hành (nho@1)" in report.text
    tap(lan, report, "▶ Thử ngay")
    lan.say("1985")
    lan.say("xin chào")
    lan.tap("✔ Gửi câu trả lời")
    [end] = told(town, lan)
    assert "So với bản đang phát hành (nho@1):" in end.text and "/data/moi" in end.text


# ── who may ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_has_no_grant_for_it_is_told_so_politely_and_it_is_audited(town: Town) -> None:
    lan = staff(town, "ward_staff", area=WARD)
    assert "không có quyền" in send(lan, GOOD)
    assert kept(town) == [] and rows(town, media_table) == 0
    assert done(town) == [("form.try", "", "refused")]


def test_residents_files_are_not_taken_for_forms(town: Town) -> None:
    someone = Resident(town)
    someone.start()
    assert "chưa cần gửi tệp" in send(someone, GOOD)
    assert kept(town) == []


def test_nobody_sees_tries_or_deletes_the_form_of_somebody_else(town: Town) -> None:
    lan, minh = staff(town), staff(town)
    checked(lan, GOOD)
    for words in ("/phieu 1", "/phieu thử 1", "/phieu xóa 1", "/phieu 99"):
        said = minh.say(words)
        assert said is not None and "không có biểu mẫu số" in said.text
    listed = minh.say("/phieu")
    assert listed is not None and "chưa gửi biểu mẫu nào" in listed.text
    assert [one.state for one in kept(town)] == ["ready"]


def test_nobody_keeps_more_forms_than_the_limit(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.actions import forms

    monkeypatch.setattr(forms, "MOST", 1)
    lan = staff(town)
    send(lan, GOOD)
    assert "chỉ giữ được 1" in send(lan, GOOD, "khac.xlsx")
    assert len(kept(town)) == 1


# ── one's forms ─────────────────────────────────────────────────────────────────────────────────────────────


def test_forms_are_listed_tried_again_and_deleted(town: Town) -> None:
    lan = staff(town)
    report = checked(lan, GOOD)
    checked(lan, BAD, "loi.xlsx")
    listed = lan.say("/phieu")
    assert listed is not None
    assert "Số 1: Nhà ở – thử được" in listed.text and "Số 2: loi.xlsx – có lỗi" in listed.text
    assert labels(listed) == ["Xóa số 2", "▶ Thử số 1", "Xóa số 1"]
    lan.say("/phieu 1")
    [again] = told(town, lan)
    assert again.text == report.text
    lan.say("/phieu thử 1")
    lan.say("3")
    gone = lan.say("/phieu xóa 1")
    assert gone is not None and "Đã xóa biểu mẫu số 1" in gone.text
    assert "Nhà có" not in gone.text, "the question that was open is gone with its form"
    assert [one.id for one in kept(town)] == [2]
    assert [rows(town, which) for which in (interviews, answer_log)] == [0, 0]
    old = tap(lan, report, "▶ Thử ngay")
    assert old is not None and "không có biểu mẫu số 1" in old.text


def test_a_trial_is_stopped_without_stopping_anything_else(town: Town) -> None:
    lan = staff(town)
    tap(lan, checked(lan, GOOD), "▶ Thử ngay")
    said = lan.say("dừng")
    assert said is not None and "Đã dừng thử biểu mẫu số 1" in said.text
    first = lan.tap("▶ Thử lại")
    assert first is not None and "Nhà có mấy người?" in first.text


def test_numbers_of_forms_and_their_interviews_are_never_given_out_again(town: Town) -> None:
    lan = staff(town)
    tap(lan, checked(lan, GOOD), "▶ Thử ngay")
    lan.say("/phieu xóa 1")
    report = checked(lan, GOOD)
    assert "số 2" in report.text
    tap(lan, report, "▶ Thử ngay")
    assert town.database.read(lambda c: c.execute(select(interviews.c.id)).scalar_one()) == 2


def test_after_seven_days_forms_and_what_was_answered_in_them_are_gone(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "now_ms", lambda: town.now)
    lan = staff(town)
    tap(lan, checked(lan, GOOD), "▶ Thử ngay")
    lan.say("3")
    town.now += TRIED_MS
    checked(lan, GOOD)
    assert forget_trials(town.database) == 0
    town.now += 1
    assert forget_trials(town.database) == 1
    assert [one.id for one in kept(town)] == [2]
    assert [rows(town, which) for which in (interviews, answer_log, media_table)] == [0, 0, 0]
    said = lan.say("5")
    assert said is not None and "Nhà có" not in said.text


def test_a_form_that_waits_to_be_checked_is_no_forgotten_upload_and_its_file_goes_afterwards(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    lan = staff(town)
    send(lan, GOOD)
    monkeypatch.setattr(jobs, "now_ms", lambda: town.now + 10 * jobs.UPLOADED_MS)
    assert forget_uploads(town.database) == 0
    assert rows(town, media_pieces) == 1
    assert work(town) == 1
    assert [rows(town, which) for which in (media_table, media_pieces)] == [0, 0]


def test_a_file_that_answers_a_question_is_still_an_answer(town: Town) -> None:
    asks = xlsx([row("file", "giay_to", "Xin gửi giấy tờ."), row("text", "b", "B?")], (), HEAD)
    lan = staff(town)
    tap(lan, checked(lan, asks), "▶ Thử ngay")
    # No campaign has filed for files over a platform abroad: our own page takes them.
    assert "kiểm tra" not in send(lan, GOOD)
    assert len(kept(town)) == 1
    lan.say("bỏ qua")
    assert "đang kiểm tra" in send(lan, GOOD, "moi.xlsx")


# ── over the real channels ──────────────────────────────────────────────────────────────────────────────────


def test_a_document_in_telegram_is_fetched_checked_and_told(town: Town) -> None:
    async def story(there: Platform) -> None:
        there.api.send(7, "document", GOOD, name="phieu.xlsx")
        await there.said("đang kiểm tra")
        assert await there.fetching.round() == 1
        assert await working.work(town) == 1
        await there.said("dùng được")

    in_telegram(town, story)


def test_a_document_that_can_not_be_fetched_is_told_and_can_be_sent_again(town: Town) -> None:
    async def story(there: Platform) -> None:
        there.api.send(7, "document", b"", name="trong.xlsx")
        await there.said("“trong.xlsx”")
        await there.fetching.round()
        await there.said("Không tải được tệp của biểu mẫu số 1")
        assert [one.state for one in kept(town)] == ["failed"]
        assert work_waits(town) == 0

    in_telegram(town, story)


def in_telegram(town: Town, story: Callable[[Platform], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with telegram(town) as platform:
            await asyncio.to_thread(staff, town, address="7")
            await platform.lan.start("")
            await story(platform)

    asyncio.run(whole())


def test_the_page_sends_a_form_and_gets_the_whole_report_as_a_file(town: Town) -> None:
    async def whole() -> None:
        async with served(town) as place, visitor(place.base) as person:
            await person.connect()
            await signed_in(town, person)
            await person.say("/phieu")
            assert person.last["attach"] == {"kind": "form", "question": "form"}
            status, answer = await upload(
                person, BAD, question="form", **{"X-Hoidan-Name": "phi%E1%BA%BFu.xlsx"}
            )
            assert status == 200 and "“phiếu.xlsx”" in answer["prompt"]["text"]
            assert await working.work(town) == 1
            report = await person.notice()
            assert "chưa dùng được" in report["text"]
            async with person.http.get(place.base + report["file"]["link"]) as file:
                whole = (await file.read()).decode("utf-8-sig")
            assert whole.count("– survey hàng") == 20
            assert report["file"]["name"] == "kiem-tra-phieu-1.txt"

    asyncio.run(whole())


async def signed_in(town: Town, person: Visitor) -> None:
    account = town.act("account.create", {"name": "Bình"})
    town.act("account.grant", {"account": account["id"], "role": "officer", "area": "*"})
    await person.say(town.act("account.invite", {"account": account["id"]})["code"])


def test_a_page_without_the_grant_is_told_so_and_nothing_is_kept(town: Town) -> None:
    async def whole() -> None:
        async with served(town) as place, visitor(place.base) as person:
            await person.connect()
            status, answer = await upload(person, GOOD, question="form")
            assert (status, answer["error"]) == (409, "media_not_asked")
            account = town.act("account.create", {"name": "Bình"})
            town.act("account.grant", {"account": account["id"], "role": "ward_staff", "area": WARD})
            await person.say(town.act("account.invite", {"account": account["id"]})["code"])
            status, answer = await upload(person, GOOD, question="form")
            assert status == 200 and "không có quyền" in answer["prompt"]["text"]

    asyncio.run(whole())
    assert [rows(town, which) for which in (media_table, table)] == [0, 0]


@pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine")
def test_in_a_browser_a_form_is_chosen_sent_and_tried(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "phiếu.xlsx"
    file.write_bytes(GOOD)
    account = town.act("account.create", {"name": "Bình"})
    town.act("account.grant", {"account": account["id"], "role": "officer", "area": "*"})
    code = town.act("account.invite", {"account": account["id"]})["code"]

    async def write(tab: Tab, words: str) -> None:
        await tab.run("document.querySelector('#words').focus()")
        await tab.type(words)
        await tab.press("Enter")
        await browser.settled(tab)

    async def story(tab: Tab, place: Served) -> None:
        await tab.go(f"{place.base}/chat")
        await tab.wait("document.querySelectorAll('#log .bot').length")
        await browser.settled(tab)
        await write(tab, code)
        await write(tab, "/phieu")
        await browser.choose(tab, file)
        await tab.tap(browser.press_in_panel("Gửi tệp này"))
        await tab.wait("document.querySelector('#log').textContent.includes('“phiếu.xlsx”')")
        assert await working.work(town) == 1
        await tab.wait("document.querySelector('#log').textContent.includes('dùng được')")
        await browser.settled(tab)
        await tab.tap("[...document.querySelectorAll('button')].find(b => b.textContent === '▶ Thử ngay')")
        await tab.wait("document.querySelector('#log').textContent.includes('Nhà có mấy người?')")
        assert await tab.run("document.querySelector('#log').textContent.includes('Bản thử')")
        assert await tab.run("document.documentElement.scrollWidth <= innerWidth")

    browser.in_browser(town, tmp_path, story)
