"""Where the features of a face lie in the picture, in closed form from its model sheet."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.worlds.faces.sheet import PIVOT, Sheet, nose_half_width

# Right and left are the person's own: the right eye is in the left half of the picture.
LANDMARKS = (
    "right_eye",
    "left_eye",
    "right_brow",
    "left_brow",
    "nose_tip",
    "nose_right",
    "nose_left",
    "mouth_right",
    "mouth_left",
    "mouth",
    "chin",
)


def landmarks(q: Sheet, size: int) -> Float[Tensor, "b k 2"]:
    """Pixels (u, v) of `LANDMARKS`; the centre of the top left pixel is (0, 0).

    `nose_right` and `nose_left` are the outermost points of the wings, the mouth's corners lie on its middle line.
    """
    zero = torch.zeros_like(q.scale)
    wings = q.nose_y - 0.030
    corners = q.mouth_y - 0.55 * q.mouth_bend
    brow = q.brow_y + 0.030 * 0.0625  # the middle of the brow, a quarter of its curve's span from the bend
    face = [
        (-q.eye_x, zero),
        (q.eye_x, zero),
        (-1.02 * q.eye_x, brow),
        (1.02 * q.eye_x, brow),
        (-q.mouth_half, corners),
        (q.mouth_half, corners),
        (zero, q.mouth_y + 0.45 * q.mouth_bend),
        (zero, q.chin),
    ]
    nose = [(zero, q.nose_y - 0.052), (-q.nose_half, wings), (q.nose_half, wings)]
    across = [turned_back(x, q.turn, q.half_width) for x, _ in face]
    across[7] = zero  # the outline itself does not turn
    across[4:4] = [turned_back(x, 1.6 * q.turn, q.half_width) for x, _ in nose]
    down = [y for _, y in face]
    down[4:4] = [y for _, y in nose]
    return to_pixels(torch.cat(across, 1), torch.cat(down, 1), q, size)


def nose_box(q: Sheet, size: int) -> Int[Tensor, "b 4"]:
    """Box (left, top, right, bottom) in pixels, right and bottom excluded, that holds the nose of any width and length.

    It depends on where the head is, never on how large its nose is: a hole cut by it gives nothing away.
    """
    half = nose_half_width(torch.ones_like(q.scale)) + 0.035
    # The lowest nose ends at 0.255 plus what a long face adds; its bridge may go on above the box.
    top, bottom = torch.full_like(q.scale, 0.03), 0.3 * (q.chin - 0.48) + 0.290
    corners = [(side * half, y) for y in (top, bottom) for side in (-1, 1)]
    across = torch.cat([turned_back(x, 1.6 * q.turn, q.half_width) for x, _ in corners], 1)
    pixels = to_pixels(across, torch.cat([y for _, y in corners], 1), q, size)
    low = (pixels.amin(1) + 0.5).floor().long().clamp(0, size)
    high = (pixels.amax(1) + 0.5).ceil().long().clamp(0, size)
    return torch.cat([low, high], 1)


def turned_back(x: Tensor, turn: Tensor, half_width: Tensor) -> Tensor:
    """Place in the head frame of a point `x` on the turned face: the inverse of x = X - turn (1 - (X/W)^2)."""
    bend = turn / (half_width * half_width)
    return 2 * (x + turn) / (1 + torch.sqrt(1 + 4 * bend * (x + turn)))


def to_pixels(x: Tensor, y: Tensor, q: Sheet, size: int) -> Float[Tensor, "b k 2"]:
    """Pixels of points `(b, k)` in the head frame."""
    down = y - PIVOT
    bx, by = q.cos * x - q.sin * down, q.sin * x + q.cos * down + PIVOT
    picture = torch.stack([bx * q.scale + q.shift_x, by * q.scale + q.shift_y], -1)
    return ((picture + 1) * size - 1) / 2
