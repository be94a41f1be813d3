"""Poses that hands take: gestures, blended and varied within the limits of the joints, no finger inside another."""

import math

import torch
from torch import Tensor

from course_lib.worlds.factors import check_generator, uniform
from course_lib.worlds.hands.anatomy import LANDMARKS, landmarks
from course_lib.worlds.hands.factors import DEGREE, FINGERS, POSE, SHAPE, HandFactors
from course_lib.worlds.hands.parts import JOINTS, RADII

# Thumbs, degrees: spread, opposition, bend of the middle and of the last joint.
THUMBS = {
    "out": (50, 8, 4, 0),
    "beside": (16, 12, 8, 4),
    "across": (40, 66, 36, 44),
    "facing": (42, 62, 16, 22),
    "relaxed": (34, 30, 14, 16),
}
# Gestures: how far index, middle, ring and little finger are curled (0 straight, 1 a fist), how far the fingers are
# spread (0 to 1), and what the thumb does.
GESTURES = {
    "open": ((0.00, 0.00, 0.00, 0.02), 0.9, "out"),
    "flat": ((0.03, 0.02, 0.03, 0.05), 0.1, "beside"),
    "relaxed": ((0.22, 0.30, 0.36, 0.40), 0.3, "relaxed"),
    "fist": ((0.93, 0.95, 0.95, 0.93), 0.0, "across"),
    "point": ((0.02, 0.88, 0.93, 0.93), 0.1, "across"),
    "two": ((0.02, 0.02, 0.90, 0.92), 0.8, "across"),
    "three": ((0.02, 0.02, 0.04, 0.88), 0.6, "across"),
    "four": ((0.02, 0.02, 0.03, 0.05), 0.6, "across"),
    "thumb": ((0.92, 0.94, 0.94, 0.92), 0.0, "out"),
    "gun": ((0.02, 0.90, 0.93, 0.93), 0.1, "out"),
    "pinch": ((0.52, 0.34, 0.26, 0.20), 0.3, "facing"),
    "grasp": ((0.48, 0.50, 0.52, 0.52), 0.3, "facing"),
    "claw": ((0.36, 0.38, 0.40, 0.40), 0.8, "relaxed"),
    "horns": ((0.03, 0.88, 0.90, 0.04), 0.2, "across"),
    "call": ((0.88, 0.92, 0.90, 0.04), 0.3, "out"),
}
SPREAD = (11.0, 2.0, -8.0, -15.0)  # degrees of abduction of fully spread fingers
CANDIDATES = 5  # poses drawn for each hand: the first without a clash is kept


def sample_factors(
    n: int,
    *,
    generator: torch.Generator,
    gesture: str | None = None,
    subjects: int | None = None,
    view: float = 1.0,
) -> HandFactors:
    """Draw n hands.

    Poses are blends of gestures with variation: flexions of one finger go together, spread fingers come together as
    they bend, and of several candidates the first is taken in which no finger passes through another or the palm.

    Args:
        n: How many.
        generator: Source of all draws; the factors lie on its device.
        gesture: Only this gesture (a key of `hands.GESTURES`), varied; by default all of them and what lies between.
        subjects: Number of different people, each with a hand of one shape; by default everyone is another.
        view: How much the orientation varies: 0 shows the palm to the camera, fingers up; 1 is a standard deviation of
            some 40 degrees about each axis, and one hand in six from behind.

    Raises:
        ValueError: An unknown gesture, a number of subjects below 1, or a negative `view`.
    """
    check_generator(generator)
    if gesture is not None and gesture not in GESTURES:
        raise ValueError(f"`gesture` (={gesture!r}) must be one of {', '.join(GESTURES)}")
    if subjects is not None and subjects < 1:
        raise ValueError(f"`subjects` (={subjects}) must be 1 or more, or None for one each")
    if not view >= 0:
        raise ValueError(f"`view` (={view}) must be 0 or more")
    shape = _shapes(n, subjects, generator)
    place = _places(n, view, generator)
    many = {name: values.repeat_interleave(CANDIDATES, 0) for name, values in (shape | place).items()}
    candidates = HandFactors(**_poses(n * CANDIDATES, gesture, generator), **many)
    good = clash(candidates).reshape(n, CANDIDATES)
    first = torch.where((good < 0.0025).any(1), (good < 0.0025).int().argmax(1), good.argmin(1))
    return candidates[torch.arange(n, device=first.device) * CANDIDATES + first]


def clash(factors: HandFactors) -> Tensor:
    """How deep, in metres, a finger passes into another finger or the palm: the largest of all overlaps, `(n,)`."""
    points = landmarks(factors)
    thickness = factors.scale * factors.thickness
    balls, radii, finger, inner = _balls(points)
    balls = balls - points[:, :1]  # small numbers: distances come from products
    overlap = (radii[:, None] + radii) * thickness[:, None, None] - torch.cdist(balls, balls)
    # Neighbouring fingers touch at their roots, and the palm holds the roots of all.
    apart = (finger[:, None] != finger) & ~(inner[:, None] & inner)
    return torch.where(apart, overlap, 0).flatten(1).amax(1).clamp_min(0)


def _balls(points: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Balls along the bones: centres `(n, m, 3)`, radii, which finger (palm: -1), whether part of palm or root."""
    centers, radii, finger, inner = [], [], [], []
    rows = {name: LANDMARKS.index(name) for name in LANDMARKS.joints}
    for f, (name, sizes) in enumerate(RADII.items()):
        chain = [points[:, rows[f"{name}_{joint}"]] for joint in JOINTS]
        for i in range(3):
            for share in (0.0, 0.5, 1.0)[0 if i == 0 else 1 :]:
                centers.append(chain[i] + share * (chain[i + 1] - chain[i]))
                radii.append((sizes[i] + share * (sizes[i + 1] - sizes[i])) / 1000)
                finger.append(f)
                inner.append(i == 0)
    for name in FINGERS:
        for share in (0.45, 0.9):
            wrist = points[:, rows["wrist"]]
            centers.append(wrist + share * (points[:, rows[f"{name}_mcp"]] - wrist))
            radii.append(0.0105)
            finger.append(-1)
            inner.append(True)
    values = [torch.tensor(values, device=points.device) for values in (radii, finger, inner)]
    return torch.stack(centers, 1), *values


def _poses(n: int, gesture: str | None, generator: torch.Generator) -> dict[str, Tensor]:
    """Angles of the fingers."""
    device = generator.device

    def normal(*shape: int) -> Tensor:
        return torch.randn(n, *shape, generator=generator, device=device)

    names = list(GESTURES)
    table = torch.tensor([[*curl, spread, *THUMBS[thumb]] for curl, spread, thumb in GESTURES.values()], device=device)
    chosen = torch.randint(len(names), (n, 2), generator=generator, device=device)
    share = uniform(n, 0, 1, 1, generator=generator)
    if gesture is not None:
        chosen[:] = names.index(gesture)
    # Half of the hands are close to one gesture, the others lie between two.
    share = torch.where(share < 0.5, 0.2 * share, 2 * share - 1)
    mean = table[chosen[:, 0]] * (1 - share) + table[chosen[:, 1]] * share
    curl = mean[:, :4] + 0.04 * normal(1) + 0.03 * normal(4)
    lean = 0.05 * normal(1) + 0.02 * normal(4)  # more at the knuckle, less at the middle joint, or the reverse
    mcp = DEGREE * (-4 + 90 * (curl + lean))
    pip = DEGREE * (3 + 103 * (curl - lean))
    dip = 0.58 * pip + DEGREE * 3 * normal(4)
    spread = (mean[:, 4:5] + 0.15 * normal(1)).clamp(-0.1, 1.2)
    straight = torch.cos(mcp.clamp(0, math.pi / 2))  # bent fingers cannot be spread
    abduction = DEGREE * (spread * torch.tensor(SPREAD, device=device) + 1.0 * normal(4)) * straight
    thumb = mean[:, 5:] + torch.tensor([4.0, 6.0, 6.0, 8.0], device=device) * normal(4)
    values = {
        "abduction": abduction,
        "flexion_mcp": mcp,
        "flexion_pip": pip,
        "flexion_dip": dip,
        **{name: DEGREE * thumb[:, i] for i, name in enumerate(POSE[4:8])},
    }
    return {name: _within(name, value) for name, value in values.items()}


def _shapes(n: int, subjects: int | None, generator: torch.Generator) -> dict[str, Tensor]:
    """Shapes of the hands: one for each of the subjects, or one for each hand."""
    people = n if subjects is None else subjects
    device = generator.device
    shape = {
        "scale": 1 + 0.07 * torch.randn(people, generator=generator, device=device),
        "finger_length": 1 + 0.03 * torch.randn(people, 5, generator=generator, device=device),
        "palm_width": 1 + 0.04 * torch.randn(people, generator=generator, device=device),
        "thickness": 1 + 0.07 * torch.randn(people, generator=generator, device=device),
    }
    if subjects is not None:
        who = torch.randint(people, (n,), generator=generator, device=device)
        shape = {name: values[who] for name, values in shape.items()}
    return {name: _within(name, shape[name]) for name in SHAPE}


def _places(n: int, view: float, generator: torch.Generator) -> dict[str, Tensor]:
    """Orientation and place."""
    device = generator.device
    angles = DEGREE * view * torch.randn(n, 3, generator=generator, device=device)
    behind = uniform(n, 0, 1, generator=generator) < min(view, 1) / 6
    turn = 38 * angles[:, 0].clamp(-2.2 * DEGREE * max(view, 1e-9), 2.2 * DEGREE * max(view, 1e-9))
    turn = torch.where(behind, turn + math.pi, turn)
    place = {
        "turn": torch.remainder(turn + math.pi, 2 * math.pi) - math.pi,
        "tilt": 26 * angles[:, 1] + view * 8 * DEGREE,
        "roll": 24 * angles[:, 2],
        "offset": uniform(n, -0.1, 0.1, 2, generator=generator),
        "distance": uniform(n, 0.45, 0.9, generator=generator),
    }
    return {name: _within(name, value) for name, value in place.items()}


def _within(name: str, values: Tensor) -> Tensor:
    """Values moved into the range of their factor."""
    spec = HandFactors.factors()[name]
    return values.clamp(spec.low, spec.high)
