# ---
# jupyter:
#   course:
#     symbols: [x, pi, expectation, kl, mu, sigma]
#     minutes: {"Set-up": 1, "Look first": 1, "Derive": 4, "Predict, then train": 3, "Look again": 1, "Exercises": 3}
#     requires: []
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
# # Start here: how a lesson works
#
# Every lesson of this course makes claims: this line follows from that one, this bound is tight here, this model beats
# that one. In most books you have to believe them. Here each claim is **executed**: a line that is wrong stops the
# lesson, and every number in the text comes from a file that a command wrote.
#
# This lesson shows the tools with which that is done, on the smallest examples that still surprise: a coin and a
# histogram. You need some Python, a first acquaintance with PyTorch (tensors, `backward`, an optimizer) and the idea of
# a mean; no lesson comes before this one. At the end you can
#
# - read a derivation table, and break it on purpose to see what holds it together;
# - say what the training loop of every later lesson does, because you will have read it;
# - check an answer of your own, and ask for hints.

# %% [markdown]
# ## Set-up
#
# The first cell finds the course's library, and installs it where it is missing. The second holds the four parameters
# that every lesson has. Change them here, or from outside: `papermill 00_start_here.ipynb out.ipynb -p profile smoke`.
#
# | profile | for |
# | --- | --- |
# | `smoke` | tests: seconds, and results that only show that it runs |
# | `quick` | a laptop: at most a minute a lesson; the outputs you see on the page |
# | `standard` | the numbers in the results tables |
# | `paper` | the sizes that the paper used; bring a GPU |
#
# A profile changes sizes and steps, never the algorithm.

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
data_root: str = os.environ.get("COURSE_DATA_ROOT", "")  # folder of real data; empty: none needed
out_dir: str = ""  # folder of the run; empty: runs/<lesson>/<profile>-<seed>/

# %% [markdown]
# `lesson.start` checks the parameters, sets the drawing style, and picks the device. A misspelt profile is refused by
# name, before anything runs.

# %%
from course_lib.teaching import lesson

try:
    lesson.start("00_start_here", profile="qick")
except ValueError as error:
    print(error)

# %% tags=["nbval-ignore-output"]
this = lesson.start(
    "00_start_here", profile=profile, seed=seed, data_root=data_root, out_dir=out_dir
)
this.cost_box()

# %% [markdown]
# ### Where this goes
#
# The figure shows the claim at the centre of this lesson, on a fair coin that pays 1 or 4. The point on the curve is
# the logarithm of the mean prize, the point on the straight line is the mean of the two logarithms, and the gap
# between them, the thick bar, is never negative. You will see the claim derived line by line, each line computed on
# random coins; learn that the gap has a name; and break the derivation to see that its checks bite.

# %% tags=["nbval-ignore-output", "hide-input"] mystnb={"image": {"alt": "The curve of the logarithm from 0.5 to 5, and the straight line between its values at 1 and 4. At the mean, 2.5, a thick bar spans the gap between the line and the curve above it."}}
import math

import torch

from course_lib.teaching import plots

figure, axes = plots.figure_axes(height=3.0)
prizes = torch.linspace(0.5, 5, 200)
plots.curve(axes, prizes, prizes.log())
plots.curve(axes, torch.tensor([1.0, 4.0]), torch.tensor([0.0, math.log(4)]), colour="black", style="--")
axes.plot([2.5, 2.5], [math.log(2), math.log(2.5)], "o-", color=plots.COLOURS["red"], linewidth=3)
axes.text(2.4, 1.0, "logarithm of the mean", ha="right")
axes.text(2.65, 0.6, "mean of the logarithms", va="top")
plots.finding(axes, "The logarithm of a mean exceeds the mean of the logarithms", x="prize", y="logarithm of the prize")

# %% [markdown]
# ## Look first
#
# Scikit-learn ships 1,797 real handwritten digits, eight pixels on a side; no download is needed. Below are sixteen of
# them, with the share of ink in each picture: the mean of its pixels, from 0 (blank) to 1 (all ink). It differs by the
# digit, and by the hand that drew it.

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Sixteen handwritten digits of 8 by 8 pixels in two rows, white on black, each with its share of ink as a percentage above it."}}
from course_lib.datasets import Batches, load_digits

train, test = load_digits()
ink = train.images.mean(dim=(1, 2, 3))
figure = plots.image_grid(
    train.images[:16],
    labels=[f"{100 * share:.0f} %" for share in ink[:16].tolist()],
    title="Ink differs from digit to digit, and from hand to hand",
)

# %% [markdown]
# ## Derive: a bound, on a coin
#
# A coin pays $x_1$ with probability $\pi$, and $x_2$ otherwise. Which is larger: the logarithm of the mean prize, or
# the mean of the logarithms? The answer, Jensen's inequality, carries the whole of the next lesson, where the prize
# becomes the probability of an image, and the coin the choice of a latent variable.
#
# Write $\mathbb{E}[x]$ for the mean prize, $\pi\,x_1 + (1 - \pi)\,x_2$: each prize times its probability, summed. The
# letter stands for *expectation*. In the same way $\mathbb{E}[\log x]$ is the mean of the logarithms.
#
# First the model. It holds numbers, so that everything below can be computed on it. `draw` makes a random coin;
# `draw_equal` makes one whose two prizes are the same.

# %%
from dataclasses import dataclass


@dataclass(frozen=True)
class Coin:
    p: float  # probability of the first face
    x1: float  # its prize
    x2: float  # the prize of the other face

    def mean(self, of=lambda prize: prize) -> float:
        return self.p * of(self.x1) + (1 - self.p) * of(self.x2)

    def __str__(self) -> str:
        return f"a coin that pays {self.x1:g} or {self.x2:g}"


def draw(gen: torch.Generator) -> Coin:
    u = torch.rand(3, generator=gen, dtype=torch.float64).tolist()
    return Coin(0.1 + 0.8 * u[0], math.exp(4 * u[1] - 2), math.exp(4 * u[2] - 2))


def draw_equal(gen: torch.Generator) -> Coin:
    coin = draw(gen)
    return Coin(coin.p, coin.x1, coin.x1)


fair = Coin(0.5, 1.0, 4.0)

# %% [markdown]
# A `Term` is a formula that can compute: LaTeX, and a function of the model. Terms are combined with `+`, `-` and `*`,
# and the library writes the signs, the brackets and the sums of the result. Nobody types them, so the formula you see
# and the number that was checked cannot disagree.
#
# Read the table from the top. Each line is compared with the one before, on twenty random coins: an `=` to nine digits,
# a `≥` on every coin, and, where a line claims to be tight, as an equality on coins whose prizes are equal. The last
# column holds the values on one fixed coin, a fair one that pays 1 or 4.

# %%
from course_lib.teaching import Derivation, Term, function

log = function(r"\log", math.log)
pi = Term(r"\pi", lambda coin: coin.p)
x1 = Term("x_1", lambda coin: coin.x1)
x2 = Term("x_2", lambda coin: coin.x2)
log_mean = Term(r"\log\,\mathbb{E}[x]", lambda coin: math.log(coin.mean()))
mean_log = Term(r"\mathbb{E}[\log x]", lambda coin: coin.mean(math.log))

jensen = Derivation(
    "jensen", title="Jensen's inequality on a coin", draw=draw, example=fair
)
jensen.line(log_mean, number="0.1")
jensen.line(
    log(pi * x1 + (1 - pi) * x2),
    "=",
    reason="the mean over both faces",
    number="0.2",
)
jensen.line(
    pi * log(x1) + (1 - pi) * log(x2),
    ">=",
    reason="Jensen: the logarithm bends downwards",
    number="0.3",
    tight=draw_equal,
)
jensen.line(mean_log, "=", reason="both faces again", number="0.4")
jensen.show()

# %% [markdown]
# ### How large is the gap?
#
# The two sides of (0.3) differ by a quantity with a name of its own. Weigh the faces by what they pay, and you get a
# second coin, with the probability
#
# $$ q_1 = \frac{\pi\,x_1}{\mathbb{E}[x]} \tag{0.5} $$
#
# for the first face. Let $p$ be the coin as it is and $q$ this weighted one. The gap is the Kullback-Leibler divergence
# from one to the other: the mean of $\log p - \log q$ under $p$. It is never negative, and it is zero where the two
# coins are the same; line (0.6) is an equality.

# %%
from course_lib.teaching import Definition, Divergence


def thrown(coin: Coin) -> tuple[float, float]:
    return coin.p, 1 - coin.p


def weighted(coin: Coin) -> tuple[float, float]:
    first = coin.p * coin.x1 / coin.mean()
    return first, 1 - first


def divergence(coin: Coin, p: tuple[float, float], q: tuple[float, float]) -> float:
    return p[0] * math.log(p[0] / q[0]) + p[1] * math.log(p[1] / q[1])


Definition(r"q_1 = \frac{\pi\,x_1}{\mathbb{E}[x]}", "0.5")
gap = Divergence(
    r"D_{\mathrm{KL}}", "p", "q", fn=divergence, first=thrown, second=weighted, name="KL"
)

exact = Derivation(
    "gap", title="The gap of Jensen's inequality", draw=draw, example=fair
)
exact.line(log_mean)
exact.line(mean_log + gap, "=", reason="insert (0.5) into the divergence", number="0.6")
exact.show()

# %% [markdown]
# Keep this table in mind. In [lesson 01](01_elbo.ipynb) the left side becomes $\log p(x)$, the first term on the right
# becomes the evidence lower bound, and the divergence stays a divergence.
#
# ### Where notes go wrong
#
# A divergence is not a distance: its two arguments cannot be exchanged. The slip looks harmless on paper. `refute`
# states the wrong line and insists that it **fails**; if it held, this cell would stop the lesson.

# %%
exact.refute(
    id="swapped-divergence",
    lhs=log_mean,
    rhs=mean_log + gap.swapped(),
    correct=mean_log + gap,
    because="the mean of log p - log q must be taken under p, the coin that is thrown",
)

# %% [markdown]
# ### Break it
#
# Does the table prove anything? A check that nothing can fail is worth nothing. So every derivation of this course is
# also run with each sign flipped, each term dropped, the arguments of each divergence exchanged, and each inequality
# turned round. Each of these mutants must be caught.

# %%
for derivation in (jensen, exact):
    derivation.assert_mutants_caught()
    print(f"{derivation.title}: {len(derivation.mutants())} mutants, all caught")

# %% [markdown]
# Move the slider to break the derivation yourself. The first picture is the derivation as it should be; in each of the
# others one thing was changed, and the line that no longer holds is red, with the two values that disagree. Dropped
# terms, flipped signs and the reversed inequality are all there.

# %% tags=["nbval-ignore-output"]
jensen.break_it(most=9)

# %% [markdown]
# And here is the derivation of the gap, with its divergence turned round in the last picture. That one fails by the
# numbers of the refuted claim above.

# %% tags=["nbval-ignore-output"]
exact.break_it()

# %% [markdown]
# ## Predict, then train
#
# Now a model with two parameters: the ink of a digit is a normal variable with mean $\mu$ and standard deviation
# $\sigma$. A normal variable has a *density*, a curve that is high where values are crowded. The **log-likelihood**
# of a choice of $\mu$ and $\sigma$ is the logarithm of the density that it gives to the digits we have, here as a
# mean over digits. We fit both numbers by making it large, or, as optimizers go downhill, by making its negative
# small. The log of the run calls that `nll`.
#
# Do not be alarmed when it falls below zero. A probability is at most 1, and minus its logarithm never negative; but a
# density is not a probability. Only the area below the curve is 1, so a narrow curve rises above 1, and there minus
# its logarithm is negative.
#
# **Predict first.** Look at the sixteen digits again. What will $\mu$ be? And will a normal curve suit the histogram
# of all digits, or will its tails be too heavy, or too light?
#
# ### The loop you will see in every lesson
#
# The loop is `for step, batch in run.steps(batches, total=...)`, and its body is yours; everything else is bookkeeping.
# The step function is always written in the same form: loss, `zero_grad`, `backward`, `step`, and a dictionary of named
# terms. The two parameters are $\mu$ and the logarithm of $\sigma^2$: a network may return any number for a
# log-variance, and none of them is invalid.

# %%
from dataclasses import asdict

from torch import nn

from course_lib.losses import gaussian_log_likelihood
from course_lib.training import Run


@dataclass(frozen=True)
class InkConfig:
    steps: int = 2000
    batch_size: int = 512
    learning_rate: float = 0.03


PROFILES = {
    "smoke": InkConfig(steps=300, batch_size=256),
    "quick": InkConfig(steps=600),
    "standard": InkConfig(),
    "paper": InkConfig(),
}


class Ink(nn.Module):
    def __init__(self):
        super().__init__()
        self.mu = nn.Parameter(torch.zeros(()))
        self.log_var = nn.Parameter(torch.zeros(()))

    def forward(self, ink):
        mu = self.mu.expand(len(ink), 1)
        return gaussian_log_likelihood(ink[:, None], mu, self.log_var)


def ink_step(model, optimizer, batch):
    loss = -model(batch.images.mean(dim=(1, 2, 3))).mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return {"nll": loss.detach()}

# %% [markdown]
# And the loop itself. `Run` is told what to save and under which name; then come the two lines that matter, the
# `for` and the step. The `if` keeps the parameters of some early steps, for a picture below.

# %% tags=["nbval-ignore-output"]
cfg = this.config(PROFILES)
runtime = this.runtime
model = runtime.prepare(Ink())
optimizer = runtime.adam(model.parameters(), lr=cfg.learning_rate)
gen = runtime.generator(seed)
batches = Batches(train.images.to(runtime.device), batch_size=cfg.batch_size, gen=gen)
kept = [(0, 0.0, 1.0)]

with Run(
    this.out_dir,
    config=asdict(cfg),
    runtime=runtime,
    name="00_start_here",
    profile=profile,
    seed=seed,
    modules={"ink": model},
    optimizers={"ink": optimizer},
    generators={"batches": gen},
) as run:
    for step, batch in run.steps(batches, total=cfg.steps):
        run.log(step, ink_step(model, optimizer, batch))
        if step <= 280 and step % 20 == 0:
            kept.append((step, float(model.mu), float(torch.exp(model.log_var / 2))))

mu, sigma = float(model.mu), float(torch.exp(model.log_var / 2))
print(f"mu = {mu:.4f}, sigma = {sigma:.4f} after {cfg.steps} steps")

# %% [markdown]
# Two parameters have a formula: the likelihood is highest at the mean and the standard deviation of the data. The loop
# knows neither. This cell compares; what it prints is the same on every machine and every profile, so the tests
# compare it too.

# %%
found = torch.tensor([mu, sigma])
formula = torch.stack([ink.mean(), ink.std(correction=0)])
error = ((found - formula) / formula).abs().max()
print("mean and standard deviation found to within 5 %:", bool(error < 0.05))

# %% [markdown]
# ### What stands behind the `for`
#
# You have used `run.steps`; here it is, word for word.

# %% tags=["nbval-ignore-output"]
from course_lib.teaching import show_code

show_code(Run.steps)

# %% [markdown]
# The loop is `for step in range(...)` with a `yield`; everything else is bookkeeping:
#
# - `_open` finds the place in the data where an earlier run stopped, if there is one to resume.
# - `range` counts from the step after that, so a resumed run does what an uninterrupted one would have done, to the
#   last bit on a CPU.
# - `yield` hands you the step and the batch. The body of your loop runs *there*; nothing is called back.
# - After your body, `_read_log` fetches the logged terms from the device, many steps at once. A value that is not
#   finite stops the run here, by name, before anything is overwritten.
# - `save` writes weights and checkpoint; `_finish` writes the last ones. `finally` closes the progress line, also when
#   your body raises.

# %% [markdown]
# ## Look again
#
# The slider moves through the first steps of the training: the histogram is the ink of all training digits, the
# line is the density of the model. It begins as a flat curve around 0 and climbs onto the data; the mean arrives first,
# the width last. The pictures stop at step 280, when there is little left to see; the training went on.

# %% tags=["nbval-ignore-output"]
from course_lib.teaching import Player


def normal_density(value, mu, sigma):
    return torch.exp(-(((value - mu) / sigma) ** 2) / 2) / (sigma * math.sqrt(2 * math.pi))


def draw_fit(step, mu, sigma):
    figure, axes = plots.figure_axes(height=2.6)
    axes.hist(ink.numpy(), bins=40, range=(0, 0.6), density=True, color=plots.COLOURS["sky"])
    shares = torch.linspace(0, 0.6, 300)
    plots.curve(axes, shares, normal_density(shares, mu, sigma), colour="red")
    axes.set_ylim(0, 14)
    plots.finding(axes, f"step {step} of {cfg.steps}", x="share of ink in a picture", y="density")
    return figure


Player(
    [draw_fit(*one) for one in kept],
    [
        f"step {k} of {cfg.steps}: mean {mean:.3f}, standard deviation {width:.3f}"
        + (" (the pictures stop here)" if k == kept[-1][0] else "")
        for k, mean, width in kept
    ],
    title=f"Two parameters find the ink of {len(ink):,} digits",
    alt="A histogram of the ink of all training digits, and a normal curve that moves onto it.",
)

# %% [markdown]
# How good was your prediction? The mean is where the eye puts it; the tails are the surprise. A normal curve puts
# 0.62 % of all digits more than two and a half standard deviations below the mean, and as many above it. This cell
# counts them.

# %%
distance = (ink - ink.mean()) / ink.std(correction=0)
promised = 0.0062 * len(ink)
for name, beyond in (("pale", distance < -2.5), ("dark", distance > 2.5)):
    print(f"very {name} digits: {int(beyond.sum())}; the normal curve promises {promised:.0f} of {len(ink)}")

# %% [markdown]
# Nobody draws a digit with hardly any ink, and some press hard. So the loop found the best normal curve, and no normal
# curve is right. A likelihood finds the best member of a family; it never says that the family is the right one. Richer
# families are what the next lesson is about.
#
# ## Exercises
#
# An exercise is a function to write, a check that tells you at once, and three hints. The check never stops the
# notebook. It tries edge cases and random inputs, and when something is wrong it says what kind of mistake it looks
# like, and shows the simplest input it could find.

# %% [markdown]
# ### Exercise 00.1: the gap of Jensen's inequality
#
# Write a function that returns the gap between the two sides of line (0.3): the logarithm of the mean prize minus the
# mean of the logarithms. It takes the probability `p` of the first face and the prizes `a` and `b`.

# %%
from course_lib.teaching import check, hint


def jensen_gap(p: float, a: float, b: float) -> float:
    raise NotImplementedError  # your turn: replace this line


# %%
check("00.1", jensen_gap)

# %% [markdown]
# Stuck? `step=1` is a nudge, `step=2` the formula, `step=3` the outline of the code.

# %%
hint("00.1", step=1)

# %% [markdown]
# What does the check say to an answer that is nearly right? Here is one that has the two sides the wrong way round.

# %%
def upside_down(p: float, a: float, b: float) -> float:
    return p * math.log(a) + (1 - p) * math.log(b) - math.log(p * a + (1 - p) * b)


check("00.1", upside_down)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def jensen_gap_solution(p: float, a: float, b: float) -> float:
    mean = p * a + (1 - p) * b
    mean_log = p * math.log(a) + (1 - p) * math.log(b)
    return math.log(mean) - mean_log


check("00.1", jensen_gap_solution)

# %% [markdown]
# The same machinery checks losses. `course_lib.audit` runs the course's equation tests on a function of *yours*. Here
# is a KL divergence between two Gaussians as it stands in many repositories: it is right, but it takes the mean over
# the batch too early, which hides what each sample costs.

# %%
import course_lib


def my_kl(mu_q, log_var_q, mu_p, log_var_p):
    spread = (log_var_q - log_var_p).exp() - 1 - (log_var_q - log_var_p)
    shift = (mu_q - mu_p) ** 2 / log_var_p.exp()
    return 0.5 * (spread + shift).sum(-1).mean()


course_lib.audit(my_kl, like="gaussian_kl")

# %% [markdown]
# ## Remember
#
# 1. A derivation here is code: its formulas are generated from what is computed, and each line is checked on random
#    models where the truth is known.
# 2. The mean of the logarithm never exceeds the logarithm of the mean, and the gap is a divergence.
# 3. A divergence has a first and a second argument; exchanging them changes its value.
# 4. A training loop is a `for` over `run.steps(...)`; its body is yours, and the step function returns named terms.
# 5. Results are reported with seeds, a band and the command that measures them again.
#
# Next: [the evidence lower bound](01_elbo.ipynb), which is line (0.6) with an image in place of the prize.
