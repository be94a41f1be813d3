"""Bound by Bound: the library behind the course, in which every claim is executed.

Import what you need from its parts: `course_lib.losses`, `course_lib.metrics`, `course_lib.datasets`,
`course_lib.training`, `course_lib.teaching`, `course_lib.papers`. Importing `course_lib` alone loads none of them.

`course_lib.audit(my_kl, like="gaussian_kl")` runs the course's equation tests on a function of your own.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "audit"]


def __getattr__(name: str) -> Any:
    """Load `audit` on first use, so that `import course_lib` stays light."""
    if name == "audit":
        from importlib import import_module

        return import_module("course_lib.teaching.audit").audit
    raise AttributeError(f"module 'course_lib' has no attribute {name!r}")
