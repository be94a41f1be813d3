"""A stand-in lesson: a small network with dropout, a stream of batches with state, and its step."""

from dataclasses import dataclass

import torch
from torch import nn

from course_lib.training import Runtime, generator, seeded


@dataclass(frozen=True)
class Config:
    width: int = 8
    steps: int = 20


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, width), nn.Dropout(0.3), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, x):
        return self.body(x)


class Stream:
    """Endless random batches that remember where they are."""

    def __init__(self, gen, size=6):
        self.gen = gen
        self.size = size

    def __iter__(self):
        while True:
            yield torch.randn(self.size, 3, generator=self.gen)

    def state_dict(self):
        return {"gen": self.gen.get_state()}

    def load_state_dict(self, state):
        self.gen.set_state(state["gen"])


def train_step(net, opt, batch, gen):
    noise = torch.randn(batch.shape, generator=gen)
    loss = (net(batch + 0.1 * noise) - batch.sum(1, keepdim=True)).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    return {"total": loss}


class Lesson:
    def __init__(self, seed=0, width=8):
        self.rt = Runtime.auto("cpu")
        with seeded(seed):
            self.net = self.rt.prepare(Net(width))
        self.opt = self.rt.adam(self.net.parameters(), 1e-2)
        self.gen = generator(seed + 1)
        self.batches = Stream(generator(seed + 2))
        self.config = Config(width)
        torch.manual_seed(seed + 3)  # dropout draws from the global state

    def run_options(self):
        return {
            "config": self.config,
            "runtime": self.rt,
            "name": "stand_in",
            "modules": {"net": self.net},
            "optimizers": {"net": self.opt},
            "generators": {"train": self.gen},
            "quiet": True,
        }
