"""stub"""


def figures() -> None:
    return
