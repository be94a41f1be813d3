"""The models, losses and checks of the course Bound by Bound.

Importing the package is light: PyTorch is loaded by the subpackages that need it. `course_lib.audit(my_loss,
like="gaussian_kl")` runs the course's own equation tests on a loss of yours.
"""

__version__ = "0.1.0"
__all__ = ["__version__", "audit"]


def __getattr__(name: str):
    if name == "audit":
        from course_lib.teaching.audit import audit

        return audit
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
