"""Small scenes on which the geometry of a lesson is evaluated: cameras, chains, poses, capsules and motions.

Everything is float64 NumPy, written from the definitions and apart from `course_lib.geometry`, so that the two can be
compared. Camera frame: x right, y down, z forward, metres; pixels. `draw` takes a seeded generator and returns one
random scene.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch


def _numbers(gen: torch.Generator) -> np.random.Generator:
    """NumPy's generator, seeded by PyTorch's, so that one seed governs both."""
    return np.random.default_rng(int(torch.randint(2**62, (1,), generator=gen)))


def turn(axis_angle: np.ndarray) -> np.ndarray:
    """Rotation matrix of an axis-angle vector `(3,)` in radians, by the series of the matrix exponential."""
    x, y, z = axis_angle
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    result, power = np.eye(3), np.eye(3)
    for order in range(1, 40):
        power = power @ skew / order
        result = result + power
    return result


@dataclass(frozen=True)
class Sight:
    """A camera that looks at a cloud of points.

    Attributes:
        points: `(n, 3)` in the camera frame, metres.
        focal: Focal length, pixels.
        centre: Principal point `(2,)`, pixels.
        name: How tables call it.
    """

    points: np.ndarray
    focal: float
    centre: np.ndarray
    name: str = "a random cloud"

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Sight":
        """Five points within 0.6 m of a place 3 to 7 m away."""
        rng = _numbers(gen)
        place = np.array([*rng.uniform(-0.5, 0.5, 2), rng.uniform(3, 7)])
        return cls(place + rng.uniform(-0.6, 0.6, (5, 3)), rng.uniform(400, 1200), rng.uniform(100, 500, 2))

    @property
    def depth(self) -> np.ndarray:
        """Depth of each point, `(n, 1)`."""
        return self.points[:, 2:]

    @property
    def mean_depth(self) -> float:
        """Mean depth, the reference of weak perspective."""
        return float(self.depth.mean())

    @property
    def pinhole(self) -> np.ndarray:
        """Pixels of the points by perspective, `(n, 2)`."""
        return self.focal * self.points[:, :2] / self.depth + self.centre

    @property
    def weak(self) -> np.ndarray:
        """Pixels by weak perspective: one depth for all points, `(n, 2)`."""
        return self.focal * self.points[:, :2] / self.mean_depth + self.centre

    @property
    def matrix(self) -> np.ndarray:
        """The camera matrix, `(3, 3)`."""
        return np.array([[self.focal, 0, self.centre[0]], [0, self.focal, self.centre[1]], [0, 0, 1.0]])

    def homogeneous(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels with a third coordinate of 1, `(n, 3)`."""
        return np.concatenate([pixels, np.ones((len(pixels), 1))], 1)

    def flipped(self) -> np.ndarray:
        """The points mirrored in the plane of their mean depth, `(n, 3)`."""
        return self.points * [1, 1, -1] + [0, 0, 2 * self.mean_depth]

    def with_points(self, points: np.ndarray) -> "Sight":
        """The same camera before other points."""
        return replace(self, points=points)

    def receding(self, steps: int = 6) -> list["Sight"]:
        """The same picture from ever farther away: distance and focal length grow tenfold at each step."""
        offset = self.points - [0, 0, self.mean_depth]
        far = [self.mean_depth * 10.0**step for step in range(steps)]
        return [
            replace(self, points=offset + [0, 0, depth], focal=self.focal * depth / self.mean_depth) for depth in far
        ]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Chain:
    """Four joints in a row, each turned against the one before.

    Attributes:
        turns: Local rotations of joints 0 to 2, `(3, 3, 3)`.
        offsets: Bones to joints 1 to 3 in the frame of their parent, `(3, 3)`, metres.
        root: Position of joint 0, `(3,)`.
        name: How tables call it.
    """

    turns: np.ndarray
    offsets: np.ndarray
    root: np.ndarray
    name: str = "a random chain"

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Chain":
        """Random turns up to about two radians, bones of 10 to 60 cm."""
        rng = _numbers(gen)
        turns = np.stack([turn(rng.normal(size=3)) for _ in range(3)])
        directions = rng.normal(size=(3, 3))
        lengths = rng.uniform(0.1, 0.6, (3, 1))
        return cls(turns, lengths * directions / np.linalg.norm(directions, axis=1, keepdims=True), rng.normal(size=3))

    def tip(self) -> np.ndarray:
        """Joint 3 from the inside out: turn, then move, one joint after the other."""
        place = np.zeros(3)
        for rotation, offset in zip(self.turns[::-1], self.offsets[::-1], strict=True):
            place = rotation @ (offset + place)
        return self.root + place

    def joints(self) -> np.ndarray:
        """All four joints from the root outwards, `(4, 3)`."""
        places, frame = [self.root], np.eye(3)
        for rotation, offset in zip(self.turns, self.offsets, strict=True):
            frame = frame @ rotation
            places.append(places[-1] + frame @ offset)
        return np.stack(places)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Poses:
    """A set of poses, their principal directions, and a camera.

    Attributes:
        poses: `(n, j, 3)`, metres, about the origin.
        kept: Number K of components kept.
        first: Coefficients of one pose, `(K,)`.
        second: Coefficients of another, `(K,)`.
        rotation: Turns a pose into the camera frame, `(3, 3)`.
        distance: Depth of the body's centre, metres.
        focal: Focal length, pixels.
    """

    poses: np.ndarray
    kept: int
    first: np.ndarray
    second: np.ndarray
    rotation: np.ndarray
    distance: float
    focal: float

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Poses":
        """Thirty correlated poses of four joints, three components kept."""
        rng = _numbers(gen)
        poses = rng.normal(size=(30, 12)) @ rng.normal(size=(12, 12)) * 0.1 + rng.normal(size=12) * 0.3
        return cls(
            poses.reshape(30, 4, 3), 3, rng.normal(size=3) * 0.5, rng.normal(size=3) * 0.5, turn(rng.normal(size=3)),
            rng.uniform(4, 6), rng.uniform(400, 1200),
        )  # fmt: skip

    @cached_property
    def mean(self) -> np.ndarray:
        """The mean pose as one row, `(3 j,)`."""
        return self.poses.reshape(len(self.poses), -1).mean(0)

    @cached_property
    def _spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        centred = self.poses.reshape(len(self.poses), -1) - self.mean
        values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
        return values[::-1], vectors[:, ::-1].T

    @property
    def eigenvalues(self) -> np.ndarray:
        """Variances along the principal directions, largest first, square metres."""
        return self._spectrum[0]

    @property
    def basis(self) -> np.ndarray:
        """The kept directions, `(K, 3 j)`, orthonormal."""
        return self._spectrum[1][: self.kept]

    @property
    def all_directions(self) -> np.ndarray:
        """Every principal direction, `(3 j, 3 j)`, orthonormal rows."""
        return self._spectrum[1]

    def squared_error(self) -> float:
        """Mean over the set of the squared distance between a pose and what the kept components rebuild of it."""
        rows = self.poses.reshape(len(self.poses), -1)
        rebuilt = self.mean + (rows - self.mean) @ self.basis.T @ self.basis
        return float(((rows - rebuilt) ** 2).sum(1).mean())

    def variance(self) -> float:
        """Mean squared distance from the mean pose."""
        rows = self.poses.reshape(len(self.poses), -1)
        return float(((rows - self.mean) ** 2).sum(1).mean())

    def coefficient_variance(self) -> float:
        """Mean squared length of the coefficients of the set."""
        rows = self.poses.reshape(len(self.poses), -1)
        return float((((rows - self.mean) @ self.basis.T) ** 2).sum(1).mean())

    def body(self, coefficients: np.ndarray) -> np.ndarray:
        """Joints in the camera frame, turned but not yet moved away, `(j, 3)`."""
        return (self.mean + coefficients @ self.basis).reshape(-1, 3) @ self.rotation.T

    def weak(self, coefficients: np.ndarray) -> np.ndarray:
        """Pixels about the principal point by weak perspective, `(j, 2)`."""
        return self.focal / self.distance * self.body(coefficients)[:, :2]

    def pinhole(self, coefficients: np.ndarray) -> np.ndarray:
        """Pixels about the principal point by perspective, `(j, 2)`."""
        body = self.body(coefficients)
        return self.focal * body[:, :2] / (self.distance + body[:, 2:])


@dataclass(frozen=True)
class Capsule:
    """A ray from the camera and a capsule whose side it meets.

    Attributes:
        ray: Direction with third component 1, `(3,)`.
        a: One end of the axis, `(3,)`, metres.
        b: The other end, `(3,)`.
        radius: Metres.
        name: How tables call it.
    """

    ray: np.ndarray
    a: np.ndarray
    b: np.ndarray
    radius: float
    name: str = "a random capsule"

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Capsule":
        """A capsule 1 to 3 m away, and a ray through a point well inside its side."""
        rng = _numbers(gen)
        while True:
            a = np.array([*rng.uniform(-0.5, 0.5, 2), rng.uniform(1, 3)])
            axis = rng.normal(size=3)
            b = a + rng.uniform(0.3, 0.8) * axis / np.linalg.norm(axis)
            radius = rng.uniform(0.05, 0.15)
            inside = a + rng.uniform(0.35, 0.65) * (b - a) + rng.uniform(-0.4, 0.4, 3) * radius
            scene = cls(inside / inside[2], a, b, radius)
            along = (scene.hit() * scene.ray - a) @ scene.axis
            if min(a[2], b[2]) > 0.5 and 0.1 < along / np.linalg.norm(b - a) < 0.9:
                return scene

    @property
    def axis(self) -> np.ndarray:
        """Unit vector from a to b."""
        return (self.b - self.a) / np.linalg.norm(self.b - self.a)

    def distance(self, t: float) -> float:
        """Signed distance from the ray's point at depth t to the surface: negative inside."""
        point, reach = t * self.ray - self.a, self.b - self.a
        along = min(max(point @ reach / (reach @ reach), 0.0), 1.0)
        return float(np.linalg.norm(point - along * reach) - self.radius)

    def hit(self) -> float:
        """Depth at which the ray enters, found by stepping and bisection, without any formula for the root."""
        low, step = 0.0, self.radius / 50
        far = max(self.a[2], self.b[2]) + self.radius
        while self.distance(low) > 0:
            # the surface is at least `distance` away, so a step of that length (in depth) cannot jump over it
            low += max(self.distance(low) / np.linalg.norm(self.ray) * 0.999, step * 1e-3)
            if low > far:
                return float("nan")
        high, low = low, low - step
        for _ in range(200):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.distance(middle) > 0 else (low, middle)
        return 0.5 * (low + high)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class TwoViews:
    """One pixel of a first frame, its depth, and the motion to a second frame.

    Attributes:
        pixel: In the first frame, `(2,)`.
        depth: Of the point behind it, metres.
        rotation: Turns points of the first camera frame into the second, `(3, 3)`.
        translation: Moves them, `(3,)`, metres.
        focal: Pixels.
        centre: `(2,)`, pixels.
        velocity: The rotation as an axis-angle vector, `(3,)`, radians.
        name: How tables call it.
    """

    pixel: np.ndarray
    depth: float
    translation: np.ndarray
    velocity: np.ndarray
    focal: float
    centre: np.ndarray
    name: str = "a random motion"

    @classmethod
    def draw(cls, gen: torch.Generator) -> "TwoViews":
        """A point 4 to 20 m away, a motion of some decimetres and some degrees."""
        rng = _numbers(gen)
        centre = rng.uniform(90, 130, 2)
        return cls(
            centre + rng.uniform(-90, 90, 2), rng.uniform(4, 20), rng.uniform(-0.5, 0.5, 3),
            rng.uniform(-0.1, 0.1, 3), rng.uniform(150, 300), centre,
        )  # fmt: skip

    @property
    def rotation(self) -> np.ndarray:
        """Rotation matrix of the motion."""
        return turn(self.velocity)

    @property
    def ray(self) -> np.ndarray:
        """Direction of the pixel with third component 1, `(3,)`."""
        return np.array([*(self.pixel - self.centre) / self.focal, 1.0])

    def seen(self, point: np.ndarray) -> np.ndarray:
        """Pixel of a point given in a camera's frame, `(2,)`."""
        return self.focal * point[:2] / point[2] + self.centre

    def flow(self) -> np.ndarray:
        """How far the pixel moves, `(2,)`, by way of the point in space."""
        return self.seen(self.rotation @ (self.depth * self.ray) + self.translation) - self.pixel

    def changed(self, **changes: float | np.ndarray) -> "TwoViews":
        """The same scene with some attributes changed."""
        return replace(self, **changes)

    def slower(self, steps: int = 5) -> list["TwoViews"]:
        """The same direction of motion, ten times smaller at each step."""
        return [
            replace(self, translation=self.translation * 10.0**-step, velocity=self.velocity * 10.0**-step)
            for step in range(steps)
        ]

    def __str__(self) -> str:
        return self.name


def fixed(make: Callable[..., object], seed: int = 0, name: str = "") -> object:
    """A scene drawn once, for the examples of a table."""
    scene = make(torch.Generator().manual_seed(seed))
    return replace(scene, name=name) if name else scene
