"""Workspace: the whole file as one checked, frozen object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from features.definition import Definition
from features.workspaces.behaviours import ANY, RESERVED, VOCABULARY, Behaviour, Behaviours, Conditions
from features.workspaces.data import DataSpec
from features.workspaces.own_features import NEED_HOURS, OwnFeature, over_mates, plain_family, resolve_player
from features.workspaces.section import PlainName, Section, Text, Texts, TextSet, Zone, refused, unknown
from features.workspaces.selling import Phrases, Plays, ScorecardSpec, StagesSpec, Webhooks
from features.workspaces.settings import (
    CapacitySpec,
    LabelSpec,
    ResolutionSpec,
    SessionsSpec,
    SnapshotsSpec,
    TrialSpec,
    default_ages,
)

KEYS = ("lead_id", "as_of")
"""The columns that stand before the features wherever these are written."""


class Workspace(Section):
    """What a user's data means. Read one with ``load_workspace``; the fields are the keys of the file."""

    internal: ClassVar[frozenset[str]] = frozenset({"folder"})

    version: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    language: Literal["en", "tr", "de"] = "en"
    timezone: Zone = "UTC"
    data: DataSpec
    resolution: ResolutionSpec = ResolutionSpec()
    trial: TrialSpec = TrialSpec()
    label: LabelSpec = LabelSpec()
    snapshots: SnapshotsSpec = Field(default=SnapshotsSpec(), validate_default=True)
    sessions: SessionsSpec = SessionsSpec()
    behaviours: Behaviours = Field(default_factory=dict)
    features: dict[PlainName, OwnFeature] = Field(default_factory=dict)
    attributes: dict[Text, Literal["category", "number"]] = Field(default_factory=dict)
    exclude: TextSet = ()
    allow: TextSet = ()
    ignore: dict[Text, Texts] = Field(default_factory=dict)
    contact: dict[Literal["email", "name", "company", "owner"], Text] = Field(default_factory=dict)
    capacity: CapacitySpec = CapacitySpec(contacts_per_week=50.0)
    scorecard: ScorecardSpec = ScorecardSpec()
    stages: StagesSpec = StagesSpec()
    plays: Plays = Field(default_factory=dict)
    phrases: Phrases = Field(default_factory=dict)
    ideal_customer: Conditions = Field(default_factory=dict)
    webhooks: Webhooks = Field(default_factory=dict)
    hold_out: Annotated[float, Field(ge=0, lt=1)] = 0.0
    folder: Path = Path()
    """Where the file stands: relative sources start here."""

    @property
    def undated(self) -> bool:
        """Tell whether the data is one table of leads with their outcome, and no time anywhere."""
        return self.data.undated

    def definition(
        self,
        *,
        vocabulary: Mapping[str, Iterable[str]] | None = None,
        categories: Mapping[str, Iterable[str]] | None = None,
        bounds: Mapping[str, tuple[float, float]] | None = None,
    ) -> Definition:
        """Return the feature part of this workspace, with what training learnt.

        Phrases stay behind: other words for a behaviour are not other features. So do the features and attributes that are
        excluded, and the traits; what remains of ``exclude`` names built-in features and events.
        """
        excluded = set(self.exclude)
        behaviours = {name: _without(one, excluded) for name, one in self.behaviours.items()}
        # Of a behaviour that has nothing but excluded traits, only the features remain to be left out.
        excluded |= {f"{name}_profile_filled" for name, one in behaviours.items() if one.traits and excluded >= set(one.traits)}
        features = {name: feature for name, feature in self.features.items() if name not in excluded}
        attributes = {name: kind for name, kind in self.attributes.items() if name not in excluded}
        return Definition(
            timezone=self.timezone,
            resolution=self.resolution,
            trial_days=self.trial.days,
            inactive_days=self.trial.inactive_days,
            gap_minutes=self.sessions.gap_minutes,
            behaviours=behaviours,
            features=features,
            attributes=dict(attributes),
            exclude=tuple(excluded - set(self.features) - set(self.attributes)),
            undated=self.undated,
            accounts=has_accounts(self.data),
            vocabulary={name: tuple(names) for name, names in (vocabulary or {}).items()},
            categories={name: tuple(values) for name, values in (categories or {}).items() if name in attributes},
            bounds={name: (float(low), float(high)) for name, (low, high) in (bounds or {}).items()},
        )

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, data: Any) -> Any:
        """A section whose lines are all comments stands for its default."""
        if not isinstance(data, dict):
            return data
        if "folder" in data:
            raise unknown("key", "folder", cls.written_keys(), at=("folder",))
        return {key: value for key, value in data.items() if value is not None}

    @field_validator("behaviours")
    @classmethod
    def _vocabulary(cls, behaviours: Behaviours) -> Behaviours:
        for name, behaviour in behaviours.items():
            if name in RESERVED:
                raise refused("a name that Trialwise does not use itself", "rename it", given=f"behaviour '{name}'", at=(name,))
            if name not in VOCABULARY and behaviour.phrase is None:
                raise unknown("behaviour", name, VOCABULARY, at=(name,), otherwise='add phrase: "..." to make it one of your own')
        return behaviours

    @field_validator("snapshots")
    @classmethod
    def _ages(cls, snapshots: SnapshotsSpec, info: ValidationInfo) -> SnapshotsSpec:
        if snapshots.ages_days or not {"trial", "resolution"} <= info.data.keys():
            return snapshots
        return SnapshotsSpec(ages_days=default_ages(info.data["trial"].days, by_day=info.data["resolution"].events == "day"))

    @field_validator("features")
    @classmethod
    def _players(cls, features: dict[str, OwnFeature], info: ValidationInfo) -> dict[str, OwnFeature]:
        if not {"data", "behaviours", "resolution"} <= info.data.keys():
            return features
        resolved = {}
        for name, feature in features.items():
            if name in KEYS:
                raise refused("a name that no other column has", "rename it", given=f"feature '{name}'", at=(name,))
            if over_mates(feature.family) and not has_accounts(info.data["data"]):
                raise refused(
                    "the column that says whose account a lead belongs to",
                    "map it as data.leads.account, or delete the feature",
                    given=f"{feature.family} in feature '{name}', but no accounts",
                    at=(name, feature.family),
                )
            if info.data["resolution"].events == "day" and plain_family(feature.family) in NEED_HOURS:
                raise refused(
                    "a family that needs no hours, since resolution: {events: day} knows only days",
                    "delete the feature or choose another family",
                    given=f"{feature.family} in feature '{name}'",
                    at=(name, feature.family),
                )
            resolved[name] = resolve_player(name, feature, info.data["behaviours"])
        return resolved

    @field_validator("attributes")
    @classmethod
    def _own_columns(cls, attributes: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        for name in attributes:
            if name in KEYS or name in info.data.get("features", {}):
                raise refused("a name that no other column has", "rename it", given=f"attribute '{name}'", at=(name,))
        return attributes

    @field_validator("ignore", mode="before")
    @classmethod
    def _by_column(cls, ignore: Any) -> Any:
        if not isinstance(ignore, dict):
            raise refused('a mapping of columns of the leads to patterns, such as {email: ["*@acme.com"]}', "name the column")
        return ignore

    @field_validator("contact")
    @classmethod
    def _never_features(cls, contact: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        for key, column in contact.items():
            if column in info.data.get("attributes", {}):
                raise refused(
                    "a contact column that is no attribute",
                    "delete it from attributes",
                    given=f"column '{column}' as both",
                    at=(key,),
                )
        return contact

    @field_validator("stages", "plays")
    @classmethod
    def _known_behaviours(cls, value: Any, info: ValidationInfo) -> Any:
        known = tuple(dict.fromkeys((*VOCABULARY, *info.data.get("behaviours", {}), ANY)))
        lists: dict[tuple[str, ...], tuple[str, ...]] = (
            {(name, "moves"): play.moves for name, play in value.items()}
            if isinstance(value, dict)
            else {("mql",): value.mql, ("sql",): value.sql}
        )
        for at, names in lists.items():
            for i, name in enumerate(names):
                if name not in known:
                    raise unknown("behaviour", name, known, at=(*at, i))
        return value

    @field_validator("ideal_customer")
    @classmethod
    def _of_attributes(cls, ideal: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        for name in ideal:
            if name not in info.data.get("attributes", ideal):
                raise unknown("attribute", name, info.data["attributes"], at=(name,))
        return ideal


def _without(behaviour: Behaviour, excluded: set[str]) -> Behaviour:
    """Return a behaviour without its phrase and without excluded traits, unless it has nothing else."""
    traits = tuple(trait for trait in behaviour.traits if trait not in excluded)
    return behaviour.model_copy(update={"phrase": None, "traits": traits if traits or behaviour.events else behaviour.traits})


def has_accounts(data: DataSpec) -> bool:
    """Tell whether leads may belong to accounts; in a table without dates nobody can be looked at as of an instant."""
    return data.leads is not None and data.leads.account is not None and not data.undated
