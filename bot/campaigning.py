"""A campaign's life in the chat: looked at, approved, opened, paused, extended, closed, put away. Thin:
actions decide and do, here is only the asking and the showing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from bot import render
from bot.actions import perform
from bot.actions.campaign_life import offered
from bot.desk import Desk, Handler, Heard, Hearing, day
from bot.leaflets import qr_png
from bot.messages import Abilities, Button, Outgoing
from bot.notices import maker
from bot.orders import act, code, queued, rest
from bot.problems import explain
from bot.readings import to_wait
from bot.texts import say
from storage import campaigns as stored
from surveys.campaigns import Status
from surveys.letters import fold
from surveys.moments import iso_date
from surveys.numerals import Doubt
from surveys.problems import Problem

WEEKS = (1, 2)
"""By how many weeks a button extends a campaign."""


def button(language: str, label: str, name: str, argument: str, **params: object) -> Button:
    """A button that says a command of staff; the argument's words are joined by ``_``."""
    return Button(
        say(language, label, **params), render.data(render.WORD, 0, name, argument.replace(" ", "_"))
    )


def number(value: int, language: str) -> str:
    """A whole number with its thousands apart: 36.000 in Vietnamese, 36,000 in English."""
    return f"{value:,}".replace(",", "." if language == "vi" else ",")


def _fitted(lines: Sequence[str], rows: Sequence[Sequence[Button]], abilities: Abilities) -> Outgoing:
    text = render.fit("\n".join(line for line in lines if line), abilities)
    return Outgoing(text, tuple(tuple(row) for row in rows if row) if abilities.buttons else ())


# ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────


def campaigns(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The campaigns of the actor's areas; one named: how far it is, and what can be done."""
    if argument.strip():
        asking = act(hearing)
        view = perform(asking, "campaign.status", {"campaign": code(argument)})
        may = offered(asking, stored.expect(hearing.connection, view["id"]))
        return queued(hearing, "staff.campaign", {**view, "may": may})
    listed = perform(act(hearing), "campaign.list", {"limit": 20})
    return queued(hearing, "staff.campaigns", listed)


LABEL = 36
"""Letters of a button's label that a small telephone shows."""


def shortened(title: str) -> str:
    """A title that fits on a button."""
    return title if len(title) <= LABEL else title[: LABEL - 1].rstrip() + "…"


LISTED = 8
"""Campaigns that get a button of their own in the list."""


def choosing(handler: Handler, name: str, *fitting: Status, hint: str = "") -> Handler:
    """The handler of a command that needs a campaign: without one, those that it fits to choose from, and a
    ``hint`` of the catalogue's.
    """

    def choose(desk: Desk, hearing: Hearing, argument: str) -> Heard:
        if argument.strip():
            return handler(desk, hearing, argument)
        listed = perform(act(hearing), "campaign.list", {"limit": 100})["campaigns"]
        views = [view for view in listed if view["status"] in fitting][:LISTED]
        if not views:
            raise Problem("campaign_none_fits")
        lines = [hearing.say("staff.which"), *(f"{view['code']}: {view['title']}" for view in views)]
        if hint:
            lines += ["", hearing.say(hint)]
        rows = [
            [Button(shortened(view["title"]), render.data(render.WORD, 0, name, view["code"]))]
            for view in views
        ]
        return Heard(hearing.contact, _fitted(lines, rows, hearing.abilities))

    return choose


@maker("staff.campaigns")
def _campaigns(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    if not params["campaigns"]:
        return Outgoing(say(language, "staff.no_campaigns"))
    lines = [
        say(
            language,
            "staff.campaign_line",
            code=view["code"],
            title=view["title"],
            status=say(language, f"campaign_status.{view['status']}"),
            ends=day(date.fromisoformat(view["ends_on"])),
        )
        for view in params["campaigns"]
    ]
    rows = [
        [Button(shortened(view["title"]), render.data(render.WORD, 0, "campaigns", view["code"]))]
        for view in params["campaigns"][:LISTED]
    ]
    return _fitted(lines, rows, abilities)


@maker("staff.campaign")
def _campaign(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    lines = [
        say(
            language,
            "staff.campaign_status",
            code=params["code"],
            title=params["title"],
            status=say(language, f"campaign_status.{params['status']}"),
            starts=day(date.fromisoformat(params["starts_on"])),
            ends=day(date.fromisoformat(params["ends_on"])),
            area=params["area_title"],
            instrument=params["instrument"]["title"],
        )
    ]
    if params["status"] != Status.DRAFT:
        lines.append(say(language, "staff.campaign_come", **params["progress"]))
    elif params["missing"]:
        lines.append(_missing(params["missing"], language))
    framed = params["mode"] != "open"
    if framed and params["size"] is not None:
        made = "life.size" if params["made"] else "life.size_unfinished"
        size = number(params["size"], language)
        lines.append(say(language, made, size=size, mode=say(language, f"mode.{params['mode']}")))
    lines += [
        say(
            language,
            "life.quota",
            kind=quota_kind(quota, language),
            completes=quota["completes"],
            most=quota["most"],
        )
        for quota in params["quotas"]
    ]
    lines += [
        say(
            language,
            "life.deadline",
            what=say(language, f"deadline.{deadline['name']}"),
            on=day(date.fromisoformat(deadline["on"])),
            days=deadline["days_left"],
        )
        for deadline in params["deadlines"]
        if deadline["near"]
    ]
    return _fitted(lines, _steps(params, language), abilities)


def quota_kind(quota: Mapping[str, Any], language: str) -> str:
    """Whom a quota is about, in words."""
    said = []
    for name in ("sex", "age_band"):
        if quota[name]:
            said.append(say(language, f"{name}.{quota[name]}"))
    if quota["area"]:
        said.append(quota["area_title"])
    return ", ".join(said)


def _steps(view: Mapping[str, Any], language: str) -> list[list[Button]]:
    """What can be done with a campaign as it stands, by who looks at it."""
    of, may = view["code"], view["may"]
    runs = "campaign.pause" in may
    match view["status"]:
        case Status.DRAFT:
            return [[button(language, "button.preview", "preview", of)]]
        case Status.OPEN | Status.PAUSED:
            rows = _at_work(view, language)
            if runs and view["status"] == Status.OPEN:
                rows.append([button(language, "button.pause", "pause", of)])
            elif runs:
                rows.append([button(language, "button.resume", "resume", of)])
            if runs:
                rows += [
                    _extending(view, language),
                    [button(language, "button.close_campaign", "close_campaign", of)],
                ]
            return rows
        case Status.CLOSED:
            rows = [[button(language, "button.progress", "progress", of)]]
            return [*rows, [button(language, "button.archive", "archive", of)]] if runs else rows
    return []


def _at_work(view: Mapping[str, Any], language: str) -> list[list[Button]]:
    """Looking on, inviting and reminding, in rows of two."""
    of, may, framed = view["code"], view["may"], view["mode"] != "open"
    buttons = [button(language, "button.progress", "progress", of), button(language, "button.qr", "qr", of)]
    if "campaign.leaflets" in may:
        what = of if framed else f"{of} áp phích"
        buttons.append(button(language, "button.leaflets" if framed else "button.poster", "leaflets", what))
    if "campaign.remind" in may and framed and view["status"] == Status.OPEN:
        buttons.append(button(language, "button.remind", "remind", of))
    if "campaign.waiting" in may and framed:
        buttons.append(button(language, "button.waiting", "waiting", of))
    return [buttons[start : start + 2] for start in range(0, len(buttons), 2)]


def _missing(names: Sequence[str], language: str) -> str:
    fields = ", ".join(say(language, f"field.{name}") for name in names)
    return say(language, "life.missing", fields=fields)


def _extending(view: Mapping[str, Any], language: str) -> list[Button]:
    ends = date.fromisoformat(view["ends_on"])
    later = [(weeks, ends + timedelta(weeks=weeks)) for weeks in WEEKS]
    return [
        button(language, "button.extend", "extend", f"{view['code']} {until}", days=7 * weeks)
        for weeks, until in later
    ]


@maker("staff.created")
def _created(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """A draft was made: what is next."""
    text = say(language, "staff.created", title=params["title"], code=params["code"])
    return _fitted([text], [[button(language, "button.preview", "preview", params["code"])]], abilities)


# ── before ──────────────────────────────────────────────────────────────────────────────────────────────────


def preview(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Whom a draft would ask, before anybody is."""
    asked = perform(act(hearing), "campaign.preview", {"campaign": code(argument)})
    return queued(hearing, "life.preview", to_wait(asked))


@maker("life.preview")
def preview_message(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """A preview in words, and the next step as a button."""
    lines = [
        say(language, "life.preview", title=params["title"], code=params["code"]),
        say(language, "life.what", area=params["area_title"], instrument=params["instrument"]["title"]),
        say(
            language,
            "life.days",
            starts=day(date.fromisoformat(params["starts_on"])),
            ends=day(date.fromisoformat(params["ends_on"])),
        ),
        *_legal(params["legal"], language),
    ]
    lines += [
        say(
            language,
            "life.deadline_late" if one["late"] else "life.deadline",
            what=say(language, f"deadline.{one['name']}"),
            on=day(date.fromisoformat(one["on"])),
            days=one["days_left"],
        )
        for one in params["deadlines"]
    ]
    lines += [say(language, "life.asks_whoever")] if params["frame"] is None else _asked(params, language)
    lines += [
        say(language, "life.quota_of", kind=quota_kind(quota, language), most=number(quota["most"], language))
        for quota in params["quotas"]
    ]
    if params["missing"]:
        lines.append(_missing(params["missing"], language))
    lines.append(_approving(params, language))
    return _fitted(lines, _next(params, language), abilities)


def _legal(legal: Mapping[str, Any], language: str) -> list[str]:
    """Who asks, by what right, and by which decision: what an approver answers for."""
    basis = say(language, f"basis.{legal['basis']}") if legal["basis"] else "–"
    if legal["decision_number"] and legal["decision_date"]:
        on = day(date.fromisoformat(str(legal["decision_date"])[:10]))
        decision = say(language, "life.decision", number=legal["decision_number"], on=on)
    else:
        decision = say(language, "life.internal")
    lines = [
        say(language, "life.legal", controller=legal["controller"] or "–", basis=basis, decision=decision)
    ]
    if legal["transfer_file"]:
        lines.append(say(language, "life.transfer", file=legal["transfer_file"]))
    return lines


def _approving(params: Mapping[str, Any], language: str) -> str:
    """Whether somebody has to approve, and who could; empty where nobody has to."""
    approval = params["approval"]
    threshold = number(approval["threshold"], language)
    if params["status"] != Status.DRAFT:
        return ""
    if approval["needed"] and "campaign.approve" in params["may"]:
        return say(language, "life.approval_yours", threshold=threshold)
    if approval["needed"]:
        names = ", ".join(approval["approvers"]) or say(language, "life.approvers_none")
        return say(language, "life.approval_needed", threshold=threshold, names=names)
    if approval["approved_size"]:
        return say(language, "life.approved_to", size=number(approval["approved_size"], language))
    return ""


def _asked(params: Mapping[str, Any], language: str) -> list[str]:
    """Who is asked, who is not, how they are reached, and what they would read."""
    unit = say(language, f"asked_unit.{params['unit']}")

    def some(value: int) -> str:
        return number(value, language)

    lines = [
        say(
            language,
            f"life.asks_{params['mode']}",
            cases=some(params["cases"]),
            frame=some(params["frame"]),
            unit=unit,
            seed=params["design"]["seed"],
        )
    ]
    if params["problem"] is not None:
        problem = Problem(params["problem"]["code"], **params["problem"]["params"])
        return [*lines, explain(language, problem)]
    left_out = [
        say(language, f"life.left_out.{name}", count=some(count), unit=unit)
        for name, count in params["left_out"].items()
        if count
    ]
    out = [say(language, "life.left_out", reasons="; ".join(left_out))] if left_out else []
    if not params["cases"]:
        # Whoever has a list is told why none of it is asked.
        return [*lines, *(out or [explain(language, Problem("frame_empty"))])]
    for stratum in params["strata"]:
        name = stratum["stratum"].rpartition("/")[2] or say(language, "life.no_neighbourhood")
        lines.append(f"  {name}: {some(stratum['sample'])}/{some(stratum['frame'])}")
    if params["strata_in_all"] > len(params["strata"]):
        lines.append(say(language, "life.strata_more", count=params["strata_in_all"] - len(params["strata"])))
    lines += out
    reach = params["reach"]
    channels = ", ".join(
        f"{say(language, f'channel.{name}')} {some(count)}" for name, count in reach["channels"].items()
    )
    about = "life.reached_about" if reach["estimated"] else "life.reached"
    lines.append(say(language, about, reached=some(reach["reached"]), unit=unit, channels=channels or "–"))
    unreached = [
        say(language, f"life.unreached.{name}", count=some(reach[name]), unit=unit)
        for name in ("no_contact", "blocked", "opted_out")
        if reach[name]
    ]
    if unreached:
        lines.append(say(language, "life.unreached", reasons="; ".join(unreached)))
    if params["sending"]["messages"]:
        lines.append(_sending(params["sending"], language))
    # The reader's own language first.
    samples: dict[tuple[str, str], list[str]] = {}
    for message in sorted(params["messages"], key=lambda one: one["language"] != language):
        channel = say(language, f"channel.{message['channel']}")
        samples.setdefault((message["language"], message["text"]), []).append(channel)
    for (tongue, text), on in samples.items():
        told = {"channel": ", ".join(on), "language": say(language, f"tongue.{tongue}")}
        lines.append(say(language, "life.sample", text=text, **told))
    return lines


def _sending(sending: Mapping[str, Any], language: str) -> str:
    if sending["begins"] is None or sending["ends"] is None:
        return say(language, "life.sending_never")
    begins, ends = (datetime.fromisoformat(sending[name]) for name in ("begins", "ends"))
    return say(
        language,
        "life.sending",
        messages=number(sending["messages"], language),
        begins=f"{begins:%H:%M %d/%m/%Y}",
        ends=f"{ends:%H:%M %d/%m/%Y}",
        cost=number(sending["cost"], language),
        most=sending["most_per_case"],
    )


def _next(params: Mapping[str, Any], language: str) -> list[list[Button]]:
    """Approve, ask for that, or open: whichever comes next and is for the reader to do."""
    of, may = params["code"], params["may"]
    if params["status"] != Status.DRAFT or params["missing"] or params["cases"] == 0 or params.get("problem"):
        return []
    if not params["approval"]["needed"]:
        may_open = "campaign.open" in may
        return [[button(language, "button.open_campaign", "open_campaign", of)]] if may_open else []
    if "campaign.approve" in may:
        asked, size = f"{of} {params['cases']}", number(params["cases"], language)
        return [[button(language, "button.approve", "approve", asked, size=size)]]
    if "campaign.ask_approval" in may and params["approval"]["approvers"]:
        return [[button(language, "button.ask_approval", "ask_approval", of)]]
    return []


def ask_approval(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Ask those who can approve a draft to look at it."""
    view = perform(act(hearing), "campaign.ask_approval", {"campaign": code(argument)})
    return queued(
        hearing,
        "life.approval_sent",
        {"title": view["title"], "code": view["code"], "names": ", ".join(view["asked"])},
    )


@maker("life.approval_asked")
def _approval_asked(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """What one who can approve is told."""
    told = {name: params[name] for name in ("who", "title", "code", "area_title")}
    rows = [[button(language, "button.preview", "preview", params["code"])]]
    return _fitted([say(language, "life.approval_asked", **told)], rows, abilities)


def approve(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Approve a draft of so many cases; without a number, show what would be approved."""
    words = argument.replace("_", " ").split()
    of = code(" ".join(words))
    size = "".join(words[1:]).replace(".", "").replace(",", "")
    if not size.isdecimal():
        return preview(desk, hearing, of)
    view = perform(act(hearing), "campaign.approve", {"campaign": of, "size": size})
    return queued(hearing, "life.approved", view)


@maker("life.approved")
def _approved(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    size = number(params["approved_size"], language)
    told = {"title": params["title"], "code": params["code"], "size": size}
    if params.get("by"):
        lines = [say(language, "life.approved_by", by=params["by"], **told)]
    else:
        lines = [say(language, "life.approved", **told)]
    if "campaign.open" not in params["may"]:
        lines.append(say(language, "life.approved_told"))
        return _fitted(lines, [], abilities)
    rows = [[button(language, "button.open_campaign", "open_campaign", params["code"])]]
    return _fitted(lines, rows, abilities)


# ── opening ─────────────────────────────────────────────────────────────────────────────────────────────────


def open_campaign(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Open a draft, and send the code to pass on; of a big one when its cases are made."""
    view = perform(act(hearing), "campaign.open", {"campaign": code(argument)})
    if view["opening"]:
        return queued(hearing, "life.opening", {"title": view["title"], "code": view["code"]})
    return queued(hearing, "staff.opened", {"view": view, "links": desk.links.join(view["code"])})


@maker("staff.opened")
def _opened(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    view = params["view"]
    return _opened_message(view["title"], view["code"], view["size"], params["links"], language, abilities)


@maker("task.campaign_open")
def _task_done(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """What became of a big campaign."""
    if "problem" in params:
        problem = Problem(params["problem"]["code"], **params["problem"]["params"])
        text = say(language, "life.not_opened", title=params["title"], why=explain(language, problem))
        return _fitted([text], [[button(language, "button.preview", "preview", params["code"])]], abilities)
    return _opened_message(
        params["title"], params["code"], params["size"], params["links"], language, abilities
    )


def _opened_message(
    title: str, of: str, size: int | None, links: Sequence[str], language: str, abilities: Abilities
) -> Outgoing:
    lines = [say(language, "staff.opened", title=title, code=of, links="\n".join(links))]
    if size is not None:
        lines.append(say(language, "life.made", size=number(size, language)))
    framed = size is not None
    paper = button(
        language,
        "button.leaflets" if framed else "button.poster",
        "leaflets",
        of if framed else f"{of} áp phích",
    )
    rows = [
        [button(language, "button.qr", "qr", of), paper],
        [button(language, "button.progress", "progress", of)],
    ]
    return _fitted(lines, rows, abilities)


@maker("campaign.making")
def _making(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    done, size = (number(params[name], language) for name in ("done", "size"))
    return Outgoing(render.fit(say(language, "life.making", done=done, size=size), abilities))


# ── while it runs ───────────────────────────────────────────────────────────────────────────────────────────


def pause(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Nobody is written to or asked until it goes on."""
    view = perform(act(hearing), "campaign.pause", {"campaign": code(argument)})
    return queued(hearing, "life.paused", view)


@maker("life.paused")
def _paused(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    text = say(language, "life.paused", title=params["title"], code=params["code"])
    return _fitted([text], [[button(language, "button.resume", "resume", params["code"])]], abilities)


def resume(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Go on with a paused campaign."""
    view = perform(act(hearing), "campaign.resume", {"campaign": code(argument)})
    if view["opening"]:
        return queued(hearing, "life.opening", {"title": view["title"], "code": view["code"]})
    return queued(hearing, "life.resumed", {"title": view["title"], "code": view["code"]})


def extend(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/giahan CODE 15/12/2026``: another last day; without one, the present one and two to choose from."""
    argument = argument.replace("_", " ")
    of, said = code(argument), rest(argument)
    if not said:
        view = perform(act(hearing), "campaign.status", {"campaign": of})
        ends = day(date.fromisoformat(view["ends_on"]))
        text = hearing.say("life.extend_ask", title=view["title"], code=view["code"], ends=ends)
        rows = [_extending(view, hearing.language)]
        return Heard(hearing.contact, _fitted([text], rows, hearing.abilities))
    until = iso_date(said, hearing.local.date())
    if isinstance(until, Doubt):
        raise Problem("campaign_extend_day", said=said[:40])
    view = perform(act(hearing), "campaign.extend", {"campaign": of, "ends_on": until})
    return queued(
        hearing,
        "life.extended",
        {"title": view["title"], "code": view["code"], "ends": day(date.fromisoformat(view["ends_on"]))},
    )


def close_campaign(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Close a campaign for good; asks first."""
    words = argument.split()
    of = code(argument)
    if not (len(words) == 2 and fold(words[1]) in ("co", "yes", "dong", "close")):
        view = perform(act(hearing), "campaign.status", {"campaign": of})
        text = hearing.say("staff.close_confirm", title=view["title"], code=view["code"])
        rows = [[button(hearing.language, "button.close_campaign", "close_sure", view["code"])]]
        return Heard(hearing.contact, _fitted([text], rows, hearing.abilities))
    return close_sure(desk, hearing, of)


def close_sure(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Close a campaign; the asking is done."""
    view = perform(act(hearing), "campaign.close", {"campaign": code(argument)})
    return queued(hearing, "staff.closed", {"code": view["code"], "title": view["title"]})


@maker("staff.closed")
def _closed(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """A campaign is closed: what can still be seen of it, and where it goes."""
    text = say(language, "staff.closed", title=params["title"], code=params["code"])
    rows = [
        [
            button(language, "button.progress", "progress", params["code"]),
            button(language, "button.archive", "archive", params["code"]),
        ]
    ]
    return _fitted([text], rows, abilities)


def archive(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """Put a closed campaign away."""
    view = perform(act(hearing), "campaign.archive", {"campaign": code(argument)})
    return queued(hearing, "life.archived", {"code": view["code"], "title": view["title"]})


_REASONS = {
    "refused": ("tu choi", "tuchoi", "refused"),
    "not_found": ("khong thay", "khong tim thay", "khongthay", "not found", "notfound", "not_found"),
    "absent": ("vang", "di vang", "divang", "absent"),
    "moved": ("chuyen", "chuyen di", "da chuyen", "chuyendi", "moved"),
    "unable": ("khong the", "khong the tra loi", "khongthe", "unable"),
}


def replace_case(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/thaythe CODE CASE REASON``: the next of the reserve for a case of a sample that is lost."""
    words = argument.split(maxsplit=2)
    said = fold(words[2]) if len(words) == 3 else ""
    reason = next((name for name, names in _REASONS.items() if said in names), None)
    if len(words) < 3 or not words[1].isdecimal() or reason is None:
        raise Problem("replace_how")
    given = {"campaign": code(argument), "case": words[1], "reason": reason}
    done = perform(act(hearing), "campaign.replace", given)
    return queued(hearing, "life.replaced", {"case": done["case"], "replacement": done["replacement"]})


# ── the picture to pass on ──────────────────────────────────────────────────────────────────────────────────


def qr(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """The picture that leads people into a campaign."""
    view = perform(act(hearing), "campaign.status", {"campaign": code(argument)})
    return queued(
        hearing,
        "staff.qr",
        {"code": view["code"], "title": view["title"], "links": desk.links.join(view["code"])},
    )


@maker("staff.qr")
def _qr(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    links: Sequence[str] = params["links"]
    text = say(language, "staff.qr", title=params["title"], code=params["code"], links="\n".join(links))
    return Outgoing(text, picture=qr_png(links[0]) if links and abilities.files else None)


RUNNING = (Status.OPEN, Status.PAUSED)

LIFE: Mapping[str, Handler] = {
    "campaigns": campaigns,
    "campaign": campaigns,
    "preview": choosing(preview, "preview", Status.DRAFT),
    "ask_approval": ask_approval,
    "approve": choosing(approve, "approve", Status.DRAFT),
    "open_campaign": choosing(open_campaign, "preview", Status.DRAFT),
    "pause": choosing(pause, "pause", Status.OPEN),
    "resume": choosing(resume, "resume", Status.PAUSED),
    "extend": choosing(extend, "extend", *RUNNING),
    "close_campaign": choosing(close_campaign, "close_campaign", *RUNNING),
    "close_sure": close_sure,
    "archive": choosing(archive, "archive", Status.CLOSED),
    "replace": replace_case,
    "qr": choosing(qr, "qr", *RUNNING),
}
"""The commands of this page."""
