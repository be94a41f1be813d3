"""Randomness: explicit generators for data and noise, a fork of the global state for the initialisation of modules."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run a block under the global seed `seed` and put the global random state back afterwards.

    Modules draw their initial weights from the global state (PyTorch takes no generator there), so each is built as
    `with seeded(seed): net = Net(cfg)`. Weights are always drawn on the CPU first: the same on every device.

    Args:
        seed: Any integer from 0 on.
    """
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def generator(seed: int, *, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a new generator on `device` with `seed`."""
    return torch.Generator(device=device).manual_seed(seed)


def noise_like(x: Tensor, *, gen: torch.Generator | None, dim: int = 0) -> Tensor:
    """Draw standard normal noise of the shape of `x`, the same whether one process trains or several share the batch.

    Under `torchrun` each process holds its rows of one global batch. All processes then draw the noise of the whole
    batch from the same generator and keep their own rows, so that two processes see exactly the noise that one
    would have seen. Alone, this is `torch.randn(x.shape, generator=gen)`.

    Args:
        x: Gives shape, type and device.
        gen: The source; it may live on another device than `x`. None takes the global state of the device of `x`.
        dim: The batch axis of `x`.
    """
    ranks = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
    shape = list(x.shape)
    shape[dim] *= ranks
    noise = torch.randn(shape, generator=gen, device=gen.device if gen else x.device, dtype=x.dtype)
    if ranks > 1:
        noise = noise.chunk(ranks, dim=dim)[dist.get_rank()]
    return noise.to(x.device)
