"""The flesh of a hand: 26 tapered capsules about its landmarks, and what each of them is called."""

import itertools
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.worlds.hands.anatomy import LANDMARKS
from course_lib.worlds.raycast import prepare_cone
from course_lib.worlds.short_repr import ShortRepr

SEGMENTS = ("proximal", "middle", "distal")
PARTS = (
    *("background", "forearm", "palm"),
    *(f"{finger}_{segment}" for finger in ("thumb", "index", "middle", "ring", "little") for segment in SEGMENTS),
)

# Radii at knuckle, two joints and tip, millimetres.
RADII = {
    "thumb": (15.5, 12.0, 10.8, 8.6),
    "index": (11.0, 9.6, 8.6, 7.4),
    "middle": (11.2, 9.8, 8.8, 7.6),
    "ring": (10.8, 9.2, 8.2, 7.1),
    "little": (10.2, 8.2, 7.2, 6.2),
}
JOINTS = ("mcp", "pip", "dip", "tip")


@dataclass(frozen=True)
class _Part:
    """One tapered capsule: its ends as weighted sums of landmarks, its radii in millimetres, its label."""

    label: str
    a: dict[str, float]
    b: dict[str, float]
    radius_a: float
    radius_b: float


def _wrist(share: float) -> dict[str, float]:
    """A point of the wrist, from the little finger's side (0) to the thumb's (1)."""
    return {"wrist_little_side": 1 - share, "wrist_thumb_side": share}


def _mix(share: float, a: dict[str, float], b: dict[str, float]) -> dict[str, float]:
    """Weights of the point that lies `share` of the way from a to b."""
    mixed = {name: (1 - share) * weight for name, weight in a.items()}
    for name, weight in b.items():
        mixed[name] = mixed.get(name, 0.0) + share * weight
    return mixed


def _all_parts() -> tuple[_Part, ...]:
    parts = []
    for finger, radii in RADII.items():
        for i, segment in enumerate(SEGMENTS):
            ends = ({f"{finger}_{JOINTS[i]}": 1.0}, {f"{finger}_{JOINTS[i + 1]}": 1.0})
            parts.append(_Part(f"{finger}_{segment}", *ends, radii[i], radii[i + 1]))
    shares = {"index": 0.82, "middle": 0.59, "ring": 0.37, "little": 0.15}
    for finger, share in shares.items():
        root = _mix(0.10, _wrist(share), {f"{finger}_mcp": 1.0})
        parts.append(_Part("palm", root, {f"{finger}_mcp": 1.0}, 13.5, RADII[finger][0] + 0.5))
    names = list(shares)
    for a, b in itertools.pairwise(names):
        # Flesh between the bones of the palm, up to the roots of the fingers.
        knuckles = {f"{a}_mcp": 0.5, f"{b}_mcp": 0.5}
        root = _wrist((shares[a] + shares[b]) / 2)
        parts.append(_Part("palm", _mix(0.2, root, knuckles), _mix(0.93, root, knuckles), 13.5, 11.2))
    heel = [_mix(share, _wrist(0.08), {"little_mcp": 1.0}) for share in (0.12, 0.6)]
    parts.append(_Part("palm", *heel, 14.8, 12.5))
    web = [_mix(0.5, {"thumb_mcp": 1.0}, {"thumb_pip": 1.0}), _mix(0.5, _wrist(0.75), {"index_mcp": 1.0})]
    parts.append(_Part("palm", *web, 11.5, 11.5))
    for share in (0.31, 0.69):
        # The forearm goes on in the direction from the palm to the wrist.
        beyond = _wrist(share) | {"wrist": 1.8, "palm": -1.8}
        parts.append(_Part("forearm", _wrist(share), beyond, 17.0, 21.0))
    return tuple(parts)


CAPSULES = _all_parts()


@dataclass(frozen=True)
class HandParts(ShortRepr):
    """The capsules of n hands, in the order of `CAPSULES`.

    Attributes:
        a: Centres of the first balls, camera frame, metres.
        b: Centres of the second balls.
        radius_a: Radii of the first balls, metres.
        radius_b: Radii of the second balls.
    """

    a: Float[Tensor, "n k 3"]
    b: Float[Tensor, "n k 3"]
    radius_a: Float[Tensor, "n k"]
    radius_b: Float[Tensor, "n k"]

    def unpacked(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The four fields, in order."""
        return self.a, self.b, self.radius_a, self.radius_b

    def prepared(self) -> Float[Tensor, "n 14 k"]:
        """One array of what the kernel needs to know of each capsule."""
        return torch.stack(prepare_cone(self.a.unbind(-1), self.b.unbind(-1), self.radius_a, self.radius_b), 1)


def hand_parts(points: Float[Tensor, "n 24 3"], thickness: Float[Tensor, " n"]) -> HandParts:
    """Capsules about landmarks.

    Args:
        points: Joints in the order of `LANDMARKS`.
        thickness: Factor on all radii.
    """
    radii = torch.tensor([[part.radius_a, part.radius_b] for part in CAPSULES]) / 1000
    radii = thickness[:, None, None] * radii.to(points)
    return HandParts(_ends(points, "a"), _ends(points, "b"), radii[..., 0], radii[..., 1])


def _ends(points: Tensor, end: str) -> Tensor:
    """Weighted sums of landmarks, term by term (a matrix product may round differently in a batch)."""
    recipes = [list(getattr(part, end).items()) for part in CAPSULES]
    most = max(len(recipe) for recipe in recipes)
    recipes = [recipe + [(LANDMARKS.joints[0], 0.0)] * (most - len(recipe)) for recipe in recipes]
    total = torch.zeros(())
    for term in range(most):
        rows = torch.tensor([LANDMARKS.index(recipe[term][0]) for recipe in recipes], device=points.device)
        weights = torch.tensor([recipe[term][1] for recipe in recipes]).to(points)
        total = total + weights[:, None] * points[:, rows]
    return total


def part_labels(device: torch.device | str = "cpu") -> Tensor:
    """Label of each capsule (its place in `PARTS`), with that of the background last, `(k + 1,)`."""
    return torch.tensor([PARTS.index(part.label) for part in CAPSULES] + [0], device=device)
