"""One training step of the VAE, its optimisers and its learning-rate schedules."""

import math

import torch
from torch import Tensor, nn

from course_lib.datasets.batches import Batch
from course_lib.papers.vae.config import VaeConfig
from course_lib.papers.vae.model import Vae
from course_lib.papers.vae.objective import vae_bound


def vae_step(
    vae: Vae,
    opt: torch.optim.Optimizer,
    batch: Batch,
    cfg: VaeConfig,
    *,
    gen: torch.Generator | None = None,
    noise: Tensor | None = None,
) -> dict[str, Tensor]:
    """Raise the bound by one optimiser step; the loss is minus the mean bound.

    Args:
        vae: The model.
        opt: Its optimiser, from `vae_optimizer`.
        batch: Images, and labels where the model is conditional.
        cfg: Settings of model and objective.
        gen: Source of the posterior noise.
        noise: That noise itself, `(k, b, z)`, instead of `gen`.

    Returns:
        `total` (the loss), `log_likelihood` and `kl`, means over the batch, nats.
    """
    labels = batch.labels if cfg.num_classes else None
    opt.zero_grad(set_to_none=True)
    out = vae(batch.images, labels, noise=noise, gen=gen, samples=cfg.samples)
    terms = vae_bound(batch.images, out, cfg)
    loss = -terms["bound"].mean()
    loss.backward()
    opt.step()
    return {
        "total": loss.detach(),
        "log_likelihood": terms["log_likelihood"].detach().mean(),
        "kl": terms["kl"].detach().mean(),
    }


def vae_optimizer(vae: nn.Module, cfg: VaeConfig) -> torch.optim.Optimizer:
    """Adam, as in the paper, or Muon for weight matrices with Adam for the rest (`cfg.optimizer`)."""
    adam = {"betas": (0.9, 0.999), "eps": cfg.adam_eps, "fused": True}
    if cfg.optimizer == "adam":
        return torch.optim.Adam(vae.parameters(), lr=cfg.lr, **adam)
    matrices = [layer.weight for layer in vae.modules() if isinstance(layer, nn.Linear)]
    chosen = {id(p) for p in matrices}
    rest = [p for p in vae.parameters() if id(p) not in chosen]
    # Muon's update has unit singular values; scaled to Adam's typical root mean square, one rate suits every shape.
    muon = torch.optim.Muon(matrices, lr=cfg.lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    return Together(muon, torch.optim.Adam(rest, lr=cfg.lr * cfg.vector_lr_ratio, **adam))


class Together(torch.optim.Optimizer):
    """Several optimisers of disjoint parameters behind one `step`."""

    def __init__(self, *parts: torch.optim.Optimizer) -> None:
        self.parts = parts
        super().__init__([{"params": group["params"]} for part in parts for group in part.param_groups], {})
        # The parts' own groups, not copies: a learning rate set here is the one they use.
        self.param_groups = [group for part in parts for group in part.param_groups]

    def step(self, closure: None = None) -> None:
        """Let each part take its step."""
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict:
        """The states of the parts."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict) -> None:
        """Give each part its state."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]


def rate_factor(progress: float, cfg: VaeConfig) -> float:
    """Factor on the learning rate when the fraction `progress` (0 to 1) of `cfg.steps` is done.

    `staged`: 10^(-i/7) for 3^i passes, i = 0..7, which is 3,280 passes (Burda et al. 2016, section 5), stretched to
    `cfg.steps`. `cosine`: linear warm-up, then half a cosine down to 0; not the paper's, and needs far fewer passes.

    Raises:
        ValueError: `progress` lies outside [0, 1].
    """
    if not 0 <= progress <= 1:
        raise ValueError(f"`progress` (={progress}) must lie in [0, 1]: it is the fraction of all steps that is done")
    if cfg.schedule == "staged":
        stage = 0
        while stage < 7 and progress * 3280 >= (3 ** (stage + 1) - 1) / 2:
            stage += 1
        return 10 ** (-stage / 7)
    warm = min(1.0, progress * cfg.steps / cfg.warmup) if cfg.warmup else 1.0
    return warm * 0.5 * (1 + math.cos(math.pi * progress))


def set_rate(opt: torch.optim.Optimizer, progress: float, cfg: VaeConfig) -> None:
    """Set every group's learning rate for this point of the schedule."""
    factor = rate_factor(progress, cfg)
    for group in opt.param_groups:
        group.setdefault("initial_lr", group["lr"])
        group["lr"] = group["initial_lr"] * factor
