"""The reconstruction component: 2D joints and depths of ordinal quality in, joints in metres out.

Pavlakos et al. 2018, section 3.4: two residual "bi-linear" units (Martinez et al. 2017), that is two *linear* layers
each; nothing in them is bilinear. It is trained on motion capture alone, apart from the network that sees images.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.papers.ordinal_depth.reconstruction_config import ReconstructionConfig


class LinearUnit(nn.Sequential):
    """Linear layer, batch normalisation, ReLU, dropout."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(dropout))


class ResidualUnit(nn.Module):
    """Two linear units and a skip around both."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.both = nn.Sequential(LinearUnit(width, width, dropout), LinearUnit(width, width, dropout))

    def forward(self, x: Float[Tensor, "b w"]) -> Float[Tensor, "b w"]:
        """Same shape."""
        return x + self.both(x)


class ReconstructionNet(nn.Module):
    """3 N -> 1024 -> two residual units -> 3 N: 4,314,163 parameters for the 17 joints of Human3.6M.

    Weights are drawn as He et al. 2015 do for ReLUs ("Kaiming"), biases are 0, as in Martinez et al. 2017. The last
    layer starts from 0 instead, so that training begins with every joint at the root.
    """

    def __init__(self, cfg: ReconstructionConfig) -> None:
        super().__init__()
        self.enter = LinearUnit(3 * cfg.joints, cfg.width, cfg.dropout)
        self.units = nn.Sequential(*[ResidualUnit(cfg.width, cfg.dropout) for _ in range(cfg.blocks)])
        self.leave = nn.Linear(cfg.width, 3 * cfg.joints)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)
        nn.init.zeros_(self.leave.weight)

    def forward(self, inputs: Float[Tensor, "b m"]) -> Float[Tensor, "b m"]:
        """All x, all y, all depths of normalised joints to all x, all y, all z in metres, relative to the root."""
        return self.leave(self.units(self.enter(inputs)))


def reconstruction_loss(predicted: Float[Tensor, "b m"], target: Float[Tensor, "b m"]) -> Float[Tensor, " b"]:
    r"""Sum of squared distances $\sum_n \lVert S_n - \hat S_n \rVert_2^2$ (Eq. 6), square metres, one value a pose.

    Raises:
        ValueError: Shapes differ, or the numbers are not in threes.
    """
    if predicted.shape != target.shape or predicted.ndim != 2 or predicted.shape[1] % 3:
        raise ValueError(
            f"`predicted` has shape {tuple(predicted.shape)} and `target` {tuple(target.shape)}: give both as (b, 3 n)"
        )
    return (predicted - target).square().sum(1)


def reconstruction_step(
    net: ReconstructionNet,
    opt: torch.optim.Optimizer,
    batch: tuple[Float[Tensor, "b m"], Float[Tensor, "b m"]],
    cfg: ReconstructionConfig,
    *,
    autocast: AbstractContextManager | None = None,
) -> dict[str, Tensor]:
    """One update from normalised inputs and joints in metres; returns the loss and the mean distance."""
    inputs, target = batch
    opt.zero_grad(set_to_none=True)
    with autocast or nullcontext():
        predicted = net(inputs)
    predicted = predicted.float()
    loss = reconstruction_loss(predicted, target).mean()
    loss.backward()
    opt.step()
    if cfg.max_norm is not None:
        limit_norms(net, cfg.max_norm)
    with torch.no_grad():
        distance = (predicted - target).unflatten(1, (3, -1)).norm(dim=1).mean()
    return {"loss": loss.detach(), "distance": distance}


@torch.no_grad()
def limit_norms(net: nn.Module, longest: float) -> None:
    """Shorten the weight vector of each unit of each linear layer to `longest` where it is longer."""
    for module in net.modules():
        if isinstance(module, nn.Linear):
            module.weight.renorm_(2, 0, longest)


def reconstruction_optimizer(net: nn.Module, cfg: ReconstructionConfig) -> torch.optim.Optimizer:
    """RMSprop (the paper) or Adam.

    PyTorch's RMSprop adds epsilon outside the root and Torch7's does too; TensorFlow's adds it inside.
    """
    if cfg.optimizer == "rmsprop":
        return torch.optim.RMSprop(net.parameters(), lr=cfg.lr, alpha=0.99)
    fused = next(net.parameters()).device.type in ("cpu", "cuda")
    return torch.optim.Adam(net.parameters(), lr=cfg.lr, fused=fused)
