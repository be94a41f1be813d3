"""The model sheet of a face: every length, angle and colour that its drawing needs, worked out from the factors.

Lengths are in *face units*: the picture, at scale 1, spans some 1.8 of them, the head is 1.1 to 1.2 tall.
The head frame has x to the right, y down, its origin between the eyes; the body shares its origin but does not lean.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.worlds.faces import palette
from course_lib.worlds.faces.factors import KINDS, FaceFactors
from course_lib.worlds.faces.shapes import Colour, shade
from course_lib.worlds.kernel import pointwise

PIVOT = 0.50  # the head leans about this point of the neck
CROWN = -0.60  # top of the skull
EYE_LINE = 0.0
ZOOM = 1.07  # picture half-heights to a face unit at scale 1
ORIGIN_Y = 0.02  # where the head's origin lies in the picture at shift 0


class Sheet(NamedTuple):
    """One number, or one colour, for each picture; tensors `(b, 1)` that broadcast over the pixels."""

    # Placing
    scale: Tensor
    shift_x: Tensor
    shift_y: Tensor
    cos: Tensor
    sin: Tensor
    turn: Tensor  # shift of the features in the middle of the face; the nose moves 1.6 times as far
    # Light
    light_x: Tensor
    light_y: Tensor
    light_z: Tensor
    # Head
    half_width: Tensor
    chin: Tensor
    jaw_width: Tensor
    chin_width: Tensor
    ear: Tensor
    neck: Tensor
    # Features
    eye_x: Tensor
    eye_width: Tensor
    eye_up: Tensor
    eye_down: Tensor
    eye_cos: Tensor
    eye_sin: Tensor
    gaze: Tensor
    nose_y: Tensor
    nose_half: Tensor
    mouth_y: Tensor
    mouth_half: Tensor
    mouth_bend: Tensor
    mouth_gap: Tensor
    lip_up: Tensor
    lip_down: Tensor
    brow_y: Tensor
    brow_half: Tensor
    brow_slope: Tensor
    wrinkles: Tensor
    freckles: Tensor
    blush: Tensor
    # Hair
    hair_out: Tensor
    hair_top: Tensor
    hair_line: Tensor
    hair_part: Tensor
    hair_left: Tensor
    hair_right: Tensor
    hair_window: Tensor
    hair_front: Tensor
    hair_back: Tensor
    hair_flare: Tensor
    hair_curl: Tensor
    hair_wave: Tensor
    hair_bun: Tensor
    hair_opacity: Tensor
    # Beard, glasses, clothes
    stubble: Tensor
    whiskers: Tensor
    moustache: Tensor
    goatee: Tensor
    round_glasses: Tensor
    square_glasses: Tensor
    collar: Tensor
    turtleneck: Tensor
    stripes: Tensor
    # Colours
    skin: Colour
    lip: Colour
    iris: Colour
    hair: Colour
    brow: Colour
    cloth: Colour
    trim: Colour
    ground: Colour
    ground_glow: Colour
    # The same in constant light
    skin_deep: Colour
    skin_dark: Colour
    skin_shadow: Colour
    skin_glow: Colour
    lip_dark: Colour
    cloth_dark: Colour


COLOURS = frozenset(name for name, kind in Sheet.__annotations__.items() if kind is Colour)

# Each style: how far the hair stands out, extra height, hairline, parting, fall to the left and right of it, opening
# for the face (share of the half width), lower end in front and behind, flare, curl, wave, bun, opacity.
_STYLES = torch.tensor(
    [
        [-0.10, 0.00, -0.60, 0.00, 0.0, 0.0, 1.20, -0.40, -0.40, 0.00, 0.0, 0.0, 0.000, 0.0],  # bald
        [0.012, 0.00, -0.37, 0.00, 0.3, 0.3, 0.93, -0.03, 0.02, 0.00, 0.0, 0.0, 0.000, 0.72],  # buzz
        [0.040, 0.055, -0.33, 0.10, 0.4, 0.3, 0.92, -0.01, 0.06, 0.00, 0.2, 0.0, 0.000, 1.0],  # crop
        [0.050, 0.06, -0.40, -0.19, 1.2, 0.62, 0.91, 0.01, 0.06, 0.00, 0.0, 0.0, 0.000, 1.0],  # side part
        [0.090, 0.06, -0.31, 0.00, 0.5, 0.5, 0.90, 0.06, 0.14, 0.00, 1.0, 0.0, 0.000, 1.0],  # curls
        [0.200, 0.00, -0.33, 0.00, 0.8, 0.8, 0.90, 0.24, 0.24, 0.00, 1.0, 0.0, 0.000, 1.0],  # afro
        [0.065, 0.03, -0.17, 0.02, 0.16, 0.16, 0.86, 0.46, 0.46, 0.10, 0.0, 0.0, 0.000, 1.0],  # bob
        [0.060, 0.03, -0.44, 0.00, 1.9, 1.9, 0.88, 0.62, 0.92, 0.10, 0.0, 0.1, 0.000, 1.0],  # long
        [0.090, 0.05, -0.42, -0.15, 2.2, 0.95, 0.87, 0.56, 0.88, 0.16, 0.1, 1.0, 0.000, 1.0],  # waves
        [0.028, 0.02, -0.41, 0.00, 0.9, 0.9, 0.90, 0.00, 0.06, 0.00, 0.0, 0.0, 0.150, 1.0],  # bun
    ]
)
_LONG = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0])  # styles whose length varies
_BULK = torch.tensor([0.0, 0.0, 0.05, 0.04, 0.07, 0.13, 0.02, 0.02, 0.03, 0.01])  # volume that hair_length adds

LIGHTS = {
    "skin_deep": 0.22, "skin_dark": 0.50, "skin_shadow": 0.73, "skin_glow": 1.55, "lip_dark": 0.40, "cloth_dark": 0.75,
}  # fmt: skip


class _Doubled:
    """The factors in double precision where the device has it."""

    def __init__(self, factors: FaceFactors) -> None:
        self.device = factors.device
        for name, values in factors.as_dict().items():
            wide = values.is_floating_point() and self.device.type != "mps"
            setattr(self, name, values.double() if wide else values)


def _is(values: Tensor, choice: str, kind: str) -> Tensor:
    return (values == KINDS[choice].index(kind)).float()


def model_sheet(f: FaceFactors) -> Sheet:
    """Work out the drawing of each face, `(b, 1)` a number.

    In double precision: the last bit of a float32 sine depends on whether a vector or a scalar instruction took it,
    hence on the length of the batch, and a picture must not.
    """
    f = _Doubled(f)
    half_width = 0.390 + 0.090 * f.face_width
    chin = 0.48 + 0.13 * f.face_length
    eye_width = 0.072 + 0.050 * f.eye_size
    nose_y = 0.150 + 0.105 * f.nose_length + 0.3 * (chin - 0.48)
    lip_up, lip_down = 0.013 + 0.028 * f.lips, 0.019 + 0.040 * f.lips
    elevation = f.light_height
    numbers = dict(
        scale=ZOOM * f.scale,
        shift_x=2 * f.shift_x,
        shift_y=2 * f.shift_y + ORIGIN_Y,
        cos=f.roll.cos(),
        sin=f.roll.sin(),
        turn=0.075 * f.turn,
        light_x=f.light_azimuth.sin() * elevation.cos(),
        light_y=-elevation.sin(),
        light_z=f.light_azimuth.cos() * elevation.cos(),
        half_width=half_width,
        chin=chin,
        jaw_width=half_width * (0.68 + 0.30 * f.jaw),
        chin_width=0.08 + 0.16 * f.jaw,
        ear=0.085 + 0.055 * f.ear_size,
        neck=0.168 + 0.035 * f.jaw + 0.025 * f.face_width,
        eye_x=half_width * (0.395 + 0.110 * f.eye_spacing),
        eye_width=eye_width,
        eye_up=eye_width * (0.56 + 0.10 * f.eye_size),
        eye_down=eye_width * (0.36 - 0.10 * f.smile.clamp_min(0)),
        eye_cos=f.eye_tilt.cos(),
        eye_sin=f.eye_tilt.sin(),
        gaze=0.24 * f.gaze * eye_width,
        nose_y=nose_y,
        nose_half=nose_half_width(f.nose_width),
        mouth_y=nose_y + (0.435 - 0.03 * f.mouth_open) * (chin - nose_y),
        mouth_half=0.090 + 0.095 * f.mouth_width + 0.022 * f.smile.clamp_min(0),
        mouth_bend=0.062 * f.smile,
        mouth_gap=0.085 * f.mouth_open,
        lip_up=lip_up,
        lip_down=lip_down,
        brow_y=-(eye_width * 0.62 + 0.066 + 0.085 * f.brow_height),
        brow_half=0.008 + 0.027 * f.brow_thickness,
        brow_slope=f.brow_tilt.tan(),
        wrinkles=f.wrinkles**1.2,
        freckles=f.freckles**1.5,
        blush=f.blush,
        **_hair(f),
        stubble=_is(f.beard, "beard", "stubble"),
        whiskers=_is(f.beard, "beard", "full"),
        moustache=sum(_is(f.beard, "beard", kind) for kind in ("moustache", "goatee", "full")),
        goatee=_is(f.beard, "beard", "goatee"),
        round_glasses=_is(f.glasses, "glasses", "round"),
        square_glasses=_is(f.glasses, "glasses", "square"),
        collar=_is(f.clothes, "clothes", "v_neck"),
        turtleneck=_is(f.clothes, "clothes", "turtleneck"),
        stripes=_is(f.clothes, "clothes", "stripes"),
    )
    numbers = {name: value.float().unsqueeze(-1) for name, value in numbers.items()}
    colours = {name: _split(value) for name, value in _colours(f).items()}
    for name, light in LIGHTS.items():
        base = colours[name.partition("_")[0]]
        colours[name] = shade(base, torch.full_like(base[0], light))
    return Sheet(**numbers, **colours)


def nose_half_width(nose_width: Tensor) -> Tensor:
    """Half the width of the nose in face units, from its factor."""
    return 0.060 + 0.110 * nose_width


def _hair(f: _Doubled) -> dict[str, Tensor]:
    """The row of the style, with the length and volume of each head."""
    rows = _STYLES.to(f.device)[f.hair_style]
    out, top, hairline, part, left, right, window, front, back, flare, curl, wave, bun, opacity = rows.unbind(-1)
    growth = _LONG.to(f.device)[f.hair_style] * (f.hair_length - 0.5)
    bulk = _BULK.to(f.device)[f.hair_style] * (f.hair_length - 0.5)
    return dict(
        hair_out=out + bulk,
        hair_top=top + 0.5 * bulk,
        hair_line=hairline,
        hair_part=part,
        hair_left=left,
        hair_right=right,
        hair_window=window,
        hair_front=front + 0.22 * growth,
        hair_back=back + 0.40 * growth,
        hair_flare=flare,
        hair_curl=curl,
        hair_wave=wave,
        hair_bun=bun * (0.85 + 0.3 * f.hair_length),
        hair_opacity=opacity,
    )


def _colours(f: _Doubled) -> dict[str, Tensor]:
    device = f.device
    skin = palette.along(palette.SKIN, f.skin_tone)
    hair = palette.HAIR.to(device)[f.hair_colour]
    cloth = palette.CLOTHES.to(device)[f.clothes_colour]
    ground = palette.BACKGROUND.to(device)[f.background]
    light_cloth = (cloth.mean(-1, keepdim=True) > 0.6).float()
    return dict(
        skin=skin,
        lip=0.25 * skin + 0.75 * palette.along(palette.LIPS, f.skin_tone),
        iris=palette.EYES.to(device)[f.eye_colour],
        hair=hair,
        brow=0.58 * hair + torch.tensor([0.125, 0.045, 0.045], device=device),
        cloth=cloth,
        trim=light_cloth * cloth * 0.72 + (1 - light_cloth) * (cloth + 0.62 * (1 - cloth)),
        ground=ground,
        ground_glow=ground + 0.42 * (1 - ground),
    )


def _split(colours: Tensor) -> Colour:
    return tuple(colours[:, channel : channel + 1].float() for channel in range(3))


def pack(sheet: Sheet) -> Tensor:
    """The sheet as one tensor `(b, k, 1)`, which a kernel takes as a single argument."""
    rows = [row for value in sheet for row in (value if isinstance(value, tuple) else (value,))]
    return torch.stack(rows, 1)


@pointwise
def unpack(rows: Tensor) -> Sheet:
    """The sheet from its packed form."""
    numbers = iter(rows.unbind(1))
    return Sheet(
        **{
            name: (next(numbers), next(numbers), next(numbers)) if name in COLOURS else next(numbers)
            for name in Sheet._fields
        }
    )
