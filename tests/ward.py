"""A ward office for tests: a database with areas, two instruments, campaigns here and elsewhere, and one
account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bot.actions import Act, Actor, settle
from storage import accounts, contacts
from storage.crypto import Keyring, parse_keys
from storage.database import Database
from storage.migrate import upgrade
from surveys.areas import AreaKey
from surveys.roles import Role

NOW = 1_767_571_200_000
"""2026-01-05 07:00 in Vietnam, a Monday."""
TODAY = date(2026, 1, 5)

CITY = ("2025-07-01", "79")
HERE = ("2025-07-01", "26740")
THERE = ("2025-07-01", "26743")
LONG_AGO = ("2025-06-30", "26740")
"""Another place in another list, which had the code of HERE."""

AREAS = """vintage,code,name,type,level,parent,valid_from,valid_to
2025-07-01,79,Hồ Chí Minh,thành phố,province,,2025-07-01,
2025-07-01,26740,Sài Gòn,phường,commune,79,2025-07-01,
2025-07-01,26743,Bến Thành,phường,commune,79,2025-07-01,
2025-06-30,79,Hồ Chí Minh,thành phố,province,,2021-01-01,2025-06-30
2025-06-30,760,1,quận,district,79,2021-01-01,2025-06-30
2025-06-30,26740,Bến Nghé,phường,commune,760,2021-01-01,2025-06-30
"""

CONVERSIONS = """old_vintage,old_code,new_vintage,new_code,kind,share,source,old_name
2025-06-30,26740,2025-07-01,26740,toan_bo,,NQ 1685,"Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh"
"""

LEGAL = {
    "controller": "UBND phường Sài Gòn",
    "address": "45 Lê Duẩn",
    "phone": "028 3829 7000",
    "purpose": "thống kê năng lực thông tin",
    "storage_place": "máy chủ của phường",
    "retention_days": 90,
    "dpo_contact": "dpo@phuong.example",
    "basis": "dong_y",
    "internal": True,
}


def xform(form_id: str, field_name: str) -> str:
    """A form with one question."""
    return f"""<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml">
<h:head><h:title>Phiếu {form_id}</h:title><model>
<itext><translation lang="default" default="true()"/></itext>
<instance><data id="{form_id}" version="1"><{field_name}/></data></instance>
<bind nodeset="/data/{field_name}" type="string"/>
</model></h:head>
<h:body><select1 ref="/data/{field_name}"><label>Đồng ý?</label>
<item><label>Có</label><value>1</value></item><item><label>Không</label><value>2</value></item>
</select1></h:body></h:html>"""


def publication(form_id: str = "phieu", *, consent: bool = False, version: str = "1") -> dict[str, Any]:
    """The arguments that publish a small instrument."""
    definition: dict[str, Any] = {
        "instrument": {
            "id": f"{form_id}-v0",
            "version": version,
            "status": "bản thử",
            "form": form_id,
            "unit": "person",
        }
    }
    if consent:
        definition["consent"] = {"agree": 1, "required": ["cau"], "optional": []}
    return {"definition": definition, "xform": xform(form_id, "cau"), "rows": {"/data/cau": ["survey", 2]}}


@dataclass(slots=True)
class Ward:
    """An office. ``chief`` administers everything."""

    database: Database
    keyring: Keyring
    chief: int = 0
    here: int = 0
    there: int = 0
    now: int = NOW
    today: date = TODAY
    numbers: dict[str, int] = field(default_factory=dict)

    def act_on(self, connection: Any, actor: Actor) -> Act:
        """An act of ``actor`` on an open connection."""
        return Act(connection, self.keyring, actor, self.now, self.today, "test")

    def act(self, name: str, actor: Actor | None = None, /, **arguments: Any) -> Any:
        """Have an action done, by the chief unless said; a Problem is raised after the commit."""
        who = actor or Actor(account_id=self.chief)
        done = self.database.write(lambda c: settle(self.act_on(c, who), name, arguments))
        if isinstance(done, Exception):
            raise done
        return done

    def staff(self, role: Role, area: AreaKey | None = HERE, **validity: Any) -> Actor:
        """A new account with one grant."""

        def make(connection: Any) -> int:
            account = accounts.create(connection, self.keyring, f"{role} {area}", None, self.now)
            accounts.grant(
                connection,
                account_id=account.id,
                role=role,
                area=area,
                valid_from=validity.get("valid_from", self.today),
                valid_to=validity.get("valid_to"),
                granted_by=None,
                now=self.now,
            )
            return account.id

        return Actor(account_id=self.database.write(make))

    def resident(self, channel: str = "telegram") -> Actor:
        """A contact that has come."""
        number = self.numbers[channel] = self.numbers.get(channel, 0) + 1
        made = self.database.write(
            lambda c: contacts.create(c, self.keyring, channel, str(number), "vi", self.now)
        )
        return Actor(contact_id=made.id)

    def draft(self, place: AreaKey = HERE, **changes: Any) -> dict[str, Any]:
        """The arguments of a campaign that could be opened today."""
        return {
            "title": "Khảo sát năm 2026",
            "area": "/".join(place),
            "starts_on": "2026-01-05",
            "ends_on": "2026-02-05",
            "reference_date": "2026-01-01",
            "instrument": "phieu-v0",
            "consent": "dong_y-v0",
            "legal": LEGAL,
            **changes,
        }

    def close(self) -> None:
        self.database.close()


KEYS = "test:" + "A" * 43 + "="
"""No secret at all, so that a database once made can be copied for every test."""


def enter(url: str) -> Ward:
    """The office that :func:`found` made in a database that now is at ``url``."""
    return Ward(Database(url), parse_keys(KEYS), chief=1, here=1, there=2)


def found(url: str) -> Ward:
    """An office on the empty database at ``url``."""
    database = Database(url)
    upgrade(database.engine)
    ward = Ward(database, parse_keys(KEYS))
    ward.chief = ward.act("account.create", Actor(system_user="chief"), name="Trưởng phòng")["id"]
    ward.act("area.import", name="areas.csv", content=AREAS)
    ward.act("conversion.import", name="conversions.csv", content=CONVERSIONS)
    ward.act("instrument.publish", **publication())
    ward.act("instrument.publish", **publication("dong_y", consent=True))
    ward.here = ward.act("campaign.create", **ward.draft())["id"]
    ward.there = ward.act("campaign.create", **ward.draft(THERE))["id"]
    return ward


def outcomes(ward: Ward) -> list[tuple[str, str]]:
    """The audit log, oldest first: *(action, outcome)*."""
    shown: Mapping[str, Any] = ward.act("audit.list", limit=1000)
    return [(entry["action"], entry["outcome"]) for entry in reversed(shown["entries"])]
