"""Progress in the chat: how far a campaign has come, the list of who has not answered, alerts, summaries.
Thin: actions decide and do, here is only the asking and the showing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from bot import render
from bot.actions import perform
from bot.actions.progress import By
from bot.campaigning import RUNNING, button, choosing, number
from bot.desk import Desk, Handler, Heard, Hearing, day, queue
from bot.messages import Abilities, Button, Outgoing
from bot.notices import maker
from bot.orders import act, code, queued, rest
from bot.places import place_name
from bot.readings import Reading, to_wait
from bot.texts import has, say
from surveys.campaigns import Status
from surveys.letters import fold
from surveys.problems import Problem

PLACES = 30
"""Places listed in the chat; of more, those that are furthest behind."""
DAYS = 14
"""Days listed in the chat."""

_BY: Sequence[tuple[str, By]] = (
    ("khupho", By.NEIGHBOURHOOD), ("todanpho", By.NEIGHBOURHOOD), ("thon", By.NEIGHBOURHOOD),
    ("neighbourhood", By.NEIGHBOURHOOD), ("neighborhood", By.NEIGHBOURHOOD), ("kenh", By.CHANNEL),
    ("channel", By.CHANNEL), ("ngay", By.DAY), ("day", By.DAY),
)  # fmt: skip
"""What progress is broken down by, as it is typed: without marks and spaces."""


# ── progress ────────────────────────────────────────────────────────────────────────────────────────────────


def progress(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/tiendo CODE [theo khu phố|kênh|ngày]``: in words, and as a picture."""
    words = argument.replace("_", " ")
    wanted = _one_campaign(hearing, words)
    if not wanted:
        return _WHICH(desk, hearing, "")
    asked = fold(rest(words)).replace(" ", "")
    by = list(dict.fromkeys(name.value for word, name in _BY if word in asked))
    found: Reading = perform(act(hearing), "campaign.progress", {"campaign": wanted, "by": by})
    heard = queued(hearing, "staff.progress", to_wait(found))
    if hearing.abilities.files and not by:
        picture = Reading("campaign_progress_chart", {**found.arguments, "language": hearing.language})
        key = f"staff.progress_chart:{hearing.inbound.channel}:{hearing.inbound.event_id}"
        queue(hearing, key, "staff.progress_chart", to_wait(picture))
    return heard


def _one_campaign(hearing: Hearing, words: str) -> str:
    """The campaign named; without a name the only one that runs, or the only one. Empty of several."""
    if words.strip():
        return code(words)
    listed = perform(act(hearing), "campaign.list", {"limit": 100})["campaigns"]
    running = [one for one in listed if one["status"] in RUNNING] or listed
    return str(running[0]["code"]) if len(running) == 1 else ""


def percent(share: float | None, language: str) -> str:
    """A share as people read it: 50,7% in Vietnamese, 50.7% in English; a dash for none."""
    if share is None:
        return "–"
    text = f"{100 * share:.1f}%"
    return text.replace(".", ",") if language == "vi" else text


def of_all(part: int, whole: int, language: str) -> str:
    """``1.824/3.600 (50,7%)``."""
    share = percent(part / whole if whole else None, language)
    return f"{number(part, language)}/{number(whole, language)} ({share})"


@maker("staff.progress")
def progress_message(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """A campaign's progress for a narrow screen."""
    return Outgoing(
        render.fit("\n".join(progress_lines(params, language)), abilities),
        _progress_buttons(params, language) if abilities.buttons else (),
    )


def progress_lines(params: Mapping[str, Any], language: str) -> list[str]:
    """The same in lines."""
    campaign = params["campaign"]
    lines = [
        f"{campaign['title']} ({campaign['code']})",
        say(
            language,
            "progress.standing",
            mode=say(language, f"counts.mode_{campaign['mode']}"),
            status=say(language, f"campaign_status.{campaign['status']}"),
            ends=day(date.fromisoformat(campaign["ends_on"])),
            days=campaign["days_left"],
        ),
    ]
    if params["areas"] is not None:
        lines.append(say(language, "progress.part"))
    lines += ["", *_total(params, language)]
    expected = _expected(params["forecast"], campaign["ends_on"], params["target_percent"], language)
    if expected:
        lines += ["", *expected]
    for deadline in params["deadlines"]:
        lines.append(deadline_line(deadline, language))
    asked = params["asked"]
    if not asked or By.NEIGHBOURHOOD in asked:
        lines += ["", *_places(params, language)]
    if "channels" in params:
        lines += ["", say(language, "progress.by_channel")]
        lines += [
            f"  {_channel(row['channel'], language)}: {_row(row, language)}" for row in params["channels"]
        ]
    if By.DAY in asked:
        lines += ["", *_days(params["days"], language)]
    if any(row["hidden"] for row in (*params["rows"], *params.get("channels", ()))):
        lines += ["", say(language, "counts.hidden", threshold=params["suppression_threshold"])]
    return lines


def _total(params: Mapping[str, Any], language: str) -> list[str]:
    total, campaign, rates = params["total"], params["campaign"], params["total"]["rates"]
    unit = say(language, f"progress.unit.{campaign['unit']}")
    lines = [
        say(
            language,
            "progress.answered",
            answered=number(total["answered"], language),
            cases=number(total["cases"], language),
            unit=unit,
            share=percent(total["share"], language),
        )
    ]
    lines += [
        f"  {each} {outcome(each, language)}: {number(n, language)}" for each, n in total["codes"].items()
    ]
    if total["unfinished"] not in (0, total["broken_off"]):
        lines.append(say(language, "progress.unfinished", n=number(total["unfinished"], language)))
    cover = params["coverage"]
    if cover is not None:
        lines.append(
            say(
                language,
                "progress.coverage",
                frame=number(cover["frame"], language),
                unit=unit,
                invited=percent(cover["invited"], language),
                answered=percent(cover["answered"], language),
            )
        )
    if any(total["reminded"]):
        first, second, third = (number(n, language) for n in total["reminded"])
        lines.append(say(language, "progress.reminded", first=first, second=second, third=third))
    if rates is None:
        of = of_all(total["complete"], total["started"], language)
        lines.append(say(language, "progress.participation", n=of))
        return lines
    shares = {name: percent(rates[name], language) for name in ("rr1", "rr2", "rr3", "coop1", "con1")}
    lines.append(say(language, "progress.rates", **shares))
    return lines


def outcome(of: str, language: str) -> str:
    """A disposition in words; of a finer code than we know, those of the one it belongs to."""
    while of and not has(f"disposition.{of}"):
        of = of[:-1]
    return say(language, f"disposition.{of}") if of else "–"


def _expected(
    forecast: Mapping[str, Any] | None, ends_on: str, target_percent: int, language: str
) -> list[str]:
    """The forecast in words."""
    if forecast is None:
        return []
    lines = []
    if forecast["per_day"] is not None:
        per_day = f"{forecast['per_day']:.1f}".removesuffix(".0")
        lines.append(
            say(
                language,
                "progress.pace",
                days=forecast["window"],
                per_day=per_day.replace(".", ",") if language == "vi" else per_day,
            )
        )
    reached = forecast["reached_on"]
    lines.append(
        say(
            language,
            f"progress.outlook.{forecast['outlook']}",
            ends=day(date.fromisoformat(ends_on)),
            target=number(forecast["target"], language),
            percent=target_percent,
            expected=_or_dash(forecast["expected"], language),
            needed=_or_dash(forecast["needed_per_day"], language),
            missing=number(forecast["missing"], language),
            reached_on="–" if reached is None else day(date.fromisoformat(reached)),
        )
    )
    return lines


def _or_dash(value: int | None, language: str) -> str:
    return "–" if value is None else number(value, language)


def deadline_line(deadline: Mapping[str, Any], language: str) -> str:
    """When a report is due."""
    return say(
        language,
        "life.deadline",
        what=say(language, f"deadline.{deadline['name']}"),
        on=day(date.fromisoformat(deadline["on"])),
        days=deadline["days_left"],
    )


def _places(params: Mapping[str, Any], language: str) -> list[str]:
    rows, by = [row for row in params["rows"] if row["cases"]], params["by"]
    if not rows or (len(rows) == 1 and by == "neighbourhood" and not rows[0]["name"]):
        return []
    communes = len({row["area"] for row in rows}) > 1
    head = say(language, f"progress.by_{by}")
    if len(rows) > PLACES:
        behind = sorted(rows, key=lambda row: (row["share"] is None, row["share"] or 0.0))[:PLACES]
        head = say(language, "progress.furthest_behind", shown=PLACES, number=len(rows))
        rows = behind
    lines = [head]
    for row in rows:
        name = place_name(row, by, language)
        if communes and by == "neighbourhood":
            name = f"{name}, {row['area_title']}"
        lines.append(f"  {name}: {_row(row, language)}")
    return lines


def _row(row: Mapping[str, Any], language: str) -> str:
    if row["hidden"]:
        return f"* ({number(row['cases'], language)})"
    return of_all(row["answered"], row["cases"], language)


def _channel(name: str, language: str) -> str:
    key = f"channel.{name}" if name else "progress.no_channel"
    return say(language, key) if has(key) else name


def _days(days: Sequence[Mapping[str, Any]], language: str) -> list[str]:
    return [
        say(language, "progress.by_day"),
        *(
            say(
                language,
                "progress.day",
                day=day(date.fromisoformat(each["day"])),
                complete=number(each["complete"], language),
                started=number(each["started"], language),
                so_far=number(each["so_far"], language),
            )
            for each in days[-DAYS:]
        ),
    ]


def _progress_buttons(params: Mapping[str, Any], language: str) -> tuple[tuple[Button, ...], ...]:
    of, campaign = params["campaign"]["code"], params["campaign"]
    rows: list[tuple[Button, ...]] = [
        (
            button(language, "button.progress_channel", "progress", f"{of} kenh"),
            button(language, "button.progress_day", "progress", f"{of} ngay"),
        )
    ]
    if params["whole"] and campaign["mode"] != "open" and campaign["status"] in ("open", "paused"):
        rows.append((button(language, "button.waiting", "waiting", of),))
    return tuple(rows)


@maker("staff.progress_chart")
def _chart(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    campaign, total = params["campaign"], params["total"]
    text = say(
        language,
        "progress.chart.caption",
        title=campaign["title"],
        code=campaign["code"],
        n=of_all(total["answered"], total["cases"], language),
    )
    return Outgoing(text, picture=params["picture"])


# ── who has not answered ────────────────────────────────────────────────────────────────────────────────────


def waiting(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/chuatraloi CODE [khu phố]``: have the list made. It has names and addresses, so it is fetched over
    our own page and never goes through a chat (Law 91/2025/QH15, Article 20).
    """
    if not desk.links.public_url:
        raise Problem("waiting_no_page")
    words = argument.replace("_", " ")
    given = {
        "campaign": code(words),
        "neighbourhood": rest(words),
        "page": desk.links.public_url,
        "language": hearing.language,
    }
    made = perform(act(hearing), "campaign.waiting", given)
    where = ", ".join(made["neighbourhoods"] or ())
    key = "progress.listing_of" if where else "progress.listing"
    text = hearing.say(key, number=number(made["number"], hearing.language), title=made["title"], where=where)
    return Heard(hearing.contact, Outgoing(render.fit(text, hearing.abilities)))


@maker("task.campaign_waiting")
def _listed(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    given = {
        "records": number(params["records"], language),
        "title": params["title"],
        "code": params["code"],
    }
    if params["link"]:
        text = say(language, "progress.listed", link=params["link"], **given)
    else:
        text = say(language, "progress.listed_without_page", **given)
    return Outgoing(render.fit(text, abilities))


# ── alerts and summaries ────────────────────────────────────────────────────────────────────────────────────


def listed_alerts(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/canhbao``: what there is to look at."""
    found = perform(act(hearing), "alert.list", {})
    zone = hearing.local.tzinfo
    lines = [
        alert_line(one, hearing.language)
        + " "
        + hearing.say(
            "alert.since", at=f"{datetime.fromtimestamp(one['raised_at'] / 1000, zone):%d/%m %H:%M}"
        )
        for one in found["alerts"]
    ]
    text = "\n\n".join(lines) or hearing.say("alert.none")
    return Heard(hearing.contact, Outgoing(render.fit(text, hearing.abilities)))


def alert_line(one: Mapping[str, Any], language: str) -> str:
    """An alert in a sentence, with what to do."""
    figures = {name: number(value, language) for name, value in one["figures"].items()}
    channel = one["about"].partition(":")[2]
    return say(
        language,
        f"alert.{one['kind']}",
        title=one["title"],
        code=one["campaign"],
        channel=_channel(channel, language) if one["kind"] == "delivery" else "",
        **figures,
    )


ALERTED = 4
"""Campaigns with a button below alerts."""


@maker("staff.alerts")
def _alerts(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    lines = [say(language, "alert.head"), *(alert_line(one, language) for one in params["alerts"])]
    codes = dict.fromkeys(one["campaign"] for one in params["alerts"] if one["campaign"])
    rows = tuple(
        (button(language, "button.progress_of", "progress", of, code=of),) for of in list(codes)[:ALERTED]
    )
    return Outgoing(render.fit("\n\n".join(lines), abilities), rows if abilities.buttons else ())


_ON = frozenset({"bat", "mo", "co", "nhan", "on", "yes"})
_OFF = frozenset({"tat", "dung", "thoi", "khong", "off", "no", "stop"})


def summaries(desk: Desk, hearing: Hearing, argument: str) -> Heard:
    """``/tomtat bật|tắt``: whether summaries come by themselves."""
    word = fold(argument)
    if word not in _ON | _OFF:
        standing = perform(act(hearing), "digest.set", {})
        told = hearing.say("digest.wanted" if standing["wanted"] else "digest.unwanted")
        return Heard(hearing.contact, Outgoing(f"{told}\n{hearing.say('digest.how')}"))
    set_ = perform(act(hearing), "digest.set", {"wanted": word in _ON})
    return Heard(hearing.contact, Outgoing(hearing.say("digest.on" if set_["wanted"] else "digest.off")))


@maker("staff.digest")
def digest_message(params: Mapping[str, Any], language: str, abilities: Abilities) -> Outgoing:
    """All campaigns of a member of staff in a few lines each."""
    why = ", ".join(say(language, f"digest.occasion.{each}") for each in params["occasions"])
    on = day(date.fromisoformat(params["at"][:10]))
    lines = [say(language, "digest.head", day=on, why=why)]
    for one in params["campaigns"]:
        lines += ["", *_digested(one, language)]
    if params["more"]:
        lines += ["", say(language, "digest.more")]
    if not params["campaigns"]:
        lines += ["", say(language, "digest.nothing")]
    notes = [deadline_line(each, language) for each in params["deadlines"]]
    if params["standing"]:
        notes.append(say(language, "digest.alerts", n=params["standing"]))
    lines += ["", *notes, say(language, "digest.foot")]
    rows = tuple(
        (button(language, "button.progress_of", "progress", one["code"], code=one["code"]),)
        for one in params["campaigns"][:8]
    )
    return Outgoing(render.fit("\n".join(lines), abilities), rows if abilities.buttons else ())


def _digested(one: Mapping[str, Any], language: str) -> list[str]:
    whole = one["cases"] if one["mode"] != "open" else one["started"]
    lines = [
        f"{one['title']} ({one['code']})",
        say(
            language,
            "digest.campaign",
            n=of_all(one["answered"], whole, language),
            last_week=number(one["last_week"], language),
            days=one["days_left"],
        ),
    ]
    forecast = one["forecast"]
    if one["status"] == "paused":
        lines.append(say(language, "digest.paused"))
    elif forecast is not None and forecast["outlook"] in ("behind", "on_track", "reached"):
        lines.append(
            say(
                language,
                f"digest.outlook.{forecast['outlook']}",
                expected=_or_dash(forecast["expected"], language),
                target=number(forecast["target"], language),
                needed=_or_dash(forecast["needed_per_day"], language),
            )
        )
    return lines


_WHICH = choosing(progress, "progress", *RUNNING, Status.CLOSED)

PROGRESS: Mapping[str, Handler] = {
    "progress": progress,
    "waiting": choosing(waiting, "waiting", *RUNNING),
    "alerts": listed_alerts,
    "digest": summaries,
}
"""Commands about progress, by name."""
