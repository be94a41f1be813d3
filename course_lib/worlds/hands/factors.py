"""What varies from hand to hand: 26 degrees of freedom of the pose, the shape of a person's hand, where it is held."""

import math
from dataclasses import dataclass

from torch import Tensor

from course_lib.worlds.factors import FactorSet, factor

DEGREE = math.pi / 180
FINGERS = ("index", "middle", "ring", "little")


@dataclass(frozen=True)
class HandFactors(FactorSet):
    """Values of all factors for n right hands.

    The pose has 26 numbers: four for each finger in the order index, middle, ring, little (abduction and three
    flexions), four for the thumb, three for the orientation, three for the place. With all angles 0 the hand is flat,
    its fingers point up and the palm faces the camera.
    """

    abduction: Tensor = factor(
        -22 * DEGREE,
        22 * DEGREE,
        "turn of a finger in the plane of the palm, positive to the thumb",
        unit="rad",
        shape=(4,),
    )
    flexion_mcp: Tensor = factor(-20 * DEGREE, 92 * DEGREE, "bend of the knuckle at the palm", unit="rad", shape=(4,))
    flexion_pip: Tensor = factor(0.0, 112 * DEGREE, "bend of the middle joint", unit="rad", shape=(4,))
    flexion_dip: Tensor = factor(-5 * DEGREE, 82 * DEGREE, "bend of the last joint", unit="rad", shape=(4,))
    thumb_spread: Tensor = factor(5 * DEGREE, 62 * DEGREE, "angle between thumb and index metacarpal", unit="rad")
    thumb_opposition: Tensor = factor(
        -5 * DEGREE, 95 * DEGREE, "turn of the thumb out of the plane of the palm, to face the fingers", unit="rad"
    )
    thumb_mcp: Tensor = factor(-10 * DEGREE, 62 * DEGREE, "bend of the thumb's middle joint", unit="rad")
    thumb_ip: Tensor = factor(-18 * DEGREE, 82 * DEGREE, "bend of the thumb's last joint", unit="rad")
    turn: Tensor = factor(
        -math.pi, math.pi, "rotation about the vertical: at pi the back of the hand is seen", unit="rad"
    )
    tilt: Tensor = factor(-math.pi / 2, math.pi / 2, "rotation about the horizontal: fingers to the camera", unit="rad")
    roll: Tensor = factor(-math.pi, math.pi, "rotation in the picture, clockwise", unit="rad")
    offset: Tensor = factor(
        -0.2, 0.2, "place of the palm to the right of and below the optical axis", unit="m", shape=(2,)
    )
    distance: Tensor = factor(0.3, 1.2, "depth of the palm's middle", unit="m")
    scale: Tensor = factor(0.8, 1.2, "length of all bones relative to an adult's mean")
    finger_length: Tensor = factor(0.88, 1.12, "length of thumb, index, middle, ring, little beyond that", shape=(5,))
    palm_width: Tensor = factor(0.88, 1.12, "width of the palm beyond that")
    thickness: Tensor = factor(0.82, 1.2, "thickness of the flesh beyond that")


POSE = (
    *("abduction", "flexion_mcp", "flexion_pip", "flexion_dip"),
    *("thumb_spread", "thumb_opposition", "thumb_mcp", "thumb_ip"),
    *("turn", "tilt", "roll", "offset", "distance"),
)
SHAPE = ("scale", "finger_length", "palm_width", "thickness")
