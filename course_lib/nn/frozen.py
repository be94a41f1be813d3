"""Freezing: gradients flow through a network to its input, none is computed for its weights."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Run a block in which the weights of `modules` need no gradient; each weight gets its own flag back afterwards.

    In the generator's half of a step the discriminator only passes the gradient on: without this, half of its backward
    pass computes weight gradients that nobody uses, and that the next step of the discriminator must not see. Build the
    graph inside the block; `backward` may follow outside. Running statistics of batch normalisation still change.

    Args:
        modules: Networks; nested blocks are allowed.
    """
    flags = [(parameter, parameter.requires_grad) for module in modules for parameter in module.parameters()]
    try:
        for parameter, _ in flags:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
