"""The demonstration: the whole product on this machine, a ward's campaign, and residents who answer it.

The residents are simulated, everything else is real: they come over real WebSockets to the real server,
one person at a
time like anybody else. What they answer is drawn from a stated distribution, so the counts can be held
against it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import shutil
import socket
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from bot import office
from bot.authoring.areas import shipped_areas
from bot.authoring.convert import convert
from bot.buttons import mark, mark_of
from bot.serve import Running, serve
from bot.settings import Settings, load
from storage import areas
from surveys.areas import Area
from surveys.problems import Problem

LIBRARY = Path(__file__).parents[1] / "surveys" / "library"
VINTAGE = "2025-07-01"
CITY = "79"
WARD = "26740"
"""Phường Sài Gòn, Thành phố Hồ Chí Minh."""
TOGETHER = 24
"""Residents who answer at the same time."""

CHANCES: Mapping[str, Mapping[str, float]] = {
    "gioi": {"1": 0.48, "2": 0.52},
    "viec_lam": {"1": 0.42, "2": 0.22, "3": 0.03, "4": 0.05, "5": 0.09, "6": 0.08, "7": 0.09, "9": 0.02},
    "hoc_van": {"1": 0.02, "2": 0.08, "3": 0.2, "4": 0.7},
    "cmkt": {"0": 0.45, "2": 0.06, "3": 0.08, "4": 0.08, "5": 0.08, "6": 0.21, "7": 0.03, "8": 0.01},
    "tay_nghe": {"1": 0.3, "2": 0.7},
    "dao_tao_12t": {"1": 0.3, "2": 0.1, "3": 0.2, "0": 0.4},
    "nhu_cau": {"1": 0.3, "2": 0.2, "3": 0.2, "5": 0.1, "7": 0.1, "0": 0.1},
    "il_nhu_cau": {"0": 0.1, "1": 0.25, "2": 0.4, "3": 0.25},
    "il_tim": {"0": 0.12, "1": 0.23, "2": 0.35, "3": 0.3},
    "il_danh_gia": {"0": 0.1, "1": 0.25, "2": 0.4, "3": 0.25},
    "il_su_dung": {"0": 0.15, "1": 0.2, "2": 0.4, "3": 0.25},
    "il_an_toan": {"0": 0.05, "1": 0.2, "2": 0.35, "3": 0.4},
}
"""Chances of the answers that are drawn; a question that is not here gets any of its choices, all alike."""

LIFE_SKILL = {"0": 0.06, "1": 0.3, "2": 0.44, "3": 0.2}
"""Chances of each of the ten life-skill items."""

HOUSEHOLD_CHANCES: Mapping[str, Mapping[str, float]] = {
    "loai_ho": {"1": 0.85, "3": 0.15},
    "internet": {"1": 0.72, "2": 0.2, "3": 0.08},
    "thiet_bi": {"1": 0.7, "2": 0.1, "3": 0.2},
    "tv_hoc_van": {"1": 0.06, "2": 0.14, "3": 0.25, "4": 0.55},
    "tv_biet_chu": {"1": 0.8, "2": 0.2},
    "tv_cmkt": CHANCES["cmkt"],
    "tv_viec": CHANCES["viec_lam"],
    "tv_moi": {"1": 0.4, "2": 0.1, "3": 0.5},
}
"""Chances of the answers about a household and its members."""

FAMILY = ("Ông Hai", "Bà Ba", "Anh Tư", "Chị Năm", "Út", "Cô Sáu")
"""The people of a simulated household, in their order: head, spouse, children, the head's sister."""

COMPARED = ("gioi", "il_tim", "il_an_toan", "cmkt")


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of the comparison: drawn with ``chance``, found as ``share`` of ``n`` people."""

    item: str
    outcome: str
    chance: float
    share: float | None
    n: int | None


@dataclass(frozen=True, slots=True)
class Staged:
    """What the demonstration has set up. Links are one-time where they sign somebody in."""

    code: str
    resident: str
    ward_staff: str
    officer: str
    submitted: int
    compared: Sequence[Compared]
    tables: Mapping[str, Mapping[str, Any]]
    """The counted tables by item, for their labels."""
    household: str
    """The link into the campaign of households, and its code."""
    household_code: str
    households: int
    people: int | None
    """Members of all rosters together; None where that number is hidden."""


# ── the stage ───────────────────────────────────────────────────────────────────────────────────────────────


def demo_settings(folder: Path, port: int) -> Settings:
    """Settings of their own: nothing of this machine's installation is touched. Port 0: the first free
    from 8080.
    """
    if port == 0:
        port = next(number for number in range(8080, 8200) if _free(number))
    elif not _free(port):
        raise Problem("port_taken", port=port, fault="")
    settings = load(
        {
            "HOIDAN_DATABASE_URL": f"sqlite:///{folder / 'hoidan.db'}",
            "HOIDAN_PORT": str(port),
            "HOIDAN_LOG_LEVEL": "warning",
        }
    )
    return replace(settings, public_url=f"http://127.0.0.1:{port}")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def run(
    folder: Path,
    *,
    port: int = 0,
    residents: int = 200,
    seed: int = 2026,
    progress: Callable[[int], object] = lambda done: None,
    told: Callable[[Staged], object] = lambda staged: None,
    stay: bool = True,
) -> Staged:
    """Set the stage in ``folder`` (emptied first), let the residents answer, tell, and serve until
    interrupted.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    settings = demo_settings(folder, port)
    forms = {
        name: await asyncio.to_thread(_publication, name)
        for name in ("dong_y", "nguoi_lao_dong", "ho_gia_dinh", "chien_dich_moi")
    }
    started: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    stopping = asyncio.Event()
    serving = asyncio.create_task(serve(settings, started=started, stopping=None if stay else stopping))
    serving.add_done_callback(lambda ended: started.done() or started.cancel())
    try:
        running = await started
    except asyncio.CancelledError:
        await serving
        raise
    try:
        staged = await _play(running, forms, residents, seed, progress)
        told(staged)
        if stay:
            await serving
    finally:
        stopping.set()
        if not stay:
            await serving
    return staged


def _publication(name: str) -> dict[str, Any]:
    made = convert(LIBRARY / name / "form.xlsx")
    return {
        "definition": yaml.safe_load((LIBRARY / name / "instrument.yaml").read_text("utf-8")),
        "xform": made.xform,
        "rows": {ref: [row.sheet, row.row] for ref, row in made.rows.items()},
    }


def _of_the_city(units: Sequence[Area]) -> list[Area]:
    return [unit for unit in units if CITY in (unit.code, unit.parent)]


async def _play(
    running: Running,
    forms: Mapping[str, Mapping[str, Any]],
    residents: int,
    seed: int,
    progress: Callable[[int], object],
) -> Staged:
    settings, database = running.settings, running.database
    desk = office.Desk(database, running.keyring, settings.time_zone, "demo")

    async def act(name: str, arguments: Mapping[str, Any]) -> Any:
        return await asyncio.to_thread(desk.call, name, arguments)

    await act("account.create", {"name": "Quản trị"})
    await database.writing(
        lambda connection: areas.put(connection, _of_the_city(shipped_areas()), 0), bulk=True
    )
    for form in forms.values():
        await act("instrument.publish", form)
    today = datetime.now(settings.time_zone).date()
    ward = f"{VINTAGE}/{WARD}"
    codes = []
    for arguments in (_campaign(ward, today), _households(ward, today)):
        made = await act("campaign.create", arguments)
        await act("campaign.open", {"campaign": made["id"]})
        codes.append(str(made["code"]))
    code, household_code = codes
    links = {}
    for name, role, area in (
        ("Cán bộ phường Sài Gòn", "ward_staff", ward),
        ("Cán bộ Sở Giáo dục và Đào tạo", "officer", f"{VINTAGE}/{CITY}"),
    ):
        account = await act("account.create", {"name": name})
        await act("account.grant", {"account": account["id"], "role": role, "area": area})
        invited = await act("account.invite", {"account": account["id"]})
        links[role] = f"{settings.public_url}/sign-in/{invited['code']}"
    names = {
        mark_of(ref): ref.rpartition("/")[2]
        for form in ("dong_y", "nguoi_lao_dong", "ho_gia_dinh")
        for ref in forms[form]["rows"]
    }
    await _answer(settings.public_url, (code, household_code), names, residents, seed, progress)
    shown = await act(
        "counts.show", {"campaign": code, "items": [item for item in COMPARED if item != "gioi"]}
    )
    rates = await act("counts.show", {"campaign": code, "items": []})
    of_households = await act("counts.show", {"campaign": household_code, "items": ["tv_viec"]})
    by_sex = await act("counts.show", {"campaign": code, "items": ["viec_lam"], "by": ["sex"]})
    return Staged(
        code=code,
        resident=f"{settings.public_url}/chat/{code}",
        ward_staff=links["ward_staff"],
        officer=links["officer"],
        submitted=int(shown["submissions"]),
        compared=[*_sexes(by_sex), *_compare(shown), *_rates(rates)],
        tables={table["item"]: table for table in (*shown["tables"], *rates["tables"])},
        household=f"{settings.public_url}/chat/{household_code}",
        household_code=household_code,
        households=await _submitted(act, household_code),
        people=of_households["tables"][0]["total"]["n"],
    )


async def _submitted(act: Callable[[str, Mapping[str, Any]], Awaitable[Any]], code: str) -> int:
    """How many answered a campaign."""
    status = await act("campaign.status", {"campaign": code})
    return int(status["progress"]["submitted"])


def _households(ward: str, today: date) -> dict[str, Any]:
    """The campaign whose rosters invite people to the other one."""
    return {
        **_campaign(ward, today),
        "title": f"Khảo sát hộ gia đình năm {today.year}",
        "instrument": "ho-gia-dinh-v0",
    }


def _campaign(ward: str, today: date) -> dict[str, Any]:
    return {
        "title": f"Khảo sát năng lực thông tin, kỹ năng sống năm {today.year}",
        "area": ward,
        "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=30)).isoformat(),
        "reference_date": today.isoformat(),
        "instrument": "nltt-kns-v0",
        "consent": "dong-y-v0",
        "legal": {
            "controller": "UBND phường Sài Gòn (dữ liệu minh họa)",
            "address": "45–47 Lê Duẩn, Phường Sài Gòn",
            "phone": "028 0000 0000",
            "purpose": "thống kê năng lực thông tin và kỹ năng sống của người dân",
            "storage_place": "máy này",
            "retention_days": 90,
            "dpo_contact": "cán bộ bảo vệ dữ liệu của phường",
            "basis": "dong_y",
            "internal": True,
        },
    }


# ── the residents ───────────────────────────────────────────────────────────────────────────────────────────


async def _answer(
    url: str,
    codes: tuple[str, str],
    names: Mapping[str, str],
    residents: int,
    seed: int,
    progress: Callable[[int], object],
) -> None:
    """Let the residents answer for themselves, and every fifth of them for their household, too."""
    gate = asyncio.Semaphore(TOGETHER)
    done = itertools.count(1)
    personal, household = codes

    async def one(number: int) -> None:
        async with gate:
            chance = random.Random(seed * 1_000_003 + number)  # noqa: S311
            await Resident(url, personal, names, chance).live()
            if number % 5 == 0:
                await Household(url, household, names, chance).live()
            progress(next(done))

    await asyncio.gather(*(one(number) for number in range(residents)))


class Resident:
    """One simulated person with a browser: reads what is asked, answers by the stated chances.

    ``names`` are the questions' names by their marks.
    """

    def __init__(self, url: str, code: str, names: Mapping[str, str], chance: random.Random) -> None:
        self._url = url
        self._code = code
        self._chance = chance
        self._names = names
        self._choices = {mark(str(number)): str(number) for number in range(100)}
        self.steps = 0

    async def live(self) -> None:
        """Open the page, answer to the receipt, leave."""
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar, headers={"Accept-Language": "vi"}) as session:
            async with session.get(f"{self._url}/chat/{self._code}") as page:
                page.raise_for_status()
            async with session.ws_connect(f"{self._url}/chat/ws", headers={"Origin": self._url}) as ws:
                said: dict[str, Any] = {"hello": {"id": uuid.uuid4().hex, "code": self._code}}
                await ws.send_json(said)
                async for message in ws:
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        break
                    frame = json.loads(message.data)
                    if "seq" in frame:
                        await ws.send_json({"seen": frame["seq"]})
                        return
                    if "busy" in frame:
                        # Quicker than people are: the page waits, too, and says it again.
                        await asyncio.sleep(frame["busy"])
                        await ws.send_json(said)
                    if "prompt" in frame:
                        reply = self._reply(frame["prompt"])
                        if reply is not None:
                            said = {**reply, "id": uuid.uuid4().hex}
                            await ws.send_json(said)
        raise RuntimeError("the server closed the conversation before the receipt")

    def _reply(self, prompt: Mapping[str, Any]) -> dict[str, str] | None:
        self.steps += 1
        if self.steps > 300:
            raise RuntimeError("the interview does not end")
        taps = [button["data"] for row in prompt.get("rows", ()) for button in row]
        submit = [data for data in taps if re.match(r"y[0-9a-z]+$", data)]
        if submit:
            return {"tap": submit[0]}
        choices = [data for data in taps if data[0] in "ct" and data.count(".") == 2]
        if not choices:
            return {"text": self._typed(str(prompt["text"]))}
        done = [data for data in taps if data[0] == "d"]
        ticked = [
            button for row in prompt["rows"] for button in row if button.get("ticked") or button.get("on")
        ]
        if done and ticked:
            return {"tap": done[0]}
        return {"tap": self._pick(choices)}

    def _pick(self, choices: Sequence[str]) -> str:
        question = choices[0].split(".")[1].partition("_")[0]
        name = self._names.get(question, "")
        by_code = {self._choices.get(data.split(".")[2], ""): data for data in choices}
        chances = self._chances(name, by_code)
        if chances is None:
            # Consent is given and confirmations are confirmed: always the first.
            return choices[0]
        codes = [code for code in chances if code in by_code]
        return by_code[self._chance.choices(codes, [chances[code] for code in codes])[0]]

    def _chances(self, name: str, by_code: Mapping[str, str]) -> Mapping[str, float] | None:
        """The chances of a question's answers; None: the first."""
        if name not in CHANCES and set(by_code) == {"0", "1", "2", "3"}:
            return LIFE_SKILL
        return CHANCES.get(name)

    def _typed(self, text: str) -> str:
        """What is written where there is nothing to tap: of a person, the month of birth."""
        return f"{self._chance.randint(1, 12):02d}/{self._chance.choice(range(1966, 2009))}"


class Household(Resident):
    """Somebody who answers for a household: the head, with one to six people from 15 in it."""

    def __init__(self, url: str, code: str, names: Mapping[str, str], chance: random.Random) -> None:
        super().__init__(url, code, names, chance)
        self._adults = chance.choices(range(1, 7), (12, 30, 25, 20, 9, 4))[0]
        self._children = chance.choice((0, 0, 1, 1, 2))
        self._born = chance.choice(range(1950, 1985))
        self._of = 0
        """Which member is asked about."""

    def _chances(self, name: str, by_code: Mapping[str, str]) -> Mapping[str, float] | None:
        if name == "tv_qh":
            return {("1", "2", "3", "3", "3", "5")[self._of - 1]: 1.0}
        if name == "tv_gioi":
            return {("1", "2")[self._of % 2 == 0]: 1.0}
        if name == "khu_pho":
            return dict.fromkeys(by_code, 1.0)
        return HOUSEHOLD_CHANCES.get(name)

    def _typed(self, text: str) -> str:
        """How many there are, then each one's name and birth: children between 22 and 35 years younger than
        the head, but 15 at least.
        """
        if "thực tế thường trú?" in text:
            return str(self._adults + self._children)
        if "từ đủ 15 tuổi?" in text:
            return str(self._adults)
        if "Tên gọi của người thứ" in text:
            self._of += 1
            return FAMILY[self._of - 1]
        if "điện thoại" in text:
            return f"09{self._chance.randrange(10**8):08d}"
        child = 3 <= self._of <= 5
        year = self._born + self._chance.randint(22, 35) if child else self._born + self._chance.randint(0, 5)
        return f"{self._chance.randint(1, 12):02d}/{min(year, 2009)}"


# ── the comparison ──────────────────────────────────────────────────────────────────────────────────────────


def _compare(shown: Mapping[str, Any]) -> list[Compared]:
    lines = []
    for table in shown["tables"]:
        total = table["total"]
        for outcome, chance in CHANCES[table["item"]].items():
            cell = total["cells"].get(outcome, {"share": 0.0})
            lines.append(Compared(table["item"], outcome, chance, cell["share"], total["n"]))
    return lines


def _sexes(shown: Mapping[str, Any]) -> list[Compared]:
    table = shown["tables"][0]
    total = table["total"]["n"] or 0
    found = {row["group"]["sex"]: row["n"] for row in table["rows"]}
    return [
        Compared(
            "sex",
            sex,
            CHANCES["gioi"][code],
            found.get(sex, 0) / total if total and found.get(sex) is not None else None,
            total,
        )
        for sex, code in (("male", "1"), ("female", "2"))
    ]


def chance_of_information_literacy() -> float:
    """The chance that a person drawn from :data:`CHANCES` reaches 9 of 15 points with at least 1 in three
    items.

    Every combination of levels, times its chance: nothing is drawn. The rule stands in the instrument.
    """
    items = ("il_nhu_cau", "il_tim", "il_danh_gia", "il_su_dung", "il_an_toan")
    needed = {"il_tim", "il_danh_gia", "il_an_toan"}
    reached = 0.0
    for levels in itertools.product("0123", repeat=len(items)):
        chance = 1.0
        for item, level in zip(items, levels, strict=True):
            chance *= CHANCES[item][level]
        enough = sum(map(int, levels)) >= 9
        if enough and all(level != "0" for item, level in zip(items, levels, strict=True) if item in needed):
            reached += chance
    return reached


def _rates(shown: Mapping[str, Any]) -> list[Compared]:
    for table in shown["tables"]:
        if table["item"] == "duoc_trang_bi_nltt":
            total = table["total"]
            return [
                Compared(
                    table["item"],
                    "yes",
                    chance_of_information_literacy(),
                    total["cells"].get("yes", {"share": 0.0})["share"],
                    total["n"],
                )
            ]
    return []
