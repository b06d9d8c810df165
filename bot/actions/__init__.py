"""What staff, and people for themselves, can have done. One module a noun; :mod:`bot.actions.gate` is the
only way in.
"""

from __future__ import annotations

from bot.actions import (
    accounts,
    areas,
    assisting,
    audit,
    campaign_life,
    campaigns,
    counts,
    delivery,
    events,
    forms,
    households,
    instruments,
    leaflets,
    messages,
    parameters,
    progress,
    reminding,
    requests,
)
from bot.actions.gate import ACTIONS, Act, Action, Actor, perform, settle

__all__ = [
    "ACTIONS",
    "Act",
    "Action",
    "Actor",
    "accounts",
    "areas",
    "assisting",
    "audit",
    "campaign_life",
    "campaigns",
    "counts",
    "delivery",
    "events",
    "forms",
    "households",
    "instruments",
    "leaflets",
    "messages",
    "parameters",
    "perform",
    "progress",
    "reminding",
    "requests",
    "settle",
]
