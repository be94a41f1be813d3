"""The title image, the logo and the favicon: evidence and its lower bounds, computed and drawn as SVG.

The curve is log p(x) of a mixture of three normals. Each thin line is the evidence lower bound for one fixed q, the
posterior at one point: a parabola that touches the curve there and lies below it everywhere else. A test evaluates
both. Standard library only, so that `make pages` needs no PyTorch.
"""

import math
from collections.abc import Callable

INK, PAPER, AMBER, SKY = "#12263f", "#f7f5ef", "#f2a93b", "#8fc1e3"
SERIF = "Georgia, 'Source Serif 4', 'Times New Roman', serif"
SANS = "'Segoe UI', system-ui, 'Helvetica Neue', Arial, sans-serif"

# weight, mean, standard deviation
MIXTURE = ((0.35, -2.6, 0.8), (0.4, 0.3, 0.7), (0.25, 3.0, 0.9))


def _log_joints(x: float) -> list[float]:
    """Log p(x, k) for each component k."""
    return [
        math.log(weight) - math.log(sd) - 0.5 * math.log(2 * math.pi) - 0.5 * ((x - mean) / sd) ** 2
        for weight, mean, sd in MIXTURE
    ]


def log_evidence(x: float) -> float:
    """Log p(x) of the mixture."""
    joints = _log_joints(x)
    top = max(joints)
    return top + math.log(sum(math.exp(joint - top) for joint in joints))


def bound(x: float, touch: float) -> float:
    """The evidence lower bound at x for the q that is the posterior at `touch`."""
    evidence = log_evidence(touch)
    q = [math.exp(joint - evidence) for joint in _log_joints(touch)]
    return sum(p * (joint - math.log(p)) for p, joint in zip(q, _log_joints(x), strict=True) if p > 0)


def _path(curve: Callable[[float], float], box: tuple[float, ...], xs: tuple[float, float], floor: float) -> str:
    """An SVG path of the part of a curve that lies above `floor`, scaled into box = (left, top, width, height)."""
    left, top, width, height = box
    steps, ceiling, points, previous = 160, -1.2, [], None
    for i in range(steps + 1):
        x = xs[0] + (xs[1] - xs[0]) * i / steps
        y = curve(x)
        if y < floor:
            previous = None
            continue
        px = left + width * i / steps
        py = top + height * (ceiling - y) / (ceiling - floor)
        points.append(f"{'M' if previous is None else 'L'}{px:.1f} {py:.1f}")
        previous = y
    return "".join(points)


def _curves(
    box: tuple[float, ...], touches: list[float], floor: float, widths: tuple[float, float], bound_colour: str = SKY
) -> str:
    xs = (-5.3, 6.0)
    parts = [
        f'<path d="{_path(lambda x, t=touch: bound(x, t), box, xs, floor)}" fill="none" stroke="{bound_colour}" '
        f'stroke-width="{widths[0]}" stroke-linecap="round" opacity="{0.5 + 0.5 * i / max(1, len(touches) - 1):.2f}"/>'
        for i, touch in enumerate(touches)
    ]
    parts.append(
        f'<path d="{_path(log_evidence, box, xs, floor)}" fill="none" stroke="{AMBER}" '
        f'stroke-width="{widths[1]}" stroke-linecap="round" stroke-linejoin="round"/>'
    )
    return "\n".join(parts)


def _svg(width: int, height: int, title: str, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{title}">\n<title>{title}</title>\n{body}\n</svg>\n'
    )


def title_image() -> str:
    """The banner of the first page: the name, the promise, the evidence and sixteen of its bounds."""
    # Mostly in the two valleys, where the posterior is shared and the parabolas differ most.
    touches = [-2.6, -1.9, -1.65, -1.45, -1.3, -1.15, -0.9, -0.6, 0.3, 0.9, 1.2, 1.4, 1.55, 1.75, 2.1, 3.0]
    return _svg(
        1200,
        400,
        "Bound by Bound: the log-evidence of a mixture, touched from below by its evidence lower bounds",
        f'<rect width="1200" height="400" rx="22" fill="{INK}"/>\n'
        + _curves((470, 64, 700, 330), touches, -6.2, (2, 6))
        + f'\n<text x="64" y="170" font-family="{SERIF}" font-size="84" fill="{PAPER}">Bound</text>'
        f'\n<text x="64" y="258" font-family="{SERIF}" font-size="84" fill="{PAPER}">'
        f'<tspan font-style="italic" fill="{AMBER}">by</tspan> Bound</text>'
        f'\n<text x="68" y="318" font-family="{SANS}" font-size="27" fill="{SKY}">every claim is executed</text>',
    )


def icon(size: int = 64) -> str:
    """The favicon: the evidence with three bounds on a dark tile."""
    return _svg(size, size, "Bound by Bound", _tile(size))


def _tile(size: int) -> str:
    inner = size * 0.1
    return f'<rect width="{size}" height="{size}" rx="{size * 0.2:.1f}" fill="{INK}"/>\n' + _curves(
        (inner, size * 0.18, size - 2 * inner, size * 0.7), [-2.6, 0.3, 3.0], -5.2, (size * 0.03, size * 0.07)
    )


def logo(text_colour: str) -> str:
    """The tile beside the name, for the sidebar; one file for each colour scheme."""
    return _svg(
        300,
        72,
        "Bound by Bound",
        f'<g transform="translate(4 4)">{_tile(64)}</g>\n'
        f'<text x="82" y="47" font-family="{SERIF}" font-size="31" fill="{text_colour}">Bound '
        '<tspan font-style="italic">by</tspan> Bound</text>',
    )


def images() -> dict[str, str]:
    """File name under book/images -> SVG text."""
    return {
        "title.svg": title_image(),
        "favicon.svg": icon(),
        "logo.svg": logo(INK),
        "logo-dark.svg": logo(PAPER),
    }
