"""Any set of hand joints as a depth map: the hidden joints are guessed, then the same flesh is put on."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry.skeletons import ICVL_16, NYU_14, Skeleton
from course_lib.worlds.checks import height_and_width
from course_lib.worlds.hands.anatomy import KNUCKLES, LANDMARKS, WRIST_HALF
from course_lib.worlds.hands.factors import FINGERS
from course_lib.worlds.hands.parts import hand_parts
from course_lib.worlds.hands.render import HandImages, crop_camera, draw_parts

# Knuckles of NYU hands in their palm's frame, in lengths of the bone from the wrist to the palm's centre (66 mm): x to
# the thumb, y to the fingers, z out of the palm. Between the centres of the spheres on which the middle joints of
# frames 2441 to 8252 move (fitted by least squares, 3 mm off) and the anatomy of `anatomy.py`.
NYU_KNUCKLES = ((0.33, 1.40, 0.06), (0.03, 1.42, 0.03), (-0.22, 1.38, 0.06), (-0.45, 1.22, 0.12))
NYU_THUMB_ROOT = (0.24, 0.41, 0.20)
_HAND = sum(sum(x * x for x in knuckle) ** 0.5 for knuckle in KNUCKLES) / 4  # metres, wrist to knuckles


def render_joints(
    joints: Float[Tensor, "n j 3"],
    skeleton: Skeleton,
    intrinsics: Float[Tensor, "3 3"] | Float[Tensor, "n 3 3"] | None = None,
    *,
    size: int | tuple[int, int] = 64,
    thickness: float = 1.0,
    compiled: bool | None = None,
) -> HandImages:
    """Draw real joints as a depth map.

    Args:
        joints: Positions in the camera frame (x right, y DOWN, z forward), metres.
        skeleton: Their order: HAND_21 (MSRA), NYU_14 or ICVL_16.
        intrinsics: Cameras, pixels; left out, a window of a quarter of a metre round the middle of each hand.
        size: Height and width, pixels, or the pair (height, width).
        thickness: Factor on the thickness of the flesh, which otherwise goes by the size of the palm.
        compiled: As in `render`.

    Returns:
        Depth maps and all 24 landmarks: those of `skeleton` as given, the others guessed.

    Raises:
        ValueError: Another skeleton, joints that are not finite, or joints at or behind the camera.
    """
    points = complete(joints, skeleton)
    height, width = height_and_width(size)
    if intrinsics is None:
        middle = (joints.amin(1) + joints.amax(1)) / 2
        intrinsics = crop_camera(middle, min(height, width))
        intrinsics[:, 0, 2] += (width - min(height, width)) / 2
        intrinsics[:, 1, 2] += (height - min(height, width)) / 2
    knuckles = points[:, [LANDMARKS.index(f"{finger}_mcp") for finger in FINGERS]]
    lengths = (knuckles - points[:, :1]).square().sum(-1).sqrt()
    parts = hand_parts(points, thickness * lengths.mean(1) / _HAND)
    return draw_parts(
        parts, points, intrinsics.expand(len(points), 3, 3).to(points), (height, width), compiled=compiled
    )


def complete(joints: Float[Tensor, "n j 3"], skeleton: Skeleton) -> Float[Tensor, "n 24 3"]:
    """All landmarks of hands of which some joints are known; known ones stay where they are.

    Args:
        joints: Camera frame, metres.
        skeleton: HAND_21, NYU_14 or ICVL_16.
    """
    if skeleton.name not in ("HAND_21", "NYU_14", "ICVL_16"):
        raise ValueError(f"`skeleton` (={skeleton.name}) must be HAND_21, NYU_14 or ICVL_16")
    if joints.ndim != 3 or joints.shape[1:] != (len(skeleton), 3):
        raise ValueError(f"`joints` has shape {tuple(joints.shape)}: {skeleton.name} needs (n, {len(skeleton)}, 3)")
    if not bool((joints.isfinite().all(-1) & (joints[..., 2] > 0)).all()):
        raise ValueError("`joints` must be finite and in front of the camera (z > 0, metres, y down)")
    known = dict(zip(skeleton.joints, joints.unbind(1), strict=True))
    if skeleton.name == NYU_14.name:
        known |= _from_nyu(known)
    elif skeleton.name == ICVL_16.name:
        known |= _from_icvl(known)
    if "palm" not in known:
        known["palm"] = known["wrist"] + 0.62 * (known["middle_mcp"] - known["wrist"])
    if "wrist_thumb_side" not in known:
        known |= _wrist_sides(known)
    return torch.stack([known[name] for name in LANDMARKS.joints], 1)


def _from_nyu(known: dict[str, Tensor]) -> dict[str, Tensor]:
    """Wrist, knuckles and last joints from two points of the wrist, the palm, middle joints and tips."""
    sides = known["wrist_thumb_side"], known["wrist_little_side"]
    wrist = (sides[0] + sides[1]) / 2
    up = known["palm"] - wrist
    length = up.norm(dim=-1, keepdim=True)
    y = up / length
    across = sides[0] - wrist
    x = F.normalize(across - (across * y).sum(-1, keepdim=True) * y, dim=-1)
    z = torch.linalg.cross(x, y)

    def at(place: tuple[float, float, float]) -> Tensor:
        return wrist + length * (place[0] * x + place[1] * y + place[2] * z)

    found = {"wrist": wrist, "thumb_mcp": at(NYU_THUMB_ROOT)}
    for finger, place in zip(FINGERS, NYU_KNUCKLES, strict=True):
        found[f"{finger}_mcp"] = at(place)
        found[f"{finger}_dip"] = _bent(known[f"{finger}_pip"], known[f"{finger}_tip"], found[f"{finger}_mcp"])
    return found


def _from_icvl(known: dict[str, Tensor]) -> dict[str, Tensor]:
    """Joints from the middles of three segments a finger; `tip` stays, as ICVL marks it."""
    found = {}
    for finger in (*FINGERS, "thumb"):
        root, mid, tip = (known[f"{finger}_{part}"] for part in ("root", "mid", "tip"))
        found[f"{finger}_pip"] = root + 0.55 * (mid - root)
        found[f"{finger}_dip"] = mid + 0.55 * (tip - mid)
        found[f"{finger}_mcp"] = root - 0.9 * (found[f"{finger}_pip"] - root)
    knuckles = (found["middle_mcp"] + found["ring_mcp"]) / 2
    found["wrist"] = known["palm"] + 1.0 * (known["palm"] - knuckles)
    return found


def _bent(joint: Tensor, tip: Tensor, before: Tensor) -> Tensor:
    """The joint between two others, a little outside of their line, on the side to which the finger bulges."""
    middle = joint + 0.55 * (tip - joint)
    straight = F.normalize(tip - joint, dim=-1)
    bulge = (joint - before) - ((joint - before) * straight).sum(-1, keepdim=True) * straight
    size = bulge.norm(dim=-1, keepdim=True)
    return middle + 0.12 * (tip - joint).norm(dim=-1, keepdim=True) * bulge / size.clamp_min(0.01)


def _wrist_sides(known: dict[str, Tensor]) -> dict[str, Tensor]:
    """Two points of the wrist, to either side in the direction of the knuckles."""
    across = known["index_mcp"] - known["little_mcp"]
    along = F.normalize(known["middle_mcp"] - known["wrist"], dim=-1)
    across = across - (across * along).sum(-1, keepdim=True) * along
    length = (known["middle_mcp"] - known["wrist"]).norm(dim=-1, keepdim=True) / KNUCKLES[1][1]
    side = WRIST_HALF * length * F.normalize(across, dim=-1)
    return {"wrist_thumb_side": known["wrist"] + side, "wrist_little_side": known["wrist"] - side}
