"""Beyond the paper: teach Q to read real images, without labels, from pairs of deformed copies.

InfoGAN trains Q on generated images only, and nothing tells it that two writings of one digit belong together. Here Q
first sees real images: the code of one deformed copy must tell as much as possible about the code of another. Features
come from InfoNCE (van den Oord et al. 2018) and from the information in the batch's table of discrete codes (Ji,
Henriques and Vedaldi 2019) with more values than classes; the ten-valued code is then chosen among many restarts on
those features as the one with the most information. No step looks at a label.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.losses.information import info_nce, mutual_information, paired_mutual_information
from course_lib.papers.infogan.config import InfoGanConfig, PairsConfig
from course_lib.papers.infogan.deform import deform
from course_lib.papers.infogan.model import Recognition


class PairNet(nn.Module):
    """InfoGAN's Q (trunk, then FC 128) with what it needs while it learns from pairs: one embedding, several codes."""

    def __init__(self, cfg: InfoGanConfig, pairs: PairsConfig) -> None:
        super().__init__()
        self.recognition = Recognition(cfg)
        n = cfg.q_hidden
        self.embedding = nn.Linear(n, pairs.embedding)
        self.codes = nn.ModuleList(nn.Linear(n, values) for values in pairs.values)

    def features(self, x: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b n"]:
        """What Q's last layer reads."""
        head = self.recognition.head
        hidden = head.norm(head.fc(self.recognition.trunk(x)))
        return F.leaky_relu(hidden, head.cfg.leaky_slope).float()


@dataclass(frozen=True)
class CodeChoice:
    """Restarts of a discrete code on fixed features, the most informative first.

    Attributes:
        information: Information between the codes of the copies of a pair, nats.
        weight: Weights of each linear code.
        bias: Biases.
    """

    information: Float[Tensor, " r"]
    weight: Float[Tensor, "r k n"]
    bias: Float[Tensor, "r k"]


def pair_step(
    net: PairNet,
    opt: torch.optim.Optimizer,
    images: Float[Tensor, "b 1 h w"],
    cfg: PairsConfig,
    *,
    gen: torch.Generator,
    autocast: torch.autocast | None = None,
) -> dict[str, Tensor]:
    """Raise the information between two deformed copies of each real image by one step of the optimiser.

    Returns:
        `pairs/embedding` (InfoNCE), `pairs/codes` (mean information of the discrete codes in the batch's table: for
        many values far too high as a number), nats, and `total`.
    """
    opt.zero_grad(set_to_none=True)
    with torch.no_grad():
        copies = torch.cat([deform(images, cfg.deformation, generator=gen) for _ in range(2)])
    if autocast is None:
        features = net.features(copies)
    else:
        with autocast:
            features = net.features(copies)
    a, b = features.chunk(2)
    zero = features.new_zeros(())
    embedded = codes = zero
    if cfg.weight_embedding:
        u, v = (F.normalize(net.embedding(one)) for one in (a, b))
        scores = u @ v.T / cfg.temperature
        embedded = 0.5 * (info_nce(scores) + info_nce(scores.T)).mean()
    if cfg.weight_codes and len(net.codes):
        logits = [(code(a), code(b)) for code in net.codes]
        codes = sum(paired_mutual_information(torch.cat([p, q]), torch.cat([q, p])) for p, q in logits) / len(logits)
    loss = -cfg.weight_embedding * embedded - cfg.weight_codes * codes
    loss.backward()
    opt.step()
    return {"pairs/embedding": embedded.detach(), "pairs/codes": codes.detach(), "total": loss.detach()}


@torch.no_grad()
def pair_features(
    net: PairNet,
    images: Float[Tensor, "n 1 h w"],
    cfg: PairsConfig,
    *,
    gen: torch.Generator,
    copies: int = 3,
    rows: int = 1000,
) -> Float[Tensor, "v n f"]:
    """Features of several deformed copies of each image, in evaluation mode."""
    was_training = net.training
    net.eval()
    views = [
        torch.cat([net.features(deform(part, cfg.deformation, generator=gen)) for part in images.split(rows)])
        for _ in range(copies)
    ]
    net.train(was_training)
    return torch.stack(views)


def choose_code(features: Float[Tensor, "v n f"], values: int, cfg: PairsConfig, *, gen: torch.Generator) -> CodeChoice:
    """Train many linear codes of `values` values on fixed features and rank them by their information.

    Each restart climbs the same objective from another start: data far apart from each other, as in k-means++ (Arthur
    and Vassilvitskii 2007). Most end with two classes merged and a third one split, at visibly less information: the
    objective itself tells the good ones, no label is needed.

    Args:
        features: From `pair_features`, two copies or more.
        values: Number of values of the code.
        cfg: Number of restarts, steps, batch and rate.
        gen: Source of starts and batches.

    Returns:
        All restarts, the best first.
    """
    v, n, _ = features.shape
    where = {"generator": gen, "device": features.device}
    mean, spread = features[0].mean(0), features[0].std(0) + 1e-5
    standard = (features - mean) / spread
    starts = [_far_apart(standard[0], values, gen=gen) for _ in range(cfg.restarts)]
    weight = torch.stack([weight for weight, _ in starts]).requires_grad_()
    bias = torch.stack([bias for _, bias in starts]).requires_grad_()
    opt = torch.optim.Adam([weight, bias], lr=cfg.restart_lr, fused=features.device.type in ("cpu", "cuda"))
    batch = min(cfg.restart_batch, n)
    for step in range(cfg.restart_steps):
        rows = torch.randint(n, (batch,), **where)
        first, second = standard[step % v, rows], standard[(step + 1) % v, rows]
        for group in opt.param_groups:
            group["lr"] = cfg.restart_lr * half_cosine(step / cfg.restart_steps)
        opt.zero_grad(set_to_none=True)
        (-_information(first @ weight + bias, second @ weight + bias).sum()).backward()
        opt.step()
    with torch.no_grad():
        information = _information(standard[0] @ weight + bias, standard[1] @ weight + bias)
        order = information.argsort(descending=True)
        # The standardisation of the features becomes part of the layer.
        plain = (weight / spread[:, None]).transpose(1, 2)
        shift = bias.squeeze(1) - (mean / spread) @ weight
    return CodeChoice(information[order], plain[order].contiguous(), shift[order])


@torch.no_grad()
def install_code(recognition: Recognition, choice: CodeChoice, which: int = 0) -> None:
    """Write a chosen code into the outputs of Q's first discrete code."""
    out, k = recognition.head.out, choice.bias.shape[1]
    if recognition.head.cfg.categories[:1] != (k,):
        raise ValueError(
            f"`choice` has codes of {k} values but Q's first code has {recognition.head.cfg.categories[:1]}"
        )
    out.weight[:k], out.bias[:k] = choice.weight[which], choice.bias[which]


def half_cosine(progress: float, floor: float = 0.02) -> float:
    """Factor on the learning rate: half a cosine from 1 down to `floor`."""
    return floor + (1 - floor) * 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * progress))))


def pair_rate(progress: float, cfg: PairsConfig) -> float:
    """The learning rate of `pair_step` when a fraction of `cfg.steps` is done: a short warm-up, then half a cosine."""
    return cfg.lr * min(1.0, (progress * cfg.steps + 1) / max(1, cfg.warmup)) * half_cosine(progress)


def without(cfg: PairsConfig, part: str) -> PairsConfig:
    """The same recipe without one of its additions, for the ablation.

    Args:
        cfg: The recipe.
        part: `embedding`, `codes`, `thickness`, `affine` or `restarts`.
    """
    match part:
        case "embedding":
            return replace(cfg, weight_embedding=0.0)
        case "codes":
            return replace(cfg, weight_codes=0.0)
        case "thickness":
            return replace(cfg, deformation=replace(cfg.deformation, thickness=0.0))
        case "affine":
            still = {"rotation": 0.0, "shear": 0.0, "scale": 0.0, "shift": 0.0}
            return replace(cfg, deformation=replace(cfg.deformation, **still))
        case "restarts":
            return replace(cfg, restarts=1)
    raise ValueError(f"`part` (={part!r}) must be 'embedding', 'codes', 'thickness', 'affine' or 'restarts'")


def _far_apart(
    x: Float[Tensor, "n f"], values: int, *, gen: torch.Generator, rows: int = 2000
) -> tuple[Float[Tensor, "f k"], Float[Tensor, "1 k"]]:
    """A soft nearest-centre code: each centre a datum drawn with odds that grow with its distance from the others."""
    x = x[torch.randperm(len(x), generator=gen, device=x.device)[:rows]]
    centres = [x[0]]
    nearest = (x - x[0]).square().sum(1)
    for _ in range(values - 1):
        odds = nearest + 1e-12  # so that equal data can be drawn at all
        centres.append(x[torch.multinomial(odds, 1, generator=gen)[0]])
        nearest = torch.minimum(nearest, (x - centres[-1]).square().sum(1))
    centre = torch.stack(centres)
    softness = 1 / nearest.mean().clamp_min(1e-6)
    return 2 * softness * centre.T, -softness * centre.square().sum(1, keepdim=True).T


def _information(a: Float[Tensor, "r b k"], b: Float[Tensor, "r b k"]) -> Float[Tensor, " r"]:
    """Exact information between two codes of each restart, from symmetric tables."""
    joint = a.softmax(2).transpose(1, 2) @ b.softmax(2)
    joint = joint + joint.transpose(1, 2)
    return mutual_information(joint / joint.sum((1, 2), keepdim=True))
