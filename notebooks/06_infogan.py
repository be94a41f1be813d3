# ---
# jupyter:
#   course:
#     symbols: [x, z, code, code_posterior, recognition, code_mi, ba_bound, expectation, mu, sigma, generator_net, judge, best_judge, p_data, p_made, game, coded_game, info_weight, jsd, logits, place, middle, noise_sd]
#     minutes: {"Set-up": 1, "Look first": 3, "Derive": 15, "From formula to code": 3, "The model": 4, "Predict, then train": 6, "Look again": 5, "Measure": 10, "Exercises": 12}
#     requires: ["03"]
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # InfoGAN
#
# A generator that was never told what a digit is, and that paints ten kinds of pictures, one for each value of a code; a second code makes
# them lean, a third makes them wide. Nobody labelled anything. [InfoGAN](https://arxiv.org/abs/1606.03657) set out to get there by adding
# *one term* to a GAN: the bound on mutual information of [lesson 03](03_information_bounds.ipynb).
#
# How near does it come, and what else does it take? The paper prints one number, an error of 5 % on handwritten digits, and says neither how it was counted nor over how many
# runs. This lesson trains the official settings with five seeds and shows all of them. Then it asks what would make the result reliable, and says what each answer costs.
#
# At the end you can
#
# - say what each of the three players minimises, and how paper, official code and ports differ in it;
# - tell the information from the bound, and know which of the two the term changes;
# - train InfoGAN, read its curves, and measure what each code means;
# - recognise five ways in which it fails;
# - judge a claim like "5 % error without labels".
#
# You need: the Barber-Agakov bound of [lesson 03](03_information_bounds.ipynb), and PyTorch.

# %% [markdown]
# ## Set-up

# %% tags=["nbval-ignore-output", "hide-input"]
# @title Set-up: installs what is missing, and nothing else {display-mode: "form"}
import importlib.util
import os
import subprocess
import sys
import tempfile
from importlib import metadata

REPOSITORY = ""  # address of the course's Git repository; `make address URL=...` writes it here

try:
    importlib.import_module("course_lib")
except ModuleNotFoundError:
    if not REPOSITORY:
        raise ModuleNotFoundError(
            "course_lib is not installed: set REPOSITORY above to the address of the course's Git repository, "
            "or run `pip install -e .` in a checkout of it."
        ) from None
    source = REPOSITORY if os.path.isdir(REPOSITORY) else f"git+{REPOSITORY}"
    with tempfile.TemporaryDirectory() as folder:
        keep = os.path.join(folder, "keep.txt")  # what is here already stays at its version
        with open(keep, "w") as file:
            for name in ("torch", "numpy"):
                if importlib.util.find_spec(name):
                    file.write(f"{name}=={metadata.version(name)}\n")
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--constraint", keep, source], check=True)
    importlib.invalidate_caches()

import numpy as np
import torch

import course_lib

place = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU"
print(
    f"course_lib {course_lib.__version__}, torch {torch.__version__}, numpy {np.__version__}, "
    f"Python {sys.version.split()[0]}, running on {place}"
)

# %% tags=["parameters"]
import os

profile: str = os.environ.get("COURSE_PROFILE", "quick")  # smoke, quick, standard or paper
seed: int = 0  # seed of everything random in this lesson
data_root: str = os.environ.get("COURSE_DATA_ROOT", "")  # folder of real data; this lesson needs none
out_dir: str = ""  # folder of the run; empty: runs/<lesson>/<profile>-<seed>/

# %% tags=["nbval-ignore-output"]
from course_lib.teaching import lesson

this = lesson.start("06_infogan", profile=profile, seed=seed, data_root=data_root, out_dir=out_dir)
this.cost_box()

# %% [markdown]
# Here is where the lesson arrives, on MNIST. In the first panel a column for each of the ten values of the first code, the rows differ in noise; below, the
# second and the third code sweep from -2 to 2, though training never left the interval from -1 to 1. The recipe is that of
# [Beyond the paper](#beyond-the-paper-what-makes-it-reliable): InfoGAN with a $Q$ that was taught by pairs of deformed pictures, seed 0. As published, InfoGAN gives columns that mix digits, as you
# will see.

# %% tags=["nbval-ignore-output"]
this.figure(
    "06_infogan.webp",
    alt="Three panels of generated handwritten digits. In the first each of ten columns shows one digit in several hands. In the other two, rows of one digit change gradually from left to right, in slant in one panel and in width in the other.",
)

# %% [markdown]
# ## Look first
#
# Two worlds in small. Above, real handwritten digits of 8 by 8 pixels, which come with scikit-learn; below, glyphs of 16 by 16 pixels
# that the course draws itself, so that the slant and the width of each are known to the last digit. In both there are ten kinds of
# signs. **Look at them as a machine would**, which knows nothing of digits: what else might it sort them by?

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Two rows of ten small digits as people wrote them, then two rows of ten clean glyphs from 0 to 9 that lean and vary in width."}}
import numpy as np
import torch

from course_lib.datasets import load_digits
from course_lib.experiments.infogan_glyphs import draw
from course_lib.teaching import plots

train, test = load_digits()
signs, sign_factors = draw(200 if profile == "smoke" else 8_000, seed, compiled=None if profile != "smoke" else False)
figure, cells = plots.plt.subplots(4, 10, figsize=(plots.WIDTH, 2.2), squeeze=False)
shown = [*train.images[20:40, 0], *signs[:20, 0]]
for picture, cell in zip(shown, cells.flat, strict=True):
    cell.imshow(picture, cmap="gray", vmin=0, vmax=1)
    cell.axis("off")
_ = figure.suptitle("Ten kinds of signs, if you know what to look for", fontweight="bold", fontsize=11)

# %% [markdown]
# By boldness, by slant, by whether there is a hole: any of these splits the pictures into groups. A code of ten values may settle on any of
# them, and nothing in the objective prefers *ours*. That is the question of this lesson, and it will not be settled by a formula.
#
# ## Derive
#
# ### The game
#
# A generator makes a picture $x = G(z)$ from noise $z$; its pictures have the distribution $P_G(x)$. A discriminator $D(x)$ says with
# which probability $x$ is real, that is, drawn from $P_{\mathrm{data}}(x)$. $D$ maximises and $G$ minimises
#
# $$ V(D, G) = \mathbb{E}_{x \sim P_{\mathrm{data}}}[\log D(x)] + \mathbb{E}_{x \sim P_G}[\log(1 - D(x))] \tag{6.1} $$
#
# What is being minimised becomes visible when the discriminator plays as well as can be. For one picture, with $p = P_{\mathrm{data}}(x)$ and $g = P_G(x)$, it maximises
# $p \log D + g \log(1 - D)$; the derivative $p/D - g/(1 - D)$ is zero at
#
# $$ D^\star(x) = \frac{P_{\mathrm{data}}(x)}{P_{\mathrm{data}}(x) + P_G(x)} \tag{6.2} $$
#
# The lines below are evaluated on games over four symbols, all probabilities in tables. $P_M$ is half data, half generated. The
# relation turns on the way: (6.3) says what the best $D$ gains, (6.6) where the best $G$ must stop.

# %%
import math

from course_lib.teaching import Definition, Derivation, Divergence, Term
from course_lib.teaching.small_games import CodedGame, NoisyPlaces, OneReading, example_game, kl

Definition(r"V(D, G) = \mathbb{E}_{x \sim P_{\mathrm{data}}}[\log D(x)] + \mathbb{E}_{x \sim P_G}[\log(1 - D(x))]", "6.1")
Definition(r"D^\star(x) = \frac{P_{\mathrm{data}}(x)}{P_{\mathrm{data}}(x) + P_G(x)}", "6.2")

value = Term("V(D, G)", lambda m: m.value())
best_value = Term(r"V(D^\star, G)", lambda m: m.with_best_judge().value(), name="best-value")
log_four = Term(r"\log 4", lambda m: math.log(4), name="log-4")
data_to_middle = Divergence(
    r"D_{\mathrm{KL}}", r"P_{\mathrm{data}}", "P_M", fn=lambda m, a, b: kl(a, b),
    first=lambda m: m.data, second=lambda m: m.middle, name="KL-data",
)  # fmt: skip
made_to_middle = Divergence(
    r"D_{\mathrm{KL}}", "P_G", "P_M", fn=lambda m, a, b: kl(a, b),
    first=lambda m: m.generated, second=lambda m: m.middle, name="KL-made",
)  # fmt: skip
jensen_shannon = Term(
    r"\mathrm{JSD}(P_{\mathrm{data}}, P_G)",
    lambda m: sum(kl(p, m.middle) for p in (m.data, m.generated)) / 2,
    name="JSD",
)

game = Derivation("game", title="What a perfect judge makes of the game", draw=CodedGame.draw, example=example_game())
game.line(value)
game.line(best_value, "<=", reason="(6.2) maximises each summand", number="6.3", tight=CodedGame.best_judge)
game.line(data_to_middle + made_to_middle - log_four, "=", reason="insert (6.2), take 2 out of either logarithm", number="6.4")
game.line(2 * jensen_shannon - log_four, "=", reason="what a Jensen-Shannon divergence is", number="6.5")
game.line(-log_four, ">=", reason="a divergence is not negative", number="6.6", tight=CodedGame.solved)
game.show()
game.assert_mutants_caught()

# %% [markdown]
# So the generator fits the data, and at its best $V = -\log 4$. That is the game as it stands, *minimax*. In practice $G$ minimises $-\log D(x)$ on its pictures instead of $\log(1 - D(x))$: the
# same best $D$ and the same goal, with a larger gradient while $D$ is sure of itself. That is the *non-saturating* loss; (6.4) to (6.6) no longer say what is minimised on the way.
#
# About $z$ the game is silent. Which part of it paints the digit and which the slant? Put any map before $G$ that leaves the distribution of $z$ as it is, a permutation of its numbers
# or a rotation of normal noise: $P_G$ is the same, and so is the value.
#
# ### The code
#
# Hence a second input: a small code $c$ whose distribution we choose, $x = G(z, c)$. That alone changes nothing. Nothing stops the generator from
# painting with $z$ alone; in the extreme $I(c; x) = 0$. So the information enters the game, with a weight $\lambda_I$ (which the paper writes without index):
#
# $$ V_I = V(D, G) - \lambda_I\,I(c; x) \tag{6.7} $$
#
# The information is out of reach, and the bound $L_I$ of [lesson 03](03_information_bounds.ipynb) takes its place. A third player $Q(c \mid x)$
# reads the code back from the picture.

# %%
Definition(r"V_I = V(D, G) - \lambda_I\,I(c; x)", "6.7")

weighted_bound = Term(r"\lambda_I\,L_I", lambda m: m.weight * m.channel.barber_agakov(), name="bound")
weighted_information = Term(r"\lambda_I\,I(c; x)", lambda m: m.weight * m.channel.information(), name="information")
weighted_gap = Divergence(
    r"\lambda_I\,\mathbb{E}_{x}\,D_{\mathrm{KL}}", r"P(c \mid x)", r"Q(c \mid x)",
    fn=lambda m, a, b: m.weight * m.channel.mean_kl(a, b),
    first=lambda m: m.channel.posterior, second=lambda m: m.channel.q, name="gap",
)  # fmt: skip

coded = Derivation("coded", title="The game that is played, and the game that is meant", draw=CodedGame.draw, example=example_game())
coded.line(value - weighted_bound)
coded.line(value - weighted_information + weighted_gap, "=", reason="the bound is the information less its gap: (3.5)", number="6.8")
coded.line(value - weighted_information, ">=", reason="a divergence is not negative", number="6.9", tight=CodedGame.best_reader)
coded.show()
coded.assert_mutants_caught()

# %% [markdown]
# Read (6.9) as a recipe. $G$ and $Q$ *minimise* the left side. $Q$ can only shrink the gap, so that its best answer turns the left side into
# (6.7). $G$ can lower it in two ways: by more information, or by a smaller gap, that is, by pictures from which *this* $Q$ can read. Keep the
# second way in mind.
#
# ### What the term does not do: create information
#
# The extreme, a code with no effect at all, hardly ever occurs in a network. A generator is a function of 74 numbers into 784 (below, in small, of 28 into 64), and two codes hardly ever paint the same picture. A *perfect* reader would know the
# code from a picture of an **untrained** generator, too: the true information is near its ceiling from the start. (That is said of the discrete code. A continuous one has no ceiling: where the picture determines it, the information is infinite,
# and only the bound, with its limited $Q$, is a finite number to play for.) What is small is the bound of
# a $Q$ that is a network in training. In the next cell the generator is random and stays so; only $Q$ learns. **Predict first:** how many of
# the $\log 10 = 2.30$ nats will it read?

# %% tags=["nbval-ignore-output"]
from dataclasses import replace

from course_lib.papers.infogan import DIGITS_PROFILES, InfoGan, information_bounds, sample_codes, sample_noise
from course_lib.training import seeded

cfg = this.config(DIGITS_PROFILES)
onlooker = replace(cfg, information="passive_separate")
with seeded(seed):
    unborn = InfoGan(onlooker)
reader = torch.optim.Adam(unborn.separate.parameters(), 2e-3)
gen = torch.Generator().manual_seed(seed)
for _ in range(20 if profile == "smoke" else 400):
    codes, noise = sample_codes(64, cfg, generator=gen), sample_noise(64, cfg, generator=gen)
    with torch.no_grad():
        pictures = unborn.generator(noise, codes)
    bound = information_bounds(codes, unborn.separate(pictures), onlooker)["discrete"].mean()
    reader.zero_grad()
    (-bound).backward()
    reader.step()
assert unborn.generator.fc1.in_features == 28  # 16 + 10 + 2
print(f"read from a generator that has learned nothing: {float(bound):.2f} of {math.log(10):.2f} nats")
if profile != "smoke":
    assert bound > 0.5 * math.log(10), "a random generator should be readable"

# %% [markdown]
# So do not say that InfoGAN "maximises the information" of its discrete code: that was there. It makes the information **easy to read** for a small network.
# That is less, and more useful: what a small network of convolutions reads easily in natural pictures are big and smooth differences.
#
# ### What a gradient of the bound looks like
#
# $Q$ ends in logits $\mathbf{l}$ for a discrete code and in a mean $\mu$ and a $\log \sigma$ for a continuous one. Rows marked *start* are found
# by automatic differentiation; the row below each is the formula:

# %% tags=["hide-input"]
by_logits = Term(r"-\frac{\partial \log Q(c \mid x)}{\partial \mathbf{l}}", lambda m: m.gradient("logits"), name="by-logits")
by_mean = Term(r"-\frac{\partial \log Q(c \mid x)}{\partial \mu}", lambda m: m.gradient("mu"), name="by-mean")
by_scale = Term(r"-\frac{\partial \log Q(c \mid x)}{\partial \log \sigma}", lambda m: m.gradient("log_sigma"), name="by-scale")
q_vector = Term(r"Q(\cdot \mid x)", lambda m: m.q, name="Q")
sent = Term("c", lambda m: m.one_hot, name="one-hot")
scaled_mean = Term(r"\frac{\mu}{\sigma^2}", lambda m: m.mu / m.sigma**2, name="mean")
scaled_code = Term(r"\frac{c}{\sigma^2}", lambda m: m.code / m.sigma**2, name="code")
scaled_square = Term(r"\frac{(c - \mu)^2}{\sigma^2}", lambda m: (m.code - m.mu) ** 2 / m.sigma**2, name="square")

heads = Derivation("heads", title="Gradients of minus log Q", draw=OneReading.draw)
heads.line(by_logits)
heads.line(q_vector - sent, "=", reason="softmax and cross-entropy; the code as a one-hot vector", number="6.10")
heads.line(by_mean)
heads.line(scaled_mean - scaled_code, "=", reason="a normal log-density", number="6.11")
heads.line(by_scale)
heads.line(1 - scaled_square, "=", reason="the same; 0 on average where the variance is the mean squared error", number="6.12")
heads.show()
heads.assert_mutants_caught()

# %% [markdown]
# (6.11) holds the seed of a failure. $1/\sigma^2$ stands before what a continuous code sends to the generator through the mean, and (6.12) drives $\sigma^2$ down to the squared error
# as the code gets easy to read; the push then grows like $1/\sigma$. We shall make it happen.
#
# How does the gradient reach $G$ at all? Through the picture: $x = G(z, c)$ is differentiable, so one may follow the path. Where $x$ has a known density given $c$ (a
# deterministic generator has none), one could also weigh $\log Q$ with the derivative of that log-density, the *score function*, and never differentiate $Q$. Both have the same mean. Here a code is shown at a place $a_c$, $x = a_c + s z$ with $z \sim \mathcal{N}(0, 1)$ and score $z/s$, and read
# by a fixed softmax; the derivative is that of the mean of $\log Q$ with respect to the first place:

# %% tags=["hide-input"]
exact = Term(r"\frac{\partial}{\partial a_1}\,\mathbb{E}[\log Q(c \mid x)]", lambda m: m.exact_gradient(), name="exact")
along_path = Term(r"\mathbb{E}\left[\frac{\partial \log Q(c \mid x)}{\partial x}\right]", lambda m: m.pathwise(), name="path")
with_score = Term(r"\mathbb{E}\left[\log Q(c \mid x)\,\frac{z}{s}\right]", lambda m: m.score(), name="score")
path_drawn = Term(r"\overline{\frac{\partial \log Q(c \mid x)}{\partial x}}", lambda m: m.sampled("pathwise"), name="path-drawn")
score_drawn = Term(r"\overline{\log Q(c \mid x)\,\frac{z}{s}}", lambda m: m.sampled("score", seed=1), name="score-drawn")

paths = Derivation("paths", title="Two ways to the same gradient (all means are given c = 1)", draw=NoisyPlaces.draw, rtol=1e-7)
paths.line(exact)
paths.line(along_path, "=", reason="differentiate inside the mean", number="6.13")
paths.line(with_score, "=", reason="integrate by parts over z", number="6.14")
paths.line(path_drawn, "=", reason="4,000 draws along the path")
paths.line(score_drawn, "=", reason="4,000 draws with the score")
paths.show()
paths.assert_mutants_caught()
noisier = [m.model.variance("score") / m.model.variance("pathwise") for m in paths.samples()]
assert min(noisier) > 1
print(f"variance with the score over that along the path: at least {min(noisier):.0f}, typically {np.median(noisier):.0f} times as much")

# %% [markdown]
# The same mean, but on every model the path has less noise, mostly by an order of magnitude or two. (A baseline, which is not used here, would take away much of it.) A discrete *picture*
# would have no path; discrete *codes* are no obstacle, since nobody differentiates with respect to $c$.
#
# ### Where notes go wrong
#
# Notes on InfoGAN copy the plain game with $G(z)$ and put the five uniform codes of the 3-D faces under MNIST, and the paper's main text disagrees with its own appendix about
# the codes of two data sets. Counting the generator's inputs says which version agrees with the printed totals: 74 for MNIST, 168 for SVHN and 189 for the chairs.

# %%
from course_lib.experiments.infogan_errata import INPUTS, inputs

from IPython.display import display

display(inputs().show())
for slip in INPUTS:
    display(inputs().refute(**slip))

# %% [markdown]
# Three more cannot be settled by counting:
#
# * *"$Q$ plays the encoder."* $Q$ only ever sees generated pictures with the codes they were made from. It rebuilds nothing, and nothing is promised about real ones; the
#   error on real digits below shows what it is worth there.
# * *"The third code is thickness."* What is measured is width: the horizontal spread once the slant is taken out. Thickness stands in the paper's example, not in its result. In the figure above strokes get thinner as digits get narrower: what we measure is width, and the code may well move both.
# * *"The code subtracts $\lambda_I L_I$ from the discriminator's loss, too, and (6.7) does not"* ([issue 29](https://github.com/openai/InfoGAN/issues/29)). In the official code $Q$'s weights are
#   variables of the discriminator's step, so that is where $Q$ is trained. What $D$ *answers* does not enter the term. But $D$ and $Q$ share their layers, and in (6.7) these belong to both players. The official code lets them hear of it; one may also count them as $D$'s alone. Here is where the gradient of
#   $-\lambda_I L_I$ arrives:

# %%
from course_lib.papers.infogan import information_loss


def heard(information):
    """Norms of the gradient of the information term, by the part of the discriminator where it arrives."""
    settings = replace(DIGITS_PROFILES["smoke"], information=information)
    with seeded(0):
        gan = InfoGan(settings)
    gen = torch.Generator().manual_seed(0)
    codes, noise = sample_codes(32, settings, generator=gen), sample_noise(32, settings, generator=gen)
    judged = gan.discriminator(gan.generator(noise, codes), detach_recognition=information == "head")
    information_loss(information_bounds(codes, judged.posterior, settings), settings).mean().backward()
    parts = {"D's answer": gan.discriminator.to_logit, "shared layers": gan.discriminator.trunk, "Q's head": gan.discriminator.recognition}
    return {
        name: sum(float(p.grad.square().sum()) for p in part.parameters() if p.grad is not None) ** 0.5 for name, part in parts.items()
    }


arrives = {reading: heard(reading) for reading in ("trunk", "head")}
assert arrives["trunk"]["shared layers"] > 0 == arrives["head"]["shared layers"]
for name, reading in (("official code", "trunk"), ("shared layers counted as D's alone", "head")):
    print(f"{name}: " + ", ".join(f"{part} {'yes' if norm > 0 else 'no'}" for part, norm in arrives[reading].items()))

# %% [markdown]
# ### Break it
#
# The lines of the game, with a sign flipped, a term dropped, a divergence turned round:

# %% tags=["nbval-ignore-output"]
game.break_it(most=2 if profile == "smoke" else 3)

# %% [markdown]
# ## From formula to code
#
# The whole addition to a GAN is four lines. Here they are, for the official settings ($\sigma = 1$), beside the library's function:

# %%
import torch.nn.functional as F

from course_lib.papers.infogan import CodePosterior, InfoGanConfig


def my_information_loss(logits, mu, classes, continuous, weight=1.0):
    discrete = math.log(logits.shape[1]) - F.cross_entropy(logits, classes, reduction="none")
    log_density = -0.5 * (math.log(2 * math.pi) + (continuous - mu) ** 2)
    return -weight * (discrete + (math.log(2) + log_density).sum(1))


gen = torch.Generator().manual_seed(0)
settings = InfoGanConfig()
codes = sample_codes(6, settings, generator=gen)
logits, mu = torch.randn(6, 10, generator=gen), torch.randn(6, 2, generator=gen)
library = information_loss(information_bounds(codes, CodePosterior((logits,), mu, torch.zeros(6, 2)), settings), settings)
mine = my_information_loss(logits, mu, codes.classes[:, 0], codes.continuous)
print("the library's term is the four-line one:", torch.allclose(library, mine, atol=1e-6))

certain = CodePosterior((1e4 * codes.one_hot(settings)[0],), codes.continuous, torch.zeros(6, 2))
wrong = CodePosterior((-1e4 * codes.one_hot(settings)[0],), codes.continuous, torch.zeros(6, 2))
best = information_bounds(codes, certain, settings)
print("a certain and right Q reaches log 10:", torch.allclose(best["discrete"], torch.full((6,), math.log(10))))
print("with sigma = 1 the continuous part is negative even then:", bool((best["continuous"] < 0).all()))
print("a certain and wrong one is finite:", bool(information_bounds(codes, wrong, settings)["discrete"].isfinite().all()))

# %% [markdown]
# The third line is the unit-variance trap of [lesson 03](03_information_bounds.ipynb): a number to train on, not one to report.
#
# ## The model
#
# The networks of the paper for MNIST. Generator: the code and the noise, 74 numbers, go through two fully connected layers and two
# deconvolutions. Discriminator: two convolutions and a fully connected layer are the shared trunk; from it one number says whether the picture is real, and a small
# head reads the code.

# %%
from IPython.display import Markdown

from course_lib.papers.infogan import GLYPHS_PROFILES, PROFILES

PRINTED = {  # official code, layer by layer: weights and biases, and those of the normalisation after it
    "generator.fc1": 76_800 + 2_048, "generator.fc2": 6_428_800 + 12_544, "generator.up1": 131_136 + 128, "generator.up2": 1_025,
    "discriminator.trunk.conv1": 1_088, "discriminator.trunk.conv2": 131_200 + 256, "discriminator.trunk.fc": 6_423_552 + 2_048,
    "discriminator.to_logit": 1_025, "discriminator.recognition.fc": 131_200 + 256, "discriminator.recognition.out": 1_806,
}  # fmt: skip
NORM_AFTER = {
    "generator.fc1": "generator.norm1", "generator.fc2": "generator.norm2", "generator.up1": "generator.norm3",
    "discriminator.trunk.conv2": "discriminator.trunk.norm2", "discriminator.trunk.fc": "discriminator.trunk.norm3",
    "discriminator.recognition.fc": "discriminator.recognition.norm",
}  # fmt: skip


def count(model, name):
    names = [name, *([NORM_AFTER[name]] if name in NORM_AFTER else [])]
    return sum(p.numel() for one in names for p in model.get_submodule(one).parameters())


paper, small = InfoGan(PROFILES["paper"]), InfoGan(DIGITS_PROFILES["quick"])
lines = ["| layer | official code | ours | quick, digits |", "| --- | --- | --- | --- |"]
for name, printed in PRINTED.items():
    assert count(paper, name) == printed, f"{name} has {count(paper, name)} parameters, the official code {printed}"
    lines.append(f"| `{name}` | {printed:,} | {count(paper, name):,} | {count(small, name):,} |")
totals = [sum(p.numel() for p in model.parameters()) for model in (paper, small)]
assert totals[0] == sum(PRINTED.values())
lines.append(f"| all | {sum(PRINTED.values()):,} | {totals[0]:,} | {totals[1]:,} |")
Markdown("\n".join(lines))

# %% [markdown]
# $Q$'s head is 2 % of the discriminator: the "negligible cost" of the paper. A profile shrinks widths, image size, batch and steps. The small games also learn three
# times as fast as the paper's, at the same ratio of the two rates, to save time: they run the same course, with the discriminator ahead in between, in a third of the updates.
#
# Three sources, three games. Who minimises what:
#
# | | paper, formula (shared layers counted as $D$'s) | official code | a much-used port |
# | --- | --- | --- | --- |
# | $D$ | $-V$ | $-V - \lambda_I L_I$, through the shared layers | $-V$ |
# | $G$ | $V - \lambda_I L_I$ | $-\log D(x) - \lambda_I L_I$ on its pictures | the same as the official code |
# | $Q$ | $-\lambda_I L_I$ | $-\lambda_I L_I$, in $D$'s step | $-\lambda_I L_I$, in $G$'s step |
# | loss of the game | minimax | non-saturating | non-saturating |
# | $\lambda_I$ of the continuous codes | "smaller"; 1 in the appendix | 1 | 0.1 |
# | variance of $Q$ | learned | fixed at 1 | learned |
# | noise $z$ | not stated | uniform | normal |
# | leaky slope | 0.1 | 0.01 | 0.1 |
# | rates of $D$ and $G$ | 0.0002 and 0.001 | the same | 0.0002 for both |
# | here | `READINGS["paper"]` | `READINGS["official"]`, the default | `READINGS["port"]` |
#
# The switch trains each: `InfoGanConfig(**READINGS["paper"])`. (The first two columns follow the paper's text and the official repository as our reference sheet records them; in the port, $Q$'s head is
# trained in the generator's step; here in the discriminator's, half a step apart and on fresh pictures. Where we learn the variance, its logarithm is clamped to lie between -6 and 2, which neither source does.) What each is worth is in [Measure](#measure).

# %% [markdown]
# ## Predict, then train
#
# One update, in full: a step of the discriminator and $Q$, then a step of the generator on fresh noise.

# %% tags=["nbval-ignore-output"]
from course_lib.papers.infogan import infogan_optimizers, infogan_step
from course_lib.teaching import show_code

show_code(infogan_step)

# %% [markdown]
# Two games on the real digits, from the same first weights. In the first the generator hears of the information. In the second it does not: a plain GAN, where a head on
# the discriminator's features only looks on. **Predict first:** the plain generator gets a code as input as well. How many of the 2.30 nats will the onlooker read?

# %% tags=["nbval-ignore-output"]
from dataclasses import asdict

from course_lib.datasets import Batches
from course_lib.experiments.infogan_runs import Trained
from course_lib.training import Run

runtime = this.runtime


def fit(cfg, images, name):
    with seeded(seed):
        gan = runtime.prepare(InfoGan(cfg))
    opts, gen = infogan_optimizers(gan, cfg), runtime.generator(seed)
    batches = Batches(images.to(runtime.device), batch_size=cfg.batch_size, gen=gen)
    parts = {
        "modules": {"generator": gan.generator, "discriminator": gan.discriminator},
        "optimizers": opts,
        "generators": {"noise": gen},
    }
    with Run(this.out_dir / name, config=asdict(cfg), runtime=runtime, name=name, seed=seed, **parts) as run:
        for step, batch in run.steps(batches, total=cfg.steps):
            run.log(step, infogan_step(gan, opts, batch, cfg, gen=gen, autocast=runtime.autocast()))
    return Trained(gan, cfg, runtime), run.history


told, told_history = fit(cfg, train.images, "infogan")
plain, plain_history = fit(replace(cfg, information="passive_head"), train.images, "plain")

# %% [markdown]
# The first panel shows the bound of both games, the second the generator's loss of the first, with a moving mean. Near update 150 the discriminator is furthest ahead.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Above, the bound of InfoGAN rises to a dashed ceiling within a few hundred updates while that of the plain game rises slowly. Below, the generator's loss rises, peaks and comes down again."}}
def smooth(values, width=25):
    width = min(width, max(1, len(values) // 4))
    return np.convolve(values, np.ones(width) / width, mode="valid")


figure, (above, below) = plots.figure_axes(columns=2, height=2.3)
for history, label, colour, style in ((told_history, "InfoGAN", "blue", "-"), (plain_history, "plain, Q looks on", "orange", "--")):
    line = smooth(history["info/discrete"])
    plots.curve(above, np.arange(len(line)), line, label=label, colour=colour, style=style)
line = smooth(told_history["g/loss"])
plots.curve(below, np.arange(len(line)), line, colour="blue")
above.axhline(math.log(10), color="black", linewidth=1, linestyle=":")
above.text(0, math.log(10) + 0.06, "log 10")
above.set_ylim(-0.2, 2.75)
above.legend(loc="lower right")
plots.finding(above, "InfoGAN's code is soon readable", y="bound, nats")
plots.finding(below, "Meanwhile the game goes through its worst", x="update", y="G's loss")
if profile != "smoke":
    ends = [float(np.mean(history["info/discrete"][-50:])) for history in (told_history, plain_history)]
    assert ends[0] > 0.85 * math.log(10), "InfoGAN's bound should be near its ceiling"
    assert ends[1] < ends[0] - 0.2, "the onlooker should stay behind"

# %% [markdown]
# The onlooker gets far, and is still climbing at the end: on pictures this small a plain game leaves a code that can be read, as the random generator did above. The difference is speed: when
# InfoGAN's code is readable, the onlooker's has barely begun to be. On MNIST the same onlooker reads next to nothing, as [Measure](#the-bound) shows.
#
# One more game, on glyphs, whose slant and width are known:

# %% tags=["nbval-ignore-output"]
glyph_cfg = this.config(GLYPHS_PROFILES)
painted, painted_history = fit(glyph_cfg, signs, "glyphs")

# %% [markdown]
# ## Look again
#
# ### One value, one kind
#
# Rows are the ten values of the code, columns share their noise: yours, on the small digits and on the glyphs. The numbering is arbitrary. **Look for** a row that mixes two
# kinds, and a kind that has two rows.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Two square grids of generated signs, small digits on the left and glyphs on the right; most rows show one kind of sign, some mix two."}}
from course_lib.experiments.infogan_effects import class_sheet, code_effects, traversal_sheets

figure, cells = plots.plt.subplots(1, 2, figsize=(plots.WIDTH, 4.0), dpi=100, squeeze=False)
for cell, done, words in zip(cells.flat, (told, painted), ("8 x 8 digits", "glyphs"), strict=True):
    cell.imshow(class_sheet(done, columns=6, gap=1), cmap="gray", vmin=0, vmax=255)
    cell.set_xticks([])
    cell.set_yticks([])
    cell.grid(False)
    cell.set_xlabel(words)
cells[0, 0].set_ylabel("value of the code")
_ = figure.suptitle("Readable to Q, not always one kind to us", fontweight="bold", fontsize=11)

# %% [markdown]
# Some rows hold one kind, others two, and a kind may have no row of its own: it turns up inside others, when the noise wants it. The bound is near its ceiling all the same. Remember that sentence; it is the point of this lesson.
#
# ### What the continuous codes do
#
# The player sweeps one continuous code at a time, for every value of the discrete one (columns) and two draws of noise (rows), on your glyphs.

# %% tags=["hide-input", "nbval-ignore-output"]
from course_lib.teaching import Player

steps = 5 if profile == "smoke" else 9
sweeps = traversal_sheets(painted, steps=steps, rows=2, gap=1)
Player(
    [frame for frames in sweeps for frame in frames],
    [f"code {code + 2} at {at:+.2f}" + (" (beyond the training range)" if abs(at) > 1 else "") for code in range(len(sweeps)) for at in np.linspace(-2, 2, steps)],
    title="A walk through both continuous codes of your glyphs",
    alt="Two rows of ten glyphs; as the slider moves, first one code and then the other changes how all of them lean and how wide they are.",
    pause=250,
    width=640,
)

# %% [markdown]
# To the eye, one code leans and one widens, or both do a bit of each. To know, measure. With $x$ to the right and $y$ up, both from the centre of the ink, and means weighed with the ink, $\mu_{11}$ is the mean of $xy$ and $\mu_{02}$ that of $y^2$. The slant is $\mu_{11}/\mu_{02}$, and the width is the horizontal spread once the slant is taken out. Both
# are freed of the mean of their kind first, so that a 1 is not "narrow". R2 is the share of the variance that a line for each kind explains. If each code moved one thing, each row would have one number near 1 and one near 0.

# %% tags=["nbval-ignore-output"]
effects = code_effects(painted, n=500 if profile == "smoke" else 4000)
lines = ["| explained within a kind | code 2 | code 3 |", "| --- | --- | --- |"]
for name in ("slant", "width"):
    lines.append(f"| {name}, R2 | " + " | ".join(f"{v:.2f}" for v in effects[name]) + " |")
    lines.append(f"| {name}, rank correlation | " + " | ".join(f"{v:.2f}" for v in effects[f"{name}_spearman"]) + " |")
Markdown("\n".join(lines))

# %% [markdown]
# ### The same at full size
#
# The frames below were recorded on MNIST, 28 by 28 pixels, with the recipe that ends this lesson, seed 0: first the second code, then the third, from -2 to 2. Columns are the ten values of the first.

# %% tags=["hide-input", "nbval-ignore-output"]
recorded_sweeps = [this.frames(f"06_infogan_beyond_code_{code}.webp", 13)[::2] for code in (2, 3)]  # every other one
Player(
    [frame for frames in recorded_sweeps for frame in frames],
    [f"code {code} at {at:+.2f}" + (" (beyond the training range)" if abs(at) > 1 else "") for code in (2, 3) for at in np.linspace(-2, 2, 7)],
    title="MNIST: one column a value, one code at a time",
    alt="Three rows of ten handwritten digits from 0 to 9 in some order; as the slider moves, one code changes their slant, the other their width.",
    pause=250,
    width=640,
)

# %% [markdown]
# ## Measure
#
# ### The bound
#
# The paper shows a curve that rises quickly to 2.30, and a plain GAN beside it that stays low. Its size and the kind of onlooker are not given. Ours: the official settings over five seeds; and,
# at half of every width, the same game with two kinds of onlookers, a head on the discriminator's features and a network of its own.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Above, the bound over updates on a logarithmic axis: InfoGAN at full and at half size climbs to the ceiling, a separate onlooker rises, peaks and falls, a head on the trunk stays near zero. Below, the generator's loss of the five full runs, which goes on changing."}}
plots.plt.rcParams["figure.dpi"] = 110  # the many figures of this section, a little smaller


def curves(runs, key):
    return np.array([[look[key] for look in one] for one in runs])


full_runs = [run["extra"]["curve"] for run in this.runs("mnist_error_faithful")]
half_runs = [run["extra"] for run in this.runs("passive_q_li")]
if not full_runs or not half_runs:
    print("not measured here: make results LESSON=06_infogan")
else:
    figure, (above, below) = plots.figure_axes(columns=2, height=2.8)
    at = [look["step"] for look in full_runs[0]]
    plots.curve(above, at, curves(full_runs, "info/discrete"), label="InfoGAN, official", colour="blue")
    half_at = [look["step"] for look in half_runs[0]["trunk"]["curve"]]
    for kind, label, colour, style in (
        ("trunk", "InfoGAN, half width", "sky", "--"),
        ("passive_separate", "plain, network of its own", "orange", "-."),
        ("passive_head", "plain, head on D's features", "red", ":"),
    ):
        plots.curve(above, half_at, curves([run[kind]["curve"] for run in half_runs], "info/discrete"), label=label, colour=colour, style=style)
    above.axhline(math.log(10), color="black", linewidth=1, linestyle=":")
    above.set_xscale("log")
    above.set_ylim(-0.1, 2.6)
    above.legend(loc="center right", fontsize=8.5)
    plots.curve(below, at, curves(full_runs, "g/loss"), colour="blue")
    below.set_xscale("log")
    plots.finding(above, "A generator that is told keeps its code readable", y="bound, nats")
    plots.finding(below, "The game goes on long after", x="update (log scale)", y="G's loss")

# %% tags=["nbval-ignore-output"]
this.say("li_ceiling")

# %% tags=["nbval-ignore-output"]
this.say("li_before_game")

# %% tags=["nbval-ignore-output"]
this.say("passive_q_li")

# %% [markdown]
# ### The error on real digits
#
# The one number of the paper: real MNIST digits, sorted by the value that $Q$ finds most probable; each value stands for one digit. The paper does not say whether two values may stand for one digit. We count *one to one*, which is
# the harder way; *many to one* stands beside it in the table. Labels serve to count, never to train. ($Q$ is read with batch statistics of 1,000 test images at a time, as the official code has it; moving averages give nearly the same.) The figure shows every run. The dashed line is the paper's 5 %.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Errors of all runs as dots, one row a method: k-means and the onlookers far to the right, InfoGAN's readings spread widely, the taught Q in a tight group left of the dashed line at 5 percent."}}
def errors_of(kind):
    return [100 * run["extra"][kind]["errors"]["batch"]["one_to_one"] for run in this.runs("passive_q_li")]


rows_of_errors = {
    "taught Q (beyond the paper)": [run["value"] for run in this.runs("mnist_error_beyond")],
    "official, 5,000 updates": [run["value"] for run in this.runs("mnist_error_faithful")],
    "half width: official": errors_of("trunk"),
    "half width: paper's formula": errors_of("paper"),
    "half width: port": errors_of("port"),
    "half width: Q's head only": errors_of("head"),
    "onlooker, network of its own": errors_of("passive_separate"),
    "onlooker, head": errors_of("passive_head"),
    "k-means on pixels": [run["value"] for run in this.runs("kmeans_error")],
}
if all(rows_of_errors.values()):
    figure, axes = plots.figure_axes(height=3.6)
    for row, (name, values) in enumerate(reversed(rows_of_errors.items())):
        colour = "green" if name.startswith("taught") else "blue" if "official" in name else "grey"
        axes.plot(values, [row] * len(values), "o", color=plots.COLOURS[colour], alpha=0.7, markersize=7)
    axes.axvline(5, color="black", linestyle="--", linewidth=1)
    axes.set_yticks(range(len(rows_of_errors)), list(reversed(rows_of_errors)), fontsize=9)
    axes.set_xlim(left=0)
    axes.grid(axis="y", alpha=0.4)
    plots.finding(axes, "The seed decides, until Q is taught", x="error on real test images, one to one, %")
else:
    print("not measured here: make results LESSON=06_infogan")

# %% [markdown]
# NMI is the information between value and digit, scaled to lie between 0 and 1. *Drawn digits* is the share of generated digits that a classifier does not take for the digit of their code.

# %% tags=["nbval-ignore-output"]
lines = ["| seed | one to one | many to one | NMI | drawn digits |", "| --- | --- | --- | --- | --- |"]
for run, drawn in zip(this.runs("mnist_error_faithful"), this.runs("drawn_error_faithful"), strict=True):
    found = run["extra"]["errors"]["batch"]
    lines.append(f"| {len(lines) - 2} | {100 * found['one_to_one']:.1f} % | {100 * found['many_to_one']:.1f} % | {found['nmi']:.2f} | {drawn['value']:.1f} % |")
Markdown("Official settings, 5,000 updates, all five seeds:\n\n" + "\n".join(lines))

# %% tags=["nbval-ignore-output"]
this.say("mnist_error_faithful")

# %% tags=["nbval-ignore-output"]
this.say("error_of_half_width")

# %% [markdown]
# The onlookers never trained the generator, and yet one of them may sort real digits better than chance: it saw pictures of the plain game, whose code happens to move something.
#
# All five seeds, as pictures: above the official settings, below a recipe that comes later. Rows are values of the code. Count the rows that mix two digits, and the digits that have two rows; then look at the table again:

# %% tags=["nbval-ignore-output"]
this.figure(
    "06_infogan_seeds.webp",
    alt="Two rows of five sheets of generated digits, one column a seed. Above, most rows of a sheet show a single digit and some mix two or repeat a digit; which, differs from seed to seed. Below, every row of every sheet shows one digit, each digit once.",
)

# %% [markdown]
# Why does the seed decide so much? Nothing in the game prefers a split into ten digits over any other split into ten equal parts that is easy to read. The bound is at
# its ceiling in all five runs, so that the bound *cannot* choose the best seed, and the official recipe has nothing else that could. "Best of five", chosen with labels, is not learning without labels.
#
# ### Slant and width
#
# On MNIST at half width, generated pictures, within a kind: how much of the slant does one continuous code explain, and how much of the width the other? The plain GAN with the same inputs is the baseline.

# %% tags=["nbval-ignore-output"]
this.say("slant_r2")

# %% tags=["nbval-ignore-output"]
this.say("slant_spearman")

# %% tags=["nbval-ignore-output"]
this.say("width_r2")

# %% tags=["nbval-ignore-output"]
this.say("width_spearman")

# %% [markdown]
# And beyond the range of training? The paper sweeps its codes to -2 and 2 by eye. Below, the mean slant and the mean width of the five official runs, at each value of the code that stands for them; the shaded part is what training saw.
# A straight line through the inner part is the prediction.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Two panels, slant and width against a code from -2 to 2, five curves each that rise or fall steadily inside a shaded range from -1 to 1 and go on in the same direction outside it, bending a little."}}
from course_lib.experiments.infogan_effects import SWEEP

rows_of_sweeps = [run["extra"] for run in this.runs("extrapolation")]
if not rows_of_sweeps:
    print("not measured here: make results LESSON=06_infogan")
else:
    figure, panels = plots.figure_axes(columns=2, height=2.4)
    for axes, name, unit in zip(panels, ("slant", "width"), ("", ", pixels"), strict=True):
        axes.axvspan(-1, 1, color=plots.COLOURS["grey"], alpha=0.15, linewidth=0)
        for run in rows_of_sweeps:
            heights = np.array(run[name]["curve"])
            turned = heights if run[name]["monotone"] > 0 else heights[::-1]  # the direction of a code is arbitrary
            axes.plot(SWEEP, turned, color=plots.COLOURS["blue"], alpha=0.8)
            inner = np.abs(SWEEP) <= 1
            line = np.polyfit(np.array(SWEEP)[inner], turned[inner], 1)
            axes.plot(SWEEP, np.polyval(line, SWEEP), ":", color=plots.COLOURS["orange"], linewidth=1.2, label="line through the inner part" if run is rows_of_sweeps[0] else None)
        plots.finding(axes, f"{name.capitalize()} goes on beyond the range of training" + (", and flattens" if name == "width" else ""), y=f"{name}{unit}")
    panels[0].legend(loc="upper left", fontsize=9)
    panels[1].set_xlabel("value of the code")

# %% [markdown]
# Slant goes on in every run. Width does so where a code stands for it; where none does (compare R2 with the curves), there is nothing to go on with, and one curve even turns.

# %% tags=["nbval-ignore-output"]
this.say("extrapolation")

# %% tags=["nbval-ignore-output"]
this.say("extrapolation_width")

# %% [markdown]
# On the glyphs the true factors are known, and the question can be turned round: what do the continuous outputs of $Q$ tell about slant and width of glyphs that *no network painted*? MIG asks whether each factor has one code of its own. DCI asks both ways: disentanglement, whether each code has
# one factor, and completeness, whether each factor has one code; informativeness is how well all codes together tell the factors. SAP is how much better the best code predicts a factor than the second best.

# %% tags=["nbval-ignore-output"]
this.say("glyph_mig")

# %% tags=["nbval-ignore-output"]
lines = ["| glyphs, mean of five seeds | InfoGAN | plain, Q looks on |", "| --- | --- | --- |"]
for key, words in (("mig", "MIG"), ("sap", "SAP"), ("disentanglement", "DCI: disentanglement"), ("completeness", "DCI: completeness"), ("informativeness", "DCI: informativeness")):
    cells = [np.mean([run["extra"][kind][key] for run in this.runs("glyph_mig")]) for kind in ("trunk", "passive_head")] if this.runs("glyph_mig") else []
    lines.append(f"| {words} | " + " | ".join(f"{v:.3f}" for v in cells) + " |")
Markdown("\n".join(lines))

# %% [markdown]
# All of these numbers are small, and the lead over the onlooker is slight. Generated pictures do follow the codes, but a glyph that no network painted is read poorly: $Q$ has learned its own generator's hand. It is no encoder, as was said above, and here
# is the price.
#
# ### The weight, and who hears
#
# How much information does it take? The weight $\lambda_I$ of the continuous codes runs over four powers of ten, on the glyphs. Too little, and nothing follows the codes; too much, and the pictures pay for it. Their quality is
# the exponential of the information between a picture and the kind that a classifier names: at best 10.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Two panels against the weight of the continuous codes: the explained share of slant and width rises from near zero, the quality of pictures stays level and drops at the largest weight."}}
rows_of_weights = [run["extra"] for run in this.runs("lambda_sweep")]
if not rows_of_weights:
    print("not measured here: make results LESSON=06_infogan")
else:
    weights = list(rows_of_weights[0])
    figure, (above, below) = plots.figure_axes(columns=2, height=2.2)
    plots.curve(above, range(len(weights)), np.array([[run[w]["mean_r2"] for w in weights] for run in rows_of_weights]), colour="blue")
    plots.curve(below, range(len(weights)), np.array([[run[w]["score"] for w in weights] for run in rows_of_weights]), colour="green")
    for axes in (above, below):
        axes.set_xticks(range(len(weights)), weights)
    above.set_ylim(0, 1)
    plots.finding(above, "More weight, clearer codes", y="R2, slant and width")
    plots.finding(below, "What the pictures pay", x="weight of the continuous codes", y="quality, at best 10")

# %% tags=["nbval-ignore-output"]
this.say("lambda_sweep")

# %% tags=["nbval-ignore-output"]
this.say("lambda_price")

# %% [markdown]
# Does it matter whether the shared layers hear of the information, the question of issue 29? And do the paper's formula and the port get to the same place? All games at half width, 1,000 updates, means of five seeds;
# drawn digits by a classifier that guesses wrong nine times in ten when there is nothing to see:

# %% tags=["hide-input", "nbval-ignore-output"]
KINDS = {
    "trunk": "official code: shared layers hear", "head": "the same, shared layers do not hear", "paper": "paper's formula: minimax, variance learned",
    "port": "port: slow generator, small weight", "passive_head": "plain GAN, head looks on", "passive_separate": "plain GAN, network of its own looks on",
}  # fmt: skip
lines = ["| game | bound, nats | error, one to one | drawn digits, error |", "| --- | --- | --- | --- |"]
for kind, words in KINDS.items():
    rows = [run[kind] for run in half_runs]
    if rows:
        cells = [np.mean([row["bounds"]["discrete"] for row in rows])] + [
            100 * np.mean(values) for values in ([row["errors"]["batch"]["one_to_one"] for row in rows], [row["drawn_error"] for row in rows])
        ]
        lines.append(f"| {words} | {cells[0]:.2f} | {cells[1]:.0f} % | {cells[2]:.0f} % |")
Markdown("\n".join(lines))

# %% [markdown]
# Look at the columns together. The bound says the same of four games out of six: nearly everything is read. The last column says that two of these four have painted no digits yet. With the minimax loss, or with a generator as slow as the
# discriminator, 1,000 updates of small networks are not enough, and *the bound does not mind*: shapes without meaning are read as well as digits. That is (6.9) once more. It is also why a bound at its ceiling is not a sign of success by itself.
# Whether the shared layers hear makes little difference to the bound:

# %% tags=["nbval-ignore-output"]
this.say("trunk_ablation")

# %% tags=["nbval-ignore-output"]
this.say("reading_paper")

# %% tags=["nbval-ignore-output"]
this.say("reading_port")

# %% [markdown]
# ### Beyond the paper: what makes it reliable
#
# The weak point is now known: nothing says that two hands writing a 3 write *the same*. Here is a way to say it without a label. Take a real picture and deform it twice, a little rotation, shear, scale, shift, and a change of thickness. Whatever $Q$
# reads from one copy should tell what it reads from the other. The pairs below are such copies of glyphs.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Two rows of eight glyphs; each column shows one sign deformed in two ways, with other slant, size, place and thickness."}}
from course_lib.papers.infogan import Deformation, deform
from course_lib.worlds import glyphs

gen = torch.Generator().manual_seed(seed)
clean = glyphs.render(glyphs.sample_factors(8, generator=gen), size=28, compiled=False).images
copies = torch.cat([deform(clean, Deformation(), generator=gen) for _ in range(2)])
figure = plots.image_grid(copies, columns=8, title="Eight pairs: other strokes, the same signs")

# %% [markdown]
# What was added to the official recipe, in order:
#
# 1. **Features from pairs.** $Q$'s own layers learn for 750 steps on the unlabelled training pictures, with two aims. InfoNCE ([lesson 03](03_information_bounds.ipynb)): among many, find the other copy of the same picture. And: give both copies the same value of a discrete code, several with 10 and several with 50
#    values. The second aim is the information in the batch's table of how often values occur together (Ji, Henriques and Vedaldi 2019); from 256 pairs it is far too high as a number, and serves as a loss.
# 2. **Restarts that rank themselves.** On the finished features, 64 ten-valued codes are trained from different starts, and the one with the most information between copies is taken: the choice that was impossible above is possible here,
#    because now the bound has real digits in it.
# 3. **A fixed $Q$.** The chosen $Q$ reads the discrete code in the game and is not trained any more; the continuous codes are learned as before. 1,000 updates suffice, a fifth of the official number.
#
# What it assumes should be said as plainly: that these deformations leave a digit the same digit. That is knowledge about digits, if not a label. And the settings of the recipe (how far to deform, how many steps) were chosen by the error on 5,000 training pictures which the runs below do not see, that is, with the labels of these. No step of training looks at a label.

# %% tags=["nbval-ignore-output"]
this.say("mnist_error_beyond")

# %% [markdown]
# Do the restarts really rank themselves? Counted afterwards, with labels:

# %% tags=["nbval-ignore-output"]
this.say("restart_chosen")

# %% [markdown]
# A sceptic will say: that is the error of a good clustering, which the game inherits and does not improve. True. So the other direction is measured as well: a classifier that knows all labels, and that took no part in training, names 10,000 *generated* digits. How often is a digit not the one its code stands for?

# %% tags=["nbval-ignore-output"]
this.say("drawn_error_faithful")

# %% tags=["nbval-ignore-output"]
this.say("drawn_error_beyond")

# %% [markdown]
# The classifier errs itself. What lies near its own error on real digits cannot be told from perfect:

# %% tags=["nbval-ignore-output"]
this.say("judge_error")

# %% [markdown]
# And what did each addition buy? Each was taken away in turn, at half width; the figure shows by how much the error rises. The pairs are everything: without the deformations, of shape or of thickness, or without InfoNCE, hardly anything is left. The restarts are an insurance:
# with the starts far apart, the first is often as good as the best, and sometimes not at all.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "A row of dots for each part that was taken away, showing by how many percentage points the error rises over three seeds."}}
parts = {
    "InfoNCE": "without_embedding",
    "discrete codes while learning features": "without_codes",
    "change of thickness": "without_thickness",
    "rotation, shear, scale, shift": "without_affine",
    "63 of 64 restarts": "without_restarts",
    "Q apart from D, and fixed": "without_fixed_q",
}
rises = {name: [run["value"] for run in this.runs(claim)] for name, claim in parts.items()}
if not all(rises.values()):
    print("not measured here: make results LESSON=06_infogan")
else:
    figure, axes = plots.figure_axes(height=2.8)
    for row, values in enumerate(reversed(rises.values())):
        axes.plot(values, [row] * len(values), "o", color=plots.COLOURS["red"], alpha=0.8, markersize=7)
    axes.axvline(0, color="black", linewidth=1)
    axes.set_yticks(range(len(rises)), list(reversed(rises)), fontsize=9)
    plots.finding(axes, "Without each part the error rises", x="rise of the error, percentage points")

# %% [markdown]
# Everything that was measured, in one table:

# %% tags=["nbval-ignore-output"]
this.results_table()

# %% [markdown]
# ### Failure gallery
#
# Five ways to break the game, each made on purpose on the small digits, 300 updates each. **Before you read the table** below the pictures: rows are values of the code; in which of the six games would you have noticed that something is wrong?

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Six grids of generated digits: the good game; the plain game, whose rows are alike; pale shapes where the discriminator wins; digits from the game with two softmaxes and from the one with normal codes, as good as the first; grey, uncertain shapes where the continuous codes push too hard."}}
from course_lib.experiments.infogan_failures import FAILURES, broken
from course_lib.experiments.infogan_runs import play

short = replace(cfg, steps=min(cfg.steps, 300))
good = play(short, train.images, seed)
sick = {name: broken(failure, short, train.images, seed) for name, failure in FAILURES.items()}
LABELS = {
    "ignored": "nobody asks", "d_wins": "D wins", "two_softmaxes": "two softmaxes", "normal_codes": "normal codes", "exploding": "exploding",
}  # fmt: skip
figure, cells = plots.plt.subplots(2, 3, figsize=(plots.WIDTH, 6.2), dpi=80, squeeze=False)
for cell, (words, done) in zip(cells.flat, {"good": good, **{LABELS[name]: one for name, one in sick.items()}}.items(), strict=True):
    cell.imshow(class_sheet(done, columns=5, gap=1), cmap="gray", vmin=0, vmax=255)
    cell.set_axis_off()
    cell.set_title(words, fontweight="normal", loc="center", fontsize=10)
_ = figure.suptitle("Three failures show, two hide", fontweight="bold", fontsize=11)

# %% [markdown]
# And the number that gives each away:

# %% tags=["hide-input", "nbval-ignore-output"]
SIGNS = {
    "ignored": "change by the class over change by the noise",
    "d_wins": "variety over that of real digits",
    "two_softmaxes": "cross-entropy of the code, nats",
    "normal_codes": "share of a code's effect seen by a sweep",
    "exploding": "push of a code on the generator",
}
lines = ["| what was done | sign | here | in the good game |", "| --- | --- | --- | --- |"]
for name, failure in FAILURES.items():
    here, there = (failure.symptom(done, train.images) for done in (sick[name], good))
    lines.append(f"| {failure.words} | {SIGNS[name]} | {here:.2f} | {there:.2f} |")
Markdown("\n".join(lines))

# %% [markdown]
# * **Nobody asks for the code.** *Sign:* rows look alike, the class moves a picture less than the noise does. On MNIST the bound stays near 0 as well; on these small pictures it climbs when the game goes on, as in your plain game above. *Mend:* let the generator hear of the information.
# * **The discriminator wins.** The minimax loss and a fast discriminator, together: where $D$ is sure, $\log(1 - D)$ is flat, and the generator learns nothing more. *Sign:* $D$'s loss falls far below that of the good game, little variety, **and a bound at its ceiling**: pale shapes can be read as well as digits. *Mend:* the
#   non-saturating loss, a slower $D$.
# * **Two softmaxes.** *Sign:* a cross-entropy that cannot fall below $\log(e + 9) - 1$, even when everything is read (see [lesson 03](03_information_bounds.ipynb)). *Mend:* give the logits to the loss, once.
# * **Normal codes.** `normal(-1, 1)` was meant as an interval and is a mean and a standard deviation. *Sign:* none in training. The sweep from -1 to 1 shows little more than half of what the code can do, from its middle to its upper end. *Mend:* draw from the prior that is in the formula.
# * **Exploding variance.** *Sign:* the continuous bound rises and rises while the pictures turn grey: by (6.11) and (6.12) the step of the generator is made more and more for the continuous codes. *Mend:* lower their weight, as ports do, or clamp the log-variance **where it matters**: at -6 the clamp is never reached here and changes nothing.
#
# The same over five seeds stands in the table above, in the rows that are compared with "broken".

# %% [markdown]
# ### What an update costs
#
# Speed is a measurement, too. An update of the paper's networks at batch 128 on one core:

# %% tags=["nbval-ignore-output"]
this.say("step_ms_core")

# %% [markdown]
# ## Exercises
#
# Four functions. `check` compares yours with an answer found by another route, and tells you what kind of mistake it sees; `hint` has three steps.

# %% [markdown]
# ### Exercise 06.1: the value of a game
#
# You are given `real` and `made`, the probabilities of the same few pictures under the data and under the generator, all positive. Return $V(D^\star, G)$ of (6.1), with the best discriminator there is: one number, in nats.

# %%
import torch
from torch import Tensor

from course_lib.teaching import check, hint


def value_of_game(real: Tensor, made: Tensor) -> Tensor:
    raise NotImplementedError  # your turn: replace this line


# %%
check("06.1", value_of_game)

# %% [markdown]
# Stuck? `step=1` is a nudge, `step=2` the formula, `step=3` the outline of the code.

# %%
hint("06.1", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def value_of_game_solution(real: Tensor, made: Tensor) -> Tensor:
    best = real / (real + made)
    return (real * best.log() + made * (1 - best).log()).sum()


check("06.1", value_of_game_solution)

# %% [markdown]
# ### Exercise 06.2: how far a digit leans
#
# You are given `ink`, one picture of the shape `(h, w)`, its grey values not negative; row 0 is the top. Return the slant $\mu_{11}/\mu_{02}$: how many pixels the ink moves to the *right* for each pixel *up*. Both moments are means weighed with the ink, about the centre of the ink.

# %%
def slant_of(ink: Tensor) -> Tensor:
    raise NotImplementedError  # your turn: replace this line


# %%
check("06.2", slant_of)

# %%
hint("06.2", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def slant_of_solution(ink: Tensor) -> Tensor:
    rows, columns = ink.sum(1), ink.sum(0)
    up, right = (torch.arange(n, dtype=ink.dtype) for n in ink.shape)
    up = -(up - (rows * up).sum() / rows.sum())  # rows run down the picture
    right = right - (columns * right).sum() / columns.sum()
    return (up @ ink @ right) / (rows * up.square()).sum()


check("06.2", slant_of_solution)

# %% [markdown]
# ### Exercise 06.3: spot the bug in a port
#
# A port of InfoGAN was reported for the likelihood of its continuous codes. It has, in short, the line below, and *there* it is right: the network of that port puts out $\log \sigma$. Copied to a network that puts out `log_var`, the logarithm of $\sigma^2$, and
# with the square adapted but not the rest, it becomes
#
# ```python
# log_likelihood = -0.5 * math.log(2 * math.pi) - log_var - (code - mu) ** 2 / (2 * log_var.exp())
# ```
#
# The line looks like a normal density, and training with it does something. **Predict first:** at which variance is *minus* this line lowest, if the mean squared error is $v$? Then write it right: the log-likelihood of each picture's
# codes, summed over the codes, of the shape `(b,)`, from `code`, `mu` and `log_var`, all `(b, d)`.

# %%
def log_likelihood_of_code(code: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    raise NotImplementedError  # your turn: replace this line


# %%
check("06.3", log_likelihood_of_code)

# %%
hint("06.3", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
import math


def log_likelihood_of_code_solution(code: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    return (-0.5 * (math.log(2 * math.pi) + log_var + (code - mu).square() / log_var.exp())).sum(1)


check("06.3", log_likelihood_of_code_solution)
# Minus the faulty line is log s^2 + v / (2 s^2) and a constant: lowest at s^2 = v/2. It is too sure of itself.

# %% [markdown]
# ### Exercise 06.4: one to one
#
# You are given `clusters` and `classes`, both of the shape `(n,)` with whole numbers from 0 to 2: the value of the code and the true class of each picture. Return the error when each value stands for exactly one class, chosen as well as can be: one number between 0 and 1. `scipy.optimize.linear_sum_assignment` may help; three values can also be tried in all six ways.

# %%
def error_one_to_one(clusters: Tensor, classes: Tensor) -> Tensor:
    raise NotImplementedError  # your turn: replace this line


# %%
check("06.4", error_one_to_one)

# %%
hint("06.4", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def error_one_to_one_solution(clusters: Tensor, classes: Tensor) -> Tensor:
    from scipy.optimize import linear_sum_assignment

    table = torch.bincount(3 * clusters + classes, minlength=9).view(3, 3)
    rows, columns = linear_sum_assignment(table.numpy(), maximize=True)
    return 1 - table[rows, columns].sum() / len(classes)


check("06.4", error_one_to_one_solution)

# %% [markdown]
# ## Remember
#
# 1. $V$ with a perfect judge is twice a Jensen-Shannon divergence less $\log 4$; about what the inputs of the generator mean it says nothing.
# 2. InfoGAN subtracts $\lambda_I L_I$. The bound, not the information of the discrete code, is what changes: codes become easy to read.
# 3. A bound at its ceiling says that *a* split was learned. Whether it is yours, it cannot say; report every seed, and say how clusters were matched.
# 4. Continuous codes come to move slant and width, cleanly in some runs and mixed in others; they go on beyond the range of training. Measure it, with moments, within a class.
# 5. What makes the digits reliable is knowledge about digits: pairs of deformed pictures say which differences do not count.
#
# **Further reading.** Goodfellow and others, *Generative Adversarial Nets* (2014), for (6.1) to (6.6); Chen and others, *InfoGAN* (2016); Barber and Agakov, *The IM Algorithm* (2003); Ji, Henriques and Vedaldi, *Invariant Information Clustering*
# (2019), and van den Oord, Li and Vinyals (2018) for the pairs; Chen and others, *Isolating Sources of Disentanglement* (2018), for MIG; Eastwood and Williams (2018) for DCI; Locatello and others, *Challenging Common Assumptions* (2019), on why disentanglement needs assumptions.
