"""Values set by events: dynamic defaults and calculations with a trigger."""

from __future__ import annotations

from surveys.expressions import Expression
from surveys.forms import Setting
from surveys.xform.document import Action, Document
from surveys.xform.notes import Notes

_CHANGED = "xforms-value-changed"


def read_settings(document: Document, notes: Notes) -> dict[str, tuple[Setting, ...]]:
    """The settings of every reference that has some, in the order of the document.

    A value set at the first load, at a new repeat, or at both is one setting without triggers; the same value
    set by several questions is one with several.
    """
    found: dict[str, dict[tuple[str, bool], tuple[Expression, list[str]]]] = {}
    for action in document.actions:
        if action.ref.startswith(f"/{document.root}/meta/"):
            continue
        triggered = _CHANGED in action.events
        column = "calculation" if triggered else "default"
        if action.ref not in document.known:
            notes.error("unknown_reference", notes.place(action.ref), column, name=action.ref)
            continue
        value = notes.expression(action.value, action.ref, column)
        if value is None:
            continue
        for changes in _ways(action):
            _, triggers = found.setdefault(action.ref, {}).setdefault((action.value, changes), (value, []))
            if changes and action.trigger not in triggers:
                triggers.append(action.trigger)
    return {
        ref: tuple(Setting(value, tuple(triggers)) for value, triggers in settings.values())
        for ref, settings in found.items()
    }


def _ways(action: Action) -> list[bool]:
    """Whether it is set when its trigger changes, and whether when something begins."""
    changes = [True] if _CHANGED in action.events and action.trigger else []
    return changes + ([False] if action.events - {_CHANGED} else [])
