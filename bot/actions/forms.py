"""Forms that are tried in a chat before anything is published. Everybody has their own, and no others."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from bot.actions.gate import Act, Aim, Arguments, Id, Nothing, action
from storage import media, tasks, trials
from storage.trials import Trial
from surveys.problems import Problem

MOST = 20
"""Forms that one account may keep at a time."""
KIND = "form_check"
"""The task that checks a form."""


class Try(Arguments, frozen=True):
    """A file that came: its number among :mod:`storage.media`, and what it is called."""

    media: Id
    name: Annotated[str, msgspec.Meta(max_length=200)]


class Which(Arguments, frozen=True):
    """One form, by its number."""

    trial: Id


def _aim(_act: Act, given: Which) -> Aim:
    return Aim(target=f"form:{given.trial}")


def view(trial: Trial) -> dict[str, Any]:
    """A form that is tried, as people and programs are shown it."""
    return {
        "id": trial.id,
        "name": trial.name,
        "state": trial.state,
        "form": trial.form_id,
        "version": trial.version,
        "title": trial.title,
        "sent_at": trial.created_at,
    }


@action("form.try", Try)
def try_form(act: Act, given: Try) -> dict[str, Any]:
    """Have a form checked that was sent: at once, or as soon as it is here.

    Raises Problem ``trial_too_many``, ``media_gone``.
    """
    account_id, contact_id = act.actor.account_id, act.actor.contact_id
    assert account_id is not None
    if trials.number_of(act.connection, account_id) >= MOST:
        raise Problem("trial_too_many", most=MOST)
    file = media.numbered(act.connection, given.media)
    if file is None or contact_id is None or (file.contact_id, file.kind) != (contact_id, media.FORM):
        raise Problem("media_gone")
    here = file.status == "kept"
    key = trials.begin(
        act.connection,
        act.keyring,
        account_id=account_id,
        contact_id=contact_id,
        media_id=file.id,
        name=given.name,
        state="checking" if here else "coming",
        now=act.now_ms,
    )
    if here:
        tasks.queue(act.connection, act.keyring, KIND, {"trial": key}, account_id, contact_id, act.now_ms)
    return view(trials.expect(act.connection, act.keyring, key, account_id))


@action("form.list", Nothing)
def listing(act: Act, _given: Nothing) -> dict[str, Any]:
    """One's own forms, the newest first."""
    found = trials.of_account(act.connection, act.keyring, act.actor.account_id or 0)
    return {"forms": [view(each) for each in found]}


@action("form.begin", Which, _aim)
def begin(act: Act, given: Which) -> dict[str, Any]:
    """Let a form of one's own be tried. Raises Problem ``trial_unknown``, ``trial_not_ready``."""
    found = trials.expect(act.connection, act.keyring, given.trial, act.actor.account_id)
    if found.state != "ready":
        raise Problem("trial_not_ready", number=found.id)
    return view(found)


@action("form.drop", Which, _aim)
def drop(act: Act, given: Which) -> dict[str, Any]:
    """Delete a form of one's own, with what was answered in it. Raises Problem ``trial_unknown``."""
    found = trials.expect(act.connection, act.keyring, given.trial, act.actor.account_id)
    trials.drop(act.connection, [found.id])
    return view(found)
