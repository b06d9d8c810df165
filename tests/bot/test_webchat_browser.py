"""The page of the web chat in a real browser: what a person at a phone or a keyboard meets."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from bot.leaflets import Links
from bot.media import MEGABYTE, Limits
from tests.bot import samples
from tests.bot.asking_files import EN, SURVEY, VI, answers, campaign, content, files, row
from tests.bot.chromium import PROGRAM, Tab, chromium
from tests.bot.served import Served, eventually, served
from tests.town import Resident, Town, found

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine")

PHONE = (360, 740)
IDLE = (
    "!document.querySelector('#line[data-state=connecting]')"
    " && !JSON.parse(sessionStorage.hoidan).queue.length"
)
NOW = (
    "[...document.querySelectorAll('#log .bot')].filter(e => e.querySelector('.choices:not([hidden])')).pop()"
)
ASKED = f"({NOW} || document.querySelector('#log .bot:last-of-type'))"
STEADY = 0.3
"""Seconds for which a new question takes no tap."""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    place = found(f"sqlite:///{tmp_path / 'hoidan.db'}")
    yield place
    place.close()


def in_browser(town: Town, tmp_path: Path, story: Callable[[Tab, Served], Awaitable[None]]) -> None:
    """Run a story in a fresh browser; nothing may have been complained about at its end."""

    async def whole() -> None:
        async with served(town) as place, chromium(tmp_path / "profile") as tab:
            await tab.show(*PHONE, phone=True)
            await story(tab, place)
            assert tab.complaints == []

    asyncio.run(whole())


async def arrive(tab: Tab, place: Served, code: str) -> None:
    await tab.go(f"{place.base}/chat/{code}")
    await tab.wait(
        "document.querySelectorAll('#log .bot').length && document.querySelector('.choices button')"
    )


def submitted(town: Town, code: str) -> int:
    return int(town.act("campaign.status", {"campaign": code})["progress"]["submitted"])


async def settled(tab: Tab) -> None:
    """Until everything sent is stored and its reply is drawn, and new buttons take taps."""
    await tab.wait(IDLE)
    await asyncio.sleep(STEADY)


async def tap(tab: Tab, kind: str) -> None:
    await tab.tap(f"{NOW}.querySelector('.choices {kind}')")
    await settled(tab)


async def roles(tab: Tab) -> list[str]:
    found_roles: list[str] = await tab.run(
        f"(() => {{ const e = {NOW}; return e ? [...e.querySelectorAll('.choices button')]"
        ".map(b => b.className) : []; })()"
    )
    return found_roles


async def answer_by_taps(tab: Tab) -> None:
    """Up to the review, with the finger; typed answers where no button answers."""
    for _ in range(60):
        shown = await roles(tab)
        if "change" in shown:
            return
        if "tick" in shown:
            await tap(tab, ".tick")
            await tap(tab, ".main")
        elif "choice" in shown:
            await tap(tab, ".choice")
        else:
            await tab.run("document.querySelector('#words').focus()")
            await tab.type("03/1985")
            await tab.tap("document.querySelector('#send')")
            await settled(tab)
    raise AssertionError("the interview does not end")


def test_a_whole_interview_by_taps_on_a_phone(town: Town, tmp_path: Path) -> None:
    async def story(tab: Tab, place: Served) -> None:
        code = town.campaign()
        await arrive(tab, place, code)
        await answer_by_taps(tab)
        await tap(tab, ".main")
        await tab.wait("document.querySelector('#log').textContent.includes('Mã biên nhận')")
        assert submitted(town, code) == 1
        assert await tab.run("document.documentElement.scrollWidth <= innerWidth")

    in_browser(town, tmp_path, story)


async def focus_button(tab: Tab, kind: str) -> None:
    """Press Tab until a button of the newest question has the focus."""
    for _ in range(80):
        await tab.press("Tab")
        if await tab.run(
            f"(() => {{ const a = document.activeElement, e = {NOW};"
            f" return Boolean(e && e.contains(a) && a.matches('{kind}')); }})()"
        ):
            return
    raise AssertionError(f"Tab never reaches {kind}")


def test_a_whole_interview_by_keyboard_alone(town: Town, tmp_path: Path) -> None:
    async def story(tab: Tab, place: Served) -> None:
        await tab.show(1280, 800)
        code = town.campaign()
        await arrive(tab, place, code)
        await settled(tab)
        for _ in range(60):
            shown = await roles(tab)
            if "change" in shown:
                break
            if "tick" in shown:
                await focus_button(tab, ".tick")
                await tab.press("Space")
                await settled(tab)
                assert await tab.run("document.activeElement.getAttribute('aria-pressed')") == "true"
                await focus_button(tab, ".main")
                await tab.press("Enter")
            elif "choice" in shown:
                await focus_button(tab, ".choice")
                await tab.press("Enter")
            else:
                assert await tab.run("document.activeElement.id") == "words", "the field awaits typed answers"
                await tab.type("03/1985")
                await tab.press("Enter")
            await settled(tab)
        await focus_button(tab, ".main")
        await tab.press("Enter")
        await tab.wait("document.querySelector('#log').textContent.includes('Mã biên nhận')")
        assert submitted(town, code) == 1

    in_browser(town, tmp_path, story)


def test_an_answer_given_while_the_server_is_down_arrives_once_after_its_restart(
    town: Town, tmp_path: Path
) -> None:
    async def story() -> None:
        code = town.campaign()
        async with chromium(tmp_path / "profile") as tab:
            await tab.show(*PHONE, phone=True)
            async with served(town) as place:
                await arrive(tab, place, code)
                await settled(tab)
            await tab.tap(f"{NOW}.querySelector('.choice')")
            await tab.wait("document.querySelector('#line').dataset.state === 'offline'")
            assert await tab.run("JSON.parse(sessionStorage.hoidan).queue.length") == 1
            assert await tab.run("document.querySelectorAll('#log .me').length") == 1
            taken = town.turns.taken
            async with served(town, port=place.port):
                await tab.wait(f"{IDLE} && document.querySelector('#line').dataset.state === 'online'")
                await eventually(lambda: town.turns.taken > taken)
                assert await tab.run("document.querySelectorAll('#log .me').length") == 1
                assert "Câu 2/" in await tab.run(f"{ASKED}.textContent")

    asyncio.run(story())


def test_a_reload_keeps_the_conversation_and_asks_nothing_twice(town: Town, tmp_path: Path) -> None:
    async def story(tab: Tab, place: Served) -> None:
        await arrive(tab, place, town.campaign())
        await settled(tab)
        await tap(tab, ".choice")
        said = await tab.run("document.querySelectorAll('#log .said').length")
        await tab.call("Page.reload")
        await tab.wait(
            "document.querySelector('#line') && document.querySelector('#line').dataset.state === 'online'"
        )
        await settled(tab)
        assert await tab.run("document.querySelectorAll('#log .said').length") == said

    in_browser(town, tmp_path, story)


def test_leaving_clears_the_screen_the_tab_and_the_cookie(town: Town, tmp_path: Path) -> None:
    async def story(tab: Tab, place: Served) -> None:
        await arrive(tab, place, town.campaign())
        await settled(tab)
        await tab.tap("document.querySelector('#leave')")
        assert await tab.run("document.activeElement.id") == "sure-no"
        await tab.tap("document.querySelector('#sure-yes')")
        await tab.wait("document.querySelector('#log').textContent.includes('Đã xóa và thoát')")
        assert await tab.run("sessionStorage.length") == 0
        cookies = await tab.call("Network.getCookies", urls=[f"{place.base}/chat"])
        assert [one["name"] for one in cookies["cookies"]] == []

    in_browser(town, tmp_path, story)


def test_a_member_of_staff_signs_in_by_the_button_and_out_again(town: Town, tmp_path: Path) -> None:
    async def story(tab: Tab, place: Served) -> None:
        code = town.act("account.invite", {"account": town.admin})["code"]
        await tab.go(f"{place.base}/sign-in/{code}")
        await tab.wait("document.querySelector('form button')")
        await tab.tap("document.querySelector('form button')")
        await tab.wait(
            "location.pathname === '/chat' && document.querySelector('#leave')"
            " && document.querySelector('#leave').textContent === 'Đăng xuất và xóa màn hình'"
        )
        assert len(town.act("account.list")["accounts"][0]["contacts"]) == 1
        await tab.tap("document.querySelector('#leave')")
        await tab.tap("document.querySelector('#sure-yes')")
        await tab.wait("document.querySelector('#log').textContent.includes('Đã xóa và thoát')")
        assert town.act("account.list")["accounts"][0]["contacts"] == []

    in_browser(town, tmp_path, story)


def test_what_a_screen_reader_needs_is_there(town: Town, tmp_path: Path) -> None:
    async def story(tab: Tab, place: Served) -> None:
        await arrive(tab, place, town.campaign())
        await settled(tab)
        tree = (await tab.call("Accessibility.getFullAXTree"))["nodes"]
        shown = [node for node in tree if not node.get("ignored")]
        named = {
            (node["role"]["value"], node.get("name", {}).get("value", "")) for node in shown if "role" in node
        }
        assert ("log", "Cuộc trò chuyện") in named
        assert ("textbox", "Câu trả lời của ông/bà") in named
        assert ("button", "Đồng ý") in named and ("button", "Gửi") in named
        assert ("group", "Chọn câu trả lời") in named
        assert all(name for role, name in named if role == "button")
        live = "document.querySelector('#log').getAttribute('aria-live')"
        assert await tab.run(live) == "polite"

    in_browser(town, tmp_path, story)


@pytest.mark.parametrize("width", [320, 360, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everything_fits_is_large_enough_and_has_contrast(
    town: Town, tmp_path: Path, width: int, dark: bool
) -> None:
    async def story(tab: Tab, place: Served) -> None:
        await tab.show(width, 740, phone=width < 600, dark=dark)
        await arrive(tab, place, town.campaign())
        await settled(tab)
        for _ in range(4):
            await tap(tab, ".choice" if "choice" in await roles(tab) else ".way")
        assert await tab.run("document.documentElement.scrollWidth <= innerWidth")
        assert await tab.run(STANDS), "the header stays at the top and nothing is left empty below"
        assert await tab.run(SMALL_TARGETS) == []
        assert await tab.run(SMALL_LETTERS) == []
        assert await tab.run(FAINT_LETTERS) == []

    in_browser(town, tmp_path, story)


STANDS = """document.scrollingElement.scrollHeight <= innerHeight && scrollY === 0
  && document.body.scrollTop === 0
  && document.querySelector('header').getBoundingClientRect().top === 0
  && Math.abs(document.querySelector('#say').getBoundingClientRect().bottom - innerHeight) < 1"""
SMALL_TARGETS = """[...document.querySelectorAll('button, textarea')].filter(e => e.offsetParent)
  .map(e => [e.id || e.textContent, e.getBoundingClientRect()])
  .filter(([_, r]) => r.width < 44 || r.height < 44).map(([name]) => name)"""
_LETTERS = """[...document.querySelectorAll('body *')].filter(e => e.offsetParent && !e.closest('.unseen')
  && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))"""
SMALL_LETTERS = f"""{_LETTERS}.filter(e => parseFloat(getComputedStyle(e).fontSize) < 16)
  .map(e => e.textContent.slice(0, 40))"""
# WCAG 2.2, success criterion 1.4.3 and the definition of relative luminance.
FAINT_LETTERS = f"""(() => {{
  const parts = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => parts(c).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = e => {{ for (; e; e = e.parentElement) {{ const c = getComputedStyle(e).backgroundColor;
    const p = parts(c); if (p.length < 4 || p[3] > 0) return c; }} return 'rgb(255,255,255)'; }};
  return {_LETTERS}.map(e => {{ const a = light(getComputedStyle(e).color), b = light(ground(e));
    return [e.textContent.slice(0, 40), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]; }})
    .filter(([_, ratio]) => ratio < 4.5); }})()"""


def test_how_it_looks(town: Town, tmp_path: Path) -> None:
    """Pictures for people: into the folder named by HOIDAN_TEST_PICTURES, else a temporary one."""
    folder = Path(os.environ.get("HOIDAN_TEST_PICTURES") or tmp_path)

    async def story(tab: Tab, place: Served) -> None:
        code = town.campaign()
        for name, (width, height), phone, dark in (
            ("chat-phone", PHONE, True, False),
            ("chat-desktop", (1100, 900), False, False),
            ("chat-dark", PHONE, True, True),
            ("chat-narrow", (320, 568), True, False),
        ):
            await tab.show(width, height, phone=phone, dark=dark)
            await arrive(tab, place, code)
            await settled(tab)
            while not any(kind == "tick" for kind in await roles(tab)):
                if "choice" in await roles(tab):
                    await tap(tab, ".choice")
                else:
                    await tab.run("document.querySelector('#words').focus()")
                    await tab.type("03/1985")
                    await tab.tap("document.querySelector('#send')")
                    await settled(tab)
            await tap(tab, ".tick")
            await tab.run(
                f"{NOW}.scrollIntoView({{block: 'start'}})"
                if phone
                else "document.querySelector('#log').scrollTop = 1e6"
            )
            await tab.picture(folder / f"{name}.png")
            assert (folder / f"{name}.png").stat().st_size > 5_000
            await tab.call("Network.clearBrowserCookies")
            await tab.run("sessionStorage.clear()")
            await tab.go("about:blank")

    in_browser(town, tmp_path, story)


# ── files, places and pickers ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Town]:
    place = found(f"sqlite:///{tmp_path / 'files.db'}", instruments=())
    yield place
    place.close()


async def choose(tab: Tab, file: Path) -> None:
    """Pick a file in the panel of the question, as the file dialog would."""
    document = await tab.call("DOM.getDocument")
    node = await tab.call(
        "DOM.querySelector",
        nodeId=document["root"]["nodeId"],
        selector=".choices:not([hidden]) .panel input[type=file]",
    )
    await tab.call("DOM.setFileInputFiles", nodeId=node["nodeId"], files=[str(file)])


PANEL = f"{NOW}.querySelector('.panel')"


def press_in_panel(text: str) -> str:
    return f"[...{PANEL}.querySelectorAll('button')].find(b => b.textContent === '{text}')"


def test_a_picture_is_shown_before_it_is_sent_and_the_chat_goes_on(bare: Town, tmp_path: Path) -> None:
    photo = tmp_path / "nhà.png"
    photo.write_bytes(samples.png(60, 40))

    async def story(tab: Tab, place: Served) -> None:
        await tab.go(f"{place.base}/chat/{campaign(bare)}")
        await tab.wait(PANEL)
        await settled(tab)
        await choose(tab, photo)
        await tab.wait(f"{PANEL}.querySelector('img.preview:not([hidden])')")
        assert await tab.run("document.activeElement.textContent") == "Gửi tệp này"
        await tab.press("Enter")
        await tab.wait("document.querySelector('#log').textContent.includes('Căn nhà ở đâu')")
        assert await tab.run("document.querySelector('.me .text img.sent').naturalWidth") == 60
        [kept] = files(bare)
        assert content(bare, kept) == photo.read_bytes()
        await tab.call("Page.reload")
        await tab.wait("document.querySelector('#log').textContent.includes('Đã gửi một ảnh')")
        assert await tab.run("document.documentElement.scrollWidth <= innerWidth")

    in_browser(bare, tmp_path, story)


def test_a_file_that_is_not_taken_is_told_aloud_and_another_can_be_chosen(bare: Town, tmp_path: Path) -> None:
    bare.desk.files = Limits(2 * MEGABYTE, MEGABYTE)
    large, wrong, right = (tmp_path / name for name in ("large.png", "wrong.png", "right.png"))
    large.write_bytes(samples.png() + bytes(2 * MEGABYTE))
    wrong.write_bytes(b"MZ" + bytes(100))
    right.write_bytes(samples.png())

    async def story(tab: Tab, place: Served) -> None:
        await tab.go(f"{place.base}/chat/{campaign(bare)}")
        await tab.wait(PANEL)
        await settled(tab)
        alert = f"{PANEL}.querySelector('[role=alert]').textContent"
        await choose(tab, large)
        await tab.wait(f"{alert}.includes('1 MB')")
        await choose(tab, wrong)
        await tab.run(press_in_panel("Gửi tệp này") + ".click()")
        await tab.wait(f"{alert}.includes('cần một ảnh')")
        assert await tab.run(press_in_panel("Gửi tệp này") + ".hidden")
        assert files(bare) == []
        # The refusal is a line in the console of any browser; nothing else may be there.
        assert all("415" in complaint for complaint in tab.complaints)
        tab.complaints.clear()
        await choose(tab, right)
        await tab.run(press_in_panel("Gửi tệp này") + ".click()")
        await tab.wait("document.querySelector('#log').textContent.includes('Căn nhà ở đâu')")
        assert len(files(bare)) == 1

    in_browser(bare, tmp_path, story)


def test_the_device_tells_where_it_is_only_when_asked_and_allowed(bare: Town, tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(samples.png())

    async def story(tab: Tab, place: Served) -> None:
        await tab.go(f"{place.base}/chat/{campaign(bare)}")
        await tab.wait(PANEL)
        await settled(tab)
        await choose(tab, photo)
        await tab.run(press_in_panel("Gửi tệp này") + ".click()")
        await tab.wait("document.querySelector('#log').textContent.includes('Căn nhà ở đâu')")
        await settled(tab)
        origin = {"origin": place.base}
        await tab.call(
            "Browser.setPermission", permission={"name": "geolocation"}, setting="denied", **origin
        )
        await tab.tap(press_in_panel("Gửi vị trí của tôi"))
        await tab.wait(f"{PANEL}.querySelector('[role=alert]').textContent.includes('chưa cho phép')")
        await tab.call(
            "Browser.setPermission", permission={"name": "geolocation"}, setting="granted", **origin
        )
        await tab.call("Emulation.setGeolocationOverride", latitude=10.7769, longitude=106.7009, accuracy=12)
        await tab.tap(press_in_panel("Gửi vị trí của tôi"))
        await tab.wait("document.querySelector('#log').textContent.includes('giấy tờ')")
        assert answers(bare)["vi_tri"].split() == ["10.7769", "106.7009", "0", "12"]

    in_browser(bare, tmp_path, story)


def test_a_date_can_be_picked_and_reads_as_if_it_was_typed(bare: Town, tmp_path: Path) -> None:
    async def story(tab: Tab, place: Served) -> None:
        await tab.go(f"{place.base}/chat/{campaign(bare, SURVEY[-1:])}")
        await tab.wait(f"{NOW} && {PANEL}.querySelector('input[type=date]')")
        await settled(tab)
        await tab.run(f"{PANEL}.querySelector('input').value = '1985-03-05'")
        await tab.tap(press_in_panel("Gửi"))
        await settled(tab)
        assert answers(bare) == {"ngay_xay": "1985-03-05"}
        assert "05/03/1985" in await tab.run("document.querySelector('.me .text').textContent")

    in_browser(bare, tmp_path, story)


def test_a_long_list_is_turned_and_an_order_is_tapped_in_place(bare: Town, tmp_path: Path) -> None:
    villages = [
        {"list_name": "lang", "name": f"l{n}", f"label::{VI}": f"Làng {n}", f"label::{EN}": f"Village {n}"}
        for n in range(60)
    ]
    tasks = [
        {"list_name": "viec", "name": name, f"label::{VI}": label, f"label::{EN}": label}
        for name, label in (("a", "Học nghề"), ("b", "Việc làm"))
    ]
    survey = [
        row("select_one lang", "lang", "Ông/bà ở làng nào?", "Which village?", required="yes"),
        row("rank viec", "viec", "Việc nào trước?", "What first?", required="yes"),
    ]

    async def story(tab: Tab, place: Served) -> None:
        await arrive(tab, place, campaign(bare, survey, [*villages, *tasks]))
        await settled(tab)
        said = await tab.run("document.querySelectorAll('#log .said').length")
        await tab.run(f"[...{NOW}.querySelectorAll('.page')].find(b => b.textContent.includes('▶')).focus()")
        await tab.press("Enter")
        await settled(tab)
        assert await tab.run("document.querySelectorAll('#log .said').length") == said, "nothing was said"
        assert await tab.run(f"{NOW}.contains(document.activeElement)")
        assert "Làng 0" not in await tab.run(
            f"[...{NOW}.querySelectorAll('.choice')].map(b => b.textContent)"
        )
        await tap(tab, ".choice")
        for number in (1, 0):
            await tab.tap(f"{NOW}.querySelectorAll('.tick')[{number}]")
            await settled(tab)
        assert await tab.run(f"[...{NOW}.querySelectorAll('.tick')].map(b => b.dataset.place)") == ["2", "1"]
        await tap(tab, ".main")
        assert answers(bare)["viec"] == "b a"

    in_browser(bare, tmp_path, story)


def test_the_page_of_a_link_takes_a_picture_on_a_small_phone(bare: Town, tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(samples.png(30, 20))

    async def story(tab: Tab, place: Served) -> None:
        bare.desk.links = Links(place.base)
        lan = Resident(bare, channel="telegram", address="7")
        lan.start(campaign(bare))
        lan.tap("Gửi qua trang riêng")
        link = lan.last.text.split()[-1]
        await tab.show(320, 568, phone=True)
        await tab.go(link)
        await tab.wait("document.querySelector('#file')")
        assert await tab.run("document.documentElement.scrollWidth <= innerWidth")
        document = await tab.call("DOM.getDocument")
        node = await tab.call("DOM.querySelector", nodeId=document["root"]["nodeId"], selector="#file")
        await tab.call("DOM.setFileInputFiles", nodeId=node["nodeId"], files=[str(photo)])
        await tab.wait("!document.querySelector('#preview').hidden")
        await tab.tap("document.querySelector('#go')")
        await tab.wait("document.body.textContent.includes('Đã nhận tệp')")
        assert [kept.status for kept in files(bare)] == ["kept"]

    in_browser(bare, tmp_path, story)
