"""The one error that readers of data files raise, and what to do with records that cannot be read."""

from pathlib import Path


class DataFormatError(ValueError):
    """A data file is not what its name or format says; the message names file, what was found, and the remedy."""


class BadRecords:
    """What happens to a record that cannot be read: an error at once, or skipped and kept count of.

    Only single records are skipped (a row, an image); a file whose header or frame is wrong raises in either case.

    Args:
        on_bad: `"raise"` or `"skip"`.
    """

    def __init__(self, on_bad: str) -> None:
        if on_bad not in ("raise", "skip"):
            raise ValueError(f'`on_bad` (={on_bad!r}) must be "raise" (stop at a bad record) or "skip" (count it)')
        self.on_bad = on_bad
        self._messages: list[str] = []

    def report(self, file: str | Path, where: str, problem: str) -> None:
        """Raise `DataFormatError`, or note the record as skipped.

        Args:
            file: The file that holds the record.
            where: Row, line, offset or entry in that file.
            problem: What was found and what was expected.
        """
        message = f"{file}, {where}: {problem}"
        if self.on_bad == "raise":
            raise DataFormatError(f'{message}; mend the file, or pass on_bad="skip" to leave such records out')
        self._messages.append(message)

    @property
    def messages(self) -> tuple[str, ...]:
        """One line for each record skipped so far."""
        return tuple(self._messages)
