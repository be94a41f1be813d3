"""What the layers of a face share: the picture so far, the part under each pixel, and the frames of head and body."""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.worlds.faces.shapes import Colour, ellipse, join, over
from course_lib.worlds.faces.sheet import PIVOT, Sheet
from course_lib.worlds.kernel import pointwise

PARTS = ("background", "clothes", "skin", "hair", "brows", "eyes", "nose", "mouth", "beard", "glasses")


class Canvas(NamedTuple):
    """The picture so far: colours, and the index in `PARTS` of what is on top."""

    rgb: Colour
    part: Tensor

    @pointwise
    def paint(self, colour: Colour, alpha: Tensor, part: str = "") -> "Canvas":
        """Lay a colour over it; where it covers more than half of a pixel that pixel becomes `part`."""
        label = torch.where(alpha > 0.5, float(PARTS.index(part)), self.part) if part else self.part
        return Canvas(over(self.rgb, colour, alpha), label)


class Frame(NamedTuple):
    """Where each pixel lies.

    Attributes:
        bx: Body frame, to the right.
        by: Body frame, downwards.
        hx: Head frame, to the right.
        hy: Head frame, downwards.
        fx: To the right on the turned face: 0 is its middle.
        nx: To the right from the middle of the nose, which stands out and moves farther.
        side: -1 in the left half of the face, 1 in the right one.
        head: Distance to the outline of the head.
        pixel: Width of a pixel.
    """

    bx: Tensor
    by: Tensor
    hx: Tensor
    hy: Tensor
    fx: Tensor
    nx: Tensor
    side: Tensor
    head: Tensor
    pixel: Tensor


@pointwise
def place(x: Tensor, y: Tensor, step: Tensor, q: Sheet) -> Frame:
    """The frames of pixels at x and y in [-1, 1], `step` apart."""
    bx, by = (x - q.shift_x) / q.scale, (y - q.shift_y) / q.scale
    lean = by - PIVOT
    hx, hy = q.cos * bx + q.sin * lean, q.cos * lean - q.sin * bx + PIVOT
    across = hx / q.half_width
    rim = (1 - across * across).clamp_min(0)  # features slide over a round head: far in its middle, not at its rim
    fx, nx = hx - q.turn * rim, hx - 1.6 * q.turn * rim
    side = torch.where(fx < 0, -1.0, 1.0)
    return Frame(bx, by, hx, hy, fx, nx, side, head_outline(hx, hy, q), step / q.scale)


@pointwise
def head_outline(x: Tensor, y: Tensor, q: Sheet) -> Tensor:
    """Distance to the head: a skull, a jaw and a chin, melted together."""
    skull = ellipse(x, y + 0.13, q.half_width, 0.47)
    jaw = ellipse(x, y - (q.chin - 0.38), q.jaw_width, 0.365)
    chin = ellipse(x, y - (q.chin - 0.125), q.chin_width, 0.115)
    return join(join(skull, jaw, 0.12), chin, 0.10)
