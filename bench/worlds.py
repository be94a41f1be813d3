"""Time the worlds: pictures a second, eager and compiled, and how many ray-capsule tests a second the kernel makes.

python bench/worlds.py [--blocks 5] [--device cpu] [--out bench/results/worlds.json]
"""

import argparse
from collections.abc import Callable

import torch
from alternate import alternate, machine, report

from course_lib.nn.probe import FactorProbe
from course_lib.training import Runtime, generator, seeded
from course_lib.worlds import faces, glyphs, hands, people, raycast, streets
from course_lib.worlds.kernel import can_compile

BATCH = 32
WORLDS = {
    "hands, depth, 64 x 64": (hands, {"size": 64}),
    "people, RGB, 64 x 64": (people, {"size": 64}),
    "streets, two frames, depth, flow, 128 x 128": (streets, {"size": (128, 128)}),
    "streets, two frames, depth, flow, 64 x 208": (streets, {"size": (64, 208)}),
    "faces, RGB, 64 x 64": (faces, {"size": 64}),
    "glyphs, 28 x 28": (glyphs, {"size": 28}),
}


def ways(device: str) -> dict[str, bool]:
    """The forms of a kernel that this machine has."""
    return {"eager": False} | ({"compiled": True} if can_compile(device) else {})


def worlds(blocks: int, device: str) -> dict[str, dict]:
    """Milliseconds a batch of 32 pictures, and pictures a second."""
    tables = {}
    for title, (world, settings) in WORLDS.items():
        factors = world.sample_factors(BATCH, generator=generator(0)).to(device)

        def draw(compiled: bool, world=world, factors=factors, settings=settings) -> object:
            return world.render(factors, compiled=compiled, **settings)

        steps: dict[str, Callable[[], object]] = {
            name: lambda compiled=compiled, draw=draw: draw(compiled) for name, compiled in ways(device).items()
        }
        rows = alternate(steps, base="eager", blocks=blocks, block=2, warm_up=1)
        for row in rows.values():
            row["ms_a_picture"] = round(row["median_ms"] / BATCH, 4)
            row["pictures_a_second"] = round(1e3 * BATCH / row["median_ms"])
        tables[f"{title}, batch {BATCH}"] = rows
    return tables


def rays(blocks: int, device: str, count: int = 65_536, capsules: int = 20) -> dict[str, dict]:
    """Ray-capsule tests a second: what a frame costs before any shading."""
    gen = generator(0)
    ray = tuple(torch.rand(1, count, generator=gen).to(device) * 0.8 - 0.4 for _ in range(2))
    place = [torch.rand(capsules, 1, generator=gen).to(device) for _ in range(7)]
    a = (place[0] - 0.5, place[1] - 0.5, 2 + place[2])
    b = (place[3] - 0.5, place[4] - 0.5, 2 + place[5])
    radius = 0.02 + 0.05 * place[6]

    def nearest(*tensors: torch.Tensor) -> torch.Tensor:
        return raycast.capsule_depth(tensors[:2], tensors[2:5], tensors[5:8], tensors[8]).amin(0)

    tensors = (*ray, *a, *b, radius)
    steps = {"eager": lambda: nearest(*tensors)}
    if can_compile(device):
        fast = torch.compile(nearest, dynamic=False)
        steps["compiled"] = lambda: fast(*tensors)
    rows = alternate(steps, base="eager", blocks=blocks, block=3, warm_up=2)
    for row in rows.values():
        row["million_tests_a_second"] = round(count * capsules / row["median_ms"] / 1e3)
    return {f"{count} rays x {capsules} capsules, nearest depth": rows}


def against_training(blocks: int, device: str) -> dict[str, dict]:
    """A batch of pictures against a training step of a small network on such a batch."""
    rt = Runtime.auto(device, threads=1)
    with seeded(0):
        probe = rt.prepare(FactorProbe(channels=3, size=64, outputs=8))
    opt = rt.adam(probe.parameters(), lr=1e-3)
    factors = people.sample_factors(BATCH, generator=generator(0)).to(rt.device)
    pictures = people.render(factors, size=64).images

    def step() -> None:
        loss = probe(pictures).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()

    steps = {"training step of the factor probe": step, "drawing its people": lambda: people.render(factors, size=64)}
    rows = alternate(steps, base="training step of the factor probe", blocks=blocks, block=3, warm_up=2)
    return {f"64 x 64, batch {BATCH}": rows}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", default="bench/results/worlds.json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    about = machine()
    tables = worlds(args.blocks, args.device)
    tables |= rays(args.blocks, args.device) | against_training(args.blocks, args.device)
    report("worlds", tables, out=args.out, about=about)
