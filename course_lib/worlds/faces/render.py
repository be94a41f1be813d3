"""Drawing faces: one pixel kernel that lays all layers, and the pictures with their ground truth."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.worlds.checks import check_factors, check_square
from course_lib.worlds.chunks import in_chunks
from course_lib.worlds.faces import body, features, hair
from course_lib.worlds.faces.canvas import PARTS, place
from course_lib.worlds.faces.factors import FaceFactors
from course_lib.worlds.faces.landmarks import LANDMARKS, landmarks, nose_box
from course_lib.worlds.faces.sheet import model_sheet, pack, unpack
from course_lib.worlds.kernel import kernel
from course_lib.worlds.short_repr import ShortRepr

SIZES = (16, 512)
# Pixels, and pictures on a GPU, drawn at once: fixed, so that one compiled kernel serves pictures of every size.
_PIXELS = 4096
_PICTURES = 64


@kernel
def draw_faces(x: Tensor, y: Tensor, step: Tensor, rows: Tensor) -> tuple[Tensor, ...]:
    """Draw faces at pixel positions `(p,)`, `step` apart, from packed sheets `(b, k, 1)`; all results are `(b, p)`.

    Returns:
        Red, green, blue, index of the part on top, and how much of each pixel the nose covers.
    """
    q = unpack(rows)
    f = place(x, y, step, q)
    canvas = body.background(x, y, q)
    canvas = hair.back_hair(canvas, f, q)
    canvas = body.neck_and_clothes(canvas, f, q)
    canvas = body.ears(canvas, f, q)
    canvas = body.face(canvas, f, q)
    canvas = body.wrinkles(canvas, f, q)
    canvas = features.eyes(canvas, f, q)
    canvas = hair.beard(canvas, f, q)
    canvas = features.mouth(canvas, f, q)
    canvas, nose = features.nose(canvas, f, q)
    canvas = hair.moustache(canvas, f, q)
    canvas = features.brows(canvas, f, q)
    canvas = hair.front_hair(canvas, f, q)
    canvas = features.glasses(canvas, f, q)
    red, green, blue = (channel.clamp(0, 1) for channel in canvas.rgb)
    return red, green, blue, canvas.part, nose


@dataclass(frozen=True)
class FaceImages(ShortRepr):
    """Pictures of faces and what is true of them.

    Attributes:
        images: RGB in [0, 1], `(b, 3, h, w)`.
        parts: Index in `PARTS` of what lies on top of each pixel.
        nose_cover: How much of each pixel the nose covers, 0 to 1, also under glasses and moustache.
        landmarks: Pixels (u, v) of `LANDMARKS`, u to the right, v down, the centre of the top left pixel (0, 0).
        nose_box: (left, top, right, bottom) in pixels, right and bottom excluded; the same for every size of nose.
    """

    images: Float[Tensor, "b 3 h w"]
    parts: Int[Tensor, "b 1 h w"]
    nose_cover: Float[Tensor, "b 1 h w"]
    landmarks: Float[Tensor, "b k 2"]
    nose_box: Int[Tensor, "b 4"]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.images)

    def mask(self, part: str) -> Bool[Tensor, "b 1 h w"]:
        """Pixels where a part is on top, by its name in `PARTS`."""
        if part not in PARTS:
            raise ValueError(f"`part` (={part!r}) must be one of {', '.join(PARTS)}")
        return self.parts == PARTS.index(part)

    def landmark(self, name: str) -> Float[Tensor, "b 2"]:
        """Pixels (u, v) of one landmark."""
        if name not in LANDMARKS:
            raise ValueError(f"`name` (={name!r}) must be one of {', '.join(LANDMARKS)}")
        return self.landmarks[:, LANDMARKS.index(name)]

    def observed(self) -> Float[Tensor, "b 1 h w"]:
        """The inpainting mask: 1 where a pixel is seen, 0 inside the nose box."""
        height, width = self.images.shape[-2:]
        u = torch.arange(width, device=self.images.device)
        v = torch.arange(height, device=self.images.device).unsqueeze(1)
        left, top, right, bottom = (edge.view(-1, 1, 1, 1) for edge in self.nose_box.unbind(1))
        hole = (u >= left) & (u < right) & (v >= top) & (v < bottom)
        return (~hole).to(self.images.dtype)


def render(factors: FaceFactors, *, size: int = 64, compiled: bool | None = None) -> FaceImages:
    """Draw each face.

    Args:
        factors: What to draw; the pictures lie on its device.
        size: Width and height of the pictures in pixels.
        compiled: True or False to insist on compiled or eager drawing; None compiles where that is possible.

    Raises:
        ValueError: Factors of another world, or `size` is out of range.
    """
    check_factors(factors, FaceFactors)
    check_square(size)
    if not SIZES[0] <= size <= SIZES[1]:
        raise ValueError(f"`size` (={size}) must be {SIZES[0]} to {SIZES[1]} pixels")
    sheet = model_sheet(factors)
    rows = pack(sheet)
    drawn = in_chunks(lambda piece: _draw_picture(piece, size, compiled), rows, cpu=1, cuda=_PICTURES)
    red, green, blue, part, nose = (channel.view(-1, 1, size, size) for channel in drawn)
    return FaceImages(
        images=torch.cat([red, green, blue], 1),
        parts=part.round().long(),
        nose_cover=nose,
        landmarks=landmarks(sheet, size),
        nose_box=nose_box(sheet, size),
    )


def _draw_picture(rows: Tensor, size: int, compiled: bool | None) -> tuple[Tensor, ...]:
    """All pixels of some pictures, `(b, size * size)` each, drawn piece by piece."""
    step = torch.full((1,), 2 / size, device=rows.device)
    number = torch.arange(-(-size * size // _PIXELS) * _PIXELS, device=rows.device)  # those past the end are cut off
    x = (number % size + 0.5) * step - 1
    y = (number // size + 0.5) * step - 1
    pieces = zip(x.split(_PIXELS), y.split(_PIXELS), strict=True)
    drawn = [draw_faces(u, v, step, rows, compiled=compiled) for u, v in pieces]
    return tuple(torch.cat(channel, 1)[:, : size * size] for channel in zip(*drawn, strict=True))


def nose_width(cover: Float[Tensor, "b 1 h w"]) -> Float[Tensor, " b"]:
    """Width of the nose in pixels, measured: the widest row of a coverage map (or of a mask as float)."""
    return cover.sum(-1).amax((-2, -1))
