"""A coin with two prizes: the smallest model on which Jensen's inequality can be seen."""

import math
from dataclasses import dataclass

import torch

from course_lib.teaching import Derivation, Divergence, Term, function


@dataclass(frozen=True)
class Coin:
    """Pays `a` with probability `p`, else `b`."""

    p: float
    a: float
    b: float

    @property
    def prior(self) -> tuple[float, float]:
        return self.p, 1 - self.p

    @property
    def tilted(self) -> tuple[float, float]:
        mean = self.p * self.a + (1 - self.p) * self.b
        return self.p * self.a / mean, (1 - self.p) * self.b / mean


def draw(gen: torch.Generator) -> Coin:
    u = torch.rand(3, generator=gen, dtype=torch.float64).tolist()
    return Coin(0.1 + 0.8 * u[0], math.exp(4 * u[1] - 2), math.exp(4 * u[2] - 2))


def tight(gen: torch.Generator) -> Coin:
    coin = draw(gen)
    return Coin(coin.p, coin.a, coin.a)


p = Term("p", lambda coin: coin.p)
a = Term("a", lambda coin: coin.a)
b = Term("b", lambda coin: coin.b)
log = function(r"\log", math.log)
log_mean = Term(r"\log\mathbb{E}[X]", lambda coin: math.log(coin.p * coin.a + (1 - coin.p) * coin.b), name="logE")
mean_log = Term(
    r"\mathbb{E}[\log X]", lambda coin: coin.p * math.log(coin.a) + (1 - coin.p) * math.log(coin.b), name="Elog"
)
kl = Divergence(
    r"D_{\mathrm{KL}}",
    "p",
    "q",
    fn=lambda coin, left, right: sum(x * math.log(x / y) for x, y in zip(left, right, strict=True)),
    first=lambda coin: coin.prior,
    second=lambda coin: coin.tilted,
    name="kl",
)


def jensen(**options) -> Derivation:
    d = Derivation("jensen", title="Jensen on a coin", draw=draw, **options)
    d.line(log_mean, number="0.1")
    d.line(log(p * a + (1 - p) * b), "=", reason="two faces", number="0.2")
    d.line(p * log(a) + (1 - p) * log(b), ">=", reason="Jensen", number="0.3", tight=tight)
    d.line(mean_log, "=", reason="two faces", number="0.4")
    return d
