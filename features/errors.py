"""Errors that people read: what was given, what was expected, what to do."""

from __future__ import annotations


class TrialwiseError(Exception):
    """Something that a person has to change, said in one sentence and never as a traceback.

    >>> str(TrialwiseError("acme.yaml line 3", given="language: fr", expected="en, tr or de", do="choose one of them"))
    'acme.yaml line 3: given language: fr; expected en, tr or de; choose one of them.'
    """

    exit_code = 2
    """The exit code of the command that met the error."""

    def __init__(self, error: str, *, given: str, expected: str, do: str) -> None:
        self.error = error
        self.given = given
        self.expected = expected
        self.do = do
        super().__init__(error)

    def __str__(self) -> str:
        text = f"{self.error}: given {self.given}; expected {self.expected}; {self.do}"
        return text if text.endswith((".", "?", "!")) else text + "."

    def as_dict(self) -> dict[str, str]:
        """Return the four parts, the shape in which ``--json`` prints an error."""
        return {"error": self.error, "given": self.given, "expected": self.expected, "do": self.do}


class InputError(TrialwiseError):
    """Misuse, a missing file or column, a mistake in the workspace file."""

    exit_code = 2


class ColumnError(InputError):
    """A column that cannot be built. It is found where no file is known: who reads one adds the line.

    >>> error = ColumnError("exports", "feature 'exports' cannot be computed", given="a", expected="b", do="c")
    >>> str(error.at("acme.yaml line 3"))
    "acme.yaml line 3: feature 'exports' cannot be computed: given a; expected b; c."
    """

    def __init__(self, column: str, error: str, *, given: str, expected: str, do: str) -> None:
        super().__init__(error, given=given, expected=expected, do=do)
        self.column = column

    def at(self, place: str) -> InputError:
        """Return the same error with the place in the file to which it belongs."""
        return InputError(f"{place}: {self.error}", given=self.given, expected=self.expected, do=self.do)


class StoppedError(TrialwiseError):
    """A check, an audit or a verdict stopped the work."""

    exit_code = 1


class OutsideError(TrialwiseError):
    """Something outside failed: the database, the registry, the disk, a port."""

    exit_code = 3

    @classmethod
    def of(cls, error: OSError) -> OutsideError:
        """Return what the operating system refused as a sentence.

        >>> str(OutsideError.of(OSError(28, "No space left on device", "var/store.db")))
        'the system refused: given var/store.db: No space left on device; expected room and permission; correct it and run again.'
        """
        told = error.strerror or str(error) or type(error).__name__
        given = f"{error.filename}: {told}" if error.filename else told
        return cls("the system refused", given=given, expected="room and permission", do="correct it and run again")
