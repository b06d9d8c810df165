"""The only gate: whatever staff do, by chat, page or command line, passes here.

An action is a function with a name, a struct of arguments, and an *aim*: the areas it touches. Which roles
may do it stands in :data:`surveys.roles.MAY`. :func:`perform` reads the arguments, finds the aim, asks
whether a grant of the actor reaches it, runs the action and writes the audit row. It never opens a
transaction: the caller's turn or command is the transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from storage import accounts, areas, audit
from storage.crypto import Keyring
from surveys.areas import AreaKey
from surveys.problems import Problem
from surveys.roles import BY_CONTACT, MAY, Grant, Role, covers, in_force, scope

if TYPE_CHECKING:
    from sqlalchemy import Connection


VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an account (by chat, with the contact it used), a contact, or a user of the operating system.

    ``system_user`` may do one thing, make the first account; from then on it acts as the account bound to it.
    """

    account_id: int | None = None
    contact_id: int | None = None
    system_user: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """What an action needs of the world. ``grants`` are those that allowed it, put in by the gate; ``zone``
    is where the office's clock stands.
    """

    connection: Connection
    keyring: Keyring
    actor: Actor
    now_ms: int
    today: date
    channel: str
    grants: tuple[Grant, ...] = ()
    zone: ZoneInfo = VIETNAM

    @property
    def scope(self) -> frozenset[AreaKey] | None:
        """The areas the actor may see by this action, with all below them; None: everywhere."""
        return scope(self.grants)


@dataclass(frozen=True, slots=True)
class Aim:
    """What an action touches: areas (None among them: everywhere), and a thing by kind and id
    (``campaign:12``).

    An empty ``areas`` asks for nothing but a grant in force: what is done is not tied to a place, or is
    limited to the actor's scope by the action itself.
    """

    areas: tuple[AreaKey | None, ...] = ()
    target: str = ""


EVERYWHERE: tuple[AreaKey | None, ...] = (None,)

Given = TypeVar("Given", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Action(Generic[Given]):
    """One entry of the registry. ``founding``: may be done by the system's user while there is no account
    at all.

    ``bulk`` marks what writes many rows and should not keep people's turns waiting.
    """

    name: str
    arguments: type[Given]
    roles: frozenset[Role]
    aim: Callable[[Act, Given], Aim]
    run: Callable[[Act, Given], Any]
    by_contact: bool = False
    founding: bool = False
    bulk: bool = False


ACTIONS: dict[str, Action[Any]] = {}
"""Every action by name. Filled by the modules of this package."""


Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""What the tables can hold: ids and instants."""


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an action is given. Fields are read from text, too: ``"12"`` where a number is wanted."""


class Nothing(Arguments, frozen=True):
    """No arguments."""


def nowhere(_act: Act, _given: Any) -> Aim:
    """The aim of what is tied to no place."""
    return Aim()


def everywhere(_act: Act, _given: Any) -> Aim:
    """The aim of what concerns every area."""
    return Aim(EVERYWHERE)


def action(
    name: str,
    arguments: type[Given],
    aim: Callable[[Act, Given], Aim] = nowhere,
    *,
    founding: bool = False,
    bulk: bool = False,
) -> Callable[[Callable[[Act, Given], Any]], Callable[[Act, Given], Any]]:
    """Register a function as the action ``name``, which :data:`surveys.roles.MAY` must know."""

    def register(run: Callable[[Act, Given], Any]) -> Callable[[Act, Given], Any]:
        by_contact = name in BY_CONTACT
        roles = frozenset() if by_contact else MAY[name]
        ACTIONS[name] = Action(name, arguments, roles, aim, run, by_contact, founding, bulk)
        return run

    return register


def perform(act: Act, name: str, arguments: Mapping[str, Any]) -> Any:
    """Do what ``name`` says, or refuse.

    Raises Problem ``not_allowed`` (403) when no grant of the actor reaches what is touched, whether or not
    that exists; ``action_unknown``; ``argument_missing``, ``argument_unknown`` or ``argument_wrong`` naming
    the field; and whatever the action raises. The audit row of a refusal or failure is written before the
    Problem is raised, and nothing else is: the caller should still commit (see :func:`settle`).
    """
    asked = ACTIONS.get(name)
    if asked is None:
        raise Problem("action_unknown", status=404, action=name)
    given = read(asked, arguments)
    act = replace(act, grants=_grants(act, asked))
    aim = _aim(act, asked, given)
    if aim is None or not _allowed(act, asked, aim):
        raise _recorded(Problem("not_allowed", status=403), _record(act, name, aim or Aim(), "refused"))
    try:
        with act.connection.begin_nested():
            result = asked.run(act, given)
    except Problem as problem:
        _recorded(problem, _record(act, name, aim, "failed"))
        raise
    made = result.get("id") if isinstance(result, Mapping) else None
    if not aim.target and made is not None:
        aim = replace(aim, target=f"{name.partition('.')[0]}:{made}")
    _record(act, name, aim, "done")
    return result


def settle(act: Act, name: str, arguments: Mapping[str, Any]) -> Any | Problem:
    """As :func:`perform`, with a Problem returned, so that the transaction commits its audit row."""
    try:
        return perform(act, name, arguments)
    except Problem as problem:
        return problem


def _grants(act: Act, asked: Action[Any]) -> tuple[Grant, ...]:
    if act.actor.account_id is None:
        return ()
    return in_force(accounts.grants_of(act.connection, act.actor.account_id), asked.roles, act.today)


def _aim(act: Act, asked: Action[Any], given: Any) -> Aim | None:
    """What is touched; None when it is not there and the actor may not know that."""
    try:
        return asked.aim(act, given)
    except Problem as problem:
        if problem.status != 404:
            raise
        if act.scope is None:
            _recorded(problem, _record(act, asked.name, Aim(), "failed"))
            raise
        return None


def _allowed(act: Act, asked: Action[Any], aim: Aim) -> bool:
    if asked.by_contact:
        return act.actor.contact_id is not None
    if asked.founding and act.actor.system_user is not None and act.actor.account_id is None:
        return not accounts.any_account(act.connection)
    return bool(act.grants) and all(reaches(act, area) for area in aim.areas)


def reaches(act: Act, area: AreaKey | None) -> bool:
    """Whether the grants that allowed the action reach ``area`` (None: everywhere)."""
    return covers(act.grants, area, () if area is None else areas.line(act.connection, area))


def may(act: Act, name: str, area: AreaKey) -> bool:
    """Whether the actor may do what ``name`` says in an area: to offer it, never in place of the gate."""
    return reaches(replace(act, grants=_grants(act, ACTIONS[name])), area)


def _record(act: Act, name: str, aim: Aim, outcome: str) -> audit.Entry:
    entry = audit.Entry(
        at=act.now_ms,
        account_id=act.actor.account_id,
        contact_id=act.actor.contact_id,
        channel=act.channel,
        action=name,
        area=aim.areas[0] if aim.areas else None,
        target=aim.target,
        outcome=outcome,
    )
    audit.record(act.connection, entry)
    return entry


def _recorded(problem: Problem, entry: audit.Entry) -> Problem:
    problem.audited = entry
    return problem


def record_again(connection: Connection, problem: Problem) -> None:
    """Write the audit row of a refusal or failure once more, for a caller who undid everything around it."""
    if isinstance(problem.audited, audit.Entry):
        audit.record(connection, problem.audited)


# Arguments


def read(asked: Action[Given], arguments: Mapping[str, Any]) -> Given:
    """The arguments as the action's struct; a Problem names the field that can't be taken."""
    try:
        if rb"\u0000" in msgspec.json.encode(arguments):
            raise Problem("argument_wrong", field="…")
    except UnicodeEncodeError:
        # Half a character: no text, and nothing a database would take.
        raise Problem("argument_wrong", field="…") from None
    try:
        return msgspec.convert(dict(arguments), asked.arguments, strict=False)
    except msgspec.ValidationError as error:
        raise _misread(str(error)) from None


_WHERE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_FIELD = re.compile(r"^Object (missing required|contains unknown) field `(?P<field>[^`]*)`")


def _misread(message: str) -> Problem:
    """msgspec's sentence as a Problem; what was given is not repeated, since it may be a person's."""
    where = _WHERE.search(message)
    path = where["path"] if where else ""
    named = _FIELD.match(message)
    if named is None:
        return Problem("argument_wrong", field=path or "…")
    field = f"{path}.{named['field']}".lstrip(".")
    return Problem("argument_missing" if named[1].startswith("missing") else "argument_unknown", field=field)


def area_key(text: str) -> AreaKey:
    """``2025-07-01/26734`` as *(vintage, code)*. Raises Problem ``area_key_wrong``."""
    vintage, slash, code = text.strip().partition("/")
    if not (slash and re.fullmatch(r"\d{4}-\d{2}-\d{2}", vintage) and re.fullmatch(r"[\w.-]{1,20}", code)):
        raise Problem("area_key_wrong", area=text[:40])
    return vintage, code


def area_text(area: AreaKey | None) -> str | None:
    """An area's key as :func:`area_key` reads it; None stays None."""
    return None if area is None else "/".join(area)
