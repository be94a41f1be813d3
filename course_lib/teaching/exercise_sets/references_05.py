"""Inputs of the exercises of lesson 05, and the right answers by routes that no solution takes: loops in float64."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor


def _normal(gen: torch.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=gen, dtype=torch.float64)


def _uniform(gen: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=gen, dtype=torch.float64)


def _count(gen: torch.Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=gen))


def _rotations(gen: torch.Generator, n: int) -> Tensor:
    """Random rotation matrices: the orthonormal factor of a random matrix, with a column turned where it mirrors."""
    q = torch.linalg.qr(_normal(gen, n, 3, 3)).Q
    return torch.cat([q[..., :2], q[..., 2:] * torch.linalg.det(q)[:, None, None].sign()], -1)


def _are_rotations(matrices: Tensor) -> bool:
    eye = torch.eye(3, dtype=matrices.dtype)
    return torch.allclose(matrices @ matrices.mT, eye.expand_as(matrices)) and bool((matrices.det() > 0).all())


# 05.1


def draw_points(gen: torch.Generator) -> tuple[Tensor, float, Tensor]:
    """Points in front of the camera, a focal length and a centre."""
    n = _count(gen, 1, 4)
    points = torch.cat([_normal(gen, n, 2), _uniform(gen, 0.5, 6.0, n, 1)], 1)
    return points, float(_uniform(gen, 50, 800)), _uniform(gen, 20, 400, 2)


def by_matrix(points: Tensor, focal: float, centre: Tensor) -> Tensor:
    """Point by point: multiply by the camera matrix, then divide the first two rows by the third."""
    (cu, cv), pixels = centre.tolist(), []
    for point in points.tolist():
        rows = ((focal, 0.0, cu), (0.0, focal, cv), (0.0, 0.0, 1.0))
        first, second, third = (sum(a * b for a, b in zip(row, point, strict=True)) for row in rows)
        pixels.append([first / third, second / third])
    return torch.tensor(pixels, dtype=torch.float64)


def in_front(points: Tensor, focal: float, centre: Tensor) -> bool:
    """Whether these are points that a camera sees."""
    shapes = points.dim() == 2 and points.shape[1] == 3 and centre.shape == (2,)
    return shapes and focal > 0 and bool((points[:, 2] > 0).all())


# 05.2


def draw_tree(gen: torch.Generator) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """Rotations and offsets of a random tree of three or four joints, parents first."""
    joints = _count(gen, 3, 4)
    parents = (-1, *(_count(gen, 0, joint - 1) for joint in range(1, joints)))
    return _rotations(gen, joints), _normal(gen, joints, 3), parents


def inside_out(rotations: Tensor, offsets: Tensor, parents: Sequence[int]) -> Tensor:
    """Each joint by itself, as a nest of turns and moves: from its own bone upwards to the root."""
    turns, moves, positions = rotations.tolist(), offsets.tolist(), []
    for joint in range(len(parents)):
        place, above = moves[joint], parents[joint]
        while above >= 0:
            turned = [sum(a * b for a, b in zip(row, place, strict=True)) for row in turns[above]]
            place = [a + b for a, b in zip(moves[above], turned, strict=True)]
            above = parents[above]
        positions.append(place)
    return torch.tensor(positions, dtype=torch.float64)


def is_tree(rotations: Tensor, offsets: Tensor, parents: Sequence[int]) -> bool:
    """Whether there is one rotation and one offset for each joint."""
    joints = len(parents)
    return rotations.shape == (joints, 3, 3) and offsets.shape == (joints, 3) and _are_rotations(rotations)


def walk(
    rotations: Tensor,
    offsets: Tensor,
    parents: Sequence[int],
    *,
    order: str = "parent first",
    turned_by: str = "parent",
) -> Tensor:
    """Positions with a slip: another order of the product, or a bone that is turned by another joint's rotation."""
    turns: list[Tensor] = []
    places: list[Tensor] = []
    for joint, parent in enumerate(parents):
        local = rotations[joint]
        if parent < 0:
            turns.append(torch.eye(3, dtype=local.dtype) if order == "none" else local)
            places.append(offsets[joint])
            continue
        turns.append({
            "parent first": turns[parent] @ local,
            "child first": local @ turns[parent],
            "local": local,
            "none": torch.eye(3, dtype=local.dtype),
        }[order])  # fmt: skip
        turn = turns[joint if turned_by == "itself" else parent]
        places.append(places[parent] + turn @ offsets[joint])
    return torch.stack(places)


# 05.3


def draw_sphere(gen: torch.Generator) -> tuple[Tensor, Tensor, float]:
    """Rays, and a sphere before or behind the camera that some of them hit; none merely touches it."""
    while True:
        n = _count(gen, 1, 4)
        depth = float(_uniform(gen, 2.0, 6.0)) * (-1 if _count(gen, 0, 3) == 0 else 1)
        slopes = _uniform(gen, -0.8, 0.8, 2)
        centre = depth * torch.cat([slopes, slopes.new_ones(1)])
        rays = torch.cat([slopes + _normal(gen, n, 2, scale=0.25), slopes.new_ones(n, 1)], 1)
        inputs = rays, centre, float(_uniform(gen, 0.4, 1.5))
        if is_sphere(*inputs):
            return inputs


def _nearest(ray: list[float], centre: list[float]) -> tuple[float, float]:
    """Depth at which a ray passes nearest to a point, by thirds, and its distance there."""

    def distance(t: float) -> float:
        return math.dist([t * v for v in ray], centre)

    low, high = 0.0, 100.0
    for _ in range(45):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, b) if distance(a) < distance(b) else (a, high)
    return (low + high) / 2, distance((low + high) / 2)


def by_bisection(rays: Tensor, centre: Tensor, radius: float) -> Tensor:
    """No formula for the root: find where a ray is nearest to the centre, then halve the way there many times."""
    depths, middle = [], centre.tolist()
    for ray in rays.tolist():
        outside = 0.0
        inside, distance = _nearest(ray, middle)
        if distance >= radius:
            depths.append(math.inf)
            continue
        for _ in range(48):
            half = (outside + inside) / 2
            if math.dist([half * v for v in ray], middle) > radius:
                outside = half
            else:
                inside = half
        depths.append(inside)
    return torch.tensor(depths, dtype=torch.float64)


def is_sphere(rays: Tensor, centre: Tensor, radius: float) -> bool:
    """Whether the camera stands outside the sphere, and no ray passes so near its rim that a digit decides."""
    shapes = rays.dim() == 2 and rays.shape[1] == 3 and centre.shape == (3,)
    if not (shapes and bool((rays[:, 2] == 1).all()) and radius > 0 and float(centre.norm()) > 1.05 * radius):
        return False
    gaps = (torch.linalg.cross(rays, centre.expand_as(rays)).norm(dim=1) / rays.norm(dim=1) / radius - 1).abs()
    return float(gaps.min()) > 0.02


# 05.4


def draw_cameras(gen: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two camera-to-world matrices."""
    cameras = torch.eye(4, dtype=torch.float64).repeat(2, 1, 1)
    cameras[:, :3, :3], cameras[:, :3, 3] = _rotations(gen, 2), _normal(gen, 2, 3)
    return cameras[0], cameras[1]


def by_axes(world_from_camera_1: Tensor, world_from_camera_2: Tensor) -> Tensor:
    """Carry the origin and three axis points of frame 1 into the world, and look at them from frame 2's own axes."""
    one, two = world_from_camera_1.tolist(), world_from_camera_2.tolist()

    def seen(x: float, y: float, z: float) -> list[float]:
        world = [row[0] * x + row[1] * y + row[2] * z + row[3] for row in one[:3]]
        from_2 = [a - row[3] for a, row in zip(world, two[:3], strict=True)]
        return [sum(a * row[axis] for a, row in zip(from_2, two[:3], strict=True)) for axis in range(3)]

    origin = seen(0, 0, 0)
    ends = (seen(1, 0, 0), seen(0, 1, 0), seen(0, 0, 1))
    columns = [[a - b for a, b in zip(end, origin, strict=True)] for end in ends]
    rows = [[*(column[axis] for column in columns), origin[axis]] for axis in range(3)]
    return torch.tensor([*rows, [0.0, 0.0, 0.0, 1.0]], dtype=torch.float64)


def are_cameras(*cameras: Tensor) -> bool:
    """Whether these are poses: a rotation, a place and the row (0, 0, 0, 1)."""
    last = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    return all(
        one.shape == (4, 4) and torch.equal(one[3], last) and _are_rotations(one[:3, :3]) for one in cameras
    )  # fmt: skip


# 05.5


def draw_keypoints(gen: torch.Generator) -> tuple[Tensor, int, Tensor]:
    """Joints inside a picture, its width, and the exchange of left and right, with at least one pair."""
    n, joints, width = _count(gen, 1, 2), _count(gen, 3, 6), _count(gen, 8, 64)
    order = torch.randperm(joints, generator=gen).tolist()
    swap = list(range(joints))
    for pair in range(_count(gen, 1, joints // 2)):
        left, right = order[2 * pair : 2 * pair + 2]
        swap[left], swap[right] = right, left
    return _uniform(gen, 0, width - 1, n, joints, 2), width, torch.tensor(swap)


def by_reversed_columns(points: Tensor, width: int, swap: Tensor) -> Tensor:
    """Joint by joint: look its column up in the list of columns from right to left."""
    mirrored, flipped = points.clone(), list(range(width))[::-1]
    for person in range(len(points)):
        for joint, partner in enumerate(swap.tolist()):
            u, v = points[person, partner].tolist()
            mirrored[person, joint, 0] = flipped[math.floor(u)] - (u - math.floor(u))
            mirrored[person, joint, 1] = v
    return mirrored


def in_picture(points: Tensor, width: int, swap: Tensor) -> bool:
    """Whether all joints lie in the picture, no two in one place: there an exchange would not show."""
    if points.dim() != 3 or points.shape[1:] != (len(swap), 2) or width < 2:
        return False
    apart = all(len({tuple(place) for place in person}) == len(person) for person in points.tolist())
    return apart and bool((points[..., 0] >= 0).all()) and bool((points[..., 0] <= width - 1).all())


# 05.6


def draw_variances(gen: torch.Generator) -> tuple[Tensor, float]:
    """Variances of principal directions in any order, and a share of their sum."""
    while True:
        variances = torch.exp(_normal(gen, _count(gen, 2, 7), scale=1.5))
        share = float(_uniform(gen, 0.5, 0.999))
        if is_share(variances, share):
            return variances, share


def smallest_subset(eigenvalues: Tensor, share: float) -> int:
    """Try all subsets of the directions, smaller ones first, and stop at one that reaches the share."""
    values = eigenvalues.tolist()
    wanted = share * math.fsum(values)
    for count in range(len(values) + 1):
        if any(math.fsum(chosen) >= wanted for chosen in itertools.combinations(values, count)):
            return count
    return len(values)


def is_share(eigenvalues: Tensor, share: float) -> bool:
    """Whether these are variances and a share, with no number of directions so near to it that a digit decides."""
    if not (0 < share < 1 and bool((eigenvalues >= 0).all()) and float(eigenvalues.sum()) > 0):
        return False
    largest_first = eigenvalues.sort(descending=True).values
    return float((largest_first.cumsum(0) / largest_first.sum() - share).abs().min()) > 1e-6
