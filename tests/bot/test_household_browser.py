"""The pages for lists of households in a real browser, on a small telephone and on a desk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.chromium import PROGRAM, Tab, chromium
from tests.bot.served import served
from tests.bot.test_household_import import GOOD, finish_tasks, link_in, staff_in_chat, with_links
from tests.town import Town, found

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine")

NARROW, WIDE = (360, 740), (1200, 800)
OVERFLOWS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
SMALL = "[...document.querySelectorAll('button')].some(e => e.getBoundingClientRect().height < 44)"
TALL = "[...document.querySelectorAll('button')].some(e => e.getBoundingClientRect().height > 100)"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    place = found(f"sqlite:///{tmp_path / 'town.db'}", instruments=())
    yield place
    place.close()


async def looks_right(tab: Tab) -> None:
    """Nothing runs off the screen, and every button is one."""
    for width, height in (WIDE, NARROW):
        await tab.show(width, height, phone=width < 600)
        assert not await tab.run(OVERFLOWS), f"wider than {width}"
        assert not await tab.run(SMALL) and not await tab.run(TALL)


async def pick(tab: Tab, file: Path) -> None:
    root = (await tab.call("DOM.getDocument"))["root"]["nodeId"]
    node = (await tab.call("DOM.querySelector", nodeId=root, selector="#file"))["nodeId"]
    await tab.call("DOM.setFileInputFiles", files=[str(file)], nodeId=node)


async def send(tab: Tab, town: Town, file: Path, heading: str) -> None:
    """Send a file by the page that is open, and wait for what comes of it."""
    await tab.wait("document.querySelector('#go')")
    await looks_right(tab)
    await pick(tab, file)
    await tab.tap("document.querySelector('#go')")
    await tab.wait("document.querySelector('h1')?.textContent.includes('Đang đọc danh sách')")
    await looks_right(tab)
    await finish_tasks(town)
    # The page looks again by itself.
    await tab.wait(f"document.querySelector('h1')?.textContent.includes('{heading}')")
    await looks_right(tab)


def test_a_list_is_sent_corrected_and_sent_again_without_leaving_the_pages(town: Town, tmp_path: Path):
    staff = staff_in_chat(town)
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(GOOD, "utf-8")
    long = "x" * 90
    bad.write_text(GOOD.replace("1960", "31/13/1960").replace("Trần Thị Cúc", f"={long}"), "utf-8")

    async def story() -> None:
        async with served(town) as place, chromium(tmp_path / "profile") as tab:
            with_links(town, place.base)
            asked = await asyncio.to_thread(staff.say, "/hogiadinh")
            assert asked is not None
            await tab.show(*NARROW, phone=True)
            await tab.go(place.base + link_in(asked.text))
            await send(tab, town, bad, "Chưa nạp gì")
            await tab.tap("document.querySelector('button[value=lines]')")
            await tab.wait("document.querySelectorAll('h2').length === 2")
            await looks_right(tab)
            assert "Phải sửa (2)" in await tab.run("document.body.innerText")
            await tab.tap("document.querySelector('button[value=again]')")
            await send(tab, town, good, "Đã nạp danh sách")
            assert tab.complaints == []
        assert town.act("household.count")["households"] == 2

    asyncio.run(story())
