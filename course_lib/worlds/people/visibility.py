"""Which joints a picture shows."""

from jaxtyping import Bool, Float
from torch import Tensor

# Metres from the body's surface to a joint, seen from any side that shows it, with some slack.
THICKNESS = {
    "pelvis": 0.19,
    "hip": 0.17,
    "knee": 0.1,
    "ankle": 0.09,
    "spine": 0.17,
    "thorax": 0.15,
    "neck": 0.15,
    "jaw": 0.1,
    "head_top": 0.14,
    "shoulder": 0.12,
    "elbow": 0.08,
    "wrist": 0.07,
    "nose": 0.04,
    "eye": 0.03,
    "ear": 0.05,
}


def visible_joints(
    pixels: Float[Tensor, "n j 2"],
    distance: Float[Tensor, "n j"],
    surface: Float[Tensor, "n 1 h w"],
    names: tuple[str, ...],
) -> Bool[Tensor, "n j"]:
    """Whether joints are in the picture and not farther behind the first surface than the body around them is thick.

    Args:
        pixels: Where the joints project.
        distance: Their depths, metres.
        surface: Depth of the first surface at each pixel, metres; 0 where there is none.
        names: Names of the joints, which say how thick the body is there.
    """
    height, width = surface.shape[-2:]
    column, row = pixels.round().long().unbind(-1)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    place = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    seen = surface.flatten(1).gather(1, place)
    thick = pixels.new_tensor([THICKNESS[name.removeprefix("right_").removeprefix("left_")] for name in names])
    return inside & ((seen == 0) | (seen > distance - thick))
