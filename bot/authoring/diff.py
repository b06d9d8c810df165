"""Two versions of a form, told to their author: what changed, what becomes of half-finished interviews."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.texts import SOURCE, pick, say
from surveys.forms import Form
from surveys.revisions import Change, Changes, Effect, What, compare

_SUMMED = (Effect.ASKED, Effect.AGAIN, Effect.SOME_AGAIN, Effect.DROPPED)
"""Effects that the summary counts, in its order."""

_NOTHING = "–"


def lines(old: Form, new: Form, language: str = SOURCE) -> list[str]:
    """The comparison for people: the summary first, then every change with what it means."""
    return list(_lines(new, compare(old, new), pick(language)))


def to_json(old: Form, new: Form, language: str = SOURCE) -> dict[str, Any]:
    """The comparison for programs. ``changes`` are in the newer form's order, what was removed last."""
    language = pick(language)
    changes = compare(old, new)
    return {
        "old": _summary(old),
        "new": _summary(new),
        "same": not changes,
        "changes": [
            {
                "what": change.what.value,
                "effect": change.effect.value,
                "ref": change.ref,
                "name": change.name,
                "kind": change.kind,
                "detail": change.detail or None,
                "before": change.before or None,
                "after": change.after or None,
                "message": sentence(new, change, language),
            }
            for change in changes.all
        ],
        "interviews": {
            effect.value: list(changes.names(effect)) for effect in Effect if effect != Effect.NONE
        },
        "summary": summary(changes, language),
    }


def summary(changes: Changes, language: str) -> str:
    """One sentence on what becomes of half-finished interviews."""
    counts = {effect: len(changes.names(effect)) for effect in _SUMMED}
    parts = [
        say(language, f"diff.summary_{effect.value}", count=count)
        for effect, count in counts.items()
        if count
    ]
    if not parts:
        return say(language, "diff.summary_kept")
    return say(language, "diff.summary", parts=", ".join(parts))


def sentence(new: Form, change: Change, language: str) -> str:
    """What changed, without the place."""
    key = change.what.value
    before, after = change.before or _NOTHING, change.after or _NOTHING
    if change.what is What.MOVED:
        top = say(language, "diff.top")
        before, after = change.before or top, change.after or top
        if before == after:
            key = "moved_within"
    kind = "diff" if change.kind in ("group", "repeat") else "form"
    return say(
        language,
        f"diff.{key}",
        before=before,
        after=after,
        detail=change.detail,
        language=f" ({change.detail})" if len(new.languages) > 1 else "",
        kind=say(language, f"{kind}.kind_{change.kind}"),
    )


def effect(change: Change, language: str) -> str:
    """What a change means for half-finished interviews."""
    if change.what is What.REQUIRED and change.effect is Effect.SOME_AGAIN:
        return say(language, "diff.effect_required")
    return say(language, f"diff.effect_{change.effect.value}")


def _lines(new: Form, changes: Changes, language: str) -> Iterator[str]:
    if not changes:
        yield say(language, "diff.none")
        return
    yield say(language, "diff.head", title=new.title, count=len(changes.all))
    yield summary(changes, language)
    yield ""
    for change in changes.all:
        yield say(language, "diff.line", ref=change.ref, change=sentence(new, change, language))
        if change.effect is not Effect.NONE:
            yield say(language, "diff.effect", effect=effect(change, language))
        if change.what is What.RENAMED:
            yield say(language, "diff.advice_renamed", before=change.before)


def _summary(form: Form) -> dict[str, str]:
    return {"id": form.id, "version": form.version, "title": form.title, "digest": form.digest}
