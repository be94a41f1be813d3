"""Cameras: from points in metres to pixels and back.

Frames. The *camera frame* has x right, y DOWN and z forward, right-handed, in metres; so both pixel axes grow with the
axes of the frame and no sign appears in a projection. The *hand frame* of the NYU and ICVL hands and of ITOP has x
right, y UP and z away from the camera: it is left-handed, and differs from the camera frame by the sign of y alone.
A right-handed frame with y up (most motion capture, and the course's world frame) needs a *rotation* instead, see
`course_lib.geometry.look_at`: to negate its y alone would mirror the body and swap left and right.

Pixels are (u, v), u right and v down; the CENTRE of the top left pixel is (0, 0), so that an image of width w spans
[-0.5, w - 0.5]. Depth is the coordinate z, not the distance along the ray.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry._checks import batches_fit, last_axes
from course_lib.geometry._precision import full_precision

NEAREST = 1e-6  # metres; a depth closer to 0 than this is moved here, so that no projection or gradient is infinite


def intrinsics_matrix(
    focal: float | tuple[float, float] | Float[Tensor, "..."],
    center: tuple[float, float] | Float[Tensor, "*b 2"],
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "... 3 3"]:
    r"""Camera matrix $K$ with rows $(f_x, 0, c_x)$, $(0, f_y, c_y)$, $(0, 0, 1)$.

    Args:
        focal: Focal length in pixels: a number, a pair (x, y), or a tensor whose last axis holds one or two of them.
        center: Where the optical axis meets the image, pixels; ((w - 1) / 2, (h - 1) / 2) is the middle.
        dtype: Type of the result where both arguments are plain numbers.
        device: Device of the result, likewise.

    Raises:
        ValueError: The last axis of an argument has another size.
    """
    like = next((value for value in (focal, center) if isinstance(value, Tensor)), None)
    if like is None:
        like = torch.empty(0, dtype=dtype, device=device)
    focal, center = (torch.as_tensor(value, dtype=like.dtype, device=like.device) for value in (focal, center))
    if focal.ndim == 0:
        focal = focal[None]
    last_axes("center", center, 2, holding="pixels (u, v)")
    if focal.shape[-1] not in (1, 2):
        raise ValueError(
            f"`focal` has shape {tuple(focal.shape)}: its last axis must hold one focal length or two (x, y); "
            "for one of each of b cameras give focal[:, None]"
        )
    batches_fit(focal=(focal, 1), center=(center, 1))
    focal, center = torch.broadcast_tensors(focal, center)
    top = torch.cat([torch.diag_embed(focal), center[..., None]], -1)
    bottom = top.new_tensor([0.0, 0.0, 1.0]).expand(*top.shape[:-2], 1, 3)
    return torch.cat([top, bottom], -2)


@full_precision
def resize_intrinsics(
    intrinsics: Float[Tensor, "*b 3 3"], scale_x: float, scale_y: float | None = None
) -> Float[Tensor, "*b 3 3"]:
    """Camera matrix of an image that was resized.

    A pixel's *edges* scale, its centre does not: u becomes (u + 1/2) * scale - 1/2.

    Args:
        intrinsics: Camera matrices of the image before.
        scale_x: New width / old width.
        scale_y: New height / old height; the same as `scale_x` by default.
    """
    last_axes("intrinsics", intrinsics, 3, 3, holding="a camera matrix")
    sx, sy = scale_x, scale_x if scale_y is None else scale_y
    resize = intrinsics.new_tensor([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])
    return resize @ intrinsics


def crop_intrinsics(intrinsics: Float[Tensor, "*b 3 3"], left: float, top: float) -> Float[Tensor, "*b 3 3"]:
    """Camera matrix of an image of which `left` columns and `top` rows were cut away."""
    last_axes("intrinsics", intrinsics, 3, 3, holding="a camera matrix")
    return intrinsics - intrinsics.new_tensor([[0, 0, left], [0, 0, top], [0, 0, 0]])


@full_precision
def project(points: Float[Tensor, "*b n 3"], intrinsics: Float[Tensor, "*k 3 3"]) -> Float[Tensor, "... n 2"]:
    r"""Pinhole projection to pixels, $(f_x X/Z + c_x,\ f_y Y/Z + c_y)$.

    The division comes first, the centre after it. A point with `depth_of(point)` <= 0 lies behind the camera: it gets a
    finite but meaningless pixel, and is for the caller to mask.

    Args:
        points: Metres (any unit does), camera frame.
        intrinsics: Camera matrices in pixels; their batch axes broadcast against those of `points`.

    Raises:
        ValueError: The last axes are not (n, 3) and (3, 3), or the batch axes do not fit together.
    """
    _check_points(points, intrinsics)
    z = points[..., 2:]
    z = torch.where(z.abs() < NEAREST, torch.full_like(z, NEAREST), z)
    return _to_pixels(points[..., :2] / z, intrinsics)


def depth_of(points: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b"]:
    """Depth: the coordinate z of points in the camera frame; positive in front of the camera."""
    last_axes("points", points, 3, holding="x, y, z in the camera frame")
    return points[..., 2]


@full_precision
def backproject(
    pixels: Float[Tensor, "*b n 2"], depth: Float[Tensor, "*d n"], intrinsics: Float[Tensor, "*k 3 3"]
) -> Float[Tensor, "... n 3"]:
    """Points in the camera frame that are seen at given pixels and depths; the inverse of `project`.

    Args:
        pixels: (u, v), v down.
        depth: Coordinate z, not the length of the ray; the points have its unit.
        intrinsics: Camera matrices in pixels.

    Raises:
        ValueError: The last axes are not (n, 2), (n) and (3, 3), or the batch axes do not fit together.
    """
    last_axes("pixels", pixels, None, 2, holding="(u, v) of n points")
    last_axes("depth", depth, pixels.shape[-2], holding="one depth for each of the pixels")
    last_axes("intrinsics", intrinsics, 3, 3, holding="a camera matrix")
    batches_fit(pixels=(pixels, 2), depth=(depth, 1), intrinsics=(intrinsics, 2))
    return _directions(pixels, intrinsics) * depth[..., None]


@full_precision
def weak_perspective(
    points: Float[Tensor, "*b n 3"],
    intrinsics: Float[Tensor, "*k 3 3"],
    reference_depth: Float[Tensor, "*d"] | None = None,
) -> Float[Tensor, "... n 2"]:
    r"""Weak perspective (scaled orthography) to pixels: all points are divided by one depth, $fX/Z_0 + c$.

    Against the pinhole, the offset of a point from the centre is too long by the factor $Z/Z_0$: a point one tenth of
    $Z_0$ behind the reference is drawn ten per cent too far from the centre.

    Args:
        points: Metres, camera frame.
        intrinsics: Camera matrices in pixels.
        reference_depth: Depth $Z_0$ of each set of points; the mean depth of the set by default.

    Raises:
        ValueError: The last axes are not (n, 3) and (3, 3), or the batch axes do not fit together.
    """
    _check_points(points, intrinsics)
    if reference_depth is None:
        reference_depth = points[..., 2].mean(-1)
    batches_fit(points=(points, 2), reference_depth=(reference_depth, 0))
    return _to_pixels(points[..., :2] / reference_depth[..., None, None], intrinsics)


@full_precision
def orthographic(
    points: Float[Tensor, "*b n 3"],
    scale: float | Float[Tensor, "*s"],
    center: tuple[float, float] | Float[Tensor, "*c 2"],
) -> Float[Tensor, "... n 2"]:
    """Orthographic projection to pixels, scale * (X, Y) + centre; the depth is lost, and with it the sign of z.

    Args:
        points: Metres, camera frame.
        scale: Pixels per metre, one for each set of points.
        center: Where the point (0, 0, z) is drawn, pixels.

    Raises:
        ValueError: The last axes are not (n, 3) and (2), or the batch axes do not fit together.
    """
    last_axes("points", points, None, 3, holding="x, y, z of n points in the camera frame")
    scale, center = (torch.as_tensor(value, dtype=points.dtype, device=points.device) for value in (scale, center))
    last_axes("center", center, 2, holding="pixels (u, v)")
    batches_fit(points=(points, 2), scale=(scale, 0), center=(center, 1))
    return points[..., :2] * scale[..., None, None] + center[..., None, :]


@full_precision
def centred_perspective(
    points: Float[Tensor, "*b n 3"],
    inverse_focal: float | Float[Tensor, "*s"],
    center: tuple[float, float] | Float[Tensor, "*c 2"],
) -> Float[Tensor, "... n 2"]:
    r"""Perspective of a body about its own root, $(x, y)\,/\,(1 + z/f) + c$ (3D-INN: Wu et al. 2016).

    Points are in *pixels*, the root near the origin: a shape in metres times s = $f/Z_0$. It is the pinhole whose root
    lies at the depth $Z_0$, without the blow-up at $Z=0$, and at `inverse_focal` = 0 exactly scaled orthography.

    Args:
        points: Pixels, axes of the camera frame, relative to the root.
        inverse_focal: $1/f$ in 1 / pixels, one for each set of points; what a network should regress.
        center: Where the root is drawn, pixels.

    Raises:
        ValueError: The last axes are not (n, 3) and (2), or the batch axes do not fit together.
    """
    last_axes("points", points, None, 3, holding="x, y, z of n points")
    inverse_focal, center = (
        torch.as_tensor(value, dtype=points.dtype, device=points.device) for value in (inverse_focal, center)
    )
    last_axes("center", center, 2, holding="pixels (u, v)")
    batches_fit(points=(points, 2), inverse_focal=(inverse_focal, 0), center=(center, 1))
    return points[..., :2] / (1 + points[..., 2:] * inverse_focal[..., None, None]) + center[..., None, :]


def pixel_grid(
    height: int, width: int, *, dtype: torch.dtype | None = None, device: torch.device | str | None = None
) -> Float[Tensor, "h w 2"]:
    """Centres (u, v) of all pixels: entry [row, column] is (column, row)."""
    v, u = (torch.arange(size, device=device, dtype=dtype or torch.get_default_dtype()) for size in (height, width))
    return torch.stack(torch.meshgrid(u, v, indexing="xy"), -1)


@full_precision
def rays(height: int, width: int, intrinsics: Float[Tensor, "*k 3 3"]) -> Float[Tensor, "*k h w 3"]:
    """Direction of each pixel's ray in the camera frame, scaled so that z = 1: depth * ray is the point seen there."""
    last_axes("intrinsics", intrinsics, 3, 3, holding="a camera matrix")
    grid = pixel_grid(height, width, dtype=intrinsics.dtype, device=intrinsics.device)
    return _directions(grid.flatten(0, 1), intrinsics).unflatten(-2, (height, width))


def camera_from_hand(points: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3"]:
    """From the left-handed frame x right, y UP, z away (NYU and ICVL hands, ITOP) to the camera frame: y changes sign.

    One sign, not a rotation: the frame it starts from is a mirror image of a right-handed one, and so left hands stay
    left hands.
    """
    last_axes("points", points, 3, holding="x, y, z")
    return points * points.new_tensor([1.0, -1.0, 1.0])


def hand_from_camera(points: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3"]:
    """From the camera frame to the left-handed frame x right, y UP, z away; the inverse of `camera_from_hand`."""
    return camera_from_hand(points)


def _check_points(points: Tensor, intrinsics: Tensor) -> None:
    last_axes("points", points, None, 3, holding="x, y, z of n points in the camera frame")
    last_axes("intrinsics", intrinsics, 3, 3, holding="a camera matrix")
    batches_fit(points=(points, 2), intrinsics=(intrinsics, 2))


def _to_pixels(plane: Tensor, intrinsics: Tensor) -> Tensor:
    """Pixels of points (X/Z, Y/Z) on the plane z = 1; the last row of the matrix is (0, 0, 1)."""
    return plane @ intrinsics[..., :2, :2].mT + intrinsics[..., None, :2, 2]


def _directions(pixels: Tensor, intrinsics: Tensor) -> Tensor:
    """Rays with z = 1: the camera matrix is upper triangular, so two lines of substitution invert it."""
    fx, skew, cx = (intrinsics[..., None, 0, i] for i in range(3))
    fy, cy = (intrinsics[..., None, 1, i] for i in (1, 2))
    y = (pixels[..., 1] - cy) / fy
    x = (pixels[..., 0] - cx - skew * y) / fx
    return torch.stack([x, y, torch.ones_like(x)], -1)
