"""The one error of this chapter: a model that cannot be used, said in one sentence."""

from __future__ import annotations

from features.errors import InputError

FETCH_AGAIN = "fetch the model folder again from the registry, or train a new one"


class ModelError(InputError):
    """A model, or a part of one, that is refused."""


def damaged(error: str, *, given: object, expected: str) -> ModelError:
    """Return the refusal of a model folder that is not as it was written."""
    return ModelError(error, given=str(given), expected=expected, do=FETCH_AGAIN)
