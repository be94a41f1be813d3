"""The errors a run can end with: one clear sentence each, naming what is wrong, its value and the remedy."""


class RunError(Exception):
    """A run cannot start or go on; scripts print the sentence and exit with a code other than zero."""


class NonFiniteError(RunError):
    """A logged term or a weight became NaN or infinite."""


class CheckpointError(RunError):
    """A checkpoint is cut off, belongs to another model, or was written under another config or code."""


class OutputError(RunError):
    """The output folder is full, unwritable or not a folder."""


class LockedError(RunError):
    """Another run already holds the output folder."""
