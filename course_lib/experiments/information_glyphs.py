"""Two generators of glyphs with the same pictures and equally informative codes, one with the codes turned."""

import math

import torch
from torch import Tensor, nn

from course_lib.experiments.record import Measurement
from course_lib.losses import barber_agakov
from course_lib.training import generator, seeded
from course_lib.worlds import glyphs

SIZE = 20  # pixels
NOISE = 0.1  # standard deviation of the pixels' noise: without it a deterministic picture tells everything
ENTROPY = math.log(2 * math.pi * math.e)  # of two standard normal codes


def turn(angle: float) -> Tensor:
    """Rotation by an angle, `(2, 2)`."""
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[c, -s], [s, c]])


def draw_glyphs(codes: Tensor, angle: float, *, label: int = 0, size: int = SIZE) -> Tensor:
    """Pictures whose slant and width follow two standard normal codes, turned by an angle: `(n, 1, size, size)`.

    A rotation is a bijection of the codes that leaves their prior as it is, so that every angle gives the same
    distribution of pictures and the same information.
    """
    level = torch.special.ndtr(codes @ turn(angle).T)  # normal to uniform on [0, 1]
    n = len(codes)
    factors = glyphs.sample_factors(n, generator=generator(0), label=label, wobble=0.0)
    ranges = glyphs.GlyphFactors.factors()

    def within(name: str, share: Tensor) -> Tensor:
        return ranges[name].low + (ranges[name].high - ranges[name].low) * share

    factors = factors.replace(
        slant=within("slant", level[:, 0]),
        width=within("width", level[:, 1]),
        stroke=torch.full((n,), 0.11),
        ink=torch.ones(n),
    )
    return glyphs.render(factors, size=size, compiled=False).images


class GlyphReader(nn.Module):
    """Q(c given x): a normal with full covariance over both codes, from a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(), nn.Linear(SIZE * SIZE, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 5)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Means `(n, 2)` and Cholesky factors of the *inverse* covariances, `(n, 2, 2)`."""
        out = self.net(images)
        root = torch.diag_embed(out[:, 2:4].clamp(-2, 5).exp())
        return out[:, :2], root + torch.nn.functional.pad(out[:, 4, None, None], (0, 1, 1, 0))


def log_q(code: Tensor, mu: Tensor, root: Tensor) -> Tensor:
    """Log-density of codes under normals given by their means and Cholesky factors of the precisions."""
    white = (root.mT @ (code - mu).unsqueeze(-1)).squeeze(-1)
    log_det = root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return -math.log(2 * math.pi) + log_det - 0.5 * white.square().sum(-1)


def read_glyphs(angle: float, seed: int, *, count: int = 8000, steps: int = 3000) -> tuple[float, Tensor, Tensor]:
    """Train a reader on one generator; its Barber-Agakov bound on fresh pictures, with their codes and themselves."""
    gen = generator(seed)
    codes = torch.randn(count + 2000, 2, generator=gen)
    images = draw_glyphs(codes, angle)
    with seeded(seed):
        net = GlyphReader()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)

    def noisy(index: Tensor) -> Tensor:
        return images[index] + NOISE * torch.randn(images[index].shape, generator=gen)

    for _ in range(steps):
        index = torch.randint(count, (128,), generator=gen)
        loss = -log_q(codes[index], *net(noisy(index))).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        schedule.step()
    fresh = torch.arange(count, count + 2000)
    with torch.no_grad():
        bound = float(barber_agakov(log_q(codes[fresh], *net(noisy(fresh))), ENTROPY).mean())
    return bound, codes[fresh], images[fresh]


def alignment(codes: Tensor, images: Tensor) -> float:
    """Mean of two squared rank correlations measured on pictures: code 1 with slant, code 2 with width."""
    found = glyphs.moments(images)
    pairs = ((codes[:, 0], found.slant), (codes[:, 1], found.width))
    return sum(_rank_correlation(a, b) ** 2 for a, b in pairs) / 2


def _rank_correlation(a: Tensor, b: Tensor) -> float:
    ranks = torch.stack([one.argsort().argsort().double() for one in (a, b)])
    return float(torch.corrcoef(ranks)[0, 1])


def turned(seed: int, **changes: int) -> dict[str, Measurement]:
    """Read both generators, each with a reader of its own, and measure which code moves what."""
    straight, codes, images = read_glyphs(0.0, 2 * seed, **changes)
    by_straight = alignment(codes, images)
    other, codes, images = read_glyphs(math.pi / 4, 2 * seed + 1, **changes)
    by_turned = alignment(codes, images)
    extra = {"bound_straight": straight, "bound_turned": other}
    return {
        "equal_mi_estimates": Measurement(abs(straight - other), extra=extra),
        "equal_mi_not_disentangled": Measurement(by_turned, by_straight, extra=extra),
    }
