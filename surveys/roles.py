"""Roles and grants: what a member of staff may do, where, and until when.

A grant is a role in an area and everything below it, in that vintage of areas and no other, between two
days. A grant without an area holds everywhere. What the roles are for follows the organisations that run
these surveys: the city (Sở, Hội Khuyến học), the ward's People's Committee, its neighbourhoods, the
institutions that report, and the person who answers for data protection (Law 91/2025/QH15, Article 33).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from surveys.areas import AreaKey


class Role(StrEnum):
    """What a grant makes of an account."""

    COLLECTOR = "collector"
    """Helps people of a neighbourhood to answer."""
    WARD_STAFF = "ward_staff"
    """Runs the campaigns of a ward and answers its people."""
    OFFICER = "officer"
    """Runs and compares campaigns of many wards."""
    APPROVER = "approver"
    """Approves what another account prepared."""
    INSTITUTION_CONTACT = "institution_contact"
    """Reports for a school, a centre or an association."""
    ADMINISTRATOR = "administrator"
    """Looks after accounts, areas, instruments and parameters."""
    DPO = "dpo"
    """Answers for the protection of personal data."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in ``area`` (None: everywhere) from ``valid_from`` to ``valid_to`` (both included; None: no
    end).
    """

    id: int
    account_id: int
    role: Role
    area: AreaKey | None
    valid_from: date
    valid_to: date | None = None
    revoked: bool = False

    def holds(self, today: date) -> bool:
        """Whether the grant is in force on ``today``."""
        return (
            not self.revoked
            and self.valid_from <= today
            and (self.valid_to is None or today <= self.valid_to)
        )


_ALL = frozenset(Role)
_RUNNING = frozenset({Role.ADMINISTRATOR, Role.OFFICER, Role.WARD_STAFF})
_LOOKING = _RUNNING | {Role.APPROVER, Role.DPO, Role.COLLECTOR}
_ANSWERING = frozenset({Role.DPO, Role.WARD_STAFF, Role.ADMINISTRATOR})
_HELPING = frozenset({Role.COLLECTOR, Role.WARD_STAFF})
_ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
_AUTHORING = _ADMINISTRATOR | {Role.OFFICER}

MAY: Mapping[str, frozenset[Role]] = {
    "account.create": _ADMINISTRATOR,
    "account.invite": _ADMINISTRATOR,
    "account.close": _ADMINISTRATOR,
    "account.grant": _ADMINISTRATOR,
    "account.revoke": _ADMINISTRATOR,
    "account.list": _ADMINISTRATOR | {Role.DPO},
    "area.import": _ADMINISTRATOR,
    "conversion.import": _ADMINISTRATOR,
    "area.find": _ALL,
    "instrument.publish": _AUTHORING,
    "instrument.list": _ALL,
    "form.try": _AUTHORING,
    "form.list": _AUTHORING,
    "form.begin": _AUTHORING,
    "form.drop": _AUTHORING,
    "campaign.create": _RUNNING,
    "campaign.amend": _RUNNING,
    "campaign.preview": _RUNNING | {Role.APPROVER},
    "campaign.ask_approval": _RUNNING,
    "campaign.approve": frozenset({Role.APPROVER, Role.OFFICER, Role.ADMINISTRATOR}),
    "campaign.open": _RUNNING,
    "campaign.pause": _RUNNING,
    "campaign.resume": _RUNNING,
    "campaign.extend": _RUNNING,
    "campaign.close": _RUNNING,
    "campaign.archive": _RUNNING,
    "campaign.replace": _RUNNING,
    "campaign.republish": _RUNNING,
    "campaign.remind": _RUNNING,
    "campaign.status": _LOOKING,
    "campaign.list": _LOOKING,
    "campaign.progress": _LOOKING,
    "campaign.waiting": _HELPING,
    "campaign.waiting_file": _HELPING,
    "alert.list": _LOOKING,
    "digest.set": _ALL,
    "household.upload": _RUNNING,
    "household.import": _RUNNING,
    "household.report": _RUNNING,
    "household.count": _LOOKING,
    "household.find": _RUNNING | {Role.DPO},
    "household.show": _RUNNING | {Role.DPO},
    "household.merge": _RUNNING,
    "household.split": _RUNNING,
    "household.undo": _RUNNING,
    "household.link": _RUNNING,
    "household.convert": _RUNNING,
    "delivery.list": _RUNNING,
    "delivery.retry": _RUNNING,
    "delivery.drop": _RUNNING,
    "event.list": _ADMINISTRATOR,
    "counts.show": _LOOKING,
    "counts.rebuild": _ADMINISTRATOR,
    "parameter.set": _ADMINISTRATOR,
    "parameter.list": _LOOKING,
    "audit.list": _ADMINISTRATOR | {Role.DPO},
    "request.list": _ANSWERING,
    "request.answer": _ANSWERING,
    "message.list": _ANSWERING,
    "message.show": _ANSWERING,
    "message.take": _ANSWERING,
    "message.answer": _ANSWERING,
    "message.close": _ANSWERING,
    "message.reopen": _ANSWERING,
    "campaign.leaflets": _RUNNING,
    "campaign.leaflets_file": _RUNNING,
    "case.find": _HELPING,
    "case.look": _HELPING,
    "case.assist": _HELPING,
    "case.assisted": _HELPING,
}
"""Which roles may do what. Whatever is not here, nobody may."""

BY_CONTACT = frozenset({"account.bind", "account.sign_out", "request.create", "message.say"})
"""What any contact may do for itself, without a role."""


def in_force(grants: Iterable[Grant], roles: Collection[Role], today: date) -> tuple[Grant, ...]:
    """Those of ``grants`` that give one of ``roles`` on ``today``."""
    return tuple(grant for grant in grants if grant.role in roles and grant.holds(today))


def covers(grants: Iterable[Grant], area: AreaKey | None, line: Collection[AreaKey]) -> bool:
    """Whether one of ``grants`` reaches ``area``.

    ``line`` holds the area's own key and those of all areas above it, in its vintage. ``area`` None stands
    for everywhere, which only a grant without an area reaches.
    """
    if area is None:
        return any(grant.area is None for grant in grants)
    return any(grant.area is None or grant.area in line for grant in grants)


def scope(grants: Iterable[Grant]) -> frozenset[AreaKey] | None:
    """The areas that ``grants`` reach, with all below them; None when one reaches everywhere."""
    areas = {grant.area for grant in grants}
    return None if None in areas else frozenset(area for area in areas if area is not None)
