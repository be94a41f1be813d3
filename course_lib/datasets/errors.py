"""The one error that readers of data files raise."""


class DataFormatError(ValueError):
    """A data file is not what its name or format says; the message names file, what was found, and the remedy."""
