"""What a person types that is neither an answer nor a command anywhere: a wish about the list they see.

Who is in a repeat, one more, nobody else, take Lan out, change number two, the next page, where is income?
What these words mean depends on what is asked and who is there, so they are read here, before the engine
reads an answer; and only where they can't be one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.buttons import template
from bot.pages import listing, page_of
from bot.questionnaires import Prepared
from surveys import interview as engine
from surveys.forms import Kind
from surveys.interview import AddAnother, Ask, Confirming, Focus, Member, Prompt, Review, Roster, State
from surveys.letters import fold
from surveys.replies import clean, find_code, read_command, read_enough
from surveys.words import Lexicon, Words, core, even, meanings, words


@dataclass(frozen=True, slots=True)
class Aside:
    """Something that is not an answer: ``name`` says what, ``argument`` with what."""

    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """An open interview as the person has it before them: its state, what is asked, who is in its repeats,
    the page of the list they see. What is asked is worked out only if somebody wants to know.
    """

    state: State
    prompt: Callable[[], Prompt]
    rosters: Callable[[], Sequence[Roster]]
    page: int = 0


def standing(
    prepared: Prepared,
    state: State,
    about: engine.Context,
    after: engine.Step | None = None,
    page: int = 0,
) -> Standing:
    """How an interview stands. ``after``: the step that led to exactly this state."""

    def prompt() -> Prompt:
        return engine.prompt(prepared.questionnaire, state, about, after)

    def rosters() -> Sequence[Roster]:
        return overview(prepared, state, about).rosters

    return Standing(state, prompt, rosters, page)


def overview(prepared: Prepared, state: State, about: engine.Context) -> Review:
    """Everything answered so far and everybody in every repeat, whatever is asked now."""
    seen = engine.prompt(prepared.questionnaire, replace(state, focus=Focus(None), submitted=False), about)
    assert isinstance(seen, Review)
    return seen


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────

LONGEST = 60
"""Characters of a message that can be a wish."""

_REMOVING = Lexicon(
    """
    bỏ, bỏ ra, bỏ bớt, bỏ đi, xóa, xóa bỏ, loại, loại bỏ, loại ra, gạch, gạch tên, bớt, trừ, xin bỏ, xin xóa,
    muốn bỏ, muốn xóa, tôi muốn bỏ, tôi muốn xóa, remove, delete, take out, drop
    """
)
_CHANGING = Lexicon(
    "sửa, sửa lại, muốn sửa, tôi muốn sửa, chỉnh, chỉnh sửa, đổi, change, edit, correct, xem, xem lại, show"
)
_ADDING = Lexicon("thêm, thêm một, thêm 1, ghi thêm, còn, add, add one, add a, one more, another, more")
_LISTING = Lexicon(
    """
    danh sách, xem danh sách, cho xem danh sách, xem lại danh sách, list, list of, the list, show list, show
    the list
    """
)
_KINDS = Lexicon(
    """
    người, người số, người thứ, thành viên, thành viên số, thành viên thứ, số, thứ, mục, mục số, dòng, ông,
    bà, anh, chị, em, cô, chú, bác, cháu, con, tên, number, member, person, item, entry, no
    """
)
_MORE = frozenset(
    {
        "con",
        "con nua",
        "con a",
        "con nguoi nua",
        "them",
        "them nua",
        "nua",
        "them di",
        "another",
        "more",
        "one more",
    }
)
"""*Is there another?* – there is (plain words)."""
_NO_MORE = frozenset(
    {
        "het",
        "het roi",
        "xong",
        "xong roi",
        "du",
        "du roi",
        "thoi",
        "khong con",
        "khong con ai",
        "done",
        "none",
    }
)
_GO_ON = frozenset({"xong", "xong roi", "tiep", "tiep tuc", "dung roi", "du roi", "du", "roi", "done", "ok"})
_NEXT = frozenset({"tiep", "tiep theo", "trang sau", "xem tiep", "sau", "next", "next page", "more"})
_PREVIOUS = frozenset({"truoc", "trang truoc", "lui", "previous", "prev", "previous page"})
_FINDING = Lexicon(
    "tìm, tìm kiếm, tìm câu, tìm lại, xem lại, xem lại câu, xem câu, find, search, review, show"
)
_LOOKING = Lexicon("xem lại, xem lại câu, review")
_NUMBER = re.compile(r"[0-9]{1,3}")


def read(text: str, prepared: Prepared, now: Standing) -> engine.Event | Aside | None:
    """What ``text`` wishes about the list before the person or the members of a repeat; None for anything
    else.
    """
    said = clean(text, LONGEST + 1)
    if not said or len(said) > LONGEST or "?" in said or said.startswith("/"):
        return None
    heard = words(even(said))
    if not heard or len(heard) > 10:
        return None
    found = _turned(heard, now) or _searched(said, heard, now)
    if found is not None or not prepared.repeats:
        return found
    return _about_members(heard, now) or _bare_name(said, heard, now)


def _plain(heard: Words) -> str:
    return " ".join(word.plain for word in heard)


def _turned(heard: Words, now: Standing) -> Aside | None:
    """Another page of the list before the person, if there is one that way."""
    meant, plain = meanings(heard), _plain(heard)
    onward = plain in _NEXT or "next_page" in meant
    if not onward and plain not in _PREVIOUS and "previous_page" not in meant:
        return None
    length, size, whole = listing(now.prompt())
    here = page_of(length, size, now.page, whole)
    wanted = here.number + (1 if onward else -1)
    return Aside("page", str(wanted)) if 0 <= wanted < here.total else None


def _searched(said: str, heard: Words, now: Standing) -> Aside | None:
    """Words to look for among the answers: while they are shown, or after *xem lại* at any time but where any
    text can be the answer.
    """
    length = _FINDING.at(heard, 0)
    if not 0 < length < len(heard) or meanings(heard) or meanings(core(heard)):
        return None
    prompt = now.prompt()
    if not isinstance(prompt, Review):
        free = isinstance(prompt, Ask) and prompt.kind is Kind.TEXT
        if free or not 0 < _LOOKING.at(heard, 0) < len(heard):
            return None
    rest = _after(said, length)
    number = _NUMBER.fullmatch(rest)
    return None if number else Aside("find", rest)


def _after(said: str, count: int) -> str:
    """``said`` without its first ``count`` words, as written."""
    found = list(re.finditer(r"[^\W_]+", said))
    return said[found[count].start() :] if count < len(found) else ""


# ── members ─────────────────────────────────────────────────────────────────────────────────────────────────


def _about_members(heard: Words, now: Standing) -> engine.Event | Aside | None:
    meant, plain = meanings(heard) | meanings(core(heard)), _plain(heard)
    prompt = now.prompt()
    found: engine.Event | Aside | None = None
    match prompt:
        case Confirming():
            return _settled(meant)
        case AddAnother():
            found = _another(heard, meant, plain, prompt)
        case Roster():
            found = _on_roster(heard, meant, plain, prompt)
        case _:
            if "add" in meant or _ADDING.at(heard, 0):
                found = _added(heard, meant, prompt, now)
    if found is None and ("roster" in meant or _LISTING.at(heard, 0)):
        found = _listed(heard, prompt, now)
    return found or _named(heard, prompt, now)


def _bare_name(said: str, heard: Words, now: Standing) -> Aside | None:
    """A name alone, below the list of members; a name nobody there has is none of anything else."""
    prompt = now.prompt()
    if not isinstance(prompt, Roster) or read_command(said) or read_enough(said) or find_code(said):
        return None
    member = _called(prompt.members, _plain(heard))
    return Aside("member", member.ref) if member is not None else Aside("nobody", said)


def _settled(meant: frozenset[str]) -> engine.Event | None:
    """A yes or no to what was asked back."""
    yes = "yes" in meant
    no = bool(meant & {"no", "none", "unclear", "keep", "back", "skip"})
    return engine.Confirm(yes) if yes != no else None


def _listed(heard: Words, prompt: Prompt, now: Standing) -> engine.Event | Aside | None:
    """The list of the repeat that is named, or of the one the person is in."""
    whole, rest = _plain(heard), _plain(heard[_LISTING.at(heard, 0) :])
    for roster in now.rosters() if rest else ():
        if fold(roster.label) in (rest, whole):
            return engine.ShowRoster(roster.ref)
    if rest and "roster" not in meanings(heard):
        return None
    if isinstance(prompt, Ask) and any(fold(each.label) == whole for each in prompt.choices):
        return None
    here = _here(prompt)
    if here is None and len([each for each in now.rosters() if "[" not in each.ref]) > 1:
        return Aside("lists")
    return engine.ShowRoster(here)


def _here(prompt: Prompt) -> str | None:
    """The repeat that is asked about or shown; None for the engine to tell."""
    if isinstance(prompt, AddAnother | Roster):
        return prompt.ref
    if isinstance(prompt, Ask) and prompt.members:
        return re.sub(r"\[[0-9]+\]$", "", prompt.members[-1].ref)
    return None


def _another(heard: Words, meant: frozenset[str], plain: str, prompt: AddAnother) -> engine.Event | None:
    """An answer to *is there another?*"""
    if "no_more" in meant or plain in _NO_MORE or meant & {"no", "none"}:
        return engine.NoMore(prompt.ref)
    if "add" in meant or plain in _MORE or "yes" in meant or _says_more(heard, prompt.label):
        return engine.Add(prompt.ref)
    return None


def _says_more(heard: Words, label: str) -> bool:
    """*Thêm thửa đất*, where that is what the repeat is called."""
    length = _ADDING.at(heard, 0)
    return length > 0 and _plain(heard[length:]) in ("", fold(label), f"{fold(label)} nua")


def _on_roster(
    heard: Words, meant: frozenset[str], plain: str, prompt: Roster
) -> engine.Event | Aside | None:
    """What is typed below the list of members."""
    if plain in _GO_ON or "no_more" in meant or "submit" in meant or "keep" in meant:
        return engine.Keep()
    if "add" in meant or _says_more(heard, prompt.label):
        return engine.Add(prompt.ref)
    if _NUMBER.fullmatch(plain):
        member = _numbered(int(plain), prompt.members)
        return Aside("member", member.ref) if member else Aside("nobody", plain)
    return None


def _added(heard: Words, meant: frozenset[str], prompt: Prompt, now: Standing) -> engine.Event | Aside | None:
    """*Thêm thửa ruộng*, *thêm người*, whatever is asked: to the repeat that is named, else the one they
    are in, else the only one there is.
    """
    named = _plain(heard[_ADDING.at(heard, 0) :])
    for roster in _nearest(prompt, now) if named else ():
        if fold(roster.label) == named:
            return engine.Add(roster.ref)
    if "add" not in meant or (isinstance(prompt, Ask) and prompt.kind is Kind.TEXT and len(heard) < 2):
        return None
    ref = _here(prompt)
    if ref is None:
        outer = [each for each in now.rosters() if "[" not in each.ref]
        if len(outer) != 1:
            return Aside("lists")
        ref = outer[0].ref
    return engine.Add(ref)


def _named(heard: Words, prompt: Prompt, now: Standing) -> engine.Event | Aside | None:
    """*Bỏ người 3*, *xoá Lan*, *sửa Lan*: a member by number or name."""
    removing, changing = _REMOVING.at(heard, 0), _CHANGING.at(heard, 0)
    length = max(removing, changing)
    if not 0 < length < len(heard) or meanings(heard):
        return None
    rest = heard[length:]
    kind = _KINDS.at(rest, 0)
    whole, bare, called = _plain(rest), _plain(rest[kind:]), _plain(rest[:kind])
    listed = isinstance(prompt, Roster | AddAnother)
    numbered = bool(_NUMBER.fullmatch(bare)) and (
        called in _OF_PEOPLE or (listed and not changing > removing)
    )
    found = None
    for roster in _nearest(prompt, now):
        own = whole.removeprefix(fold(roster.label)).strip()
        if _NUMBER.fullmatch(own) and own != whole:
            found = _numbered(int(own), roster.members)
        elif _NUMBER.fullmatch(bare):
            # Where no list is shown, "sửa 3" is answer 3, and "bỏ 3" may be anything.
            here = called in _OF_PEOPLE or (listed and roster.ref == getattr(prompt, "ref", ""))
            found = _numbered(int(bare), roster.members) if here else None
        else:
            found = _called(roster.members, whole, bare, own)
        if found is not None:
            return engine.Remove(found.ref) if removing >= changing else Aside("member", found.ref)
    # Only where nothing else can be meant: "bỏ học" is an answer.
    return Aside("nobody", whole) if numbered or (listed and not _NUMBER.fullmatch(bare)) else None


_OF_PEOPLE = frozenset(
    {"nguoi", "nguoi so", "nguoi thu", "thanh vien", "thanh vien so", "thanh vien thu", "member", "person"}
)


def _nearest(prompt: Prompt, now: Standing) -> Sequence[Roster]:
    """The repeats with members, the one that is asked about or shown first."""
    rosters = now.rosters()
    if isinstance(prompt, AddAnother | Roster):
        first = prompt.ref
    elif isinstance(prompt, Ask) and prompt.members:
        first = prompt.members[-1].ref.rpartition("[")[0]
    else:
        return rosters
    return sorted(rosters, key=lambda roster: (roster.ref != first, template(roster.ref) != template(first)))


def _numbered(number: int, members: Iterable[Member]) -> Member | None:
    return next((member for member in members if member.number == number), None)


def _called(members: Sequence[Member], *wanted: str) -> Member | None:
    """The one member called so: by the whole name, else by the last words of it (``Lan`` of ``Nguyễn Thị
    Lan``); None where two are.
    """
    for meant in wanted:
        for fits in (_wholly, _at_end):
            found = [member for member in members if meant and fits(fold(member.name), meant)]
            if len(found) == 1:
                return found[0]
            if found:
                return None
    return None


def _wholly(name: str, wanted: str) -> bool:
    return _plain(words(name)) == wanted


def _at_end(name: str, wanted: str) -> bool:
    return _plain(words(name)).endswith(f" {wanted}")
