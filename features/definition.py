"""Definition: the part of a workspace that decides what every feature is. A model carries it, and its fingerprint."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError, model_validator

from features.errors import InputError
from features.workspaces.behaviours import Behaviour
from features.workspaces.own_features import OwnFeature
from features.workspaces.section import PlainName, Section, Text, TextSet, Zone, refused, sorted_set
from features.workspaces.settings import Days, ResolutionSpec

V = TypeVar("V")


def _by_key(values: dict[str, V]) -> dict[str, V]:
    return {key: values[key] for key in sorted(values)}


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise refused("a lower bound that is not above the upper", "correct the two")
    return bounds


ByKey = AfterValidator(_by_key)
Learnt = Annotated[tuple[str, ...], AfterValidator(sorted_set)]
"""Texts that stood in the data, whatever they are."""


class Definition(Section):
    """What features mean. Two equal definitions give the same columns and the same bits, whatever the rest of the file says."""

    timezone: Zone
    resolution: ResolutionSpec
    trial_days: Days | None
    inactive_days: Days | None
    gap_minutes: Annotated[float, Field(ge=1, le=1440)]
    behaviours: Annotated[dict[PlainName, Behaviour], ByKey]
    features: Annotated[dict[PlainName, OwnFeature], ByKey]
    attributes: Annotated[dict[Text, Literal["category", "number"]], ByKey]
    exclude: TextSet
    undated: bool
    accounts: bool
    """Whether leads may belong to accounts, so that there are features over account mates."""
    vocabulary: Annotated[dict[PlainName, Learnt], ByKey]
    """Of each behaviour, the folded event names that are usual, as learnt."""
    categories: Annotated[dict[Text, Learnt], ByKey]
    """Of each category attribute, the values that are known, as learnt."""
    bounds: Annotated[dict[Text, Annotated[tuple[float, float], AfterValidator(_ordered)]], ByKey]
    """Of each feature, the range seen in training, as learnt."""

    @model_validator(mode="after")
    def _players(self) -> Definition:
        if any(feature.behaviour is None for feature in self.features.values()):
            raise refused("a player for every feature", "name the behaviour", at=("features",))
        return self

    def canonical(self) -> str:
        """Return the one JSON text of this definition: sorted keys, no blanks, floats in full."""
        return canonical_json(self.model_dump(mode="python"))

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the canonical text."""
        return sha256(self.canonical().encode()).hexdigest()

    @classmethod
    def from_json(cls, text: str) -> Definition:
        """Read a canonical definition back; what would not be written so is refused, since the text may come from anywhere."""
        try:
            data = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
            definition = cls.model_validate(_tuples(data))
            # Encoding refuses half of a pair of surrogates, which is no letter.
            same = canonical_json(data).encode() == definition.canonical().encode()
        except ValidationError as error:
            path = ".".join(str(step) for step in error.errors()[0]["loc"][:4])
            raise _unreadable(f"a value of '{path}' that no definition has" if path else "keys that no definition has") from None
        except (ValueError, RecursionError):
            raise _unreadable("text that is not strict JSON") from None
        if not same:
            raise _unreadable("values that are not in their canonical form")
        return definition


def canonical_json(value: Any) -> str:
    """Write a value as JSON in its one form: sorted keys, no blanks, every letter itself, floats by repr, no NaN.

    >>> canonical_json({"b": (1, 0.1), "a": "ç"})
    '{"a":"ç","b":[1,0.1]}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError("key twice")
        result[key] = value
    return result


def _no_constant(constant: str) -> Any:
    raise ValueError(constant)


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


def _unreadable(given: str) -> InputError:
    return InputError(
        "definition of features is not readable",
        given=given,
        expected="the canonical JSON of a definition",
        do="use a model folder that Trialwise has written",
    )
