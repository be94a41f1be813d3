"""stub"""


def errata() -> list[dict]:
    return []
