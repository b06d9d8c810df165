"""An installation with the survey open under a code that is known beforehand: ``python -m
tests.benchmarks.seed``.

The settings come from the environment, as for ``hoidan serve``. Through the actions and the tables alone, so
that it takes a second.
"""

from __future__ import annotations

import os
import pwd
from datetime import date, datetime, timedelta

from bot.actions import Act, Actor, perform
from bot.settings import Settings, keyring, load
from storage import areas, campaigns
from storage.campaigns import Draft
from storage.crypto import keys_beside
from storage.database import Database, now_ms
from storage.migrate import upgrade
from surveys.areas import Area
from surveys.campaigns import Basis, Legal, Mode
from surveys.placenames import Level
from tests.benchmarks import survey

VINTAGE = "2025-07-01"
PLACES = [
    Area(VINTAGE, code, name, type_, level, parent, date(2025, 7, 1))
    for code, name, type_, level, parent in (
        ("79", "Hồ Chí Minh", "thành phố", Level.PROVINCE, None),
        ("26740", "Sài Gòn", "phường", Level.COMMUNE, "79"),
    )
]
LEGAL = Legal(
    controller="UBND phường Sài Gòn",
    address="45-47 Lê Duẩn",
    phone="028 3829 7000",
    purpose="đo tốc độ",
    storage_place="máy chủ của phường",
    retention_days=90,
    dpo_contact="dpo@phuong.example",
    basis=Basis.STATE_TASK,
    internal=True,
)
"""A task of the state's by law: people are asked without a consent form, as the other bots here ask."""


def seed(settings: Settings) -> str:
    """Fill the empty database of ``settings``; the code of the open campaign."""
    if settings.keys_file is not None:
        settings.keys_file.parent.mkdir(parents=True, exist_ok=True)
        keys_beside(settings.keys_file)
    keys = keyring(settings)
    now = now_ms()
    today = datetime.now(settings.time_zone).date()
    with Database(settings.database) as database:
        upgrade(database.engine)

        def act(name: str, arguments: dict[str, object], actor: Actor) -> dict[str, object]:
            made: dict[str, object] = database.write(
                lambda connection: perform(Act(connection, keys, actor, now, today, "cli"), name, arguments)
            )
            return made

        user = pwd.getpwuid(os.geteuid()).pw_name
        made = act("account.create", {"name": "Measurement", "system_user": user}, Actor(system_user=user))
        administrator = Actor(account_id=int(str(made["id"])))
        database.write(lambda connection: areas.put(connection, PLACES, now))
        instrument = act("instrument.publish", survey.publication(), administrator)
        draft = Draft(
            title="Services of the town",
            instrument_id=int(str(instrument["id"])),
            consent_id=None,
            mode=Mode.OPEN,
            area=(VINTAGE, "26740"),
            starts_on=today - timedelta(days=1),
            ends_on=today + timedelta(days=30),
            reference_date=today,
            legal=LEGAL,
        )
        # The action draws a code by chance; whoever measures has to know it beforehand.
        campaign = database.write(
            lambda connection: campaigns.create(
                connection, draft, lambda: survey.CODE, administrator.account_id, now
            )
        )
        act("campaign.open", {"campaign": campaign.id}, administrator)
    return campaign.code


if __name__ == "__main__":
    print(seed(load()))
