"""The ``data`` section: where the tables are and which column means what."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from features.workspaces.behaviours import Conditions, EventPatterns, Scalar
from features.workspaces.section import Many, Section, Text, Texts, Zone, refused


class FileSource(Section):
    """A file or a glob, relative to the workspace file."""

    internal: ClassVar[frozenset[str]] = frozenset({"kind"})
    kind: Literal["file"] = "file"
    path: Text


class SqlSource(Section):
    """A query through SQLAlchemy; ``:as_of`` and ``:since`` may stand in it."""

    internal: ClassVar[frozenset[str]] = frozenset({"kind"})
    kind: Literal["sql"] = "sql"
    # The address holds a password: it stays out of every repr.
    url: Annotated[str, Field(min_length=1)] = Field(repr=False)
    query: Annotated[str, Field(min_length=1)]


class StoreSource(Section):
    """What the server has collected."""

    kind: Literal["store"] = "store"


def _sources(value: Any) -> Any:
    return tuple(_source(item) for item in value) if isinstance(value, tuple | list) else (_source(value),)


def _source(value: Any) -> Any:
    if isinstance(value, dict):
        return {**value, "kind": "sql"}
    if value == "store":
        return {"kind": "store"}
    return {"kind": "file", "path": value}


Sources = Annotated[
    tuple[Annotated[FileSource | SqlSource | StoreSource, Field(discriminator="kind")], ...],
    BeforeValidator(_sources),
    Field(min_length=1),
]


class LeadsSpec(Section):
    """The leads: a table, or only the event that starts a trial."""

    source: Sources = Field(default=(), validate_default=False)
    id: Text = "lead_id"
    started_at: Text | None = None
    start: EventPatterns = ()
    """Events that start the trial, in place of ``started_at``."""
    ended_at: Text | None = None
    trial_ends_at: Text | None = None
    account: Text | None = None
    converted: Text | None = None
    where: Conditions = Field(default_factory=dict)
    missing: Annotated[tuple[Scalar, ...], Many] = ()
    """Values that mean that nothing is known."""
    zone: Zone | None = None

    @model_validator(mode="after")
    def _stands_somewhere(self) -> LeadsSpec:
        if not self.source and not self.start:
            raise refused("a source, or the event that starts a trial", "add source: leads.csv or start: trial_started")
        if self.started_at is not None and self.start:
            raise refused("started_at or start, not both", "delete one of them", at=("start",))
        return self


class EventsSpec(Section):
    """The events: who, what, when."""

    source: Sources
    lead: Text = "lead_id"
    name: Text = "event"
    at: Text = "timestamp"
    id: Text | None = None
    received_at: Text | None = None
    count: Text | None = None
    properties: Texts = ()
    zone: Zone | None = None


class ConversionsSpec(Section):
    """The payments: a table, or the events that mean one."""

    source: Sources = Field(default=(), validate_default=False)
    events: EventPatterns = ()
    lead: Text = "lead_id"
    at: Text = "converted_at"
    zone: Zone | None = None

    @model_validator(mode="after")
    def _stands_somewhere(self) -> ConversionsSpec:
        if bool(self.source) == bool(self.events):
            raise refused("either a source or the events that mean a payment", "keep one of source and events")
        return self


class IdentitiesSpec(Section):
    """Which anonymous visitor turned out to be which lead."""

    source: Sources
    from_: Annotated[Text, Field(alias="from")] = "from"
    to: Text = "to"
    at: Text = "at"
    zone: Zone | None = None


class ContactsSpec(Section):
    """What sales did, and what came of it."""

    source: Sources
    lead: Text = "lead_id"
    at: Text = "at"
    play: Text | None = None
    result: Text | None = None
    zone: Zone | None = None


class DataSpec(Section):
    """The tables of a workspace."""

    leads: LeadsSpec | None = None
    events: EventsSpec | None = None
    conversions: ConversionsSpec | None = None
    identities: IdentitiesSpec | None = None
    contacts: ContactsSpec | None = None

    @property
    def undated(self) -> bool:
        """Tell whether the data is one table of leads with their outcome, and no time anywhere."""
        leads = self.leads
        return (
            leads is not None
            and leads.converted is not None
            and leads.started_at is None
            and self.events is None
            and self.conversions is None
        )

    @model_validator(mode="after")
    def _fits_together(self) -> DataSpec:
        if self.events is None:
            if self.leads is None or not self.leads.source:
                raise refused("a table of leads, of events, or both", "add leads: {source: ...} or events: {source: ...}")
            if self.leads.start:
                raise refused("a table of events beside start", "add events: {source: ...}", at=("leads", "start"))
            if self.conversions is not None and self.conversions.events:
                raise refused("a table of events beside the events", "add events: {source: ...}", at=("conversions", "events"))
            if self.leads.started_at is None and not self.undated:
                raise refused(
                    "started_at, or converted alone for a table without dates",
                    "add started_at: COLUMN",
                    given="leads that start at no known time",
                    at=("leads",),
                )
        if self.leads is not None and self.leads.converted is not None and self.conversions is None and not self.undated:
            raise refused(
                "conversions beside dates: what is learnt from has to say when a lead paid",
                "add conversions: {source: ..., lead: ..., at: ...}, or delete converted",
                given="who paid, without when",
                at=("leads", "converted"),
            )
        if self.undated and self.identities is not None:
            raise refused(
                "leads with dates beside identities",
                "delete identities",
                given="merges of leads without any date",
                at=("identities",),
            )
        return self
