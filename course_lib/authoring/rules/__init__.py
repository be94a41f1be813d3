"""The rules of DESIGN sections 4, 5 and 9 that can be read from a lesson, one function a rule."""

from course_lib.authoring.rules.base import Book, Finding
from course_lib.authoring.rules.derivations import derivations
from course_lib.authoring.rules.equations import displayed_formulas, formula_numbers
from course_lib.authoring.rules.exercises import exercise_count, exercise_parts, hidden_solutions
from course_lib.authoring.rules.figures import alt_text, drawn_figures, sentence_before, tagged_figures
from course_lib.authoring.rules.frame import colab_link, header, parameters, refused_tags, sections, setup_cell
from course_lib.authoring.rules.maths import plain_environments, raw_bars
from course_lib.authoring.rules.storage import clean_storage, measured, pair_in_step, portable_outputs, stored_outputs
from course_lib.authoring.rules.symbols import doubled_symbols, symbols
from course_lib.authoring.rules.writing import (
    banned_phrases,
    known_claims,
    links,
    portable_markdown,
    tables,
    typed_numbers,
)

LESSON_RULES = (
    header,
    setup_cell,
    colab_link,
    parameters,
    sections,
    refused_tags,
    portable_markdown,
    raw_bars,
    plain_environments,
    tables,
    banned_phrases,
    typed_numbers,
    known_claims,
    links,
    derivations,
    displayed_formulas,
    formula_numbers,
    symbols,
    alt_text,
    drawn_figures,
    sentence_before,
    tagged_figures,
    exercise_count,
    exercise_parts,
    hidden_solutions,
    pair_in_step,
    stored_outputs,
    clean_storage,
    measured,
    portable_outputs,
)
BOOK_RULES = (doubled_symbols,)

__all__ = ["BOOK_RULES", "LESSON_RULES", "Book", "Finding"]
