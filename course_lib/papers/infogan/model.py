"""The networks of Chen et al. 2016 for MNIST: generator, and discriminator with its recognition head."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.papers.infogan.config import InfoGanConfig


@dataclass(frozen=True)
class Codes:
    """What the generator is asked to show.

    Attributes:
        classes: Value of each discrete code.
        continuous: Continuous codes, in [-1, 1] when drawn from the prior.
    """

    classes: Int[Tensor, "b l"]
    continuous: Float[Tensor, "b c"]

    def __len__(self) -> int:
        return len(self.continuous)

    def one_hot(self, cfg: InfoGanConfig) -> list[Float[Tensor, "b _"]]:
        """The discrete codes as one-hot rows, one tensor a code."""
        columns = zip(self.classes.unbind(1), cfg.categories, strict=True)
        return [F.one_hot(column, k).to(self.continuous) for column, k in columns]

    def to(self, device: torch.device) -> "Codes":
        """The same codes on a device."""
        return Codes(self.classes.to(device), self.continuous.to(device))

    def vector(self, cfg: InfoGanConfig) -> Float[Tensor, "b n"]:
        """All codes side by side, as the generator reads them."""
        return torch.cat([*self.one_hot(cfg), self.continuous], 1)


@dataclass(frozen=True)
class CodePosterior:
    """Q(c given x): a categorical for each discrete code, a diagonal Gaussian for the continuous ones.

    Attributes:
        logits: One tensor a discrete code.
        mu: Means of the continuous codes.
        log_var: Their log-variances: 0 where the configuration fixes the variance.
    """

    logits: tuple[Float[Tensor, "b _"], ...]
    mu: Float[Tensor, "b c"]
    log_var: Float[Tensor, "b c"]


@dataclass(frozen=True)
class Judgement:
    """What the discriminator says of an image.

    Attributes:
        logits: Large where the image looks real.
        posterior: The code that the recognition head reads from it.
    """

    logits: Float[Tensor, " b"]
    posterior: CodePosterior


class Generator(nn.Module):
    """Code and noise -> FC 1024 -> FC 7 x 7 x 128 -> deconvolution 64 -> deconvolution 1 -> sigmoid.

    Every layer but the last is followed by batch normalisation (over all 6,272 units after the second, as in the
    official code) and a ReLU; deconvolutions are 4 x 4, stride 2. Chen et al. 2016, Table 1: 6,652,481 parameters.
    """

    def __init__(self, cfg: InfoGanConfig) -> None:
        super().__init__()
        self.cfg = cfg
        narrow, wide = cfg.channels
        self.side = cfg.image_size // 4
        self.fc1 = nn.Linear(cfg.noise + cfg.code_size, cfg.hidden)
        self.norm1 = nn.BatchNorm1d(cfg.hidden)
        self.fc2 = nn.Linear(cfg.hidden, self.side**2 * wide)
        self.norm2 = nn.BatchNorm1d(self.side**2 * wide)
        self.up1 = nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1)
        self.norm3 = nn.BatchNorm2d(narrow)
        self.up2 = nn.ConvTranspose2d(narrow, 1, 4, stride=2, padding=1)
        _initialise(self)

    def forward(self, noise: Float[Tensor, "b z"], codes: Codes) -> Float[Tensor, "b 1 h w"]:
        """Images in [0, 1]."""
        h = torch.cat([noise, codes.vector(self.cfg)], 1)
        h = F.relu(self.norm1(self.fc1(h)))
        h = F.relu(self.norm2(self.fc2(h)))
        # Units are ordered (row, column, channel): as an image that is channels_last already, without a copy.
        h = h.view(len(h), self.side, self.side, -1).permute(0, 3, 1, 2)
        h = F.relu(self.norm3(self.up1(h)))
        return self.up2(h).sigmoid()


class Trunk(nn.Module):
    """Image -> 4 x 4 stride-2 convolution 64 -> the same, 128, normalised -> FC 1024, normalised; leaky ReLUs.

    The part that discriminator and recognition head share.
    """

    def __init__(self, cfg: InfoGanConfig) -> None:
        super().__init__()
        narrow, wide = cfg.channels
        self.size, self.slope = cfg.image_size, cfg.leaky_slope
        self.conv1 = nn.Conv2d(1, narrow, 4, stride=2, padding=1)
        self.conv2 = nn.Conv2d(narrow, wide, 4, stride=2, padding=1)
        self.norm2 = nn.BatchNorm2d(wide)
        self.fc = nn.Linear((cfg.image_size // 4) ** 2 * wide, cfg.hidden)
        self.norm3 = nn.BatchNorm1d(cfg.hidden)
        _initialise(self)

    def forward(self, x: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b n"]:
        """Features."""
        if x.shape[1:] != (1, self.size, self.size):
            raise ValueError(
                f"`x` has shape {tuple(x.shape)}: expected (b, 1, {self.size}, {self.size}), `image_size` of its config"
            )
        h = F.leaky_relu(self.conv1(x), self.slope)
        h = F.leaky_relu(self.norm2(self.conv2(h)), self.slope)
        h = h.permute(0, 2, 3, 1).flatten(1)  # no copy when the convolution is channels_last
        return F.leaky_relu(self.norm3(self.fc(h)), self.slope)


class RecognitionHead(nn.Module):
    """Features -> FC 128, normalised, leaky ReLU -> logits of the discrete codes, means and log-variances.

    2 % of the discriminator's parameters: what Chen et al. 2016 call a negligible cost. The outputs for the variance
    exist even where it is fixed, as in the official code.
    """

    def __init__(self, cfg: InfoGanConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.fc = nn.Linear(cfg.hidden, cfg.q_hidden)
        self.norm = nn.BatchNorm1d(cfg.q_hidden)
        self.out = nn.Linear(cfg.q_hidden, sum(cfg.categories) + 2 * cfg.continuous)
        _initialise(self)

    def forward(self, features: Float[Tensor, "b n"]) -> CodePosterior:
        """Q(c given x), in float32 also under autocast: log-likelihoods need the digits."""
        h = F.leaky_relu(self.norm(self.fc(features)), self.cfg.leaky_slope)
        c = self.cfg.continuous
        *logits, mu, log_var = self.out(h).float().split([*self.cfg.categories, c, c], 1)
        if self.cfg.code_variance == "fixed":
            log_var = torch.zeros_like(log_var)
        elif self.cfg.log_var_range is not None:
            log_var = log_var.clamp(*self.cfg.log_var_range)
        return CodePosterior(tuple(logits), mu, log_var)


class Discriminator(nn.Module):
    """Trunk with two heads: real or generated (one logit), and the code. Chen et al. 2016, Table 1: 6,692,431."""

    def __init__(self, cfg: InfoGanConfig) -> None:
        super().__init__()
        self.trunk = Trunk(cfg)
        self.to_logit = nn.Linear(cfg.hidden, 1)
        self.recognition = RecognitionHead(cfg)
        _initialise(self.to_logit)

    def forward(self, x: Float[Tensor, "b 1 h w"], *, detach_recognition: bool = False) -> Judgement:
        """Judge images; with `detach_recognition` the code's gradient ends at the head and never reaches the trunk."""
        features = self.trunk(x)
        posterior = self.recognition(features.detach() if detach_recognition else features)
        return Judgement(self.to_logit(features).squeeze(1).float(), posterior)

    def logits(self, x: Float[Tensor, "b 1 h w"]) -> Float[Tensor, " b"]:
        """Only whether images look real: the pass for real ones, whose code nobody knows."""
        return self.to_logit(self.trunk(x)).squeeze(1).float()


class Recognition(nn.Module):
    """Q with a trunk of its own, for the passive baseline."""

    def __init__(self, cfg: InfoGanConfig) -> None:
        super().__init__()
        self.trunk = Trunk(cfg)
        self.head = RecognitionHead(cfg)

    def forward(self, x: Float[Tensor, "b 1 h w"]) -> CodePosterior:
        """Q(c given x)."""
        return self.head(self.trunk(x))


class InfoGan(nn.Module):
    """All networks of one run.

    Attributes:
        generator: G.
        discriminator: D, with Q as a head.
        separate: Q as a network of its own; None unless `information` is `passive_separate` or `taught`.
    """

    def __init__(self, cfg: InfoGanConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.generator = Generator(cfg)
        self.discriminator = Discriminator(cfg)
        self.separate = Recognition(cfg) if cfg.information in ("passive_separate", "taught") else None
        self.train()

    def train(self, mode: bool = True) -> "InfoGan":
        """Switch between training and evaluation; a taught Q is finished and stays in evaluation mode."""
        super().train(mode)
        if self.separate is not None and self.cfg.information == "taught":
            self.separate.eval()
        return self

    def read(self, x: Float[Tensor, "b 1 h w"], judged: Judgement) -> CodePosterior:
        """Q(c given x) of images that the discriminator has judged, by the network that this run has for it."""
        if self.separate is None:
            return judged.posterior
        posterior = self.separate(x)
        if self.cfg.information == "passive_separate":
            return posterior
        return CodePosterior(posterior.logits, judged.posterior.mu, judged.posterior.log_var)

    def recognise(self, x: Float[Tensor, "b 1 h w"]) -> CodePosterior:
        """Q(c given x)."""
        return self.read(x, self.discriminator(x))


def sample_codes(
    n: int, cfg: InfoGanConfig, *, generator: torch.Generator, device: torch.device | None = None
) -> Codes:
    """Draw codes from the prior: uniform classes; continuous codes uniform on [-1, 1] (or the port's mistake)."""
    where = {"generator": generator, "device": generator.device}
    classes = [torch.randint(k, (n,), **where) for k in cfg.categories]
    classes = torch.stack(classes, 1) if classes else torch.empty(n, 0, dtype=torch.int64, device=generator.device)
    if cfg.code_prior == "uniform":
        continuous = torch.rand(n, cfg.continuous, **where) * 2 - 1
    else:
        continuous = torch.randn(n, cfg.continuous, **where) - 1  # normal(-1, 1): -1 was meant as the lower end
    return Codes(classes.to(device), continuous.to(device))


def sample_noise(
    n: int, cfg: InfoGanConfig, *, generator: torch.Generator, device: torch.device | None = None
) -> Float[Tensor, "n z"]:
    """Draw the incompressible noise z."""
    where = {"generator": generator, "device": generator.device}
    if cfg.noise_prior == "uniform":
        return (torch.rand(n, cfg.noise, **where) * 2 - 1).to(device)
    return torch.randn(n, cfg.noise, **where).to(device)


def _initialise(module: nn.Module) -> None:
    """Weights N(0, 0.02^2), truncated in convolutions; biases 0; scales of batch normalisation N(1, 0.02^2)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.trunc_normal_(layer.weight, std=0.02, a=-0.04, b=0.04)
        elif isinstance(layer, nn.Linear | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=0.02)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(layer.weight, mean=1.0, std=0.02)
        else:
            continue
        nn.init.zeros_(layer.bias)
