"""Two worlds of streets: what is built how, in which colours and light, and how the camera goes through it."""

from dataclasses import dataclass

_Colour = tuple[float, float, float]


@dataclass(frozen=True)
class World:
    """What tells one world from another; what it does not name is drawn from the factor's whole range.

    Attributes:
        ranges: Ends of the factors' ranges in this world.
        colours: Two colours for a factor; a street's own lies between them.
        walls: Paints of the houses.
        share_of_gaps: Houses that stand apart from the one before.
        share_of_trees: Places for trees where one stands.
    """

    ranges: dict[str, tuple[float, float]]
    colours: dict[str, tuple[_Colour, _Colour]]
    walls: tuple[_Colour, ...]
    share_of_gaps: float
    share_of_trees: float


WORLDS: dict[str, World] = {
    "A": World(  # a town of brick and render at midday
        ranges={
            "lateral": (-0.8, 0.8),
            "camera_height": (1.4, 1.8),
            "yaw": (-0.1, 0.1),
            "pitch": (-0.03, 0.03),
            "roll": (-0.02, 0.02),
            "speed": (0.3, 1.0),
            "turn": (-0.03, 0.03),
            "focal": (0.55, 0.65),
            "road_width": (7.0, 9.0),
            "pavement_width": (2.2, 3.2),
            "house_width": (8.0, 18.0),
            "house_gap": (2.0, 6.0),
            "house_height": (9.0, 22.0),
            "house_setback": (0.0, 0.8),
            "tree_size": (1.0, 1.7),
            "grain": (0.6, 1.0),
            "cloud": (0.1, 0.6),
            "sunshine": (0.6, 1.0),
            "sun_elevation": (0.6, 1.1),
            "haze": (0.2, 0.5),
        },
        colours={
            "road_colour": ((0.36, 0.36, 0.38), (0.46, 0.45, 0.45)),
            "pavement_colour": ((0.62, 0.6, 0.56), (0.74, 0.71, 0.66)),
            "foliage_colour": ((0.25, 0.42, 0.16), (0.4, 0.52, 0.2)),
            "sky_colour": ((0.25, 0.48, 0.83), (0.36, 0.58, 0.9)),
            "horizon_colour": ((0.75, 0.84, 0.93), (0.86, 0.9, 0.95)),
        },
        walls=(
            *((0.67, 0.36, 0.27), (0.83, 0.68, 0.5), (0.9, 0.84, 0.72)),
            *((0.76, 0.5, 0.36), (0.62, 0.6, 0.57), (0.55, 0.3, 0.26)),
        ),
        share_of_gaps=0.25,
        share_of_trees=0.6,
    ),
    "B": World(  # a suburb of low painted houses on an evening with clouds
        ranges={
            "lateral": (-1.2, 1.2),
            "camera_height": (1.3, 2.1),
            "yaw": (-0.15, 0.15),
            "pitch": (-0.05, 0.05),
            "roll": (-0.03, 0.03),
            "speed": (0.5, 1.4),
            "turn": (-0.05, 0.05),
            "focal": (0.55, 0.65),
            "road_width": (8.5, 11.5),
            "pavement_width": (3.0, 4.4),
            "house_width": (7.0, 13.0),
            "house_gap": (3.0, 8.0),
            "house_height": (5.0, 9.5),
            "house_setback": (0.6, 3.0),
            "tree_size": (1.1, 1.7),
            "grain": (0.6, 1.0),
            "cloud": (0.4, 0.9),
            "sunshine": (0.15, 0.5),
            "sun_elevation": (0.35, 0.6),
            "haze": (0.5, 1.0),
        },
        colours={
            "road_colour": ((0.42, 0.39, 0.38), (0.55, 0.51, 0.48)),
            "pavement_colour": ((0.5, 0.52, 0.44), (0.6, 0.58, 0.52)),
            "foliage_colour": ((0.62, 0.36, 0.12), (0.34, 0.4, 0.16)),
            "sky_colour": ((0.45, 0.5, 0.62), (0.56, 0.58, 0.68)),
            "horizon_colour": ((0.93, 0.78, 0.64), (0.9, 0.84, 0.78)),
        },
        walls=(
            *((0.52, 0.62, 0.66), (0.86, 0.86, 0.82), (0.45, 0.52, 0.44)),
            *((0.78, 0.73, 0.55), (0.7, 0.52, 0.5), (0.4, 0.45, 0.55)),
        ),
        share_of_gaps=0.8,
        share_of_trees=0.9,
    ),
}
