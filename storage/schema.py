"""The tables. Instants are milliseconds since 1970 in UTC; ``*_sealed`` columns are encrypted (see
:mod:`storage.crypto`).

Areas are always keyed by *(vintage, code)*: codes were used again when boundaries changed, a code alone
names nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")
Instant = BigInteger

parameters = Table(
    "parameters",
    metadata,
    Column("name", String(80), nullable=False),
    Column("version", Integer, nullable=False),
    Column("value", Text, nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("set_by", Id, ForeignKey("accounts.id")),
    PrimaryKeyConstraint("name", "version"),
)

areas = Table(
    "areas",
    metadata,
    Column("vintage", String(10), nullable=False),
    Column("code", String(20), nullable=False),
    Column("name", String(200), nullable=False),
    Column("type", String(40), nullable=False),
    Column("level", String(20), nullable=False),
    Column("parent", String(20)),
    Column("valid_from", String(10), nullable=False),
    Column("valid_to", String(10)),
    PrimaryKeyConstraint("vintage", "code"),
    Index(None, "vintage", "parent"),
)

conversions = Table(
    "conversions",
    metadata,
    Column("old_vintage", String(10), nullable=False),
    Column("old_code", String(20), nullable=False),
    Column("new_vintage", String(10), nullable=False),
    Column("new_code", String(20), nullable=False),
    Column("old_name", String(300), nullable=False, server_default=""),
    Column("kind", String(20), nullable=False),
    Column("share", Float),
    Column("source", String(500), nullable=False, server_default=""),
    PrimaryKeyConstraint("old_vintage", "old_code", "new_vintage", "new_code"),
    Index(None, "new_vintage", "new_code"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name_sealed", LargeBinary, nullable=False),
    Column("os_user", String(80), key="system_user", unique=True),
    Column("status", String(10), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("no_digest_at", Instant),
    CheckConstraint("status IN ('active', 'closed')", name="status"),
)

grants = Table(
    "grants",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("accounts.id"), nullable=False),
    Column("role", String(40), nullable=False),
    Column("area_vintage", String(10)),
    Column("area_code", String(20)),
    Column("valid_from", String(10), nullable=False),
    Column("valid_to", String(10)),
    Column("granted_by", Id, ForeignKey("accounts.id")),
    Column("granted_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Index(None, "account_id"),
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel", String(20), nullable=False),
    Column("address_lookup", LargeBinary, nullable=False),
    Column("address_sealed", LargeBinary, nullable=False),
    Column("account_id", Id, ForeignKey("accounts.id")),
    Column("status", String(10), nullable=False),
    Column("opted_out_at", Instant),
    Column("preferred", Integer),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("address_lookup"),
    Index(None, "account_id"),
    CheckConstraint("status IN ('active', 'blocked')", name="status"),
)
"""``opted_out_at``: since then nothing of our own accord is sent there; ``preferred`` is the minute of the
day at which somebody wants such messages.
"""

sessions = Table(
    "sessions",
    metadata,
    Column("contact_id", Id, ForeignKey("contacts.id"), primary_key=True),
    Column("language", String(8), nullable=False),
    Column("interview_id", Id, ForeignKey("interviews.id")),
    Column("misread", Integer, nullable=False, server_default="0"),
    Column("page", Integer, nullable=False, server_default="0"),
    Column("writing", String(40), nullable=False, server_default=""),
    Column("version", Integer, nullable=False),
    Column("updated_at", Instant, nullable=False),
)
"""``writing``: whom the next words go to, if not to the question asked (:mod:`bot.questions`)."""

forms = Table(
    "forms",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("form_id", String(200), nullable=False),
    Column("version", String(200), nullable=False),
    Column("title", String(500), nullable=False),
    Column("xform", Text, nullable=False),
    Column("rows", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

form_attachments = Table(
    "form_attachments",
    metadata,
    Column("form_digest", String(64), ForeignKey("forms.digest"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
)

instruments = Table(
    "instruments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("version", String(40), nullable=False),
    Column("form_digest", String(64), ForeignKey("forms.digest"), nullable=False),
    Column("definition", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("name", "version", "form_digest"),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Id, primary_key=True),
    Column("code", String(8), nullable=False, unique=True),
    Column("title", String(300), nullable=False),
    Column("instrument_id", Id, ForeignKey("instruments.id"), nullable=False),
    Column("consent_id", Id, ForeignKey("instruments.id")),
    Column("mode", String(10), nullable=False),
    Column("area_vintage", String(10), nullable=False),
    Column("area_code", String(20), nullable=False),
    Column("starts_on", String(10), nullable=False),
    Column("ends_on", String(10), nullable=False),
    Column("reference_date", String(10), nullable=False),
    Column("legal", Text, nullable=False),
    Column("status", String(10), nullable=False),
    Column("created_by", Id, ForeignKey("accounts.id")),
    Column("created_at", Instant, nullable=False),
    Column("opened_at", Instant),
    Column("closed_at", Instant),
    Column("code_key", String(16)),
    Column("names_forgotten_at", Instant),
    Column("rules", Text),
    Column("design", Text),
    Column("drawn", Text),
    Column("size", Integer),
    Column("changed_by", Id, ForeignKey("accounts.id")),
    Column("approved_by", Id, ForeignKey("accounts.id")),
    Column("approved_at", Instant),
    Column("approved_size", Integer),
    Column("opening_at", Instant),
    Column("made_to", String(250)),
    Column("made_at", Instant),
    Column("paused_at", Instant),
    Column("urged_at", Instant),
    Column("look_again", Boolean, nullable=False, server_default=literal_column("false")),
    CheckConstraint("mode IN ('census', 'sample', 'open')", name="mode"),
    CheckConstraint("status IN ('draft', 'open', 'paused', 'closed', 'archived')", name="status"),
    Index(None, "area_vintage", "area_code"),
)
"""``urged_at`` is when staff last asked to remind everybody; ``look_again`` says that cases planned for later
are to be looked at now.
"""

cases = Table(
    "cases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", Id, ForeignKey("campaigns.id"), nullable=False),
    Column("contact_id", Id, ForeignKey("contacts.id")),
    Column("unit", String(10), nullable=False),
    Column("area_code", String(20), nullable=False),
    Column("disposition", String(8), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("household_id", Id),
    Column("person_id", Id),
    Column("neighbourhood", String(100), nullable=False, server_default=""),
    Column("stratum", String(130), nullable=False, server_default=""),
    Column("probability", Float),
    Column("rank", Integer),
    Column("replaces", Id, ForeignKey("cases.id")),
    Column("stage", String(12), nullable=False, server_default="not_started"),
    Column("sent", Integer, nullable=False, server_default="0"),
    Column("last_at", Instant),
    Column("next_at", Instant),
    CheckConstraint("unit IN ('household', 'person')", name="unit"),
    Index(None, "campaign_id", "disposition", "stratum"),
    CheckConstraint("stage IN ('not_started', 'half_done')", name="stage"),
)
"""Of the frame: ``household_id`` and, of a person, ``person_id``; both empty for who came by themselves. They
are no foreign keys: PostgreSQL checks those row by row, a third of the cost of a million cases, and nothing
is ever deleted from the frame.

``sent`` messages of our own accord went out for a case, the last one (or the last answer came) at
``last_at``; ``next_at`` is when to look at it again, whatever its campaign's status: who takes due cases asks
campaign by campaign, so that a pause is one row.
"""


draws = Table(
    "draws",
    metadata,
    Column("campaign_id", Id, ForeignKey("campaigns.id"), nullable=False),
    Column("stratum", String(130), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("household_id", Id, nullable=False),
    Column("person_id", Id),
    PrimaryKeyConstraint("campaign_id", "stratum", "rank"),
)
"""Samples with their reserves: the units of each stratum in the order of the draw, from 1. The first of them
became cases, the next ones replace who is lost.
"""


def _where(name: str, condition: ColumnElement[bool], *columns: Column[Any], unique: bool = False) -> Index:
    """An index of the rows of which ``condition`` holds."""
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


_where("ix_cases_contact", cases.c.contact_id.is_not(None), cases.c.campaign_id, cases.c.contact_id)
_where(
    "uq_cases_household",
    cases.c.household_id.is_not(None) & cases.c.person_id.is_(None),
    cases.c.campaign_id,
    cases.c.household_id,
    unique=True,
)
_where("uq_cases_person", cases.c.person_id.is_not(None), cases.c.campaign_id, cases.c.person_id, unique=True)
_where("uq_cases_replaces", cases.c.replaces.is_not(None), cases.c.replaces, unique=True)
_where("ix_cases_due", cases.c.next_at.is_not(None), cases.c.campaign_id, cases.c.next_at, cases.c.id)

steps = Table(
    "steps",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False),
    Column("household_id", Id),
    Column("outbox_key", String(120), nullable=False),
    PrimaryKeyConstraint("case_id", "step"),
    Index(None, "contact_id", "at"),
)
"""Messages of our own accord: step 0 of a case is its invitation, 1 its first reminder, and so on. A row is
written with its outbox row, before anything is sent: its key is why nothing goes out twice.
"""

_where("ix_steps_household", steps.c.household_id.is_not(None), steps.c.household_id, steps.c.at)

case_contacts = Table(
    "case_contacts",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False),
    Column("since", Instant, nullable=False),
    PrimaryKeyConstraint("case_id", "contact_id"),
    Index(None, "contact_id"),
)
"""Who may answer for a case: one telephone can serve several people, one person several devices."""

invited_members = Table(
    "invited_members",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("household_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("member", Integer, nullable=False),
    Column("brought_sealed", LargeBinary, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Index(None, "household_id", "member"),
)
"""Cases of people out of a household's roster: member ``member`` of the household whose case is
``household_id``. ``brought_sealed`` is what the roster knows of them, for hidden fields.
"""

assists = Table(
    "assists",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("account_id", Id, ForeignKey("accounts.id"), nullable=False),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False),
    Column("way", String(10), nullable=False),
    Column("since", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    PrimaryKeyConstraint("case_id", "account_id"),
    Index(None, "account_id", "changed_at"),
    CheckConstraint("way IN ('proxy', 'assisted')", name="way"),
)
"""Which members of staff write down the answers of a case, and whose answers these are."""

wrong_codes = Table(
    "wrong_codes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "contact_id", "at"),
)

interviews = Table(
    "interviews",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id")),
    Column("instrument_id", Id, ForeignKey("instruments.id")),
    Column("stage", String(10), nullable=False),
    Column("way", String(10), nullable=False),
    Column("document_sealed", LargeBinary, nullable=False),
    Column("status", String(10), nullable=False),
    Column("version", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("trial_id", Id, ForeignKey("trials.id")),
    UniqueConstraint("case_id", "stage"),
    CheckConstraint("stage IN ('consent', 'main', 'wizard', 'trial')", name="stage"),
    CheckConstraint("way IN ('self', 'proxy', 'assisted')", name="way"),
    CheckConstraint("status IN ('open', 'submitted', 'withdrawn')", name="status"),
    CheckConstraint("(stage = 'trial') = (trial_id IS NOT NULL)", name="trial"),
    CheckConstraint("(stage = 'trial') = (instrument_id IS NULL)", name="instrument"),
    # Numbers are not given out again: old buttons name interviews, and those of trials are deleted.
    sqlite_autoincrement=True,
)
_where("ix_interviews_trial", interviews.c.trial_id.is_not(None), interviews.c.trial_id)

answer_log = Table(
    "answer_log",
    metadata,
    Column("id", Id, primary_key=True),
    Column("interview_id", Id, ForeignKey("interviews.id"), nullable=False),
    Column("contact_id", Id, ForeignKey("contacts.id")),
    Column("ref", String(500), nullable=False),
    Column("value_sealed", LargeBinary),
    Column("missing", String(12)),
    Column("way", String(10), nullable=False),
    Column("what", String(10), nullable=False, server_default="answer"),
    Column("message", String(40)),
    Column("at", Instant, nullable=False),
    CheckConstraint("what IN ('answer', 'added', 'removed')", name="what"),
    Index(None, "interview_id"),
    Index(None, "contact_id", "message"),
)

media = Table(
    "media",
    metadata,
    Column("id", Id, primary_key=True),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False),
    Column("interview_id", Id, ForeignKey("interviews.id", ondelete="CASCADE")),
    Column("ref", String(500)),
    Column("name", String(60), nullable=False, unique=True),
    Column("kind", String(10), nullable=False),
    Column("type", String(100), nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", LargeBinary),
    Column("status", String(10), nullable=False),
    Column("handle_sealed", LargeBinary),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("status IN ('waiting', 'kept', 'failed')", name="status"),
    Index(None, "interview_id"),
    Index(None, "status", "due_at"),
)
"""Files that people sent. Without an interview: uploaded a moment ago, and not an answer yet."""

media_pieces = Table(
    "media_pieces",
    metadata,
    Column("media_id", Id, ForeignKey("media.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("piece_sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("media_id", "number"),
)

trials = Table(
    "trials",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("accounts.id"), nullable=False),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False),
    Column("media_id", Id),
    Column("name_sealed", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False),
    Column("report", Text),
    Column("form_id", String(200), nullable=False, server_default=""),
    Column("version", String(200), nullable=False, server_default=""),
    Column("title", String(500), nullable=False, server_default=""),
    Column("digest", String(64), nullable=False, server_default=""),
    Column("xform", Text),
    Column("rows", Text),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Index(None, "account_id"),
    Index(None, "media_id"),
    Index(None, "created_at"),
    CheckConstraint("state IN ('coming', 'checking', 'ready', 'refused', 'failed')", name="state"),
    sqlite_autoincrement=True,
)
"""Forms that members of staff sent to be tried before anything is published. ``media_id`` is the file while
it waits to be checked; the form itself is there when it is ``ready``.
"""

trial_files = Table(
    "trial_files",
    metadata,
    Column("trial_id", Id, ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""What came with such a form."""

upload_links = Table(
    "upload_links",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False),
    Column("interview_id", Id, ForeignKey("interviews.id", ondelete="CASCADE"), nullable=False),
    Column("ref", String(500), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index(None, "contact_id"),
    Index(None, "expires_at"),
)

submissions = Table(
    "submissions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("interview_id", Id, ForeignKey("interviews.id"), nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("campaign_id", Id, ForeignKey("campaigns.id"), nullable=False),
    Column("instrument_id", Id, ForeignKey("instruments.id"), nullable=False),
    Column("stage", String(10), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("receipt", String(16), nullable=False, unique=True),
    Column("document_sealed", LargeBinary, nullable=False),
    Column("channel", String(20), nullable=False),
    Column("way", String(10), nullable=False),
    Column("account_id", Id, ForeignKey("accounts.id")),
    Column("at", Instant, nullable=False),
    UniqueConstraint("interview_id", "revision"),
    Index(None, "campaign_id", "stage"),
)
"""``account_id``: who of the staff wrote the answers down, where they did not come from the people
themselves.
"""

consents = Table(
    "consents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("submission_id", Id, ForeignKey("submissions.id"), nullable=False),
    Column("contact_id", Id, ForeignKey("contacts.id")),
    Column("channel", String(20), nullable=False),
    Column("text_digest", String(64), nullable=False),
    Column("toggles", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "case_id"),
)

consent_texts = Table(
    "consent_texts",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("language", String(8), nullable=False),
    Column("text", Text, nullable=False),
    Column("first_shown_at", Instant, nullable=False),
)

private_values = Table(
    "private_values",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("ref", String(500), nullable=False),
    Column("value_sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("case_id", "ref"),
)
"""What identifies people in the newest submission of a case, apart from their answers."""

person_rows = Table(
    "person_rows",
    metadata,
    Column("id", Id, primary_key=True),
    Column("submission_id", Id, ForeignKey("submissions.id"), nullable=False),
    Column("campaign_id", Id, ForeignKey("campaigns.id"), nullable=False),
    Column("instrument_id", Id, ForeignKey("instruments.id"), nullable=False),
    Column("pseudonym", String(32), nullable=False),
    Column("household", String(32)),
    Column("member", Integer, nullable=False),
    Column("place", Integer, nullable=False),
    Column("area_code", String(20), nullable=False),
    Column("way", String(10), nullable=False),
    Column("unit", String(10), nullable=False),
    Column("row_sealed", LargeBinary, nullable=False),
    Column("current", Boolean, nullable=False),
    UniqueConstraint("submission_id", "place"),
    Index(None, "campaign_id", "current"),
)
"""Coded rows: of the unit a submission is about (``member`` and ``place`` 0) and of each of its members.
``member`` is theirs for good, ``place`` where they stand in this submission; ``household`` is the pseudonym
of the household somebody belongs to.
"""

_cell = (
    ("campaign_id", Id),
    ("instrument_id", Id),
    ("unit", String(10)),
    ("way", String(10)),
    ("area_code", String(20)),
    ("sex", String(8)),
    ("age_band", String(12)),
    ("item", String(80)),
    ("outcome", String(40)),
)
CELL = tuple(name for name, _ in _cell)
"""The dimensions of a count: ledger and cube have the same."""

ledger = Table(
    "ledger",
    metadata,
    Column("id", Id, primary_key=True),
    Column("submission_id", Id, nullable=False),
    *(Column(name, type_, nullable=False) for name, type_ in _cell),
    Column("delta", Integer, nullable=False),
    Index(None, "campaign_id", "item"),
)

cube = Table(
    "cube",
    metadata,
    *(Column(name, type_, nullable=False) for name, type_ in _cell),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint(
        "campaign_id", "item", "area_code", "sex", "age_band", "outcome", "unit", "way", "instrument_id"
    ),
)

seen_events = Table(
    "seen_events",
    metadata,
    Column("channel", String(20), nullable=False),
    Column("event_id", String(80), nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("channel", "event_id"),
    Index(None, "at"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel", String(20), nullable=False),
    Column("event_id", String(80), nullable=False),
    Column("event_sealed", LargeBinary, nullable=False),
    Column("fault", String(500), nullable=False),
    Column("at", Instant, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel", String(20), nullable=False),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False),
    Column("campaign_id", Id, ForeignKey("campaigns.id")),
    Column("key", String(120), nullable=False, unique=True),
    Column("message", String(80), nullable=False),
    Column("params_sealed", LargeBinary, nullable=False),
    Column("bulk", Boolean, nullable=False),
    Column("state", String(10), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("holder", String(80)),
    Column("epoch", Integer),
    Column("changed_at", Instant, nullable=False),
    Column("fault", String(200)),
    Index(None, "contact_id", "state"),
    CheckConstraint("state IN ('due', 'claimed', 'sent', 'unknown', 'failed', 'dropped')", name="state"),
)
"""Messages. Those of our own accord (``bulk``) belong to a campaign, and wait or go with it.

``claimed``: on its way, or was when its holder ended. Each kind of row that is looked for has an index of its
own, so that nothing grows with what was sent long ago.
"""

_where(
    "ix_outbox_replies",
    literal_column("state = 'due' AND NOT bulk", Boolean),
    outbox.c.channel,
    outbox.c.due_at,
    outbox.c.id,
)
_where(
    "ix_outbox_bulk",
    literal_column("state = 'due' AND bulk", Boolean),
    outbox.c.channel,
    outbox.c.campaign_id,
    outbox.c.due_at,
    outbox.c.id,
)
_where(
    "ix_outbox_claimed",
    outbox.c.state == "claimed",
    outbox.c.channel,
    outbox.c.epoch,
)
_where(
    "ix_outbox_undelivered",
    outbox.c.state.in_(("failed", "unknown")),
    outbox.c.state,
    outbox.c.channel,
    outbox.c.campaign_id,
    outbox.c.id,
)

halts = Table(
    "halts",
    metadata,
    Column("channel", String(20), primary_key=True),
    Column("until", Instant, nullable=False),
    Column("strikes", Integer, nullable=False, server_default="0"),
    Column("bulk_until", Instant, nullable=False, server_default="0"),
)
"""How a channel's account stands: nothing is sent before ``until``, ``strikes`` halts came one upon the
other, and bulk messages are under way until ``bulk_until``, so that prompts keep out of their way.
"""

senders = Table(
    "senders",
    metadata,
    Column("channel", String(20), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("noted_at", Instant, nullable=False),
)
"""Who writes to people on a channel, as its platform calls them: the name in links that lead to our bot."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("holder", String(80), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("until", Instant, nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("account_id", Id, ForeignKey("accounts.id")),
    Column("contact_id", Id, ForeignKey("contacts.id")),
    Column("arguments_sealed", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False),
    Column("progress", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("holder", String(80)),
    Column("held_until", Instant),
    Column("result_sealed", LargeBinary),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    CheckConstraint("state IN ('due', 'running', 'done', 'failed')", name="state"),
    Index(None, "state", "created_at"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("purpose", String(20), nullable=False),
    Column("account_id", Id, ForeignKey("accounts.id")),
    Column("case_id", Id, ForeignKey("cases.id")),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False),
    Column("campaign_id", Id, ForeignKey("campaigns.id")),
    Column("case_id", Id, ForeignKey("cases.id")),
    Column("area_vintage", String(10)),
    Column("area_code", String(20)),
    Column("kind", String(20), nullable=False),
    Column("text_sealed", LargeBinary, nullable=False),
    Column("about_sealed", LargeBinary),
    Column("state", String(10), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_on", String(10), nullable=False),
    Column("waiting_since", Instant),
    Column("told_at", Instant),
    Column("told", Integer, nullable=False, server_default="0"),
    Column("taken_by", Id, ForeignKey("accounts.id")),
    Column("answered_at", Instant),
    Column("answered_by", Id, ForeignKey("accounts.id")),
    CheckConstraint("state IN ('open', 'answered', 'closed')", name="state"),
    Index(None, "state", "due_on"),
    Index(None, "contact_id", "state"),
)
"""What people ask for under the law, or of a human: each the head of a thread of ``messages``. ``area_…`` is
whose staff answers. ``about_sealed``: what was asked of the person when they wrote. Since ``waiting_since``
somebody waits for an answer; staff were ``told`` so often, the last time at ``told_at``.
"""

messages = Table(
    "messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request_id", Id, ForeignKey("requests.id"), nullable=False),
    Column("direction", String(4), nullable=False),
    Column("text_sealed", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
    Column("account_id", Id, ForeignKey("accounts.id")),
    Index(None, "request_id", "id"),
    CheckConstraint("direction IN ('in', 'out')", name="direction"),
)
"""What was said after the first words of a request: by the person (``in``), and by staff (``out``)."""

households = Table(
    "households",
    metadata,
    Column("id", Id, primary_key=True),
    Column("area_vintage", String(10), nullable=False),
    Column("area_code", String(20), nullable=False),
    Column("given_vintage", String(10), nullable=False),
    Column("given_code", String(20), nullable=False),
    Column("neighbourhood", String(100), nullable=False, server_default=""),
    Column("code_lookup", LargeBinary),
    Column("code_sealed", LargeBinary),
    Column("head_sealed", LargeBinary),
    Column("address_sealed", LargeBinary),
    Column("phone_lookup", LargeBinary),
    Column("phone_sealed", LargeBinary),
    Column("status", String(10), nullable=False),
    Column("merged_into", Id, ForeignKey("households.id")),
    Column("import_id", Id, ForeignKey("household_imports.id")),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    UniqueConstraint("given_vintage", "given_code", "code_lookup"),
    Index(None, "area_vintage", "area_code", "neighbourhood", "id"),
    Index(None, "phone_lookup"),
    Index(None, "merged_into"),
    CheckConstraint("status IN ('coming', 'active', 'merged', 'left')", name="status"),
)
"""Households of the frame, in the commune they belong to now (``area_…``) and in the one their list named
(``given_…``): boundaries change, and neither key is ever rewritten without a line in ``household_events``. A
code is its office's, so it is one of a kind in the area that was named. ``coming`` are those of a list that
is on its way in: nobody's until all of it is there.
"""
_where("ix_households_coming", households.c.status == "coming", households.c.import_id)

persons = Table(
    "persons",
    metadata,
    Column("id", Id, primary_key=True),
    Column("household_id", Id, ForeignKey("households.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("name_sealed", LargeBinary),
    Column("sex", String(8), nullable=False, server_default=""),
    Column("birth_sealed", LargeBinary),
    Column("relation", String(12), nullable=False, server_default=""),
    Column("phone_lookup", LargeBinary),
    Column("phone_sealed", LargeBinary),
    Column("status", String(10), nullable=False),
    Column("moved_to", Id, ForeignKey("persons.id")),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Index(None, "household_id", "number"),
    Index(None, "phone_lookup"),
    Index(None, "moved_to"),
    CheckConstraint("status IN ('active', 'moved', 'left', 'duplicate')", name="status"),
)
"""People of the frame. Of somebody under 16 neither name nor telephone is kept."""

household_events = Table(
    "household_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("household_id", Id, ForeignKey("households.id"), nullable=False),
    Column("other_id", Id, ForeignKey("households.id")),
    Column("area_vintage", String(10), nullable=False),
    Column("area_code", String(20), nullable=False),
    Column("what", String(10), nullable=False),
    Column("at", Instant, nullable=False),
    Column("account_id", Id, ForeignKey("accounts.id")),
    Column("import_id", Id, ForeignKey("household_imports.id")),
    Column("undoes", Id, ForeignKey("household_events.id"), unique=True),
    Column("detail_sealed", LargeBinary),
    Index(None, "household_id"),
    Index(None, "other_id"),
    Index(None, "area_vintage", "area_code", "import_id"),
    CheckConstraint(
        "what IN ('imported', 'changed', 'merged', 'split', 'converted', 'left', 'linked', 'undone')",
        name="what",
    ),
)
"""What became of households, append-only. ``area_…`` is where the household was then."""

contact_links = Table(
    "contact_links",
    metadata,
    Column("id", Id, primary_key=True),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False),
    Column("household_id", Id, ForeignKey("households.id"), nullable=False),
    Column("person_id", Id, ForeignKey("persons.id")),
    Column("since", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("how", String(10), nullable=False),
    Index(None, "contact_id"),
    Index(None, "household_id"),
    Index(None, "person_id"),
    CheckConstraint("how IN ('code', 'staff', 'import')", name="how"),
)
"""By which contacts a household, or one person of it, is reached."""

household_imports = Table(
    "household_imports",
    metadata,
    Column("id", Id, primary_key=True),
    Column("area_vintage", String(10)),
    Column("area_code", String(20)),
    Column("account_id", Id, ForeignKey("accounts.id")),
    Column("contact_id", Id, ForeignKey("contacts.id")),
    Column("channel", String(20), nullable=False),
    Column("name_sealed", LargeBinary),
    Column("state", String(10), nullable=False),
    Column("task_id", Id, ForeignKey("tasks.id")),
    Column("summary", Text),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Index(None, "changed_at"),
    Index(None, "account_id"),
    CheckConstraint("state IN ('asked', 'waiting', 'done', 'refused', 'failed')", name="state"),
)
"""Lists of households that were asked for and came; ``summary`` holds numbers alone."""

household_pieces = Table(
    "household_pieces",
    metadata,
    Column("import_id", Id, ForeignKey("household_imports.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("number", Integer, nullable=False),
    Column("piece_sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("import_id", "kind", "number"),
    CheckConstraint("kind IN ('file', 'report', 'remarks')", name="kind"),
)
"""The file while it waits to be read, and the report of it until that is forgotten."""

household_links = Table(
    "household_links",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("import_id", Id, ForeignKey("household_imports.id", ondelete="CASCADE"), nullable=False),
    Column("purpose", String(10), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index(None, "import_id"),
    Index(None, "expires_at"),
    CheckConstraint("purpose IN ('upload', 'report')", name="purpose"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("about", String(60), nullable=False),
    Column("campaign_id", Id, ForeignKey("campaigns.id")),
    Column("figures", Text, nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("told_at", Instant),
    Column("cleared_at", Instant),
    Index(None, "campaign_id"),
)
"""What staff have to look at, raised once and cleared when it is over. ``about`` is a campaign
(``campaign:12``), a channel or a part of the system; ``figures`` are the numbers it was raised for.
"""

_where("uq_alerts_open", alerts.c.cleared_at.is_(None), alerts.c.kind, alerts.c.about, unique=True)

downloads = Table(
    "downloads",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("account_id", Id, ForeignKey("accounts.id"), nullable=False),
    Column("campaign_id", Id, ForeignKey("campaigns.id")),
    Column("name", String(120), nullable=False),
    Column("records", Integer),
    Column("digest", LargeBinary, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index(None, "expires_at"),
)
"""Files made for one member of staff, fetched over our own page by a one-time link, whose ``digest`` this is.
``records`` says how many records the file holds; empty while it is being made.
"""

download_pieces = Table(
    "download_pieces",
    metadata,
    Column("download_id", Id, ForeignKey("downloads.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("piece_sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("download_id", "number"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("account_id", Id, ForeignKey("accounts.id")),
    Column("contact_id", Id, ForeignKey("contacts.id")),
    Column("channel", String(20), nullable=False),
    Column("action", String(60), nullable=False),
    Column("area_vintage", String(10)),
    Column("area_code", String(20)),
    Column("target", String(120), nullable=False, server_default=""),
    Column("outcome", String(40), nullable=False),
    Index(None, "at"),
)
