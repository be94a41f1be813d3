# ---
# jupyter:
#   course:
#     symbols: [rank_depth, rank_depths, true_depth, relation, annotated_pairs, answer_probability, logistic, judge_noise, pair_loss, rank_loss, depth_shift, rank_hessian, edge_weight, depth_direction, depth_change, margin, votes, vote_share, coin_entropy, coin_divergence, flip_rate, tie_weight, scale]
#     minutes: {"Set-up": 1, "Look first": 3, "Derive": 22, "From formula to code": 3, "The model": 2, "Predict, then train": 5, "Look again": 3, "Measure": 5, "Exercises": 15}
#     requires: ["00"]
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
# # Rank losses
#
# Nobody can tell from a photograph that an elbow is 5.31 metres away. Almost everybody can tell that it is *closer than
# the other elbow*. This lesson turns such answers into depths. The loss is one line, and a logistic regression in disguise; what
# makes it worth a lesson is what the line keeps silent about: the answers fix no origin, they have an opinion on scale that
# few expect, they may contradict one another, and in the published files they carry the opposite sign.
#
# At the end you can
#
# - derive the loss from a judge who sees depth with noise, and say which of its three cases is *not* a likelihood;
# - read its gradient as forces on joints and its Hessian as a graph, and count what the comparisons leave open;
# - say where the scale of the recovered depths comes from, and when best depths exist at all;
# - predict what the loss makes of votes that disagree, of a ring of contradictions, and of answers that are wrong one time in five;
# - recover the depth of bodies from a few comparisons, and tell a recovered body from its mirror image.
#
# You need: the logistic function, gradients, some PyTorch, and lesson 00 for how to read the tables of derivations. Lessons 14 and 15 build on this one.

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

this = lesson.start("04_rank_losses", profile=profile, seed=seed, data_root=data_root, out_dir=out_dir)
this.cost_box()

# %% [markdown]
# This is where the lesson arrives: bodies of 14 joints, their depths recovered from nothing but answers of the kind "the left knee is closer than
# the right wrist". Above, how many of all ordered pairs come out in the right order; below, the rank correlation with the true depths; both against the number of
# comparisons, on a logarithmic scale, with ever more wrong answers among them. *Ordered*, or *strict*, pairs are those that are truly no tie; two equal depths count as wrong, so that the floor is 0, and a coin gets one half. Bands run from the lowest to the highest of five seeds.
# `make results` drew it; you will draw your own.

# %% tags=["nbval-ignore-output"]
this.figure(
    "04_rank_losses.webp",
    alt="Two panels over the number of comparisons, 13 to 91. Above, the share of pairs in the right order rises to one, from nine tenths without wrong answers and from seven tenths with 20 percent wrong. Below, the rank correlation rises likewise, from about 0.8 and 0.4, to above 0.9.",
)

# %% [markdown]
# ## Look first
#
# Below are a person, the skeleton of the same person in the plane of the picture, and the same skeleton seen from its side, camera to
# the left. Orange is the person's own right, blue the left. Cover the right panel with your hand and answer: what is closer to you, the head or the right knee? The left
# elbow or the left wrist? The left knee or the right one? Then uncover it.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "A drawn person on a stool, seen from the back; the skeleton of that person in the picture plane in orange and blue; and the same skeleton from its side, where thighs and forearms reach away from the camera."}}
import math

import numpy as np
import torch

from course_lib.experiments.ranking_pictures import bare, draw_bones
from course_lib.experiments.ranking_recovery import PROFILES, THRESHOLD, ask, depths_of, drawn_bodies, recover
from course_lib.geometry import H36M_17, LSP_14, convert
from course_lib.teaching import plots
from course_lib.training import generator
from course_lib.worlds import people

cfg = this.config(PROFILES)
crowd = people.sample_factors(12, generator=generator(3), domain="wild")
picture = people.render(crowd[2], size=(150, 110), samples=2, compiled=False)
somebody = convert(picture.joints_3d, H36M_17, LSP_14)[0].double()
figure, cells = plots.plt.subplots(1, 3, figsize=(plots.WIDTH, 2.7), width_ratios=(1.05, 1, 1.35))
cells[0].imshow(picture.images[0].permute(1, 2, 0).clamp(0, 1))
plane = (somebody - somebody.mean(0)).numpy()
draw_bones(cells[1], plane[:, 0], -plane[:, 1])
draw_bones(cells[2], plane[:, 2], -plane[:, 1])
for cell, name, axis in zip(cells, ("the picture", "its joints", "from its side"), ("", "", r"camera $\leftarrow$  depth  $\rightarrow$"), strict=True):
    bare(cell, name, axis)
_ = figure.suptitle("What a picture hides", fontweight="bold", fontsize=11, x=0.02, ha="left")

# %% [markdown]
# Three kinds of answers are possible: closer, farther, and *about as far*. The last one is common. Here is everything that can be asked of this body:
# a matrix with a row and a column for each of its 14 joints. Blue says that the joint of the *row* is closer, orange that the joint of the *column* is, grey that
# their depths differ by less than 100 mm.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "A matrix of 14 by 14 cells with the names of the joints. Blue and orange cells are opposite across the diagonal; about a third of the cells is grey, among them the diagonal."}}
from itertools import permutations

from matplotlib.colors import ListedColormap

from course_lib.losses import order_from_depth

order = order_from_depth(somebody[:, 2], THRESHOLD)
names = [joint.replace("_", " ") for joint in LSP_14.joints]
figure, axes = plots.figure_axes(height=4.4)
axes.imshow(order, cmap=ListedColormap([plots.COLOURS["orange"], "#CCCCCC", plots.COLOURS["blue"]]), vmin=-1, vmax=1)
axes.set_xticks(range(14), names, rotation=90, fontsize=8.5)
axes.set_yticks(range(14), names, fontsize=8.5)
axes.set_xticks(np.arange(13) + 0.5, minor=True)
axes.set_yticks(np.arange(13) + 0.5, minor=True)
axes.grid(False)
axes.grid(True, which="minor", color="white", linewidth=1.2)
axes.tick_params(which="both", length=0)
plots.finding(axes, "Below the diagonal stands what is above, turned round")
three = next(
    (i, j, k)
    for i, j, k in permutations(range(14), 3)
    if order[i, j] == order[j, k] == 0 and order[i, k] == 1
)
print("{0} ~ {1}, {1} ~ {2}, and yet the {0} is plainly closer than the {2}".format(*(names[joint] for joint in three)))
for i, j in ((names[13], "right knee"), ("left elbow", "left wrist"), ("left knee", "right knee")):
    gap = float(somebody[names.index(j), 2] - somebody[names.index(i), 2])
    print(f"{i} or {j}: {i if gap > 0 else j} is closer" + (", by less than 100 mm" if abs(gap) < THRESHOLD else ""))

# %% [markdown]
# Two facts to keep. (i, j) and (j, i) are *one* question. And the answers are an order only at first sight: "about as far" is not transitive. The first line above the matrix names three joints of this body that prove it (~ for a tie); find them in the matrix. That will matter. The other lines answer the questions above.
#
# The depth that we look for is called $z_i$, one number a joint, **larger is farther**; the true one, in metres, is $Z_i$. The relation $r_{ij}$ is $+1$ where $i$ is
# closer, $-1$ where $j$ is, 0 where both are about as far. Pairs that nobody was asked about have no relation (NaN, in code); the set of the others, each pair once, is $\mathcal{I}$.

# %% [markdown]
# ## Derive
#
# ### A judge with noise in the eye
#
# Where does a loss for comparisons come from? From a model of the person who compares. Suppose a judge sees each depth with a noise $\varepsilon_i$ of its
# own, independent Gumbel noises of scale 1, and names the joint that *looks* closer. The difference of two Gumbel noises follows the logistic distribution, so that the probability of
# "i is closer" is the logistic function $\sigma(u) = 1 / (1 + e^{-u})$ of the difference of the depths. That is the model of Bradley and Terry (1952). The first line is evaluated by
# integrating over the noise, the second by the formula:

# %%
from dataclasses import replace

from course_lib.teaching import Definition, Derivation, Divergence, Term
from course_lib.teaching.comparisons import Comparisons, example_body, logistic, pair_loss
from course_lib.teaching.judges import Judge, Pair, Ranking, Ring, Votes

looks_closer = Term(r"P(z_i + \varepsilon_i < z_j + \varepsilon_j)", lambda m: m.names_first(), name="looks-closer")
sigma_of_gap = Term(r"\sigma(z_j - z_i)", lambda m: float(logistic(m.z_j - m.z_i)), name="sigma")
bradley_terry = Derivation("bradley-terry", title="Two Gumbel noises make a logistic judge", draw=Judge.draw, example=Judge(0.0, 1.0))
bradley_terry.line(looks_closer)
bradley_terry.line(sigma_of_gap, "=", reason="the difference of two Gumbel noises is logistic", number="4.1")
bradley_terry.show()
bradley_terry.assert_mutants_caught()

# %% [markdown]
# That scale is the unit of $z$: depths are counted in widths of the judge's noise. A judge whose noise is 10 cm wide makes 10 units a metre.
#
# The loss is minus the log-probability of the answer that was given, its **surprise**, as in any maximum likelihood. Both answers are covered by one formula, since $1 - \sigma(u) = \sigma(-u)$. The function
# $\log(1 + e^{u})$ is called **softplus**. The last line writes it so that no exponential is ever large:

# %%
surprise = Term(r"-\log P(r_{ij})", lambda m: -math.log(m.of_the_answer()), name="surprise")
soft = Term(r"\log\left(1 + e^{r_{ij}(z_i - z_j)}\right)", lambda m: math.log(1 + math.exp(m.relation * m.gap)), name="softplus")
hinge_part = Term(r"\max(0, r_{ij}(z_i - z_j))", lambda m: max(0.0, m.relation * m.gap), name="hinge")
rest = Term(r"\log\left(1 + e^{-\lvert z_i - z_j \rvert}\right)", lambda m: math.log1p(math.exp(-abs(m.gap))), name="rest")
strict_pair = Derivation("strict", title="From the judge to the softplus", draw=Judge.draw, example=Judge(0.0, 1.0))
strict_pair.line(surprise)
strict_pair.line(soft, "=", reason="(4.1), or one minus it where j was named", number="4.2")
strict_pair.line(hinge_part + rest, "=", reason="take the larger exponential out of the logarithm", number="4.3")
strict_pair.show()
strict_pair.assert_mutants_caught()

# %% [markdown]
# ### Ties, and the loss of three cases
#
# A judge may also say "about as far". Pavlakos and others ([2018](https://arxiv.org/abs/1805.04095)) then take the square of the gap:
#
# | answer | $r_{ij}$ | loss of the pair |
# | --- | --- | --- |
# | i is closer | $+1$ | $\log\left(1 + e^{z_i - z_j}\right)$ |
# | j is closer | $-1$ | $\log\left(1 + e^{z_j - z_i}\right)$ |
# | about as far | $0$ | $(z_i - z_j)^2$ |
#
# In one line, and summed over the pairs that somebody compared:
#
# $$ \mathcal{L}_{ij} = r_{ij}^2 \log\left(1 + e^{r_{ij}(z_i - z_j)}\right) + \left(1 - r_{ij}^2\right)(z_i - z_j)^2 \tag{4.4} $$
#
# $$ \mathcal{L}_{\mathrm{rank}} = \sum_{(i, j) \in \mathcal{I}} \mathcal{L}_{ij} \tag{4.5} $$
#
# The first two cases are a likelihood: of a judge who may not tie, or conditional on a strict answer. The third is not; it is a choice. Models of judges who may call a tie exist: in Davidson's (1970), the answers "closer", "tie" and "farther" have
# probabilities in the ratio $e^{(z_j - z_i)/2} : \nu_{\mathrm{tie}} : e^{(z_i - z_j)/2}$. Its surprise at a tie curves much less than a square:

# %% tags=["hide-input"]
Definition(
    r"\mathcal{L}_{ij} = r_{ij}^2 \log\left(1 + e^{r_{ij}(z_i - z_j)}\right) + \left(1 - r_{ij}^2\right)(z_i - z_j)^2",
    "4.4",
)
Definition(r"\mathcal{L}_{\mathrm{rank}} = \sum_{(i, j) \in \mathcal{I}} \mathcal{L}_{ij}", "4.5")
tie_surprise = Term(r"-\log P(r_{ij} = 0)", lambda m: -math.log(m.davidson()[1]), name="tie-surprise")
level_surprise = Term(
    r"\log\left(1 + \frac{2}{\nu_{\mathrm{tie}}}\right)", lambda m: math.log1p(2 / m.tie), name="level-surprise"
)
eighth = Term(r"(z_i - z_j)^2", lambda m: m.gap**2, name="square")
davidson = Derivation("davidson", title="What a tie costs in Davidson's model", draw=Pair.draw, example=Pair(1.0, 0.5, 1.0))
davidson.line(tie_surprise)
davidson.line(level_surprise, ">=", reason="least where the depths are equal", number="4.6", tight=Pair.level)
davidson.line(tie_surprise)
davidson.line(level_surprise + eighth / 8, "<=", reason="the curvature is at most 1/4, that of a square is 2", number="4.7", tight=Pair.level)
davidson.show()
davidson.assert_mutants_caught()

# %% [markdown]
# So the square is at least eight times as stiff as Davidson's tie, whatever $\nu_{\mathrm{tie}}$, and it never levels off, where Davidson's grows like half the gap in the end. A judge with a *threshold*, below which all is a tie, is the model of Rao and Kupper (1967). The threshold in metres
# would fix the unit there, and the curvature of its tie is at most 1/2, a quarter of the square's. That is worth knowing before one
# wonders why ties pull so hard. The figure has both kinds of cases: above, what a *strict* answer costs, with its relatives; below, what a *tie* costs (RankNet's is defined in the optional section; Davidson's is drawn with $\nu_{\mathrm{tie}} = 1$).

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Two panels of loss against the gap of two depths. Above, the softplus falls smoothly from the wrong order to the right one, between the hinge and the margin loss. Below, the square of a tie rises far more steeply than RankNet's tie and Davidson's."}}
gaps = np.linspace(-4, 4, 161)
figure, (above, below) = plots.figure_axes(columns=2, height=2.6)
plots.curve(above, gaps, np.logaddexp(0, gaps), label="softplus: Bradley-Terry, RankNet")
plots.curve(above, gaps, np.maximum(0, gaps), label="hinge", colour="orange", style="--")
plots.curve(above, gaps, np.maximum(0, 1 + gaps), label="margin ranking, margin 1", colour="red", style="-.")
plots.curve(above, gaps, np.logaddexp(0, 4 * gaps) / 4, label="softplus, four times as sharp", colour="green", style=":")
plots.curve(below, gaps, gaps**2, label="the square of (4.4)")
plots.curve(below, gaps, np.logaddexp(0, gaps) - gaps / 2 - math.log(2), label="RankNet's tie, less log 2", colour="orange", style="--")
plots.curve(below, gaps, np.log((1 + 2 * np.cosh(gaps / 2)) / 3), label="Davidson's tie, less log 3", colour="red", style="-.")
above.set_ylim(-0.1, 5)
below.set_ylim(-0.1, 5)
above.axvspan(0, 4, color="#F2F2F2", zorder=0)
above.text(0.1, 4.6, "wrong order", fontsize=9, color=plots.COLOURS["grey"])
above.legend(loc="upper left", fontsize=8.5, bbox_to_anchor=(0.0, 0.93))
below.legend(loc="upper center", fontsize=8.5)
plots.finding(above, "i is closer: every gap costs, the right ones little", x=r"gap $z_i - z_j$", y="loss")
plots.finding(below, "A tie as a square is by far the stiffest", x=r"gap $z_i - z_j$", y="loss")

# %% [markdown]
# ### The sign in the files
#
# The published annotations of LSP and MPII hold a matrix, call it ord, with $-1$ where joint $i$ has the *smaller* depth. The smaller depth is the closer joint, and the loss says $+1$ to that. So
# $r_{ij} = -\mathrm{ord}_{ij}$. Notes that circulate print both conventions and never reconcile them; what that costs is computed below, on random bodies of 14 joints whose depths in metres were multiplied by five, so that gaps are about 1 (the claim holds on a few draws, where the body fits its mirror image by chance):

# %%
right_sign = Term(r"\mathcal{L}_{\mathrm{rank}}(\mathbf{z}; r)", lambda m: m.loss(), name="right-sign")
file_sign = Term(r"\mathcal{L}_{\mathrm{rank}}(\mathbf{z}; \mathrm{ord})", lambda m: m.reversed().loss(), name="file-sign")
turned_sign = Term(r"\mathcal{L}_{\mathrm{rank}}(\mathbf{z}; -\mathrm{ord})", lambda m: m.reversed().reversed().loss())
mirror_loss = Term(r"\mathcal{L}_{\mathrm{rank}}(-\mathbf{z}; r)", lambda m: m.mirrored().loss(), name="mirror")


def body_times_five(gen):
    return Comparisons.body(gen).scaled(5)


signs = Derivation("signs", title="The wrong sign is a mirror", draw=body_times_five, example=body_times_five(generator(0)))
signs.line(file_sign)
signs.line(mirror_loss, "=", reason="softplus sees the product of relation and gap only, a square no sign at all", number="4.8")
signs.show()
signs.assert_mutants_caught()
signs.refute(
    id="ordinal-files-hold-the-opposite-sign",
    says="notes on ordinal depth: the matrices of the files beside the loss, their signs not reconciled",
    lhs=right_sign,
    rhs=file_sign,
    correct=turned_sign,
    because="fed as it is, the file rewards the mirrored body",
    number="4.5",
)

# %% [markdown]
# Nothing crashes, the loss falls, the picture looks right: a mirrored body projects to the same points (for parallel rays; nearly so at 4 to 6 m). Line (4.8) says what has been learned: the body with front and back exchanged.
#
# ### Forces on joints
#
# Each comparison pulls at its two joints, with opposite forces of the same size. For a strict pair the size of the force is the probability that the model gives to the *wrong* answer: nearly 1 where the order is wrong, nearly 0 where it is
# right by a wide margin, and never quite 0. The left sides are computed from the loss by complex steps, a numerical derivative that loses no digits. (From here on the code of the derivations is folded: it is built as in the three above. Open it where you want to see how a term is evaluated.)

# %% tags=["hide-input"]
STEP = 1e-30


def pull(model, at):
    """Derivative of the loss of a pair at the depth `at`, 0 or 1, by a complex step."""
    return float(np.imag(pair_loss(model.gap + (1 - 2 * at) * 1j * STEP, model.relation))) / STEP


pull_i = Term(r"\frac{\partial \mathcal{L}_{ij}}{\partial z_i}", lambda m: pull(m, 0), name="pull-i")
pull_j = Term(r"\frac{\partial \mathcal{L}_{ij}}{\partial z_j}", lambda m: pull(m, 1), name="pull-j")
force = Term(r"r_{ij}\,\sigma(r_{ij}(z_i - z_j))", lambda m: m.relation * float(logistic(m.relation * m.gap)), name="force")
forces = Derivation("forces", title="What one strict comparison pulls: minus the force", draw=Judge.draw, example=Judge(0.0, 1.0))
forces.line(pull_i)
forces.line(force, "=", reason="the derivative of a softplus is a sigmoid", number="4.9")
forces.line(-pull_j, "=", reason="the loss depends on the difference alone", number="4.10")
forces.show()
forces.assert_mutants_caught()

# %% [markdown]
# Where $i$ is closer the loss does not want the gap *small*. It wants it negative, and goes on wanting when it is: every gap is penalised, the less the more negative.
#
# ### What the answers do not say: the shift
#
# From now on whole bodies: depths of five joints and random relations between them, contradictions included. Moving all depths by one number changes nothing. Hence the forces on all joints
# sum to zero, and no rank loss will ever say how far the *body* is away:

# %% tags=["hide-input"]
whole = Term(r"\mathcal{L}_{\mathrm{rank}}(\mathbf{z})", lambda m: m.loss(), name="loss")
shifted = Term(r"\mathcal{L}_{\mathrm{rank}}(\mathbf{z} + a)", lambda m: m.shifted(1.7).loss(), name="shifted")
strict_part = Term(r"\sum_{r_{ij} \ne 0} \log\left(1 + e^{r_{ij}(z_i - z_j)}\right)", lambda m: m.strict(), name="strict")
tied_part = Term(r"\sum_{r_{ij} = 0} (z_i - z_j)^2", lambda m: m.ties(), name="ties")
total_force = Term(r"\sum_{i} \frac{\partial \mathcal{L}_{\mathrm{rank}}}{\partial z_i}", lambda m: float(m.gradient().sum()), name="total")
free_shift = Derivation("shift", title="All depths together are free", draw=Comparisons.draw, example=example_body())
free_shift.line(whole)
free_shift.line(strict_part + tied_part, "=", reason="(4.4), pair by pair")
free_shift.line(shifted, "=", reason="differences alone enter", number="4.11")
free_shift.line(total_force)
free_shift.line(0, "=", reason="the derivative of (4.11) by the shift", number="4.12")
free_shift.show()
for change in ("flip", "drop"):
    free_shift.equivalent(f"{change} line-4:total", because="it is 0, whatever its sign")
free_shift.assert_mutants_caught()

# %% [markdown]
# ### What the answers do say: the scale
#
# An order knows no unit. So the *scale* of the depths should be free as well, should it not?

# %% tags=["hide-input"]
tripled = Term(r"\mathcal{L}_{\mathrm{rank}}(3\,\mathbf{z})", lambda m: m.scaled(3).loss())
free_shift.refute(
    id="order-does-not-leave-the-scale-free",
    says="an easy belief: the labels are an order, so the scale is free",
    lhs=whole,
    rhs=tripled,
    correct="shifts are free; the scale is pushed up by strict pairs and held by ties",
    because="a softplus asks for gaps much larger than 1, and a tie for gaps much smaller",
    number="4.13",
)

# %% [markdown]
# Multiply all depths by a factor $\gamma$. Where every strict pair is in its right order, each of them pushes $\gamma$ up, for ever, though ever less; each tie pushes it down. At the best factor the two balance. The lines below are evaluated
# on random bodies of 14 joints that stand at their best scale, which a bisection has found:

# %% tags=["hide-input"]
push_up = Term(
    r"\sum_{r_{ij} \ne 0} \lvert z_i - z_j \rvert\,\sigma(-\lvert z_i - z_j \rvert)",
    lambda m: float(sum(abs(g) * logistic(-abs(g)) for g, r in zip(m.gaps, m.relation, strict=True) if r != 0)),
    name="push-up",
)
hold_down = Term(r"\sum_{r_{ij} = 0} (z_i - z_j)^2", lambda m: m.ties(), name="hold-down")
balance = Derivation("balance", title="At the best scale strict pairs and ties balance", draw=Comparisons.at_best_scale, example=Comparisons.at_best_scale(generator(0)))
balance.line(push_up)
balance.line(2 * hold_down, "=", reason="the derivative of the loss by the factor is 0", number="4.13")
balance.show()
balance.assert_mutants_caught()
print(balance.example.name, "- the best factor on depths in metres:", round(Comparisons.body(generator(0)).best_scale(), 2))

# %% [markdown]
# And without ties? Then nothing holds the scale: as it grows the loss falls towards 0 and never arrives. There *is* no best depth. Statisticians know this as logistic regression on data that are
# separable; here it is the ordinary case, a consistent annotator who never says "about as far".

# %% tags=["hide-input"]
stretched = Term(r"\mathcal{L}_{\mathrm{rank}}(\gamma\,\mathbf{z})", lambda m: m.loss(), name="stretched")
no_ties = Derivation("no-ties", title="Without ties the infimum is not attained", draw=Comparisons.untied, example=Comparisons.untied(generator(0)))
no_ties.line(stretched)
no_ties.line(0, "->", reason="along ever larger factors, all relations kept", number="4.14", along=Comparisons.stretched)
no_ties.show()
for change in ("flip",):
    no_ties.equivalent(f"{change} line-1:stretched", because="minus what tends to 0 tends to 0, too")
no_ties.equivalent("drop line-1:stretched", because="0 is the limit")
no_ties.assert_mutants_caught()

# %% [markdown]
# The figure shows the loss of one random body over the factor, with its ties and without them. With ties it has a lowest point, and goes up steeply beyond it; without, it slides down to the right for ever.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Loss over the scale on logarithmic axes. The curve with ties falls, has a lowest point near 10, marked by a dot, and rises steeply; the curve without ties keeps falling."}}
body = Comparisons.body(generator(0))
free_body = Comparisons(body.z, np.where(body.order == 0, np.nan, body.order))
factors = np.geomspace(0.3, 300, 60)
figure, axes = plots.figure_axes(height=3.0)
plots.curve(axes, factors, [body.scaled(f).loss() for f in factors], label="with its ties")
plots.curve(axes, factors, [free_body.scaled(f).loss() for f in factors], label="ties left out", colour="orange", style="--")
best = body.best_scale()
axes.plot(best, body.scaled(best).loss(), "o", color=plots.COLOURS["red"], markersize=8, label="strict pairs and ties balance")
axes.set_xscale("log")
axes.set_yscale("log")
axes.set_ylim(0.2, 600)
axes.legend(loc="lower left", fontsize=9.5)
plots.finding(axes, "Ties hold one common factor", x="factor on the depths in metres (log scale)", y="loss (log scale)")

# %% [markdown]
# That was *one* factor on the true depths. Do ties also make the best *depths* finite, when each joint is free? Only where they reach. Sort a body by depth: if two neighbours are 100 mm or more apart, no tie bridges them, every answer across agrees, and both parts drift apart for ever, at a loss
# that goes on falling. Draw an arrow from the closer to the farther joint of each strict pair, and arrows both ways for a tie: finite best depths exist exactly where each connected group is *strongly* connected, that is, where arrows lead from every joint to every other one
# (Ford, 1957, for pairs without ties). How many drawn bodies are not?

# %% tags=["nbval-ignore-output"]
from course_lib.experiments.ranking_recovery import has_gap

divided = has_gap(depths_of(drawn_bodies(200, generator(seed))))
print(f"bodies with a gap of 100 mm or more between neighbours in depth: {100 * float(divided.double().mean()):.0f} %")

# %% [markdown]
# What stops those is not their ties but a weak pull to 0, which *Predict, then train* adds and *Measure* weakens.
#
# ### A graph with springs
#
# Second derivatives turn the comparisons into a graph: joints are its nodes, comparisons its edges. The Hessian is the graph's **Laplacian**: on the diagonal the sum of the weights at a joint, beside it minus the weight of each edge, with
# $w_{ij} = \sigma(z_i - z_j)\,(1 - \sigma(z_i - z_j))$ for a strict pair and 2 for a tie. Think of springs: a strict pair is stiff where it is undecided and slack where it is settled, a tie is always eight times as stiff as the stiffest of them. For any direction $\boldsymbol{\delta}$ in which the depths may move:

# %% tags=["hide-input"]
fixed = np.array([0.3, -1.2, 0.3, 0.1, 0.9])  # a direction; it moves joints 0 and 2 alike


def quadratic(model, matrix):
    direction = fixed[: len(model.z)]
    return float(direction @ matrix @ direction)


def with_middle(model, towards=fixed):
    return model.with_depths(model.z + towards[: len(model.z)] / 2)


curvature = Term(r"\boldsymbol{\delta}^{\top} \mathbf{H}\,\boldsymbol{\delta}", lambda m: quadratic(m, m.hessian()), name="curvature")
springs = Term(
    r"\sum_{(i, j) \in \mathcal{I}} w_{ij}\,(\delta_i - \delta_j)^2",
    lambda m: float((m.stiffness * (m.incidence @ fixed[: len(m.z)]) ** 2).sum()),
    name="springs",
)
graph = Derivation("graph", title="The Hessian is the Laplacian of the graph of comparisons", draw=Comparisons.draw, example=example_body())
graph.line(curvature)
graph.line(springs, "=", reason="one square for each edge", number="4.15")
graph.show()
graph.assert_mutants_caught()

# %% [markdown]
# A sum of squares with positive weights is never negative: the loss is **convex**, and a search for its lowest point cannot get stuck. It is 0 in exactly the directions that move no joint against another one it was compared with: one constant
# for *each connected group* of joints. That number can be counted on the graph or read off the eigenvalues:

# %% tags=["hide-input"]
def moved_alike(gen):
    """Two joints compared, which the direction moves alike."""
    model = Comparisons.draw(gen)
    order = np.full_like(model.order, np.nan)
    order[0, 2], order[2, 0] = 1.0, -1.0
    return Comparisons(model.z, order)


def sparse(gen, n=7):
    """Few comparisons, so that some joints hang together and others do not."""
    model = Comparisons.draw(gen, n)
    keep = torch.rand(n, n, generator=gen).numpy() < 0.35
    order = np.where(keep | keep.T, model.order, np.nan)
    order[0, 1], order[1, 0] = 1.0, -1.0
    return Comparisons(model.z, order)


middle = Term(r"\mathcal{L}_{\mathrm{rank}}(\mathbf{z} + \tfrac{1}{2}\boldsymbol{\delta})", lambda m: with_middle(m).loss(), name="middle")
there = Term(r"\mathcal{L}_{\mathrm{rank}}(\mathbf{z} + \boldsymbol{\delta})", lambda m: m.with_depths(m.z + fixed[: len(m.z)]).loss(), name="there")
zero_eigenvalues = Term(r"\dim \ker \mathbf{H}", lambda m: float((np.linalg.eigvalsh(m.hessian()) < 1e-9).sum()), name="kernel")
groups = Term(r"\text{connected groups of joints}", lambda m: float(m.components()), name="groups")
convex = Derivation("convex", title="Convex", draw=Comparisons.draw, example=example_body())
convex.line(whole / 2 + there / 2)
convex.line(middle, ">=", reason="(4.15) is not negative", number="4.16", tight=moved_alike)
convex.show()
kernel = Derivation("kernel", title="What the comparisons leave open", draw=sparse, example=replace(sparse(generator(33)), name="seven joints, few comparisons"))
kernel.line(zero_eigenvalues)
kernel.line(groups, "=", reason="a group moves freely as one", number="4.17")
kernel.show()

# %% tags=["hide-input"]
for derivation in (graph, convex, kernel):
    derivation.assert_mutants_caught()
    print(f"{derivation.title}: {len(derivation.mutants())} mutants, all caught")

# %% [markdown]
# ### Answers that contradict one another
#
# A graph does not ask whether its edges agree. Three joints of which each is said to be closer than the next, round and round: no depths satisfy that, and the loss does not fail. By convexity and symmetry it is least where all three are level, and costs
# $\log 2$ an answer there, the surprise of a coin:

# %% tags=["hide-input"]
ring_loss = Term(r"\mathcal{L}_{\mathrm{rank}}", lambda m: m.loss(), name="ring")
three_coins = Term(r"\log 2", lambda m: math.log(2), name="coin")
ring = Derivation("ring", title="A ring of three", draw=Ring.draw, example=Ring(np.array([0.0, 1.0, 2.0])))
ring.line(ring_loss)
ring.line(3 * three_coins, ">=", reason="convex, and the same in all three joints", number="4.18", tight=Ring.level)
ring.show()
ring.assert_mutants_caught()
ring.refute(
    id="contradictions-have-a-floor",
    says="notes on ordinal depth: consensus is described as answers that are consistent with an order",
    lhs=Term(r"\inf_{\mathbf{z}} \mathcal{L}_{\mathrm{rank}}", lambda m: Ring(np.zeros(3)).loss()),
    rhs=Term(r"\text{of three consistent answers}", lambda m: Ranking(1e3 * np.arange(3.0)).all_pairs()),
    correct=r"any answers may be given: a ring of three costs $3 \log 2$ at least, where all depths are equal",
    because="the loss meets contradictory answers half-way",
    number="4.18",
)

# %% [markdown]
# Half-way between what? Let $n_{ij}$ annotators say that $i$ is closer and $n_{ji}$ that $j$ is; $\pi_{ij}$ is the share of the former. Write $m_{ij} = z_j - z_i$ for the margin. Then the loss of all votes is an entropy, which no
# depth can change, plus a divergence, which is 0 where the model's probability *is* the share:

# %% tags=["hide-input"]
vote_loss = Term(r"\mathcal{L}_{\mathrm{rank}}", lambda m: m.loss(), name="loss")
number_of_votes = Term(r"(n_{ij} + n_{ji})", lambda m: m.closer + m.farther, name="votes")
share_entropy = Term(r"\mathcal{H}(\pi_{ij})", lambda m: Votes.entropy(m.share), name="entropy")
share_gap = Divergence(
    r"D_{\mathrm{KL}}",
    r"\pi_{ij}",
    r"\sigma(m_{ij})",
    fn=lambda m, first, second: Votes.kl(first, second),
    first=lambda m: m.share,
    second=lambda m: m.model,
    name="gap",
)
best_margin = Term(r"m_{ij}^{\star}", lambda m: m.at_best().margin, name="best-margin")
log_closer = Term(r"\log n_{ij}", lambda m: math.log(m.closer), name="log-closer")
log_farther = Term(r"\log n_{ji}", lambda m: math.log(m.farther), name="log-farther")
votes = Derivation("votes", title="Consensus", draw=Votes.draw, example=Votes(3, 1, 0.5))
votes.line(vote_loss)
votes.line(number_of_votes * (share_entropy + share_gap), "=", reason="a cross-entropy is an entropy and a divergence", number="4.19")
votes.line(number_of_votes * share_entropy, ">=", reason="a divergence is not negative", number="4.20", tight=Votes.settled)
votes.line(best_margin)
votes.line(log_closer - log_farther, "=", reason="the margin at which the two probabilities agree", number="4.21")
votes.show()
votes.assert_mutants_caught()

# %% [markdown]
# Three votes against one settle at a margin of $\log 3$. And one *pair*, asked again and again of an annotator who errs with probability $\varrho$, is a vote of $1 - \varrho$ against $\varrho$: its margin settles at
# $\log\frac{1 - \varrho}{\varrho}$, wherever the two joints truly are. So label noise does something that nobody asked for but everybody can use: it makes the best depths *finite* wherever answers contradict one another round a ring. It is a second thing that holds the scale. (Where every pair is asked once, as below, the margins are not this number,
# and a tree of comparisons has no ring at all.)
#
# ### Break it
#
# Every line of this lesson was also run with a sign flipped, a term dropped or a divergence turned round. In the player, the lines about votes and what becomes of them:

# %% tags=["nbval-ignore-output"]
votes.break_it(most=2 if profile == "smoke" else 6)

# %% [markdown]
# ### Optional: few comparisons of many, and relatives
#
# Nothing below rests on this section; on a first reading skip it and go on at [From formula to code](#from-formula-to-code). It has two parts: losses for a chain, for a ranking and for all pairs; and other losses of the same family.
#
# **Chain, ranking, all pairs.** An order of $N$ joints can be told in $N - 1$ comparisons, each joint with the next: a **chain**. All $N(N-1)/2$ pairs follow from it. Between the two lies the model of Plackett and Luce: choose the closest of all, then the closest of the rest, and so on, each time with
# probability proportional to $e^{-z_i}$. With the joints numbered from the nearest to the farthest the three losses are
#
# * of the chain, $\mathcal{L}_{\mathrm{chain}} = \sum_{i} \log\left(1 + e^{z_i - z_{i+1}}\right)$;
# * of Plackett and Luce, $\mathcal{L}_{\mathrm{PL}} = \sum_{i} \log\Big(1 + \sum_{j > i} e^{z_i - z_j}\Big)$;
# * of all pairs, $\mathcal{L}_{\mathrm{pairs}} = \sum_{i} \sum_{j > i} \log\left(1 + e^{z_i - z_j}\right)$.
#
# All three want the same order; they weigh the evidence differently. Both lines follow at sight from $\prod_j (1 + a_j) \ge 1 + \sum_j a_j \ge 1 + a_{i+1}$ with $a_j = e^{z_i - z_j}$:

# %% tags=["hide-input"]
chain_loss = Term(r"\mathcal{L}_{\mathrm{chain}}", lambda m: m.chain(), name="chain")
plackett_luce = Term(r"\mathcal{L}_{\mathrm{PL}}", lambda m: m.plackett_luce(), name="PL")
pairs_loss = Term(r"\mathcal{L}_{\mathrm{pairs}}", lambda m: m.all_pairs(), name="pairs")
neighbours = Term(r"\min_{i} (z_{i + 1} - z_i)", lambda m: m.nearest_neighbours(), name="neighbours")
smallest = Term(r"\min_{i < j} (z_j - z_i)", lambda m: m.smallest_margin(), name="all")
ranking = Derivation("ranking", title="From a chain to all pairs", draw=Ranking.draw, example=Ranking(np.array([0.0, 1.0, 1.5, 3.0])))
ranking.line(pairs_loss)
ranking.line(plackett_luce, ">=", reason="for each i, a product of (1 + a) is at least 1 plus the sum of the a", number="4.22", tight=Ranking.two)
ranking.line(chain_loss, ">=", reason="of each choice keep the next joint alone", number="4.23", tight=Ranking.two)
ranking.show()
margins = Derivation("margins", title="Depths that keep the order", draw=Ranking.sorted, example=Ranking(np.array([0.0, 1.0, 1.5, 3.0])))
margins.line(neighbours)
margins.line(smallest, "=", reason="a gap of any two is a sum of gaps of neighbours", number="4.24")
margins.show()
for derivation in (ranking, margins):
    derivation.assert_mutants_caught()
    print(f"{derivation.title}: {len(derivation.mutants())} mutants, all caught")

# %% [markdown]
# Line (4.24) says why a consistent chain without ties is enough. What gradient descent on separable answers approaches, while the scale grows, is the *direction* with the largest smallest margin at a given Euclidean length (Soudry and others, 2018; Rosset and others, 2004, for a vanishing pull to 0), and that is the same problem for the chain and for all pairs: joints at equal distances, in their
# order. Where answers are noisy each of its links hangs on a single answer, as in any tree; and to choose it one must know the order beforehand. Where there are ties it is worse than that, as you will see.
#
# **Relatives.** RankNet (Burges and others, 2005) takes a wanted probability $\pi_{ij}$ in place of an answer. At $\pi_{ij} = 1$ it is our first case, and at $\frac12$ it is what RankNet makes of a tie. **Margin ranking** cuts off where the margin is reached; the softplus becomes its hinge as it is sharpened:

# %% tags=["hide-input"]
ranknet_loss = Term(
    r"-\pi_{ij} \log \sigma(m_{ij}) - (1 - \pi_{ij}) \log \sigma(-m_{ij})",
    lambda m: -m.share * math.log(m.closer) - (1 - m.share) * math.log(1 - m.closer),
    name="ranknet",
)
our_case = Term(r"\log\left(1 + e^{-m_{ij}}\right)", lambda m: math.log1p(math.exp(m.gap)), name="softplus")
remainder = Term(r"(1 - \pi_{ij})\,m_{ij}", lambda m: -(1 - m.share) * m.gap, name="remainder")
share_bits = Term(r"\mathcal{H}(\pi_{ij})", lambda m: Votes.entropy(m.share), name="entropy")
relatives = Derivation("relatives", title="RankNet", draw=Pair.draw, example=Pair(-1.0, 0.75, 1.0))
relatives.line(ranknet_loss)
relatives.line(our_case + remainder, "=", reason="the odds of the model are e to the margin", number="4.25")
relatives.line(share_bits, ">=", reason="a cross-entropy is at least the entropy", number="4.26", tight=Pair.at_the_share)
relatives.show()
relatives.assert_mutants_caught()
sharpened = Term(
    r"\frac{1}{\gamma} \log\left(1 + e^{\gamma(z_i - z_j)}\right)",
    lambda m: float(np.logaddexp(0, m.sharpness * m.gap)) / m.sharpness,
    name="sharpened",
)
plain_hinge = Term(r"\max(0, z_i - z_j)", lambda m: max(0.0, m.gap), name="hinge")
hinge = Derivation("hinge", title="Margin ranking with margin 0", draw=Pair.draw, example=Pair(0.5, 0.5, 1.0))
hinge.line(sharpened - plain_hinge)
hinge.line(0, "->", reason="with ever larger factors", number="4.27", along=Pair.sharper)
hinge.show()
hinge.assert_mutants_caught()

# %% [markdown]
# The last line has a practical side. What a network calls one unit of depth *is* the factor $\gamma$. Where a body spans many units, the softplus is a hinge that is content as soon as the order is right; where it spans few, it goes on pushing. The ties change as well: ten times the unit multiplies their squares by a hundred.
# [Lesson 14](14_ordinal_depth.ipynb) meets networks that count in different units.

# %% [markdown]
# ## From formula to code
#
# The learner's version, with a loop for the eye, and the library's, which takes all pairs of all bodies at once:

# %%
from course_lib.losses import order_from_dataset, pair_ranking_loss, ranking_loss


def my_ranking_loss(depth, order):
    total = 0.0
    for i in range(len(depth)):
        for j in range(i + 1, len(depth)):
            r, gap = order[i, j], depth[i] - depth[j]
            if not torch.isnan(r):
                total += gap**2 if r == 0 else torch.log(1 + torch.exp(r * gap))
    return total


gen = torch.Generator().manual_seed(0)
depths = 0.25 * torch.randn(3, 14, generator=gen, dtype=torch.float64)
relations = order_from_depth(depths, 0.1)
relations[:, 0, 5:] = relations[:, 5:, 0] = torch.nan  # nobody was asked
mine = torch.stack([my_ranking_loss(z, r) for z, r in zip(depths, relations, strict=True)])
print("the two agree:       ", torch.allclose(ranking_loss(depths, relations), mine))
print("example of the lines:", round(float(ranking_loss(torch.tensor(example_body().z)[None], torch.tensor(example_body().order)[None])), 4))

# %% [markdown]
# Three things go wrong in code that are right on paper. The exponential overflows. A mask that *multiplies* comes too late, since $0 \cdot \mathrm{NaN}$ is NaN, in the value and once more in the gradient. And a sum over the whole matrix counts each question twice, which doubles the weight of
# this loss beside all others:

# %%
far = torch.tensor([[1000.0, 0.0]])
closer = torch.tensor([[[0.0, 1.0], [-1.0, 0.0]]])
print("log(1 + exp(1000)):   ", my_ranking_loss(far[0], closer[0]).item(), "- library:", ranking_loss(far, closer).item())
nobody = torch.tensor([[[0.0, torch.nan], [torch.nan, 0.0]]])
masked = (torch.nn.functional.softplus(nobody * 1.0) * ~nobody.isnan()).sum().item()
print("a mask that multiplies:", masked, "- library:", ranking_loss(far, nobody).item())
gap = depths[:, :, None] - depths[:, None, :]
clean = relations.nan_to_num()
everything = torch.where(clean == 0, gap**2, torch.nn.functional.softplus(clean * gap)).masked_fill(relations.isnan(), 0.0).sum((1, 2))
print("the whole matrix, relative to each pair once:", (everything / ranking_loss(depths, relations)).tolist())
file = torch.tensor([[0.0, -1.0, torch.nan], [1.0, 0.0, torch.nan], [torch.nan, torch.nan, 0.0]])
print("a published matrix, -1 where the row is closer:", order_from_dataset(file)[0].tolist(), "in the first row as r")

# %% tags=["hide-input"]
free_shift.refute(
    id="missing-relation-is-not-a-tie",
    says="notes on ordinal depth: NaN for what nobody annotated, mentioned once and never masked",
    lhs=whole,
    rhs=Term(r"\mathcal{L}_{\mathrm{rank}}(\mathbf{z};\ \text{NaN as } 0)", lambda m: Comparisons(m.z, np.nan_to_num(m.order)).loss()),
    correct="leave these pairs out, before any arithmetic; 0 means a tie",
    because="a pair without an answer pulls at nothing; read as a tie it pulls its joints together",
    number="4.5",
)

# %% tags=["hide-input"]
free_shift.refute(
    id="each-pair-counts-once",
    says="code that sums the whole matrix of relations, as it comes out of a file",
    lhs=whole,
    rhs=Term(
        r"\sum_{i} \sum_{j \ne i} \mathcal{L}_{ij}",
        lambda m: sum(float(pair_loss(s * g, s * r)) for g, r in zip(m.gaps, m.relation, strict=True) for s in (1, -1)),
    ),
    correct=strict_part + tied_part,
    because="(i, j) and (j, i) are one question",
    number="4.5",
)

# %% [markdown]
# ## The model
#
# There is no network in this lesson: the model of a body is its list of depths, 14 numbers, and they are free. What a network adds in [lesson 14](14_ordinal_depth.ipynb) is that one function has to give the depths of *all* pictures. What the labels can say at best is seen here, without it.
#
# | item | paper | official files or ports | here |
# | --- | --- | --- | --- |
# | sign of a relation | $+1$: i is closer | the files hold $-1$ there | the paper's; `order_from_dataset` turns the files' |
# | pairs | each counted once | one port sums over $i < j$ | each once |
# | ties | below 100 mm | annotators' own "ambiguous" (files) | below 100 mm; 0, 50, 100 and 200 mm in *Measure* |
# | unit of depth | not stated | a voxel in one port; a tenth of one, it seems, in the released network | whatever the answers give |
# | annotators | about 17 questions a picture, until an order follows | only the result is published | random pairs, a chain, or a search by halves |
#
# The bodies are people of the world of [lesson 05](05_worlds.ipynb), seen by a camera 4 to 6 m away. Their comparisons are asked of the true depths.
#
# ## Predict, then train
#
# Convex, smooth, a Hessian that can be written down, 14 numbers: that is a case for Newton's method rather than for a stochastic gradient. One step, for all bodies at once. The weak pull of every depth to 0 holds what the comparisons leave open, (4.14) and (4.17): free shifts, and parts that would drift apart across a gap. Where the answers settle the depths it is too weak to be seen:

# %% tags=["nbval-ignore-output"]
from course_lib.experiments.ranking_recovery import judge, newton_step
from course_lib.teaching import show_code

show_code(newton_step)

# %% [markdown]
# **Predict first.** For each body 17 random pairs out of the 91 are asked, chosen so that they connect all joints; the paper's annotators were asked about as many on average. The answers are right. Will the *other* pairs come out in the right order, too? All of them, most, or half? And how much do all 91 pairs, each strict answer wrong with probability 1/5 and ties never, get right: more or less than four in five?

# %% tags=["nbval-ignore-output"]
gen = generator(seed)
bodies = drawn_bodies(cfg.bodies, gen)
truth = depths_of(bodies)
order = order_from_depth(truth, THRESHOLD)
cases = {
    "17 random pairs that connect all joints": ask(truth, "connected", gen, count=17),
    "all 91 pairs, a fifth wrong": ask(truth, "all", gen, noise=0.2),
    "the same without its ties": ask(truth, "all", gen, noise=0.2).without_ties(),
    "all 91 pairs": ask(truth, "all", gen),
}
found, histories = {}, {}
for name, asked in cases.items():
    depth, histories[name] = torch.zeros_like(truth), []
    for _ in range(cfg.steps):
        histories[name].append(float(pair_ranking_loss(depth, asked.first, asked.second, asked.relation).mean()))
        depth = newton_step(depth, asked)
    found[name] = depth
    measured = judge(depth, truth, order)
    print(f"{name}: {100 * measured['accuracy']:.0f} % of all ordered pairs right, rank correlation {measured['spearman']:.2f}")
    assert all(b <= a + 1e-4 for a, b in zip(histories[name], histories[name][1:], strict=False)), "no step should climb"

# %% [markdown]
# Most, as the first line printed says, since an order is worth more than its parts: who is closer than someone closer is closer. And the noisy case beats its own answers, of which four in five are right: a wrong one is contradicted by the many that pass through other joints. That is the
# consensus of (4.19), at work between *different* questions. Ties are never wrong here, and they help; the third line has done without them, and still beats its answers. (Errors here do not care how far apart two joints are. Real ones cluster where the gap is small.)
#
# The figure shows the loss at each Newton step. Wrong answers leave a floor that no depths can get below; right ones leave only what ties and the finite scale cost.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Mean loss a body over Newton steps for four sets of comparisons: all fall within a few steps; the two noisy ones stay on a floor far above the others."}}
figure, axes = plots.figure_axes(height=2.8)
looks = (("blue", "-"), ("red", ":"), ("orange", "-."), ("green", "--"))
for (name, history), (colour, style) in zip(histories.items(), looks, strict=True):
    plots.curve(axes, range(len(history)), history, label=name, colour=colour, style=style)
axes.set_yscale("log")
axes.set_xlim(0, min(12, cfg.steps - 1))
axes.set_ylim(top=30_000)
axes.legend(loc="upper right", fontsize=9.5)
plots.finding(axes, "A handful of steps; wrong answers leave a floor", x="Newton step", y="loss a body, nats (log scale)")

# %% [markdown]
# Now the learning curves, from a tree of 13 comparisons to all of them, for four rates of wrong answers. Yours are drawn from one set of bodies; the recorded ones, with bands, stand at the top.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Share of pairs in the right order over the number of comparisons, from this run: four rising curves, the more wrong answers the lower."}}
from course_lib.experiments.ranking import NOISE_STYLES
from course_lib.experiments.ranking_bodies import COUNTS, NOISES, measure

rows = {noise: [measure(truth, "connected", seed, cfg, count=count, noise=noise) for count in COUNTS[1:]] for noise in NOISES}
figure, axes = plots.figure_axes(height=3.2)
for noise, row in rows.items():
    colour, style, marker = NOISE_STYLES[f"{noise:g}"]
    shares = [one["accuracy"] for one in row]
    axes.plot(COUNTS[1:], shares, style, marker=marker, markersize=4.5, color=plots.COLOURS[colour], label=f"{100 * noise:g} % wrong" if noise else "no answer wrong")
axes.set_xscale("log")
axes.set_xticks(COUNTS[1:], [str(count) for count in COUNTS[1:]])
axes.minorticks_off()
axes.legend(loc="lower right", fontsize=9.5)
plots.finding(axes, "Wrong answers cost questions", x="comparisons asked, of 91", y="pairs in the right order")
if profile != "smoke":
    assert rows[0.0][1]["accuracy"] > 0.85, "17 right answers should order most pairs"
    assert rows[0.2][-1]["accuracy"] > 0.9, "all pairs together should out-vote a fifth of wrong answers"

# %% [markdown]
# ## Look again
#
# ### Watch a body unfold
#
# The player asks one comparison after the other about one body. Left is the picture with the last question; right the body from its side, which nobody sees: the true one in grey, the recovered one in colour, its unit fitted to metres.

# %% tags=["hide-input", "nbval-ignore-output"]
from course_lib.experiments.ranking_pictures import recovery_frames
from course_lib.teaching import Player

walkers = drawn_bodies(12, generator(3))
deepest = walkers[int(depths_of(walkers).std(1).argmax())]
questions = ask(depths_of(deepest[None]), "connected", generator(1))
moments = (0, 5, 13, 91) if profile == "smoke" else (0, 1, 2, 3, 5, 7, 9, 11, 13, 15, 17, 20, 25, 32, 40, 60, 91)
frames, labels = recovery_frames(deepest, questions, moments)
Player(
    frames,
    labels,
    title="Comparison by comparison the body unfolds",
    alt="Left a skeleton in the picture plane with two marked joints, right the same skeleton from its side; the coloured one, flat at first, comes to lie on the grey true one.",
    pause=900,
)

# %% [markdown]
# Look at what is right and what is not. The labels count the right pairs. They do not rise with every answer: watch for a step at which a right answer makes the whole *worse*, a tie whose spring pulls the neighbours of its two joints along. This is one body; others need fewer questions, and some more. The *distances* never come out: joints that were called ties with one another collapse onto common planes, and the gaps between planes are what the logarithms make of them. Ordinal labels give ordinal depth; turning that
# into metres is the business of [lesson 15](15_ordinal_reconstruction.ipynb), which knows how long bones are.
#
# ### The same body with the files' sign
#
# Now the same questions with the published sign. The picture, on the left, cannot tell the difference (for parallel rays). The body from its side, on the right, is turned inside out:

# %% tags=["hide-input", "nbval-ignore-output"]
from course_lib.experiments.ranking_pictures import frame
from course_lib.experiments.ranking_recovery import in_metres

own = depths_of(deepest[None])
everything_asked = ask(own, "all", generator(1))
turned_round = recover(everything_asked.reversed(), 14)
unit = float((recover(everything_asked, 14) * own).sum() / recover(everything_asked, 14).square().sum())
mirror_words = ("the right sign", "the sign of the files")
mirror_frames = [frame(deepest, depth[0], (), 0.0, words) for depth, words in zip((in_metres(recover(everything_asked, 14), own), turned_round * unit), mirror_words, strict=True)]
Player(
    mirror_frames,
    ["r = -ord: the recovered body lies on the true one", "r = ord: front and back are exchanged, and the picture is the same"],
    title="The wrong sign learns the mirror image",
    alt="Left the same skeleton twice; right from the side, first a coloured body on the grey one, then the coloured body mirrored front to back.",
    pause=1500,
)

# %% [markdown]
# Measured on five times 400 bodies, *no* strict pair is in its order with the wrong sign, as (4.8) says. A loss curve does not show this: by (4.8) it is the *same* curve for free depths, and for a network the same over many beginnings. What shows it is ordinal accuracy against labels whose sign you are sure of, or a look from the side.
#
# ## Measure
#
# Every claim was measured with five seeds, none left out, and each seed draws 400 new bodies. The lines below give means; the table at the end of this section has the bands, too, and what each claim is compared with.

# %% tags=["hide-input"]
def in_short(**words):
    """A line for each claim: its mean, and that of what it is compared with."""
    for claim_id, what in words.items():
        claim = this.claim(claim_id)
        if claim is None:
            print(f"{what}: not measured here: make results LESSON=04_rank_losses")
            continue
        against = f" ({claim['baseline']['name']}: {claim['baseline']['mean']:.4g})" if claim["baseline"] else ""
        print(f"{what}: {claim['ours']['mean']:.4g}{against}")


# %% [markdown]
# ### How many comparisons, and which
#
# Seventeen comparisons that connect all joints, of 91, are held against what follows from the same answers without any depths, by "closer than someone closer" and a coin for the rest. Then the same on people who were measured, not drawn. The rank correlation says less: it also judges the order *within* ties, of which no answer speaks. It is held against 17 pairs drawn without the care to connect all joints.

# %% tags=["nbval-ignore-output", "hide-input"]
in_short(
    comparisons_to_depth="pairs in order",
    mocap_comparisons_to_depth="pairs in order, measured people",
    spearman_from_comparisons="rank correlation",
)

# %% [markdown]
# Does it matter which pairs are asked? The bars compare ways to spend comparisons, from the recorded runs: random pairs, pairs that connect all joints, and a search by halves, which puts one joint after the other into its place among those already sorted, asking about the middle one first, so that each answer decides the next question. How many it asks on average stands at its bar.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Horizontal bars of the share of pairs in the right order for eight ways to ask. The chain of neighbours with ties is at about one half; random pairs and connected pairs rise with their number; the search by halves and the chain without ties are the highest."}}
runs = [run["extra"] for run in this.runs("comparisons_to_depth")]
if not runs:
    print("not measured here: make results LESSON=04_rank_losses")
else:
    ways = {
        "chain of neighbours, 13": [run["others"]["chain"]["accuracy"] for run in runs],
        "9 random": [run["others"]["random 9"]["accuracy"] for run in runs],
        "13 connected": [run["connected"]["0"][0]["accuracy"] for run in runs],
        "17 random": [run["others"]["random 17"]["accuracy"] for run in runs],
        "17 connected": [run["connected"]["0"][1]["accuracy"] for run in runs],
        "25 connected": [run["connected"]["0"][2]["accuracy"] for run in runs],
        f"search by halves, {np.mean([run['others']['sorting']['asked'] for run in runs]):.0f}": [run["others"]["sorting"]["accuracy"] for run in runs],
        "chain, no ties allowed, 13": [run["others"]["chain without ties"]["accuracy"] for run in runs],
    }
    figure, axes = plots.figure_axes(height=3.4)
    for place, (name, shares) in enumerate(ways.items()):
        colour = "red" if "neighbours" in name else "green" if "halves" in name else "blue" if "connected" in name else "sky"
        colour = "grey" if "no ties" in name else colour
        axes.barh(place, np.mean(shares), color=plots.COLOURS[colour], height=0.7)
        axes.plot([min(shares), max(shares)], [place, place], color="black", linewidth=1.5)
        axes.text(np.mean(shares) - 0.01, place, f"{np.mean(shares):.2f}", ha="right", va="center", color="white", fontsize=9, fontweight="bold")
    axes.set_yticks(range(len(ways)), list(ways))
    axes.invert_yaxis()
    axes.set_xlim(0, 1.02)
    axes.grid(False, axis="y")
    plots.finding(axes, "Number counts more than choice, unless ties spoil the chain", x="pairs in the right order")
    print("groups that 17 random pairs leave, on average:", round(float(np.mean([run["others"]["random 17"]["groups"] for run in runs])), 2))
    for way in ("chain", "tree"):
        share = np.mean([run["others"][f"{way} without ties, 0.2"]["accuracy"] for run in runs])
        print(f"13 comparisons, no ties allowed, a fifth wrong, {way}: {share:.2f}")

# %% [markdown]
# Being connected gains little at 17, since 17 random pairs leave few groups anyway. Asking cleverly gains something over asking as many at random. With wrong answers the chain is no better and no worse than a random tree by much. But one way of asking fails.
#
# ### A chain of ties
#
# The chain of neighbours in depth would be the best of all questions, if nobody could say "about as far": it settles the whole order in 13, if somebody who knows the order picks them. With a threshold of 100 mm nearly every neighbour *is* about as far, and the springs of the ties pull the body flat:

# %% tags=["nbval-ignore-output", "hide-input"]
in_short(chain_of_ties="pairs in order, from the chain with ties")

# %% [markdown]
# Ties are not transitive, and a loss that adds up squares does not know that. Whoever collects comparisons should ask about pairs that are *far apart* as well.
#
# ### Wrong answers
#
# All 91 pairs are asked, and each strict answer is wrong with probability 1/5. Ties are left out at first, since ours are never wrong and would help for free; then they are answered; then no tie is allowed at all:

# %% tags=["nbval-ignore-output", "hide-input"]
in_short(consensus_beats_noise="pairs in order, ties left out")
runs = [run["extra"] for run in this.runs("comparisons_to_depth")]
if runs:
    print(f"ties answered, never wrong: {np.mean([run['connected']['0.2'][-1]['accuracy'] for run in runs]):.3f}")
    print(f"no ties allowed: {np.mean([run['others']['all, 0.2, no ties allowed']['accuracy'] for run in runs]):.3f}")

# %% [markdown]
# ### Where the scale comes from
#
# Are free depths held? Recover them twice, the second time with a hundredth of the pull to 0, and see how many times as wide they have become: in bodies in which ties bridge every gap, with the ties and without them; and in the other bodies, with all their ties.

# %% tags=["nbval-ignore-output", "hide-input"]
in_short(finite_scale_from_ties="times as wide, ties bridge every gap")
runs = [run["extra"] for run in this.runs("finite_scale_from_ties")]
if runs:
    print(f"bodies with a gap: {100 * np.mean([run['share_with_a_gap'] for run in runs]):.1f} %; they become {np.mean([run['growth_with_a_gap'] for run in runs]):.2f} times as wide")
    print(f"one factor on the true depths, all bodies: the loss is least at {np.mean([run['best_factor'] for run in runs]):.1f} a metre")

# %% [markdown]
# A tie is a statement in metres: nearer than 100 mm. So is a strict answer, at least 100 mm, but the softplus does not use it. The figure has both effects of the threshold: above, the scale of the recovered depths, which falls as more pairs become ties; below, how far the depths are from the truth
# after one scale for all bodies. Pale bars have a hundredth of the pull to 0. These depths are *free*: tied joints can collapse onto one another and the rest spreads further, so that the scale is larger than the best factor on the *true* depths above.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Two panels over the tie threshold, 0 to 200 mm. Above, the scale falls steeply as the threshold rises; with a weaker pull it is about twice as large at 0 and 50 mm, and little larger at 200 mm. Below, the error is least at 50 mm and largest at 200 mm."}}
table_of = [run["extra"]["rows"] for run in this.runs("scale_by_threshold")]
if not table_of:
    print("not measured here: make results LESSON=04_rank_losses")
else:
    levels = [f"{1000 * row['threshold']:.0f}" for row in table_of[0] if row["ridge"] == table_of[0][0]["ridge"]]
    ridges = sorted({row["ridge"] for row in table_of[0]}, reverse=True)[:2]
    figure, (above, below) = plots.figure_axes(columns=2, height=2.4)
    for axes, key, colour in ((above, "scale", "blue"), (below, "error_mm", "orange")):
        for side, ridge in enumerate(ridges):
            numbers = np.array([[row[key] for row in rows_ if row["ridge"] == ridge] for rows_ in table_of])
            where, label = np.arange(len(levels)) + 0.38 * side - 0.19, ("the pull of this lesson", "a hundredth of it")[side]
            axes.bar(where, numbers.mean(0), color=plots.COLOURS[colour], width=0.36, alpha=(1.0, 0.45)[side], label=label)
            axes.errorbar(where, numbers.mean(0), [numbers.mean(0) - numbers.min(0), numbers.max(0) - numbers.mean(0)], fmt="none", color="black", capsize=2)
        axes.set_xticks(range(len(levels)), levels)
        axes.grid(False, axis="x")
    above.legend(loc="upper right", fontsize=9)
    plots.finding(above, "More ties, smaller depths", y="units a metre")
    plots.finding(below, "Some ties help the shape, many flatten it", x="ties below, mm", y="error, mm")

# %% tags=["nbval-ignore-output", "hide-input"]
in_short(
    scale_by_threshold="units a metre, ties below 200 mm",
    ties_give_shape="error in mm, ties below 50 mm",
    smaller_ties_give_more_shape="the same",
)

# %% [markdown]
# At 0 mm the scale is not set by the answers at all, but by the weak pull to 0 that we added: weaken it, and the bar grows without limit. At 50 and 100 mm it is set by it in part: weaken it a hundredfold and these bars grow too. What is best for the *shape* is a threshold below the paper's, and even without ties the error is below that at 100 mm.
#
# ### All claims
#
# Two of the rows are *checks* of the code: (4.11) and (4.8) say what must come out where all depths of a body move, and where the sign is that of the files.

# %% tags=["nbval-ignore-output"]
this.results_table()

# %% [markdown]
# ### Failure gallery
#
# **Depths that never stop growing.** Gradient descent on a consistent body without ties. **Predict with (4.14)**: does the spread of the depths settle? And that of the same body with its ties? The body is one of those whose ties bridge every gap.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Spread of the depths over steps of gradient descent on a logarithmic axis: with ties it levels off, without ties it keeps growing in a straight line."}}
many = depths_of(drawn_bodies(40, generator(3)))
one_body = many[~has_gap(many)][:1]  # ties bridge every gap: finite best depths exist
complete = order_from_depth(one_body, THRESHOLD)
spreads = {}
for name, relations_ in (("with ties", complete), ("ties left out", complete.masked_fill(complete == 0, torch.nan))):
    depth = torch.zeros_like(one_body, requires_grad=True)
    opt, spreads[name] = torch.optim.SGD([depth], lr=0.02), []
    for _ in range(300 if profile == "smoke" else 3000):
        loss = ranking_loss(depth, relations_).sum()
        opt.zero_grad()
        loss.backward()
        opt.step()
        spreads[name].append(float(depth.detach().std()))
figure, axes = plots.figure_axes(height=2.8)
plots.curve(axes, range(1, len(spreads["with ties"]) + 1), spreads["with ties"], label="with ties")
plots.curve(axes, range(1, len(spreads["ties left out"]) + 1), spreads["ties left out"], label="ties left out", colour="orange", style="--")
axes.set_xscale("log")
axes.legend(loc="upper left")
plots.finding(axes, "Without ties the depths grow for ever", x="step (log scale)", y="spread of the depths")
if profile != "smoke":
    assert spreads["ties left out"][-1] > 1.1 * spreads["ties left out"][999], "without ties the spread should still grow"
    assert spreads["with ties"][-1] < 1.01 * spreads["with ties"][999], "with ties it should have settled"

# %% [markdown]
# Without ties the loss looks better at every step, and the depths grow like a logarithm of the steps. With ties this body is done early. A body with a gap would not be: it grows, ties or not.
#
# Diagnosis: print the spread of the predicted depths beside the loss. If it grows while the ordinal accuracy stands still, nothing holds the scale: ask for ties across the gap, add a weak pull to 0, or stop.
#
# **Islands.** Upper body and lower body are each compared within themselves, and nobody asked across. By (4.17) two shifts are free, and the loss is as low as it can be wherever the legs float. Both bodies below have the same loss, to rounding:

# %%
upper = torch.tensor([joint in range(6, 14) for joint in range(14)])
apart = order_from_depth(own, THRESHOLD).masked_fill(upper[:, None] != upper[None, :], torch.nan)
whole_body = 10 * own
floating = whole_body + 3.0 * upper
print("loss of both:", torch.allclose(ranking_loss(whole_body, apart), ranking_loss(floating, apart)))
print("largest difference of a depth:", float((whole_body - floating).abs().max()))

# %% [markdown]
# Diagnosis: count the groups, as in exercise 5, before you blame the network. The cure is a comparison across; a strict one removes the free shift but leaves the distance growing, a tie settles it.

# %% [markdown]
# ## Exercises
#
# Five functions, each a few lines. `check` compares yours with an answer found by another route, and tells you what kind of mistake it sees; `hint` has three steps.

# %% [markdown]
# ### Exercise 04.1: the rank loss of a body
#
# You are given `depth` of the shape `(b, n)` and `order` of the shape `(b, n, n)`: +1 where joint i is closer, -1 where j is, 0 for ties, NaN where nobody said; the lower half is the upper one with its sign turned. Return the loss (4.5) of each body, `(b,)`. The check also tries depths of several hundred, and takes the gradient of your answer where relations are NaN.

# %%
import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.teaching import check, hint


def rank_loss(depth: Tensor, order: Tensor) -> Tensor:
    raise NotImplementedError  # your turn: replace this line


# %%
check("04.1", rank_loss)

# %% [markdown]
# Stuck? `step=1` is a nudge, `step=2` the formula, `step=3` the outline of the code.

# %%
hint("04.1", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def rank_loss_solution(depth: Tensor, order: Tensor) -> Tensor:
    i, j = torch.triu_indices(depth.shape[1], depth.shape[1], 1)  # each pair once
    gap, said = depth[:, i] - depth[:, j], order[:, i, j]
    r = said.nan_to_num()  # before any arithmetic
    terms = torch.where(r == 0, gap**2, F.softplus(r * gap))
    return torch.where(said.isnan(), 0.0, terms).sum(1)


check("04.1", rank_loss_solution)

# %% [markdown]
# ### Exercise 04.2: relations from depths
#
# You are given `depth`, the true depths of n joints in metres, and a `threshold` in metres. Return the matrix of relations, `(n, n)`: +1 where the joint of the row is closer, -1 where that of the column is, 0 where the two are nearer than the threshold or equal, and so on the diagonal.

# %%
def relations(depth: Tensor, threshold: float) -> Tensor:
    raise NotImplementedError  # your turn: replace this line


# %%
check("04.2", relations)

# %%
hint("04.2", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def relations_solution(depth: Tensor, threshold: float) -> Tensor:
    gap = depth[None, :] - depth[:, None]  # Z_j - Z_i: positive where i is closer
    return torch.where(gap.abs() < threshold, 0.0, gap.sign())


check("04.2", relations_solution)

# %% [markdown]
# ### Exercise 04.3: spot the bugs in a port
#
# These lines were put together from what ports of this loss have got wrong. `said` is read from the published file, `first` and `second` list the joints of its pairs:
#
# ```python
# gap = depth.gather(1, first) - depth.gather(1, second)
# strict = torch.log(1 + torch.exp(said * gap)) * (said != 0)
# tied = gap ** 2 * (said == 0)
# loss = ((strict + tied) * ~said.isnan()).sum(1)
# ```
#
# They run, and on most batches they even return a number. There are three bugs. **Predict first** which of them you would notice in training, and which only in the results. Then write the loss: `depth` has the shape `(b, n)`, the three lists `(b, p)`; return `(b,)`.

# %%
def list_loss(depth: Tensor, first: Tensor, second: Tensor, said: Tensor) -> Tensor:
    raise NotImplementedError  # your turn: replace this line


# %%
check("04.3", list_loss)

# %%
hint("04.3", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def list_loss_solution(depth: Tensor, first: Tensor, second: Tensor, said: Tensor) -> Tensor:
    gap = depth.gather(1, first) - depth.gather(1, second)
    # NaN shows at the first picture with a gap; overflow late, once depths are large; the sign never, only from the side.
    r = -said.nan_to_num()  # the file says -1 where i is closer
    terms = torch.where(r == 0, gap**2, F.softplus(r * gap))
    return torch.where(said.isnan(), 0.0, terms).sum(1)


check("04.3", list_loss_solution)

# %% [markdown]
# ### Exercise 04.4: what the comparisons pull at each joint
#
# You are given `depth` of the shape `(n,)` and `order` of the shape `(n, n)`, as in 04.1. Return the derivative of the loss by each depth, `(n,)`, without automatic differentiation.

# %%
def pulls(depth: Tensor, order: Tensor) -> Tensor:
    raise NotImplementedError  # your turn: replace this line


# %%
check("04.4", pulls)

# %%
hint("04.4", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def pulls_solution(depth: Tensor, order: Tensor) -> Tensor:
    gap, r = depth[:, None] - depth[None, :], order.nan_to_num()
    each = torch.where(r == 0, 2 * gap, r * torch.sigmoid(r * gap))  # row i: every comparison of joint i
    return torch.where(order.isnan(), 0.0, each).sum(1)


check("04.4", pulls_solution)

# %% [markdown]
# ### Exercise 04.5: how many numbers the comparisons leave open
#
# You are given the `order` of one body, `(n, n)`, with NaN wherever nobody was asked. In how many independent directions can the depths move without changing the loss? Return one number.

# %%
def free_directions(order: Tensor) -> Tensor:
    raise NotImplementedError  # your turn: replace this line


# %%
check("04.5", free_directions)

# %%
hint("04.5", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def free_directions_solution(order: Tensor) -> Tensor:
    links = (~order.isnan()).double().fill_diagonal_(0)
    laplacian = torch.diag(links.sum(1)) - links
    return len(order) - torch.linalg.matrix_rank(laplacian)  # one for each connected group


check("04.5", free_directions_solution)

# %% [markdown]
# ## Remember
#
# 1. A rank loss is logistic regression on differences: Gumbel noise in the judge's eye makes the softplus, and its width is the unit of $z$. The square for ties is a choice, and a stiff one.
# 2. Each question counts once, NaN goes before any arithmetic, and $r = -\mathrm{ord}$: the wrong sign learns the mirror image with the same loss curve.
# 3. Every connected group of joints has a free shift. The common factor is not free: strict pairs push it up, ties hold it. The depths themselves have a finite best only where ties or contradictions close every gap; elsewhere a weak pull must.
# 4. Several votes on one pair are met by their share, at a margin of $\log\frac{1 - \varrho}{\varrho}$; many noisy answers to different questions order more pairs than they have right.
# 5. A few comparisons order most pairs; a chain with ties orders half of them, since "about as far" is not transitive.
#
# **Further reading.** Bradley and Terry, *Rank Analysis of Incomplete Block Designs* (1952); Luce, *Individual Choice Behavior* (1959), and Plackett, *The Analysis of Permutations* (1975); Davidson, *On Extending the Bradley-Terry Model to Accommodate
# Ties* (1970); Burges and others, *Learning to Rank using Gradient Descent* (2005), which is RankNet; Hunter, *MM Algorithms for Generalized Bradley-Terry Models* (2004), and before him Ford, *Solution of a Ranking Problem from Binary Comparisons* (1957), on when a best solution exists; Rao and Kupper, *Ties in Paired-Comparison Experiments* (1967); Soudry and others, *The Implicit Bias of Gradient Descent on Separable Data* (2018), and Rosset, Zhu and Hastie, *Margin Maximizing Loss Functions* (2004); Chen and others, *Single-Image Depth Perception in the Wild* (2016), where the three cases come from; Pavlakos, Zhou
# and Daniilidis, *Ordinal Depth Supervision for 3D Human Pose Estimation* (2018), for bodies.
