"""What varies in a picture of a person: pose and view, looks, light, background."""

import math
from dataclasses import dataclass

from torch import Tensor

from course_lib.worlds.factors import FactorSet, factor
from course_lib.worlds.people.activities import ACTIVITIES, STYLES

HAIR_STYLES = ("bald", "short", "medium", "long", "bun", "ponytail")
TOP_PATTERNS = ("plain", "hoops", "stripes", "checks", "two-tone", "print")
BOTTOM_KINDS = ("trousers", "trousers with a side stripe", "skirt")
SCENES = ("studio", "park", "street", "room", "hills")
DOMAINS = ("studio", "wild")


@dataclass(frozen=True)
class PeopleFactors(FactorSet):
    """Values of all factors of n pictures of people; each field says what it changes and between which values.

    They fall into four groups, `GROUPS`, which `combine` exchanges between pictures.
    """

    # Pose and view: where the joints are in the picture depends on these alone.
    activity: Tensor = factor(0, len(ACTIVITIES) - 1, "what the person does, a row of ACTIVITIES", choice=True)
    phase: Tensor = factor(0, 1, "moment of the activity's cycle; periodic")
    style: Tensor = factor(
        -1, 1, "how it is done: four numbers of the activity, lean, carriage of the arms", shape=(STYLES,)
    )
    heading: Tensor = factor(
        -math.pi, math.pi, "where the body faces: 0 the camera, positive to the right of the picture", unit="rad"
    )
    glance: Tensor = factor(-0.9, 0.9, "turn of the head, positive to the person's left", unit="rad")
    stature: Tensor = factor(1.5, 1.95, "height of the body", unit="m")
    leg_length: Tensor = factor(0.93, 1.07, "length of the legs relative to the mean body")
    arm_length: Tensor = factor(0.93, 1.07, "length of the arms relative to the mean body")
    shoulder_width: Tensor = factor(0.82, 1.15, "width of the shoulders relative to the mean body")
    hip_width: Tensor = factor(0.85, 1.15, "width between the hip joints relative to the mean body")
    distance: Tensor = factor(4, 6, "horizontal distance from camera to pelvis", unit="m")
    pitch: Tensor = factor(-0.15, 0.45, "how far the camera looks down", unit="rad")
    side: Tensor = factor(-0.6, 0.6, "how far the pelvis is to the right of the camera's axis", unit="m")
    zoom: Tensor = factor(0.5, 2.5, "size in the picture: at 1 the body just fits, above it is cut off")
    shift: Tensor = factor(
        -0.3, 0.3, "place in the picture, right and down, as a part of its width and height", shape=(2,)
    )

    # Appearance.
    build: Tensor = factor(-1, 1, "slim to stout")
    skin: Tensor = factor(0, 1, "tone of the skin, fair to dark")
    hair_style: Tensor = factor(0, len(HAIR_STYLES) - 1, "a row of HAIR_STYLES", choice=True)
    hair_colour: Tensor = factor(0, 1, "colour of the hair", shape=(3,))
    top_colour: Tensor = factor(0, 1, "colour of shirt or sweater", shape=(3,))
    top_accent: Tensor = factor(0, 1, "second colour of its pattern", shape=(3,))
    top_pattern: Tensor = factor(0, len(TOP_PATTERNS) - 1, "a row of TOP_PATTERNS", choice=True)
    pattern_size: Tensor = factor(0.06, 0.2, "period of stripes and checks, or size of the print", unit="m")
    sleeve: Tensor = factor(0, 1, "part of the arm that the sleeve covers, shoulder to wrist")
    hem: Tensor = factor(0, 1, "how far the top falls over the hips; 0 is tucked in")
    bottom_kind: Tensor = factor(0, len(BOTTOM_KINDS) - 1, "a row of BOTTOM_KINDS", choice=True)
    bottom_colour: Tensor = factor(0, 1, "colour of trousers or skirt", shape=(3,))
    bottom_accent: Tensor = factor(0, 1, "colour of the side stripe", shape=(3,))
    leg: Tensor = factor(0, 1, "length of trousers or skirt, short to long")
    shoe_colour: Tensor = factor(0, 1, "colour of the shoes", shape=(3,))
    looseness: Tensor = factor(0, 1, "how loosely the clothes fit")

    # Light.
    light_azimuth: Tensor = factor(
        -1.4, 1.4, "where the light comes from: 0 the camera, positive the right of the picture", unit="rad"
    )
    light_elevation: Tensor = factor(0.3, 1.3, "height of the light", unit="rad")
    light_strength: Tensor = factor(0, 1, "direct light: 0 an overcast sky, 1 a lamp")

    # Background.
    scene: Tensor = factor(0, len(SCENES) - 1, "a row of SCENES; the first is the studio", choice=True)
    wall_colour: Tensor = factor(0, 1, "first colour of what stands behind", shape=(3,))
    wall_accent: Tensor = factor(0, 1, "its second colour", shape=(3,))
    floor_colour: Tensor = factor(0, 1, "first colour of the ground", shape=(3,))
    floor_accent: Tensor = factor(0, 1, "its second colour", shape=(3,))
    texture_size: Tensor = factor(0.5, 2, "size of leaves, bricks, tiles relative to the usual")
    texture_place: Tensor = factor(0, 1, "where the pattern of wall and floor lies", shape=(4,))
    wall_distance: Tensor = factor(1, 8, "distance of the wall behind the pelvis", unit="m")
    seat_colour: Tensor = factor(0, 1, "colour of the stool of who sits", shape=(3,))

    @property
    def wild(self) -> Tensor:
        """Whether a picture belongs to the domain "wild", `(n,)`: any scene but the studio."""
        return self.scene > 0


_NAMES = tuple(PeopleFactors.factors())
GROUPS: dict[str, tuple[str, ...]] = {
    "pose": _NAMES[: _NAMES.index("build")],
    "appearance": _NAMES[_NAMES.index("build") : _NAMES.index("light_azimuth")],
    "light": _NAMES[_NAMES.index("light_azimuth") : _NAMES.index("scene")],
    "background": _NAMES[_NAMES.index("scene") :],
}


def combine(
    *,
    pose: PeopleFactors,
    appearance: PeopleFactors,
    background: PeopleFactors | None = None,
    light: PeopleFactors | None = None,
) -> PeopleFactors:
    """Factors of exchanged pictures: the body of one in the clothes of another, before the wall of a third.

    Rendered, they are the ground truth of a swap.

    Args:
        pose: Gives pose, bone lengths, camera and crop: everything that moves a joint in the picture.
        appearance: Gives build, skin, hair and clothes.
        background: Gives scene, wall, floor and stool; those of `pose` by default.
        light: Gives the light; that of `appearance` by default, since what a network reads from the picture of the
            clothes is their shaded colour.

    Raises:
        ValueError: The sets have different lengths; a set of one goes with any other.
    """
    sources = {
        "pose": pose,
        "appearance": appearance,
        "light": appearance if light is None else light,
        "background": pose if background is None else background,
    }
    count = max(len(source) for source in sources.values())
    values = {}
    for group, source in sources.items():
        if len(source) not in (1, count):
            raise ValueError(f"`{group}` has {len(source)} rows and another has {count}: give as many, or one")
        for name in GROUPS[group]:
            value = getattr(source, name)
            values[name] = value.expand(count, *value.shape[1:]).clone()
    return PeopleFactors(**values)
