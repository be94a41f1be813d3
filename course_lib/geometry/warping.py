"""Rigid flow and inverse warping: what a camera's motion does to the picture of a static scene.

The *inverse* warp rebuilds picture 1 by sampling picture 2 where the points of picture 1 have gone; it needs the depth
of picture 1 only, and leaves no holes. It presumes a static scene, no occlusion, and brightness that does not depend on
the view.

With K the camera matrix, a pixel p = (u, v, 1) and its depth d, the point moves to d K R K^-1 p + K t. The nine numbers
of K R K^-1 are multiplied out first, once a picture, and all is divided by d:

    flow = (D p + K t / d)_xy - p_xy (D p + K t / d)_z over 1 + (D p + K t / d)_z,   D = K (R - I) K^-1.

Written with R - I, the flow of a camera at rest is exactly 0 for every depth, and that of a slow one keeps its digits.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from course_lib.geometry._precision import full_precision
from course_lib.geometry.cameras import NEAREST, pixel_grid

IN_FRONT = 1e-4  # depth after / depth before below which a point counts as behind the camera


@full_precision
def rigid_flow(
    depth: Float[Tensor, "b 1 h w"],
    target_from_source: Float[Tensor, "b 4 4"],
    intrinsics: Float[Tensor, "*k 3 3"],
) -> Float[Tensor, "b 2 h w"]:
    r"""Optical flow (U, V) of a static scene, pixels: where each pixel's point is seen after the motion, minus where it was.

    Finite everywhere, but meaningless where `depth` is not positive or `depth_after` is not.

    Args:
        depth: Coordinate z of the points in the source camera, metres; infinity is the horizon.
        target_from_source: Motion of the points, $X_2=RX_1+t$ (`relative_motion`); same unit as `depth`.
        intrinsics: Camera matrix of both pictures, one or one for each, pixels.

    Raises:
        ValueError: An argument has another shape.
    """  # noqa: E501
    return _flow_and_ratio(depth, target_from_source, intrinsics)[0]


@full_precision
def depth_after(
    depth: Float[Tensor, "b 1 h w"],
    target_from_source: Float[Tensor, "b 4 4"],
    intrinsics: Float[Tensor, "*k 3 3"],
) -> Float[Tensor, "b 1 h w"]:
    """Depth of each pixel's point in the target camera, metres; not positive where it lies behind that camera."""
    return depth * _flow_and_ratio(depth, target_from_source, intrinsics)[1]


@full_precision
def warp_with_flow(
    image: Float[Tensor, "b c h w"], flow: Float[Tensor, "b 2 h w"]
) -> tuple[Float[Tensor, "b c h w"], Bool[Tensor, "b 1 h w"]]:
    """Sample `image` at (u + U, v + V) for every pixel (u, v), bilinearly.

    Args:
        image: Picture to sample.
        flow: (U, V) in pixels.

    Returns:
        The warped picture, 0 where it is not valid, and the mask of valid pixels: those that the flow leads to a place
        between the centres of four pixels. Divide sums by the number of valid pixels, else moving everything out of
        view lowers a loss.

    Raises:
        ValueError: An argument has another shape.
    """
    _check_image("image", image)
    _check_like(flow, "flow", (image.shape[0], 2, *image.shape[2:]), "(U, V) of each pixel of `image`")
    return _sample(image, flow, torch.ones_like(flow[:, :1], dtype=torch.bool))


@full_precision
def inverse_warp(
    image2: Float[Tensor, "b c h w"],
    depth1: Float[Tensor, "b 1 h w"],
    second_from_first: Float[Tensor, "b 4 4"],
    intrinsics: Float[Tensor, "*k 3 3"],
) -> tuple[Float[Tensor, "b c h w"], Bool[Tensor, "b 1 h w"]]:
    """Rebuild picture 1 from picture 2, the depth of picture 1 and the motion.

    Args:
        image2: Picture 2, which is sampled.
        depth1: Depth of picture 1, metres; 0 where it is not known.
        second_from_first: Motion of the points from camera 1 to camera 2 (`relative_motion`).
        intrinsics: Camera matrix of both pictures, one or one for each, pixels.

    Returns:
        The warped picture, 0 where it is not valid, and the mask of valid pixels: depth known and positive, the point
        in front of camera 2 and inside picture 2. Hidden points are not found out (`depth_agreement` can).

    Raises:
        ValueError: An argument has another shape.
    """
    _check_image("image2", image2)
    _check_like(depth1, "depth1", (image2.shape[0], 1, *image2.shape[2:]), "the depth of each pixel")
    flow, ratio = _flow_and_ratio(depth1, second_from_first, intrinsics)
    return _sample(image2, flow, (depth1 > NEAREST) & (ratio > IN_FRONT))


@full_precision
def depth_agreement(
    depth1: Float[Tensor, "b 1 h w"],
    depth2: Float[Tensor, "b 1 h w"],
    second_from_first: Float[Tensor, "b 4 4"],
    intrinsics: Float[Tensor, "*k 3 3"],
) -> tuple[Float[Tensor, "b 1 h w"], Bool[Tensor, "b 1 h w"]]:
    """Difference between the depth that camera 2 sees and the one that the points of picture 1 should have there.

    About 0 where depths and motion agree; negative where something nearer hides the point from camera 2.

    Args:
        depth1: Depth of picture 1, metres; 0 where it is not known.
        depth2: Depth of picture 2, likewise.
        second_from_first: Motion of the points from camera 1 to camera 2 (`relative_motion`).
        intrinsics: Camera matrix of both pictures, one or one for each, pixels.

    Returns:
        `depth2` sampled minus the expected depth, metres, 0 where not valid, and the mask of valid pixels: both depths
        known (that of picture 2 at all four neighbours) and the point inside picture 2.

    Raises:
        ValueError: An argument has another shape.
    """
    _check_like(depth2, "depth2", tuple(depth1.shape), "one depth for each pixel, as in `depth1`")
    # NaN and infinity are replaced before they are multiplied: times a zero gradient they would still be NaN
    known1, known2 = ((depth > NEAREST) & (depth < torch.inf) for depth in (depth1, depth2))
    depth1 = torch.where(known1, depth1, 0.0)
    flow, ratio = _flow_and_ratio(depth1, second_from_first, intrinsics)
    both = torch.cat([torch.where(known2, depth2, 0.0), known2.to(depth2.dtype)], 1)
    sampled, valid = _sample(both, flow, known1 & (ratio > IN_FRONT))
    # Weights of the four neighbours add up to 1 but for rounding; a missing one with less weight than that is harmless.
    valid = valid & (sampled[:, 1:] > 0.9999)
    return torch.where(valid, sampled[:, :1] - depth1 * ratio, 0.0), valid


def _flow_and_ratio(depth: Tensor, target_from_source: Tensor, intrinsics: Tensor) -> tuple[Tensor, Tensor]:
    """The flow, and depth after the motion divided by depth before it."""
    if depth.ndim != 4 or depth.shape[1] != 1:
        raise ValueError(f"the depth has shape {tuple(depth.shape)}: it must be (b, 1, h, w)")
    b, _, h, w = depth.shape
    _check_like(target_from_source, "the motion", (b, 4, 4), "one rigid motion for each depth map")
    if tuple(intrinsics.shape) not in ((3, 3), (1, 3, 3), (b, 3, 3)):
        raise ValueError(f"`intrinsics` has shape {tuple(intrinsics.shape)}: it must be (3, 3) or ({b}, 3, 3)")
    rotation, translation = target_from_source[:, :3, :3], target_from_source[:, :3, 3:]
    eye = torch.eye(3, dtype=rotation.dtype, device=rotation.device)
    pixels_to_rays = torch.linalg.solve_triangular(intrinsics, eye, upper=True)  # K^-1; `inv` would wait for a GPU
    change = intrinsics @ (rotation - eye) @ pixels_to_rays  # D, (b, 3, 3)
    offset = intrinsics @ translation  # K t, (b, 3, 1)
    grid = pixel_grid(h, w, dtype=depth.dtype, device=depth.device).permute(2, 0, 1)  # (2, h, w)
    u, v = grid
    # D p for all pixels: an affine function of u and v, three entries
    moved = change[..., 0, None, None] * u + change[..., 1, None, None] * v + change[..., 2, None, None]
    known = depth > NEAREST  # NaN is not
    inverse_depth = torch.where(known, 1 / torch.where(known, depth, 1.0), 0.0)
    moved = moved + offset[..., None] * inverse_depth
    ratio = 1 + moved[:, 2:]
    safe = torch.where(ratio > IN_FRONT, ratio, 1.0)
    return (moved[:, :2] - grid * moved[:, 2:]) / safe, ratio


def _sample(image: Tensor, flow: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Bilinear samples at pixel + flow, and `valid` without the places outside the picture."""
    h, w = image.shape[2:]
    grid = pixel_grid(h, w, dtype=flow.dtype, device=flow.device).permute(2, 0, 1)
    places = grid + flow
    x, y = places[:, 0], places[:, 1]
    valid = valid & ((x >= 0) & (x <= w - 1) & (y >= 0) & (y <= h - 1))[:, None]  # NaN is in no picture
    places = torch.where(valid, places, 0.0)
    # grid_sample wants -1 at the CENTRE of the first pixel and 1 at that of the last: align_corners=True. With False
    # they would be edges, and 2 x / (w - 1) - 1 would sample up to half a pixel beside the place.
    size = places.new_tensor([max(w - 1, 1), max(h - 1, 1)])
    normalized = places.permute(0, 2, 3, 1) * (2 / size) - 1
    # "border" for places that rounding has put just outside
    sampled = F.grid_sample(image, normalized.to(image.dtype), "bilinear", "border", align_corners=True)
    return torch.where(valid, sampled, 0.0), valid


def _check_image(name: str, image: Tensor) -> None:
    if image.ndim != 4:
        raise ValueError(f"`{name}` has shape {tuple(image.shape)}: it must be (b, c, h, w)")


def _check_like(tensor: Tensor, name: str, expected: tuple[int, ...], meaning: str) -> None:
    if tuple(tensor.shape) != expected:
        raise ValueError(f"`{name}` has shape {tuple(tensor.shape)}: it must be {expected}, {meaning}")
