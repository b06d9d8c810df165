"""The tables. Instants are milliseconds since 1970 in UTC; ``*_sealed`` columns are encrypted (see
:mod:`storage.crypto`).

Areas are always keyed by *(vintage, code)*: codes were used again when boundaries changed, a code alone
names nothing.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
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
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("address_lookup"),
    Index(None, "account_id"),
    CheckConstraint("status IN ('active', 'blocked')", name="status"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("contact_id", Id, ForeignKey("contacts.id"), primary_key=True),
    Column("language", String(8), nullable=False),
    Column("interview_id", Id, ForeignKey("interviews.id")),
    Column("misread", Integer, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

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
    CheckConstraint("mode IN ('census', 'sample', 'open')", name="mode"),
    CheckConstraint("status IN ('draft', 'open', 'paused', 'closed', 'archived')", name="status"),
    Index(None, "area_vintage", "area_code"),
)

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
    UniqueConstraint("campaign_id", "contact_id"),
    CheckConstraint("unit IN ('household', 'person')", name="unit"),
)

interviews = Table(
    "interviews",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id")),
    Column("instrument_id", Id, ForeignKey("instruments.id"), nullable=False),
    Column("stage", String(10), nullable=False),
    Column("way", String(10), nullable=False),
    Column("document_sealed", LargeBinary, nullable=False),
    Column("status", String(10), nullable=False),
    Column("version", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    UniqueConstraint("case_id", "stage"),
    CheckConstraint("stage IN ('consent', 'main', 'wizard')", name="stage"),
    CheckConstraint("way IN ('self', 'proxy', 'assisted')", name="way"),
    CheckConstraint("status IN ('open', 'submitted', 'withdrawn')", name="status"),
)

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
    Column("message", String(40)),
    Column("at", Instant, nullable=False),
    Index(None, "interview_id"),
    Index(None, "contact_id", "message"),
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
    Column("at", Instant, nullable=False),
    UniqueConstraint("interview_id", "revision"),
    Index(None, "campaign_id", "stage"),
)

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

person_rows = Table(
    "person_rows",
    metadata,
    Column("submission_id", Id, ForeignKey("submissions.id"), primary_key=True),
    Column("campaign_id", Id, ForeignKey("campaigns.id"), nullable=False),
    Column("instrument_id", Id, ForeignKey("instruments.id"), nullable=False),
    Column("pseudonym", String(32), nullable=False),
    Column("area_code", String(20), nullable=False),
    Column("way", String(10), nullable=False),
    Column("unit", String(10), nullable=False),
    Column("row_sealed", LargeBinary, nullable=False),
    Column("current", Boolean, nullable=False),
    Index(None, "campaign_id", "current"),
)

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
    Index("ix_outbox_due", "channel", "state", "due_at"),
    Index(None, "contact_id", "state"),
    CheckConstraint("state IN ('due', 'claimed', 'sent', 'unknown', 'failed', 'dropped')", name="state"),
)

halts = Table(
    "halts",
    metadata,
    Column("channel", String(20), primary_key=True),
    Column("until", Instant, nullable=False),
)

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
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False),
    Column("campaign_id", Id, ForeignKey("campaigns.id")),
    Column("kind", String(20), nullable=False),
    Column("text_sealed", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_on", String(10), nullable=False),
    Column("answered_at", Instant),
    Column("answered_by", Id, ForeignKey("accounts.id")),
    Column("answer_sealed", LargeBinary),
    CheckConstraint("state IN ('open', 'answered')", name="state"),
    Index(None, "state", "due_on"),
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
