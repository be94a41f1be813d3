"""Where the experiments that train networks run."""

from course_lib.training import Runtime


def core() -> Runtime:
    """One core; half precision where the processor multiplies in it."""
    try:
        return Runtime.auto("cpu", threads=1, precision="bf16")
    except ValueError:
        return Runtime.auto("cpu", threads=1)
