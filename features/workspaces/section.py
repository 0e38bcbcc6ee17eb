"""What every section of the workspace file obeys: no unknown key, no guessed type, and refusals that are sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from features.names import nearest

_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def refused(expected: str, do: str, *, given: str | None = None, at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """Return the refusal of a value; ``at`` is where it stands below the validated section, ``given`` what to show of it."""
    return PydanticCustomError("refused", "refused", {"expected": expected, "do": do, "given": given or "", "at": at})


def unknown(
    what: str,
    word: str,
    known: Iterable[str],
    *,
    at: tuple[str | int, ...] = (),
    otherwise: str = "choose one of them or delete it",
) -> PydanticCustomError:
    """Return the refusal of a word that is not one of those known, with the nearest of them if any is near."""
    known = tuple(known)
    near = nearest(word, known)
    expected = "one of " + ", ".join(known) if known else "none, since none is declared"
    return refused(expected, f"did you mean '{near}'?" if near else otherwise, given=f"unknown {what} '{word}'", at=at)


class Section(BaseModel):
    """A mapping of the workspace file, frozen once read."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True)

    internal: ClassVar[frozenset[str]] = frozenset()
    """Fields that are computed and cannot be written in the file."""

    @classmethod
    def written_keys(cls) -> tuple[str, ...]:
        """Return the keys that may be written in the file."""
        return tuple(spec.alias or name for name, spec in cls.model_fields.items() if name not in cls.internal)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        for key in data if isinstance(data, dict) else ():
            if key not in cls.written_keys() and key not in cls.internal:
                raise unknown("key", key, cls.written_keys(), at=(key,))
        return data


def _as_tuple(value: Any) -> Any:
    return value if isinstance(value, tuple | list | type(None)) else (value,)


def sorted_set(values: tuple[str, ...]) -> tuple[str, ...]:
    """Give texts whose order means nothing one order, without repeats."""
    return tuple(sorted(set(values)))


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        near = nearest(name, available_timezones())
        raise refused(
            "the IANA name of a time zone, such as Europe/Istanbul", f"did you mean '{near}'?" if near else "write such a name"
        ) from None
    return name


def is_plain_name(word: str) -> bool:
    """Tell whether a word can name a behaviour or a feature."""
    return bool(_PLAIN_NAME.fullmatch(word))


def _plain(name: str) -> str:
    if not is_plain_name(name):
        raise refused("small letters, digits and _, at most 60, beginning with a letter", "rename it", given=f"the name '{name}'")
    return name


Text = Annotated[str, Field(min_length=1, max_length=500)]
Zone = Annotated[str, AfterValidator(_zone)]
PlainName = Annotated[str, AfterValidator(_plain)]
Many = BeforeValidator(_as_tuple)
"""One value may stand where a list of one is meant."""
Texts = Annotated[tuple[Text, ...], Many]
TextSet = Annotated[tuple[Text, ...], Many, AfterValidator(sorted_set)]
