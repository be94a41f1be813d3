"""Executed derivations, exercises with instant checks, players that move without a kernel, and lesson set-up."""

from course_lib.teaching.derivation import Definition, Derivation, DerivationError
from course_lib.teaching.display import show_code
from course_lib.teaching.estimate import Estimate
from course_lib.teaching.exercises import check, hint
from course_lib.teaching.player import Player
from course_lib.teaching.refute import Refutation, refute
from course_lib.teaching.term import Divergence, Expression, Term, function

__all__ = [
    "Definition",
    "Derivation",
    "DerivationError",
    "Divergence",
    "Estimate",
    "Expression",
    "Player",
    "Refutation",
    "Term",
    "check",
    "function",
    "hint",
    "refute",
    "show_code",
]
