"""The factors of a face, their ranges, and how they are drawn."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.worlds.faces import palette
from course_lib.worlds.factors import Factor, Factors, FactorSet, check_generator, factor

Choice = Int[Tensor, " n"]
Number = Float[Tensor, " n"]

# Names of the kinds of each choice, and how often each is drawn (None: all equally often).
KINDS: dict[str, tuple[str, ...]] = {
    "eye_colour": palette.EYE_NAMES,
    "hair_style": ("bald", "buzz", "crop", "side_part", "curls", "afro", "bob", "long", "waves", "bun"),
    "hair_colour": palette.HAIR_NAMES,
    "glasses": ("none", "round", "square"),
    "beard": ("none", "stubble", "moustache", "goatee", "full"),
    "clothes": ("crew", "v_neck", "turtleneck", "stripes"),
    "clothes_colour": palette.CLOTHES_COLOUR_NAMES,
    "background": palette.BACKGROUND_NAMES,
}
WEIGHTS: dict[str, tuple[float, ...]] = {
    "hair_style": (0.4, 0.6, 1.2, 1.2, 1.0, 0.8, 1.2, 1.2, 1.2, 1.0),
    "hair_colour": (1.4, 1.3, 1.3, 0.8, 0.8, 1.2, 0.7, 0.5),
    "eye_colour": (1.6, 1.4, 0.8, 0.7, 1.0, 0.6),
    "glasses": (0.74, 0.13, 0.13),
    "beard": (0.64, 0.10, 0.07, 0.07, 0.12),
}


def _unit(meaning: str):
    return factor(0.0, 1.0, meaning)


def _kind(name: str, meaning: str):
    return factor(0, len(KINDS[name]) - 1, f"{meaning}: {', '.join(KINDS[name])}", choice=True)


@dataclass(frozen=True)
class FaceFactors(FactorSet):
    """What makes a face. Shapes run from 0 (small, narrow, low) to 1 (large, wide, high) within what looks natural.

    `FaceFactors.factors()` gives the ranges and meanings; `KINDS` the names of the kinds of each choice.
    """

    skin_tone: Number = _unit("skin, from fair (0) to deep (1)")
    face_width: Number = _unit("width of the head")
    face_length: Number = _unit("length of the face, from the eyes to the chin")
    jaw: Number = _unit("jaw, from pointed (0) to square (1)")
    ear_size: Number = _unit("size of the ears")
    eye_size: Number = _unit("size of the eyes")
    eye_spacing: Number = _unit("distance between the eyes")
    eye_tilt: Number = factor(-0.16, 0.16, "tilt of the eyes, outer corners up where positive", unit="rad")
    eye_colour: Choice = _kind("eye_colour", "colour of the iris")
    gaze: Number = factor(-1.0, 1.0, "where the eyes look, from the left (-1) to the right (1) of the picture")
    nose_width: Number = _unit("width of the nose")
    nose_length: Number = _unit("length of the nose")
    mouth_width: Number = _unit("width of the mouth")
    lips: Number = _unit("fullness of the lips")
    smile: Number = factor(-0.4, 1.0, "corners of the mouth, down where negative, up where positive")
    mouth_open: Number = _unit("opening of the mouth; teeth show")
    brow_thickness: Number = _unit("thickness of the eyebrows")
    brow_height: Number = _unit("distance from eyes to eyebrows")
    brow_tilt: Number = factor(-0.25, 0.30, "tilt of the eyebrows, inner ends up (worried) where positive", unit="rad")
    hair_style: Choice = _kind("hair_style", "hair")
    hair_colour: Choice = _kind("hair_colour", "colour of hair, brows and beard")
    hair_length: Number = _unit("length of long hair, volume of short hair")
    beard: Choice = _kind("beard", "beard")
    wrinkles: Number = _unit("lines of age: forehead, eyes, nose to mouth")
    freckles: Number = _unit("strength of the freckles")
    blush: Number = _unit("rosiness of the cheeks")
    glasses: Choice = _kind("glasses", "glasses")
    clothes: Choice = _kind("clothes", "what the person wears")
    clothes_colour: Choice = _kind("clothes_colour", "its colour")
    background: Choice = _kind("background", "colour of the background")
    light_azimuth: Number = factor(-1.0, 1.0, "light from the left (negative) or right of the picture", unit="rad")
    light_height: Number = factor(0.15, 1.0, "elevation of the light", unit="rad")
    roll: Number = factor(-0.14, 0.14, "head leaning, clockwise where positive", unit="rad")
    turn: Number = factor(-1.0, 1.0, "head turned to the left (-1) or right (1) of the picture, some 15 degrees")
    shift_x: Number = factor(-0.05, 0.05, "place in the picture, to the right", unit="picture widths")
    shift_y: Number = factor(-0.03, 0.03, "place in the picture, downwards", unit="picture heights")
    scale: Number = factor(0.92, 1.06, "size of the whole person")

    def replace(self: Factors, **changes: Tensor | float | int | str | Sequence[str]) -> Factors:
        """As `FactorSet.replace`; kinds can be named: `hair_colour="grey"`, or a name for each row.

        Raises:
            ValueError: No such factor or kind, a value out of its range, or one whose shape does not fit.
        """
        return FactorSet.replace(self, **{name: _numbered(name, change) for name, change in changes.items()})


Override = float | int | str | Sequence[float] | Sequence[int] | Sequence[str]


def sample_factors(n: int, *, generator: torch.Generator, **overrides: Override) -> FaceFactors:
    """Draw the factors of n faces, each factor independently of the others.

    Numbers are drawn evenly from their range, choices with the weights in `WEIGHTS`. Each keyword narrows one factor:
    a pair `(low, high)` or a single value for a number, a kind or several kinds (names or indices) for a choice.
    Narrowing one factor leaves all others as they were for the same generator state, so

        ``faces.sample_factors(n, generator=g, nose_width=(0.7, 1.0))``

    gives the people that ``sample_factors(n, generator=g)`` gives, with big noses.

    Args:
        n: Number of faces.
        generator: Source of randomness; the factors lie on its device.
        overrides: Range or kinds by name of the factor.

    Raises:
        ValueError: `n` is not positive, there is no such factor, or a range or kind lies outside what the factor takes.
    """
    check_generator(generator)
    if n < 1:
        raise ValueError(f"`n` (={n}) must be 1 or more")
    specs = FaceFactors.factors()
    for name in overrides:
        if name not in specs:
            near = difflib.get_close_matches(name, specs, n=1, cutoff=0.0)[0]
            raise ValueError(f"there is no factor `{name}`: did you mean `{near}`? There are {', '.join(specs)}")
    # One draw for all, so that a factor's override cannot shift the draws of the others.
    draws = torch.rand(len(specs), n, generator=generator, device=generator.device)
    values = {}
    for draw, (name, spec) in zip(draws, specs.items(), strict=True):
        if spec.choice:
            edges = _edges(spec, overrides.get(name)).to(draw.device)
            values[name] = torch.searchsorted(edges, draw, right=True)
        else:
            low, high = _range(spec, overrides.get(name))
            values[name] = (low + (high - low) * draw).clamp(low, high)
    return FaceFactors(**values)


def _numbered(name: str, change: Tensor | float | int | str | Sequence[str]) -> Tensor | float | int | str:
    """A change in which the names of kinds have become their numbers."""
    several = isinstance(change, list | tuple) and any(isinstance(kind, str) for kind in change)
    if name not in KINDS or not (several or isinstance(change, str)):
        return change
    kinds = KINDS[name]
    unknown = [kind for kind in (change if several else (change,)) if kind not in kinds]
    if unknown:
        raise ValueError(f"`{name}` (={change!r}) must name one of {', '.join(kinds)}, for all rows or for each")
    return torch.tensor([kinds.index(kind) for kind in change]) if several else kinds.index(change)


def _range(spec: Factor, wanted: Override | None) -> tuple[float, float]:
    """Where a number is drawn from."""
    if wanted is None:
        return spec.low, spec.high
    pair = (wanted, wanted) if isinstance(wanted, int | float) else wanted
    if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(end, int | float) for end in pair):
        raise ValueError(f"`{spec.name}` (={wanted!r}) must be a number or a pair (low, high)")
    low, high = map(float, pair)
    if not spec.low <= low <= high <= spec.high:
        raise ValueError(
            f"`{spec.name}` (={wanted!r}) must be low <= high within [{spec.low:g}, {spec.high:g}]"
            f"{' ' + spec.unit if spec.unit else ''}"
        )
    return low, high


def _edges(spec: Factor, wanted: Override | None) -> Tensor:
    """Where one kind of a choice ends and the next begins, in [0, 1]."""
    kinds = KINDS[spec.name]
    weights = torch.tensor(WEIGHTS.get(spec.name, (1.0,) * len(kinds)), dtype=torch.float64)
    if wanted is not None:
        several = (wanted,) if isinstance(wanted, int | float | str) else tuple(wanted)
        allowed = torch.zeros(len(kinds), dtype=torch.float64)
        for kind in several:
            index = kinds.index(kind) if kind in kinds else kind
            if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(kinds):
                raise ValueError(
                    f"`{spec.name}` (={wanted!r}) must be one or several of {', '.join(kinds)} "
                    f"(or 0 to {len(kinds) - 1})"
                )
            allowed[index] = 1
        if not several:
            raise ValueError(f"`{spec.name}` is empty: name at least one of {', '.join(kinds)}")
        weights = weights * allowed
    return (weights / weights.sum()).cumsum(0)[:-1].to(torch.float32)
