"""A list with personal data on our own page: looked at by a link, fetched by its button, by who may."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlalchemy import select, update

from storage import audit, downloads
from storage.database import now_ms
from storage.schema import downloads as table
from storage.schema import grants
from tests.bot.served import served
from tests.town import WARD, Town, found

HOUR = 3_600_000
DATA = b"PK\x03\x04 Nguyen Van Ut, 12 Le Loi"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = found(f"sqlite:///{tmp_path / 'hoidan.db'}")
    yield made
    made.close()


def staff(town: Town) -> int:
    """An account that may fetch lists."""
    account = int(town.act("account.create", {"name": "Hoa"})["id"])
    town.act("account.grant", {"account": account, "role": "ward_staff", "area": WARD})
    return account


def made(town: Town, account: int) -> str:
    """The secret of a list that was made for an account."""
    campaign = int(town.act("campaign.status", {"campaign": town.campaign()})["id"])

    def write(connection: Any) -> str:
        key = downloads.begin(
            connection,
            kind="waiting",
            account_id=account,
            campaign_id=campaign,
            name="chua-tra-loi.xlsx",
            now=now_ms(),
            length=24 * HOUR,
        )
        downloads.add(connection, key, downloads.pieces(town.keyring, key, DATA))
        return downloads.ready(connection, key, 214)

    return town.database.write(write)


def visit(town: Town, *requests: tuple[str, str, dict[str, str]]) -> list[tuple[int, Any, bytes]]:
    """Ask for pages: *(status, headers, body)* of each."""

    async def main() -> list[tuple[int, Any, bytes]]:
        async with served(town) as place, ClientSession() as http:
            got = []
            for method, path, headers in requests:
                async with http.request(method, place.base + path, headers=headers) as response:
                    got.append((response.status, response.headers, await response.read()))
            return got

    return asyncio.run(main())


SAME = {"Sec-Fetch-Site": "same-origin"}


def test_looking_uses_nothing_up_and_tells_nothing_of_anybody(town: Town) -> None:
    path = "/download/" + made(town, staff(town))
    for status, headers, body in visit(town, *[("GET", path, {})] * 3):
        assert status == 200 and b"214" in body and b"<form" in body and b"Nguyen" not in body
        assert headers["Cache-Control"] == "no-store"
    used = town.database.read(lambda c: c.execute(select(table.c.used_at)).scalar())
    assert used is None


def test_the_button_fetches_the_file_and_that_is_written_down(town: Town) -> None:
    account = staff(town)
    path = "/download/" + made(town, account)
    (first, again) = visit(town, *[("POST", path, SAME)] * 2)
    status, headers, body = first
    assert (status, body, headers["Cache-Control"]) == (200, DATA, "no-store")
    assert "chua-tra-loi.xlsx" in headers["Content-Disposition"]
    # A telephone may need a second go.
    assert again[0] == 200
    entries = town.database.read(lambda c: audit.entries(c, account_id=account))
    assert {(one.action, one.channel, one.outcome) for one in entries} == {
        ("campaign.waiting_file", "web", "done")
    }
    assert all(one.target.endswith("rows:214") for one in entries)


def test_a_link_that_is_old_or_wrong_leads_nowhere(town: Town) -> None:
    secret = made(town, staff(town))
    town.database.write(lambda c: c.execute(update(table).values(expires_at=now_ms() - 1)))
    wrong = "A" * 43
    got = visit(
        town,
        ("GET", f"/download/{secret}", {}),
        ("POST", f"/download/{secret}", SAME),
        ("GET", f"/download/{wrong}", {}),
        ("POST", f"/download/{wrong}", SAME),
        ("GET", "/download/short", {}),
    )
    assert [status for status, _, _ in got] == [410, 410, 410, 410, 404]


def test_another_page_can_not_press_the_button(town: Town) -> None:
    path = "/download/" + made(town, staff(town))
    ((status, _, body),) = visit(town, ("POST", path, {"Origin": "https://elsewhere.example"}))
    assert status == 403 and DATA not in body


def test_who_may_not_have_it_any_more_does_not_get_it(town: Town) -> None:
    account = staff(town)
    path = "/download/" + made(town, account)
    town.database.write(
        lambda c: c.execute(update(grants).where(grants.c.account_id == account).values(revoked_at=1))
    )
    ((status, _, body),) = visit(town, ("POST", path, SAME))
    assert status == 403 and DATA not in body
    (entry,) = town.database.read(lambda c: audit.entries(c, account_id=account))
    assert entry.outcome == "refused"
