"""The map of the lessons with their prerequisites, drawn as inline SVG from book/lessons.yml.

Columns are levels (the longest chain of prerequisites), arrows are the prerequisites that no other one implies.
Colours come from the book's style sheet, so that the map follows the light and the dark scheme.
"""

from html import escape

WIDTH, HEIGHT = 144, 48
COLUMN, ROW = 174, 62

# The row of each lesson, chosen by eye so that few arrows cross.
ROWS = {
    "00": 2.5, "01": 0.5, "02": 2, "05": 3.5, "04": 5, "03": 0, "10": 1, "07": 2, "08": 3, "11": 4, "14": 5,
    "06": 0, "09": 1, "12": 3, "13": 4, "15": 5, "16": 2,
}  # fmt: skip


def level(number: str, requires: dict[str, list[str]]) -> int:
    """The length of the longest chain of prerequisites before a lesson.

    Raises:
        ValueError: A lesson requires itself, perhaps through others, or one that is not in the plan.
    """

    def walk(current: str, seen: tuple[str, ...]) -> int:
        if current in seen:
            raise ValueError(f"lessons.yml: lesson {current} requires itself ({' -> '.join((*seen, current))})")
        if current not in requires:
            raise ValueError(f"lessons.yml: lesson {seen[-1]} requires {current!r}, which is not in the plan")
        return max((1 + walk(before, (*seen, current)) for before in requires[current]), default=0)

    return walk(number, ())


def ancestors(number: str, requires: dict[str, list[str]]) -> set[str]:
    """Every lesson that comes before one, directly or not."""
    return {a for before in requires[number] for a in {before, *ancestors(before, requires)}}


def arrows(requires: dict[str, list[str]]) -> list[tuple[str, str]]:
    """The prerequisites that no other prerequisite of the same lesson implies, as (before, after)."""
    return [
        (before, after)
        for after, befores in requires.items()
        for before in befores
        if not any(before in ancestors(other, requires) for other in befores if other != before)
    ]


def _place(number: str, requires: dict[str, list[str]]) -> tuple[float, float]:
    return 4 + COLUMN * level(number, requires), 4 + ROW * ROWS[number]


def _arrow(before: str, after: str, requires: dict[str, list[str]]) -> str:
    (x0, y0), (x1, y1) = _place(before, requires), _place(after, requires)
    x0, y0, x1, y1 = x0 + WIDTH, y0 + HEIGHT / 2, x1 - 2, y1 + HEIGHT / 2
    bend = (x1 - x0) * 0.5
    return (
        f'<path class="map-arrow from-{before}" d="M{x0:g} {y0:g}C{x0 + bend:g} {y0:g} {x1 - bend:g} {y1:g} '
        f'{x1:g} {y1:g}"/>'
    )


def _node(lesson: dict, address: str | None, requires: dict[str, list[str]]) -> str:
    x, y = _place(lesson["n"], requires)
    state = "here" if address else "later"
    note = lesson["n"] if address else f"{lesson['n']} · to come"
    node = (
        f'<g class="map-node {state} lesson-{lesson["n"]}"><rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" '
        f'rx="9"/><text class="map-number" x="{x + 10:g}" y="{y + 18:g}">{note}</text>'
        f'<text class="map-title" x="{x + 10:g}" y="{y + 38:g}">{escape(lesson["short"])}</text></g>'
    )
    if not address:
        return node
    return f'<a href="{address}" aria-label="Lesson {lesson["n"]}: {escape(lesson["title"])}">{node}</a>'


def draw(lessons: list[dict], addresses: dict[str, str]) -> str:
    """The map as one HTML block without blank lines (a blank line would end it in Markdown).

    Args:
        lessons: The entries of book/lessons.yml.
        addresses: Lesson number -> page, for the lessons that exist.
    """
    requires = {lesson["n"]: lesson["requires"] for lesson in lessons}
    width = 8 + WIDTH + COLUMN * max(level(n, requires) for n in requires)
    height = 8 + HEIGHT + ROW * max(ROWS.values())
    lines = [
        '<div class="lesson-map" tabindex="0" role="region" aria-label="Map of the lessons; a table follows">',
        f'<svg viewBox="0 0 {width:g} {height:g}" role="group" aria-label="Lessons and their prerequisites">',
        *(_arrow(before, after, requires) for before, after in arrows(requires)),
        *(_node(lesson, addresses.get(lesson["n"]), requires) for lesson in lessons),
        "</svg>",
        "</div>",
    ]
    return "\n".join(lines)
