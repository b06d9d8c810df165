"""What staff, and people for themselves, can have done. One module a noun; :mod:`bot.actions.gate` is the
only way in.
"""

from __future__ import annotations

from bot.actions import accounts, areas, audit, campaigns, counts, events, instruments, parameters, requests
from bot.actions.gate import ACTIONS, Act, Action, Actor, perform, settle

__all__ = [
    "ACTIONS",
    "Act",
    "Action",
    "Actor",
    "accounts",
    "areas",
    "audit",
    "campaigns",
    "counts",
    "events",
    "instruments",
    "parameters",
    "perform",
    "requests",
    "settle",
]
