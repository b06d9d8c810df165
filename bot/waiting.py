"""The list of those who have not answered: made by a task, kept sealed for a day, fetched over our own page.

The child process reads and opens the rows, writes the workbook and seals it; the worker puts the pieces in,
writes down how many records it has and for whom, and gives out the link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from bot.actions.progress import WAITING, record_made
from storage import areas, campaigns, downloads
from storage import progress as counted
from storage.crypto import Keyring
from storage.database import Database

KIND = WAITING
"""The task."""
MAKING = "waiting_list"
"""The part of it that runs in a process of its own."""

Tell = Callable[[int], object]
"""Told how far the work is, in percent."""


def link(page: str, value: str) -> str:
    """Where a browser fetches a file by a one-time secret."""
    return f"{page.rstrip('/')}/download/{value}"


def work(database: Database, keys: Keyring, arguments: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Write the list; its sealed pieces lie in ``arguments["folder"]`` afterwards."""
    # With the library that writes workbooks, which never enters the serving process.
    from bot.workbooks import About, waiting_list

    download = int(arguments["download"])

    def read(connection: Connection) -> tuple[bytes, int]:
        campaign = campaigns.expect(connection, int(arguments["campaign"]))
        seen, some = arguments["areas"], arguments["neighbourhoods"]
        number = max(1, counted.waiting_number(connection, campaign.id, seen, some))
        index = areas.index(connection)

        def place(code: str) -> str:
            known = index.get((campaign.area[0], code))
            return known.title if known else code

        about = About(
            language=arguments["language"],
            title=campaign.draft.title,
            code=campaign.code,
            made_at=int(arguments["now"]),
            zone=ZoneInfo(arguments["zone"]),
            place=place,
        )
        rows = counted.waiting(connection, keys, campaign.id, seen, some)
        return waiting_list(about, rows, lambda lines: tell(min(90, 90 * lines // number)))

    data, records = database.read(read)
    with (Path(arguments["folder"]) / "list").open("wb") as file:
        for number, sealed in downloads.pieces(keys, download, data):
            piece = msgspec.msgpack.encode((number, sealed))
            file.write(len(piece).to_bytes(4, "big"))
            file.write(piece)
    return {"records": records, "size": len(data)}


def keep(connection: Connection, folder: str, arguments: Mapping[str, Any]) -> None:
    """Put the pieces in."""
    download = int(arguments["download"])
    downloads.clear(connection, download)
    with (Path(folder) / "list").open("rb") as file:
        while size := file.read(4):
            number, sealed = msgspec.msgpack.decode(file.read(int.from_bytes(size, "big")))
            downloads.add(connection, download, [(number, sealed)])


def finish(
    connection: Connection, arguments: Mapping[str, Any], result: Mapping[str, Any], now: int
) -> dict[str, Any]:
    """The list is there: write down that it was made, give out its link. What is told of it."""
    found = downloads.get(connection, int(arguments["download"]), now)
    campaign = campaigns.expect(connection, int(arguments["campaign"]))
    told: dict[str, Any] = {
        "code": campaign.code,
        "title": campaign.draft.title,
        "records": result["records"],
        "link": "",
    }
    if found is None:
        return told
    secret = downloads.ready(connection, found.id, int(result["records"]))
    record_made(connection, found, campaign.area, int(result["records"]), now)
    if arguments["page"]:
        told["link"] = link(arguments["page"], secret)
    return told


def give_up(connection: Connection, arguments: Mapping[str, Any]) -> None:
    """The list could not be made."""
    downloads.drop(connection, int(arguments["download"]))
