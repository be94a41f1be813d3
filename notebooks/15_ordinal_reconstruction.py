# ---
# jupyter:
#   course:
#     symbols: [body, body_guess, flat_joints, pixel, depth, bone_length, bone_seen, bone_order, bodies_left, bones_number, depth_spread, read_noise, kept_share, trust, aligned_error, expectation, variance, rotation, bin_index]
#     minutes: {"Set-up": 1, "Look first": 3, "Derive": 16, "From formula to code": 3, "The model": 4, "Predict, then train": 5, "Look again": 5, "Measure": 9, "Exercises": 12}
#     requires: ["14"]
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
# # Reconstruction from ordinal depth
#
# The network of [lesson 14](14_ordinal_depth.ipynb) looks at a picture and says where each joint is, and roughly how deep: which of two joints is closer, with depths that are good for little
# more. Nobody can fit a shoe to that. This lesson turns it into a body in metres, with a small network that never sees a picture. It learns from motion capture alone what bodies
# look like, and [the paper](https://arxiv.org/abs/1805.04095) calls it the *reconstruction component*.
#
# At the end you can
#
# - say why a picture leaves a body open, how many bodies fit it, and how many a few comparisons leave;
# - explain why a lifter trained on squared errors answers with bodies that nobody can have, and what an order changes;
# - choose the noise to train with, though the paper does not tell it;
# - train the component, and put the whole pipeline together: picture, network, component, metres;
# - judge a reported error: which alignment, which unit, which joints, which trap.
#
# You need: expected depths and order matrices from [lesson 14](14_ordinal_depth.ipynb), cameras from [lesson 05](05_worlds.ipynb), and PyTorch.

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
data_root: str = os.environ.get("COURSE_DATA_ROOT", "")  # folder of real data; empty: the rendered people alone
out_dir: str = ""  # folder of the run; empty: runs/<lesson>/<profile>-<seed>/

# %% tags=["nbval-ignore-output"]
from course_lib.teaching import lesson

this = lesson.start("15_ordinal_reconstruction", profile=profile, seed=seed, data_root=data_root, out_dir=out_dir)
this.cost_box()

# %% [markdown]
# Here is where it arrives. Above, five people of the wild rendered world, whom no network has seen before, with the joints that a small image network reads off a crop of 64 pixels: left limbs
# solid blue, right limbs dashed orange. In the middle the reconstructed bodies before the true ones (dotted grey), below the same from their side, where no picture was taken. Most come out as they are, from
# sixty-four pixels. Look at the one seen from behind that has lost its width: where the image network cannot tell a back from a front, it answers between left and right. Why a mean is the answer, and why it is no body, is a theme of this lesson.

# %% tags=["nbval-ignore-output"]
this.figure(
    "15_ordinal_reconstruction.webp",
    alt="Three rows of five. Above, drawn people with a skeleton over each. In the middle, skeletons seen from the front, most of them close to the dotted grey true ones; that of a person seen from behind is as narrow as a line. Below, the same from the side, where some limbs deviate by a hand's breadth.",
)

# %% [markdown]
# ## Look first
#
# One picture, two bodies. The joints on the left are a person's; both bodies beside it, seen from the side, have *exactly* these joints in the picture of a camera far away, and bones of exactly the same lengths. **Decide before you read on**, by the joints alone: which of
# the two is it? Are both possible?

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Left, a drawn person with a skeleton. Middle and right, two skeletons seen from the side: in one an arm reaches forward and in the other the same arm reaches back, and one knee bends the other way."}}
import math

import numpy as np
import torch

from course_lib.experiments.reconstruction_figures import body_axes, draw_bones, turned
from course_lib.geometry import H36M_17, H36M_17_LEFT, convert
from course_lib.teaching import plots
from course_lib.training import generator
from course_lib.worlds import people

one = people.sample_factors(1, generator=generator(21), activities=("running",)).replace(heading=0.35)
side = 64 if profile == "smoke" else 224
photo = people.render(one, size=side, compiled=False)
true_body = convert(photo.joints_3d - photo.joints_3d[:, :1], H36M_17, H36M_17_LEFT)[0]


def folded(body, joints):
    """The body with the bones that end in these joints turned over towards or away from the camera."""
    out = torch.zeros_like(body)
    for parent, child in H36M_17_LEFT.bones:
        step = body[child] - body[parent]
        out[child] = out[parent] + step * (step.new_tensor([1, 1, -1]) if H36M_17_LEFT.joints[child] in joints else 1)
    return out


other_body = folded(true_body, ("left_elbow", "left_wrist", "right_elbow", "right_wrist", "left_ankle", "right_ankle"))
assert torch.allclose(other_body[:, :2], true_body[:, :2], atol=1e-6)
figure, cells = plots.plt.subplots(1, 3, figsize=(plots.WIDTH, 2.3))
cells[0].imshow(photo.images[0].permute(1, 2, 0).numpy())
draw_bones(cells[0], convert(photo.joints_2d, H36M_17, H36M_17_LEFT)[0])
cells[0].axis("off")
for cell, body, name in ((cells[1], true_body, "A"), (cells[2], other_body, "B")):
    draw_bones(cell, turned(body, math.pi / 2)[:, :2])
    body_axes(cell)
    cell.set_title(name)
_ = figure.suptitle("One picture, two bodies from the side", fontweight="bold", fontsize=11)

# %% [markdown]
# It is A. The joints alone cannot tell. You may have used knowledge: knees do not bend that way. A lifter trained on bodies uses it, too. For the arms nothing but a comparison decides: *is the wrist closer than the elbow?*
#
# ## Derive
#
# ### What a picture leaves open
#
# A body $\mathbf{S}$ is the positions of its joints relative to the root, in metres, in the camera's frame: x right, y down, z away. The component sees of the picture only the joints $\mathbf{u}_n$, without place and size:

# %%
from course_lib.teaching import Definition, Derivation, Term
from course_lib.teaching.lifting import FoldedBody, Lifting, NoisyReading, TwoBodies, example_body

Definition(r"\mathbf{V}_n = \frac{\mathbf{u}_n - \mathbf{u}_0}{\max_m \Vert\mathbf{u}_m - \mathbf{u}_0\Vert_\infty}", "15.1")

# %% [markdown]
# with *one* divisor for x and y, the largest absolute coordinate of all joints. Square pixels and metres on a sensor give the same $\mathbf{V}$, and voxels do up to rounding; so do a tall person far away and a small one near by.
#
# Suppose for a moment that size is known, that the camera is far away, and that the length $L_b$ of every bone is known. The bone shows with a length $l_b$ in the picture, and Pythagoras gives its depth up to a sign. The sign is an
# *order*: $r_b = +1$ says that the bone's parent is closer to the camera than its child, exactly the relation of [lesson 04](04_rank_losses.ipynb). Joint by joint the signs add up to all depths. The lines are checked on random trees of five bones:

# %%
depths = Term("Z", lambda m: m.depths, name="depths")
by_signs = Term(r"\sum_{b\,\text{on the way}} r_b \sqrt{L_b^2 - l_b^2}", lambda m: m.unfolded(), name="by-signs")

unfold = Derivation("unfold", title="Lengths and signs give all depths", draw=FoldedBody.draw, example=example_body())
unfold.line(depths)
unfold.line(by_signs, "=", reason="Pythagoras for every bone from the root to the joint", number="15.2")
unfold.show()
unfold.assert_mutants_caught()

# %% [markdown]
# Read it the other way round: without the signs *every* choice of signs is a body with these lengths and this picture. How many are there, and how many does each comparison leave? Enumerate them and count. $n_B$ is the number of bones; the example has five. $\mathcal{A}$ is
# the number of bodies that agree with all that is known: at first the lengths and the picture, then also the order of the two ends of three bones:

# %%
bodies = Term(r"\mathcal{A}", lambda m: m.candidates(), name="bodies")
doubled = Term(r"2^{n_B}", lambda m: 2 ** len(m.parents), name="doubled")
bodies_told = Term(r"\mathcal{A}\;\text{after the order of 3 bones}", lambda m: m.left_by_bones(3), name="bodies-told")
halved = Term(r"2^{n_B - 3}", lambda m: 2 ** (len(m.parents) - 3), name="halved")

count = Derivation("count", title="A picture leaves one bit a bone; a comparison takes it", draw=FoldedBody.draw, example=example_body())
count.line(bodies)
count.line(doubled, "=", reason="each bone comes forward or goes back", number="15.3")
count.line(bodies_told)
count.line(halved, "=", reason="the order of its ends is the bone's sign", number="15.4")
count.show()
count.assert_mutants_caught()
print(f"16 bones: {2**16:,} bodies for one picture; the order of each bone's two ends leaves one")

# %% [markdown]
# That is the strength of ordinal depth in one line: *sixteen answers of the kind that people give in seconds are worth sixteen depths in metres*, provided that the lengths and the scale are known, that the rays are parallel, and that none of the sixteen is a tie.
#
# Ties are many. A bone less than 100 mm deep is answered "about as far", which both of its foldings are: it gets no sign, and each tie doubles the number of bodies that are left. Count them on rendered people:

# %%
from course_lib.experiments.reconstruction_runs import people_views

drawn = people_views(500, 50).poses
parents, children = (list(ends) for ends in zip(*H36M_17_LEFT.bones, strict=True))
bone_depths = (drawn[:, children] - drawn[:, parents])[..., 2].abs()
tied = bone_depths < 0.1
ties = int(tied.sum(1).median())
print(f"bones that are ties at 100 mm: {float(tied.sum(1).float().mean()):.1f} of {len(parents)} on average")
print(f"median person: {ties} ties, so that {2**ties:,} bodies are left of {2 ** len(parents):,}")
print(f"mean depth of a tied bone: {1000 * float(bone_depths[tied].mean()):.0f} mm")

# %% [markdown]
# The bodies that are left differ by small turns: a tied bone folded the wrong way is wrong by twice its depth, less than 200 mm. (The order of joints farther apart in the tree takes some of them away.) But a tied bone is also the one whose depth the lengths tell worst, since it lies nearly in the plane of the picture. Nor are lengths known, quite. A component that has seen many
# bodies knows them roughly; that is what it is trained for.
#
# ### The mean of two bodies is no body
#
# A lifter that sees the picture alone must answer with one body. Which one? It was trained on squared distances, so its best answer is the conditional mean. The next lines are checked on random tables of three pictures, two orders, and four possible bodies for each pair of
# them; $\hat{\mathbf{S}}(\mathbf{V})$ is any lifter at all, and variances are summed over all coordinates.

# %%
error_of_lifter = Term(r"\mathbb{E}\Vert\mathbf{S} - \hat{\mathbf{S}}(\mathbf{V})\Vert^2", lambda m: m.error_of_guess, name="error")
open_after_picture = Term(r"\mathbb{E}\,\mathrm{Var}(\mathbf{S} \mid \mathbf{V})", lambda m: m.spread_u, name="open-after-picture")
missed = Term(r"\mathbb{E}\Vert\mathbb{E}[\mathbf{S} \mid \mathbf{V}] - \hat{\mathbf{S}}(\mathbf{V})\Vert^2", lambda m: m.missed, name="missed")
open_after_order = Term(r"\mathbb{E}\,\mathrm{Var}(\mathbf{S} \mid \mathbf{V}, r)", lambda m: m.spread_ur, name="open-after-order")
told = Term(
    r"\mathbb{E}\Vert\mathbb{E}[\mathbf{S} \mid \mathbf{V}, r] - \mathbb{E}[\mathbf{S} \mid \mathbf{V}]\Vert^2",
    lambda m: m.told_by_order,
    name="told-by-order",
)

lifter = Derivation("lifter", title="The best lifter, and what an order is worth to it", draw=Lifting.draw)
lifter.line(error_of_lifter)
lifter.line(open_after_picture + missed, "=", reason="insert the conditional mean; the cross term is 0", number="15.5")
lifter.line(open_after_picture, ">=", reason="a square is not negative", number="15.6", tight=Lifting.best)
lifter.line(open_after_picture)
lifter.line(open_after_order + told, "=", reason="the same step with the order: the law of total variance", number="15.7")
lifter.line(open_after_order, ">=", reason="a square is not negative", number="15.8", tight=Lifting.silent_order)
lifter.show()
lifter.assert_mutants_caught()

# %% [markdown]
# (15.6) is a floor under the mean squared error of *every* lifter of pictures alone, however large and however long trained. (15.7) says by how much an order lowers it: by the mean squared distance between the mean of the bodies that it allows and the mean of all. (The reported mean distance is not squared; its best answer is another middle of the same bodies.) On a pose whose two
# foldings lie far apart that is much; where the picture (and what is known about bodies) leaves little open it is next to nothing. Keep this as a prediction.
#
# And the mean itself? Take one bone that goes back with probability $p$ and comes forward otherwise. Its mean depth is $(2p - 1)\sqrt{L_b^2 - l_b^2}$, and at $p = \frac12$ it lies *in the picture plane*, foreshortened to $l_b$. Here are both
# foldings of the person above, and their mean:

# %% tags=["hide-input"]
mean_body = 0.5 * (true_body + other_body)
elbow, wrist = H36M_17_LEFT.index("left_elbow"), H36M_17_LEFT.index("left_wrist")
lengths = [1000 * float((body[wrist] - body[elbow]).norm()) for body in (true_body, other_body, mean_body)]
assert lengths[2] <= lengths[0] + 1e-3
assert abs(lengths[0] - lengths[1]) < 1e-2
print("left forearm, mm: A {:.0f}, B {:.0f}, their mean {:.0f}".format(*lengths))

# %% [markdown]
# ### How much noise to train with
#
# The component is trained on motion capture, where true depths are known, so their noise has to be invented: depths good enough that "most" orders survive, the paper says, and gives no number. Choose it by that very criterion. Let depths
# be normal with standard deviation $\sigma_Z$, read with normal noise of $\sigma_{\mathrm{read}}$. A pair keeps its order if the true and the read difference have the same sign. Left the share by integration over the true difference, right the formula, on random spreads and noises:

# %%
kept = Term(r"P_{\mathrm{kept}}", lambda m: m.kept(), name="kept")
angle = Term(
    r"\frac{1}{180^\circ}\arctan\frac{\sigma_Z}{\sigma_{\mathrm{read}}}",
    lambda m: math.degrees(math.atan2(m.spread, m.noise)) / 180,
    name="angle",
)
half = Term(r"\frac{1}{2}", lambda m: 0.5, name="half")

survive = Derivation("survive", title="How many orders survive", draw=NoisyReading.draw, example=NoisyReading(0.25, 0.1, 0.1), rtol=1e-7)
survive.line(kept)
survive.line(half + angle, "=", reason="two normals with correlation share a sign: an angle over half a turn", number="15.9")
survive.show()
survive.assert_mutants_caught()

# %% [markdown]
# Solved for the noise, this is the recipe: count how many orders your image network gets right, and train with the noise that keeps as many. (Count all pairs for it, ties too. Among pairs farther apart than 100 mm more survive: see the slip below. Where only those are counted, as in *Measure*, the criterion is the same, but the level is found by trying, not by this formula.)
#
# Why should the *right* level matter, when a little more noise could do no harm? A component that expects much noise trusts the depths little. For one normal depth the best answer to a reading multiplies it with a trust
# $\varpi$; what it was trained with decides how much:

# %%
Definition(r"\varpi(\sigma) = \frac{\sigma_Z^2}{\sigma_Z^2 + \sigma^2}", "15.10")

reading_error = Term(r"\mathbb{E}(Z - \varpi Z_{\mathrm{read}})^2", lambda m: m.error(m.trust(m.believed)), name="reading-error")
bias = Term(r"(1 - \varpi)^2 \sigma_Z^2", lambda m: (1 - m.trust(m.believed)) ** 2 * m.spread**2, name="bias")
scatter = Term(r"\varpi^2 \sigma_{\mathrm{read}}^2", lambda m: m.trust(m.believed) ** 2 * m.noise**2, name="scatter")
least = Term(
    r"\frac{\sigma_Z^2\,\sigma_{\mathrm{read}}^2}{\sigma_Z^2 + \sigma_{\mathrm{read}}^2}",
    lambda m: m.spread**2 * m.noise**2 / (m.spread**2 + m.noise**2),
    name="least",
)
trusting = Derivation("trusting", title="Trained with one noise, used with another", draw=NoisyReading.draw, example=NoisyReading(0.25, 0.1, 0.02))
trusting.line(reading_error)
trusting.line(bias + scatter, "=", reason="truth and noise are independent", number="15.11")
trusting.line(least, ">=", reason="least where the noise trained with is the noise met", number="15.12", tight=NoisyReading.matched)
trusting.show()
trusting.assert_mutants_caught()

# %% [markdown]
# Which mistake is worse? Trained with far too little noise, a component believes every reading, and its error tends to $\sigma_{\mathrm{read}}$; with far too much it believes none, and the error tends to $\sigma_Z$. In the lower panel, the orange curve has $\sigma_Z = 0.25$ m, the spread of depths in a pose, and too *much* is
# worse. But a component also sees the places of the joints. What counts as $\sigma_Z$ is what *they* leave open (15.7), a few centimetres for most bodies, and then (green, 0.04 m) too *little* is worse: a component that was never lied to believes everything.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Above, the share of kept orders falls with the noise along a smooth curve. Below it, root mean squared errors for a noise of 0.1 m against the noise trained with, two curves, both lowest at 0.1 m: for depths of 0.25 m it rises steeply to the right, for depths of 0.04 m to the left."}}
levels = np.geomspace(0.01, 1, 60)
figure, (above, below) = plots.figure_axes(columns=2, height=2.3)
plots.curve(above, levels, np.array([0.5 + math.atan(0.25 / s) / math.pi for s in levels]), colour="blue")
for spread, colour, style in ((0.25, "orange", "-"), (0.04, "green", "--")):
    met = NoisyReading(spread, 0.1, 0.1)
    errors = np.array([1000 * math.sqrt(met.error(met.trust(s))) for s in levels])
    plots.curve(below, levels, errors, label=f"depths of {spread} m", colour=colour, style=style)
below.axvline(0.1, color="black", linewidth=1, linestyle=":")
for axes in (above, below):
    axes.set_xscale("log")
below.legend(loc="upper left")
plots.finding(above, "Depths of 0.25 m: orders that survive", y="share of pairs")
plots.finding(below, "Noise met is 0.1 m", x="noise, trained with or met, metres (log scale)", y="error, mm")

# %% [markdown]
# ### What an error means
#
# Two numbers are reported for bodies. **MPJPE** is the mean distance of the joints once both roots lie on each other. The **Procrustes** error, or "reconstruction error", comes after the similarity that fits best: turn, size and
# place are forgiven. With more freedom the sum of squares after the alignment can only fall, from $E_{\mathrm{root}}$ to $E_{\mathrm{mean}}$ (the centres of gravity on each other), to $E_{\mathrm{turn}}$, to $E_{\mathrm{mirror}}$, where a reflection is allowed, too:

# %%
squares = {
    how: Term(rf"E_{{\mathrm{{{how}}}}}", lambda m, how=how: m.squares(how), name=how) for how in ("root", "mean", "turn", "mirror")
}
freedom = Derivation("freedom", title="More freedom, smaller squares", draw=TwoBodies.draw)
freedom.line(squares["root"])
freedom.line(squares["mean"], ">=", reason="the mean is the best shift", number="15.13", tight=TwoBodies.turned)
freedom.line(squares["turn"], ">=", reason="doing nothing is among the similarities", number="15.14", tight=TwoBodies.turned)
freedom.line(squares["mirror"], ">=", reason="rotations are among the orthogonal matrices", number="15.15", tight=TwoBodies.unmirrored)
freedom.show()
freedom.assert_mutants_caught()

# %% [markdown]
# Two warnings. These are sums of squares, and what is reported are means of distances. For those (15.14) may fail, and it does when one joint is far off and all others are right: the alignment moves them all a little.

# %%
freedom.refute(
    id="alignment-can-raise-the-mean-distance",
    says="a sheet of identities: MPJPE is at least the Procrustes error",
    lhs=Term(r"\text{MPJPE}", lambda m: m.distance("root")),
    relation=">=",
    rhs=Term(r"\text{Procrustes MPJPE}", lambda m: m.distance("turn")),
    model=TwoBodies.outlier(torch.Generator().manual_seed(0)),
    correct=r"it holds for the sum of squares, which the alignment makes least: (15.14)",
    because="both are means of distances; when one joint is far off, the best alignment for squares moves all others a little",
    number="15.14",
)

# %% [markdown]
# The last step is a trap. A body whose depth is **mirrored**, the very mistake that ordinal supervision with a
# wrong sign makes, is *perfect* after an alignment that may reflect. Force $\det\mathbf{R} = +1$, which not every library does:

# %%
mirrored = TwoBodies.mirrored(torch.Generator().manual_seed(0))
print(f"depth mirrored: with a reflection {1000 * mirrored.distance('mirror'):.1f} mm, with a rotation {1000 * mirrored.distance('turn'):.0f} mm")
in_millimetres = mirrored.distance("turn", unit=0.001) / mirrored.distance("turn")
print(f"all numbers in millimetres: {in_millimetres:.0f} times as large, nothing else changes")

# %% [markdown]
# ### Where notes and ports go wrong
#
# Five more slips, each with the number that refutes it:

# %%
from IPython.display import display

from course_lib.experiments.reconstruction_errata import geometry, network

for slip in (*network(), *geometry()[:4]):
    display(slip)

# %% [markdown]
# Three more are no matter of mathematics. A note says that the component is trained by the same recipe as that of [Martinez and others](https://arxiv.org/abs/1705.03098); the batch is the same, optimiser and rate are not (see the table of *The model*). It says that the test network is called with the scale of the crop; the
# official code does name its second input a scaling, but feeds a constant there: $10\,(k - 32)$ for each bin $k$ from 1 to 64, the same for every joint. And it takes 0.1 for the noise that ordinal depth tolerates; the paper gives no level of noise, and its 100 mm are the distance below which a relation made from true depths
# is a tie. The two are different things: noise of 0.1 m turns over some orders of pairs that are no ties.

# %%
met = NoisyReading(0.25, 0.1, 0.1)
print(f"noise of 0.1 m, depths of 0.25 m: {100 * met.kept_beyond(0.1):.1f} % of the orders beyond 100 mm are kept")

# %% [markdown]
# ### Break it
#
# The lines of the lifter, with a sign flipped or a term dropped:

# %% tags=["nbval-ignore-output"]
lifter.break_it(most=2 if profile == "smoke" else 3)

# %% [markdown]
# ## From formula to code
#
# What goes in: fifty-one numbers, all x, all y, all depths. The first two thirds are (15.1). The depths keep their metres, counted in units of 32 bins (0.993 m), and lose only their mean, since an ordinal network knows no origin. Three lines, then the library's function:

# %%
from course_lib.papers.ordinal_depth import network_inputs, pose_to_vector


def my_inputs(points, depth):
    offsets = points - points[:, :1]
    flat = offsets / offsets.abs().amax((1, 2), keepdim=True)
    return torch.cat([flat[..., 0], flat[..., 1], (depth - depth.mean(1, keepdim=True)) / (32 * 0.031032)], 1)


gen = torch.Generator().manual_seed(0)
points, some_depths = 300 * torch.rand(4, 17, 2, generator=gen), torch.randn(4, 17, generator=gen)
library = network_inputs(points, some_depths)
print("the library's vector is the three-line one:", torch.allclose(my_inputs(points, some_depths), library, atol=1e-6))
print("pixels or voxels, here or there:", torch.allclose(network_inputs(0.2 * points + 7, some_depths), library, atol=1e-5))
print("depths from the camera or from the root:", torch.allclose(network_inputs(points, some_depths + 5.4), library, atol=1e-5))
print("all x, all y, all z:", torch.equal(pose_to_vector(torch.arange(6.0).view(1, 2, 3)), torch.tensor([[0.0, 3, 1, 4, 2, 5]])))

# %% [markdown]
# The last line is a convention of the official code, which reshapes its answer to 3 x 17. Whoever reshapes to 17 x 3 gets numbers, too.
#
# ## The model
#
# Two residual units of two linear layers each. "Bi-linear" in the paper means just that: two *linear* layers. They are those of [Martinez and others](https://arxiv.org/abs/1705.03098), who lift 2D joints without any depth.

# %% tags=["nbval-ignore-output"]
from IPython.display import Markdown

from course_lib.papers.ordinal_depth import RECONSTRUCTION_PROFILES, ReconstructionNet

cfg = this.config(RECONSTRUCTION_PROFILES)
with torch.device("meta"):
    paper, small = (ReconstructionNet(one) for one in (RECONSTRUCTION_PROFILES["paper"], cfg))
rows = ["| layer | paper | this profile |", "| --- | --- | --- |"]
for name, words in (("enter", "3N in, normalise, ReLU, dropout"), ("units", "two residual units"), ("leave", "3N out")):
    sizes = [sum(p.numel() for p in net.get_submodule(name).parameters()) for net in (paper, small)]
    rows.append(f"| `{name}`: {words} | {sizes[0]:,} | {sizes[1]:,} |")
totals = [sum(p.numel() for p in net.parameters()) for net in (paper, small)]
assert totals[0] == 4_314_163
rows.append(f"| all | {totals[0]:,} | {totals[1]:,} |")
Markdown("\n".join(rows))

# %% [markdown]
# Who does what:
#
# | | paper | official code | Martinez and others | here |
# | --- | --- | --- | --- | --- |
# | input | 2D joints and depths in -1 to 1 | x, y over one maximum; depth in units of 32 bins from the root's bin | 2D joints, each coordinate standardised | x, y over one maximum; depth in units of 32 bins, less its mean |
# | depth at test | expected value | argmax of the flip-averaged volume | none | whatever the image network gives |
# | noise on depths | so that most orders survive | not published | none | as much as keeps the network's share of orders on motion capture: the idea of (15.9), by bisection |
# | order of joints | not stated | left leg first | right leg first | left leg first; `skeleton=` converts |
# | optimiser | RMSprop, 0.00025 | not published | Adam, 0.001, falls by 4 % every 100,000 steps | Adam, 0.001, one cosine (`paper`: RMSprop) |
# | batch, steps | 64, 200,000 | not published | 64, 200 epochs | 256, two thousand at `standard` |
# | dropout | not stated | not published | half | none in the short recipe: every batch is new; half in `paper` |
# | normalised by | not stated | not published | weight vectors of length 1 at most, optional | the same option, off |
# | poses | Human3.6M's motion capture | not published | Human3.6M, as they are | varied in bones, bends, heading and camera |
#
# (The first two columns follow the paper and its released test code as our reference sheet records them.) The short recipe takes minutes on one core. Whether the paper's two hundred thousand steps would come further we did not measure.
#
# ### From motion capture to pictures that were never taken
#
# Motion capture has no camera. So each pose is placed 4 to 6.5 m before a camera like Human3.6M's, turned to a random heading, and its bones, left and right alike, are stretched by a few per cent, so that the component meets more bodies than were recorded. The figure shows one pose of
# the rendered people and five of its versions, from the camera above, from the side below. One liberty: here each drawn person has the arms and the legs of others, a little bent. The world's own people walk, sit and dance by smooth formulas, so regular that 2D alone may say
# nearly everything about their depth. We chose the mixture after we had seen that depths did not help on people of this kind; *Measure* shows both.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Two rows of six skeletons. The first is the pose as it was drawn, the others face other ways and differ a little in proportions; each is shown from the camera above and from the side below."}}
from course_lib.experiments.reconstruction_runs import mixed_people
from course_lib.papers.ordinal_depth import seen_from
from course_lib.papers.ordinal_depth.reconstruction_data import vary_bodies

upright = mixed_people(300 if profile == "smoke" else 6_000, 1000 + seed)
gen = generator(4)
same = upright[:1].expand(6, 17, 3)
views = seen_from(torch.cat([same[:1], vary_bodies(same[1:], upright[1:6], cfg.augment, gen=gen)]), cfg.augment, gen=gen)
figure, cells = plots.plt.subplots(2, 6, figsize=(plots.WIDTH, 2.3))
for pose, column in zip(views.poses, cells.T, strict=True):
    for cell, angle in zip(column, (0.0, math.pi / 2), strict=True):
        draw_bones(cell, turned(pose, angle)[:, :2], width=1.5)
        body_axes(cell)
_ = figure.suptitle("One pose, six cameras, six bodies", fontweight="bold", fontsize=11)

# %% [markdown]
# ## Predict, then train
#
# One update, in full:

# %% tags=["nbval-ignore-output"]
from course_lib.papers.ordinal_depth import reconstruction_step
from course_lib.teaching import show_code

show_code(reconstruction_step)

# %% [markdown]
# Two components on the same people: one sees depths with 0.1 m of noise, the other sees noughts in their place. **Predict first**, in millimetres: each depth is read with a standard deviation of a tenth of a metre. Will the first component's error in depth come below the mean size of that noise, 80 mm? And by what factor will the second component be worse?

# %% tags=["nbval-ignore-output"]
from dataclasses import asdict, replace

from course_lib.papers.ordinal_depth import (
    Reconstructor,
    reconstruction_batches,
    reconstruction_optimizer,
    reconstruction_schedule,
)
from course_lib.training import Run, seeded

runtime = this.runtime


def fit(cfg, name):
    with seeded(seed):
        net = runtime.prepare(ReconstructionNet(cfg))
    opt, gen = reconstruction_optimizer(net, cfg), runtime.generator(seed)
    schedule = reconstruction_schedule(opt, cfg)
    batches = reconstruction_batches(upright.to(runtime.device), cfg, gen=gen)
    parts = {"modules": {"component": net}, "optimizers": {"component": opt, "rate": schedule}, "generators": {"views": gen}}
    with Run(this.out_dir / name, config=asdict(cfg), runtime=runtime, name=name, seed=seed, **parts) as run:
        for step, batch in run.steps(batches, total=cfg.steps):
            run.log(step, reconstruction_step(net, opt, batch, cfg, autocast=runtime.autocast()))
            schedule.step()
    net.eval()
    return Reconstructor(net, cfg), run.history


with_depth, history = fit(cfg, "with_depth")
picture_only, history_2d = fit(replace(cfg, depth_input=False), "picture_only")

# %% [markdown]
# The mean distance of the joints during training, with a moving mean. Poses are new at every step, so that this is an error on unseen views of known motion.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Two falling curves of the mean distance in millimetres over steps; the one with depths ends well below the one without."}}
def smooth(values, width=25):
    width = min(width, max(1, len(values) // 4))
    return np.convolve(values, np.ones(width) / width, mode="valid")


figure, axes = plots.figure_axes(height=2.5)
for one, label, colour, style in ((history, "2D and noisy depth", "blue", "-"), (history_2d, "2D alone", "orange", "--")):
    line = 1000 * smooth(np.array(one["distance"]))
    plots.curve(axes, np.arange(len(line)), line, label=label, colour=colour, style=style)
axes.set_yscale("log")
axes.legend()
plots.finding(axes, "Depths of ordinal quality pay", x="step", y="distance, mm (log scale)")

# %% [markdown]
# Now people who took no part in training; and two rivals that learn nothing. The first answers with the mean pose. The second scales the 2D joints by one size for everybody and takes the depths as they are.

# %% tags=["nbval-ignore-output"]
from course_lib.experiments.reconstruction_runs import AS_THEY_ARE, WeakPerspective, ambiguity, measures, read_depths
from course_lib.papers.ordinal_depth.reconstruction_data import draw_views

strangers = seen_from(mixed_people(200 if profile == "smoke" else 1_000, 10_000 + seed), AS_THEY_ARE, gen=generator(10_000 + seed))
read = read_depths(strangers, 0.1, seed)
known = draw_views(upright, cfg, 400 if profile == "smoke" else 6_000, gen=generator(seed))
rival = WeakPerspective.fit(known)
answers = {
    "the mean pose": rival.mean.expand_as(strangers.poses),
    "scaled 2D, depths as they are": rival.reconstruct(strangers.points, read),
    "component, 2D alone": picture_only.reconstruct(strangers.points),
    "component, 2D and depth": with_depth.reconstruct(strangers.points, read),
}
scores = {name: measures(pose, strangers) for name, pose in answers.items()}
rows = ["| answer | MPJPE, mm | across, mm | in depth, mm | after Procrustes, mm | PCK3D, % | AUC, % |", "| --- | --- | --- | --- | --- | --- | --- |"]
for name, score in scores.items():
    rows.append(f"| {name} | " + " | ".join(f"{score[key]:.1f}" for key in ("mpjpe", "xy", "z", "procrustes", "pck", "auc")) + " |")
if profile != "smoke":
    ours = scores["component, 2D and depth"]["mpjpe"]
    assert ours < scores["component, 2D alone"]["mpjpe"], "depths should help"
    assert ours < scores["scaled 2D, depths as they are"]["mpjpe"], "the component should clean the depths"
    in_depth = scores["component, 2D and depth"]["z"]
    assert in_depth < 1000 * 0.1 * math.sqrt(2 / math.pi), "the component should come below the noise of its input"
Markdown("\n".join(rows))

# %% [markdown]
# Compare the error *in depth* with that of the depths it was given, whose mean is $0.1\sqrt{2/\pi}$ m, or 80 mm. How can an answer be better than what it was told? The third row shows how far 2D alone comes, without any depths. And bones have lengths: a wrist 0.1 m too deep makes a forearm too long, and the component has learned what forearms are like. (PCK3D counts the joints within 150 mm, and AUC averages that over
# the thresholds 0, 5, ..., 150 mm; as no distance is below 0, its best is 30 parts of 31.)
#
# ## Look again
#
# ### Around a stranger
#
# Drag the slider, and walk around a stranger: the reconstruction in colour, the truth in dotted grey. From the camera's view almost any answer looks right. The next frames tell the answers apart.

# %% tags=["hide-input", "nbval-ignore-output"]
from course_lib.experiments.reconstruction_figures import turning
from course_lib.metrics import mpjpe
from course_lib.teaching import Player

gain = mpjpe(answers["component, 2D alone"], strangers.poses) - mpjpe(answers["component, 2D and depth"], strangers.poses)
who = int(gain.argsort(descending=True)[min(3, len(gain) - 1)])
steps = 6 if profile == "smoke" else 12
frames, labels = turning(answers["component, 2D and depth"][who], strangers.poses[who], frames=steps, size=2.6)
Player(frames, labels, title="With depths, from all sides", alt="A coloured skeleton and a dotted grey one turn together and stay close to each other.", lossless=True, width=360)

# %% [markdown]
# The same person by the component that saw 2D alone:

# %% tags=["hide-input", "nbval-ignore-output"]
frames, labels = turning(answers["component, 2D alone"][who], strangers.poses[who], frames=steps, size=2.6)
Player(frames, labels, title="2D alone, from all sides", alt="A coloured skeleton covers the dotted grey one from the camera's view and departs from it as both turn.", lossless=True, width=360)

# %% [markdown]
# ### Where depth is worth most
#
# (15.7) predicted that an order is worth most where the picture leaves most open. How much it leaves open can be estimated: take the twenty training views whose 2D joints are nearest, and see how far their depths scatter. Strangers sorted by that, in fifths:

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Five pairs of bars, from little to much ambiguity: the error with 2D alone grows steeply, the error with depths slowly."}}
doubt = ambiguity(strangers, known)
fifths = doubt.argsort().chunk(5)
figure, axes = plots.figure_axes(height=2.5)
at = np.arange(5)
for offset, (name, colour, hatch) in zip((-0.2, 0.2), (("component, 2D alone", "orange", "//"), ("component, 2D and depth", "blue", "")), strict=True):
    errors = mpjpe(answers[name], strangers.poses)
    axes.bar(at + offset, [1000 * float(errors[part].mean()) for part in fifths], 0.38, color=plots.COLOURS[colour], hatch=hatch, edgecolor="white", label=name.removeprefix("component, "))
axes.set_xticks(at, [f"{1000 * float(doubt[part].mean()):.0f} mm" for part in fifths])
axes.set_ylim(0, 1.45 * axes.get_ylim()[1])
axes.legend(loc="upper left")
plots.finding(axes, "The more is open, the more depth is worth", x="scatter of depths among the nearest pictures", y="error, mm")

# %% [markdown]
# ### From a picture
#
# And the real thing: people of the wild rendered world, read by an image network that was trained on studio pictures with depths and wild ones with places and *order* alone (mixed training, [lesson 14](14_ordinal_depth.ipynb)). Its readings were
# recorded; the component is the one you just trained. It was trained with other noise than these readings carry, and expects exact places; the component of the title figure knew of both. An error *in the picture plane* is one that no component can mend without knowing bodies: it does not see where a joint is that the network has not found.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Three rows of four: drawn people outdoors with skeletons over them; the bodies reconstructed from them seen from the camera, close to the dotted grey ones; and from the side, with some limbs a hand's breadth off."}}
from course_lib.experiments.reconstruction_figures import draw_pipeline, numbers_of


def over_seeds(claim, *path):
    """Mean over the seeds of a recorded number."""
    values = []
    for run in claim["ours"]["runs"].values():
        value = run["extra"]
        for key in path:
            value = value[key]
        values.append(value)
    return float(np.mean(values))


recorded = this.claim("pipeline_mpjpe_mm")
if recorded is None:
    print("the readings are recorded by make results LESSON=15_ordinal_reconstruction")
else:
    shown = recorded["ours"]["runs"]["0"]["extra"]["shown"]
    seen_points, seen_depth, _ = numbers_of(shown)
    mine = with_depth.reconstruct(seen_points, seen_depth, check=False)
    draw_pipeline({**shown, "pose": mine.flatten(1).tolist()}, (5, 6, 7, 8), size=64 if profile == "smoke" else 176)
    parts = {key: over_seeds(recorded, "ours", key) for key in ("xy", "z")}
    print("the title figure's component, mean error over all test pictures: across {xy:.0f} mm, in depth {z:.0f} mm".format(**parts))

# %% [markdown]
# ## Measure
#
# ### 2D alone, and with depth
#
# Networks of half the paper's width, a thousand drawn people with the limbs of others, three seeds. The depths of the test carry noise of the same normal law as those of training; real errors of a network do not, so that these numbers flatter the component that uses depths.

# %% tags=["nbval-ignore-output"]
this.say("recon_2d_only_mm")

# %% tags=["nbval-ignore-output"]
this.say("recon_ordinal_mm")

# %% tags=["nbval-ignore-output"]
this.say("recon_cleans_depth_mm")

# %% tags=["nbval-ignore-output"]
this.say("recon_pck3d")

# %% tags=["nbval-ignore-output"]
this.say("ambiguous_gain_mm")

# %% [markdown]
# The same two components on the world's own people, limbs not exchanged:

# %% tags=["hide-input", "nbval-ignore-output"]
lifted = this.claim("recon_2d_only_mm")
if lifted is None:
    print("recorded by make results LESSON=15_ordinal_reconstruction")
else:
    for words, path in (("limbs of others", ("{}", "mpjpe")), ("as they are", ("regular", "{}"))):
        alone, both = (over_seeds(lifted, *(key.format(kind) for key in path)) for kind in ("2d", "ordinal"))
        print(f"{words}: 2D alone {alone:.1f} mm, with depths {both:.1f} mm; depths save {alone - both:.1f} mm")

# %% [markdown]
# Where a picture leaves little open, depths can save little, as (15.7) says; noisy ones may even cost something: a component that was trained where more is open trusts depths more than these people need.
#
# ### Which noise
#
# The idea of (15.9), put to the test where it matters, behind an image network. The share of orders is that of pairs more than 100 mm apart, on pictures kept for the purpose; the noise is the one at which motion capture keeps the same share, found by trying levels. The figure shows the pipeline's error against the noise that the component was trained with, a
# line a seed, and the chosen levels as stars.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Error of the pipeline against the noise trained with, three lines: highest at the left where the noise is smallest, a flat valley in the middle; the stars lie in the valley."}}
chosen = this.claim("pipeline_mpjpe_mm")
if chosen is None:
    print("recorded by make results LESSON=15_ordinal_reconstruction")
else:
    figure, axes = plots.figure_axes(height=2.6)
    for (name, run), colour, style in zip(chosen["ours"]["runs"].items(), ("blue", "orange", "green"), ("-", "--", "-."), strict=False):
        grid = {float(level): value for level, value in run["extra"]["grid"].items()}
        axes.plot(list(grid), list(grid.values()), style, marker="o", markersize=4, color=plots.COLOURS[colour], label=f"seed {name}")
        axes.plot(run["extra"]["chosen"], run["value"], "*", markersize=13, color=plots.COLOURS[colour], markeredgecolor="black")
    axes.set_xscale("log")
    axes.set_xticks(list(grid), [f"{level:g}" for level in grid])
    axes.minorticks_off()
    axes.legend()
    plots.finding(axes, "Chosen by the orders that the network keeps", x="noise trained with, metres (log scale)", y="error, mm")
    print("orders kept by the image network:", ", ".join(f"{100 * run['extra']['kept']:.1f} %" for run in this.runs("pipeline_mpjpe_mm")))

# %% tags=["nbval-ignore-output"]
this.say("noise_choice")

# %% [markdown]
# That asks little: the chosen level need only beat training with almost true depths. The stricter question is what it costs against the best of the five levels, which nobody can know who has no true bodies to test on:

# %% tags=["nbval-ignore-output"]
this.say("noise_regret_mm")

# %% [markdown]
# ### The whole pipeline
#
# From a picture of 64 pixels to metres. The component wants depths in metres, but the image network counts in units of its own. So its depths are multiplied by one factor, the same for all pictures: the least squares fit to the true depths of a thousand studio pictures of its training. No wild picture's depth is used. A network that
# learned from order alone has no such pictures, and would need that one number from elsewhere.
#
# The rival is the image network without the component: its own joints, one size for everybody, its depths in metres.

# %% tags=["nbval-ignore-output"]
this.say("pipeline_mpjpe_mm")

# %% tags=["nbval-ignore-output"]
this.say("pipeline_depth_helps_mm")

# %% tags=["nbval-ignore-output"]
this.say("pipeline_flip_mm")

# %% [markdown]
# The paper's table beside ours. *What can be compared is the direction only*: theirs are photographs of real people, crops of 256 pixels, a network of the size of lesson 14's largest, millions of steps; ours are drawn people of 64 pixels and minutes of training.

# %% tags=["hide-input", "nbval-ignore-output"]
rows = ["| training | paper, Human3.6M, mm | ours, rendered people, mm |", "| --- | --- | --- |"]
if chosen is not None:
    rows += [
        "| Human3.6M alone (ours: see lesson 14) | 71.9 | |",
        "| + wild 2D keypoints (ours: see lesson 14) | 66.6 | |",
        f"| + wild 2D + ordinal | 62.1 | {over_seeds(chosen, 'plain', 'mpjpe'):.1f} |",
        f"| + wild 2D + reconstruction (ours: 2D alone into the component) | 59.1 | {over_seeds(chosen, '2d', 'mpjpe'):.1f} |",
        f"| + wild 2D + ordinal + reconstruction | 56.2 | {over_seeds(chosen, 'ours', 'mpjpe'):.1f} |",
        f"| the last, after Procrustes | 41.8 | {over_seeds(chosen, 'ours', 'procrustes'):.1f} |",
        f"| ours with 2D alone into the component, after Procrustes | | {over_seeds(chosen, '2d', 'procrustes'):.1f} |",
        f"| MPI-INF-3DHP: PCK3D, AUC (ours: the test people above) | 71.9, 35.3 | {over_seeds(chosen, 'ours', 'pck'):.1f}, {over_seeds(chosen, 'ours', 'auc'):.1f} |",
    ]
Markdown("\n".join(rows))

# %% [markdown]
# Read the paper's rows with care. Its 56.2 is a mean over *frames*; the mean of its fifteen actions is 55.8. Its row with reconstruction and without ordinal labels feeds the component with *depths* of a network trained without wild order; we have no such row, and the nearest one leaves the depths out. Look at our two rows after Procrustes, too: what depths save in MPJPE they need not save once turn and size are forgiven.
#
# ### Real motion capture
#
# The component does not care where a pose comes from. Trained on subject S1 of [Human3.6M](http://vision.imar.ro/human3.6m) and on six subjects of [CMU](http://mocap.cs.cmu.edu), it was tested on people it has not seen. Depths carry 0.1 m of noise, as above; 2D joints are exact.

# %% tags=["nbval-ignore-output"]
this.say("real_mocap_recon_mm")

# %% tags=["hide-input", "nbval-ignore-output"]
names = {"S6": "Human3.6M, S6, four actions", "S9": "Human3.6M, S9, one clip, its own camera", "CMU": "CMU, three other walkers", "rig": "CMU motion on a character's bones"}
rows = ["| tested on | poses | mean pose | no network | 2D alone | its Procrustes | 2D and depth | its Procrustes | its PCK3D, % |", "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
for key, words in names.items():
    claim = this.claim(f"real_{key.lower()}_mm")
    if claim is not None:
        wanted = [("mean", "mpjpe"), ("plain", "mpjpe")]
        wanted += [("2d", "mpjpe"), ("2d", "procrustes"), *(("ordinal", how) for how in ("mpjpe", "procrustes", "pck"))]
        cells = [f"{over_seeds(claim, *path):.1f}" for path in wanted]
        rows.append(f"| {words} | {over_seeds(claim, 'count'):.0f} | " + " | ".join(cells) + " |")
Markdown("\n".join(rows))

# %% [markdown]
# Three things to look for, with their numbers below. *Size*: S9's thighs are longer than those of every body in training. Neither 2D without scale nor noisy depths tell how tall somebody is, so a component answers with what is usual. If size is the trouble, Procrustes, which forgives it, brings S9 nearer to S6. *Walking*: a walking body leaves little open, and
# depths should then be worth little, as (15.7) says. *Proportions*: nobody in training has the character's bones.

# %% tags=["hide-input", "nbval-ignore-output"]
real = {key: this.claim(f"real_{key.lower()}_mm") for key in names}
if any(claim is None for claim in real.values()):
    print("recorded by make results LESSON=15_ordinal_reconstruction")
else:
    score = {
        (key, kind, how): over_seeds(claim, kind, how)
        for key, claim in real.items()
        for kind in ("2d", "ordinal")
        for how in ("mpjpe", "procrustes")
    }
    sizes = [score["S9", "ordinal", how] / score["S6", "ordinal", how] for how in ("mpjpe", "procrustes")]
    print("error on S9 over that on S6: {:.2f}; after Procrustes {:.2f}".format(*sizes))
    for key in ("S6", "CMU"):
        print(f"{key}: error of 2D alone over that with depths {score[key, '2d', 'mpjpe'] / score[key, 'ordinal', 'mpjpe']:.2f}")
    for kind, words in (("ordinal", "with depths"), ("2d", "2D alone")):
        worst = max(score[key, kind, "mpjpe"] for key in ("S6", "S9", "CMU"))
        print(f"the character's bones, {words}: {score['rig', kind, 'mpjpe'] / worst:.2f} times the largest error of the others")

# %% [markdown]
# With the files at hand (`data_root` set, see [set-up](../book/setup.md)) this cell gives your own quick component, trained on drawn people only, a real person; without them it says so.

# %% tags=["nbval-ignore-output"]
from course_lib.datasets import load_c2f

try:
    if this.data_root is None:
        raise FileNotFoundError("`data_root` is empty: `python -m data_scripts.fetch h36m` says how to obtain the sample")
    sample = load_c2f(this.data_root)
    pixels = sample.joints @ sample.intrinsics.mT
    pose = with_depth.reconstruct(
        pixels[..., :2] / pixels[..., 2:], sample.joints[..., 2], skeleton=sample.skeleton, intrinsics=sample.intrinsics
    )
    print(f"S9, from drawn people to a real one: {1000 * float(mpjpe(pose, sample.joints).mean()):.0f} mm")
except FileNotFoundError as missing:
    print(missing)

# %% [markdown]
# ### Failure gallery
#
# Four slips that raise no error in most code. The library looks at each batch of poses before it answers: are the knees bent forwards, is the head above the feet, is a body of human size, is the left hip on the side of the left shoulder? It asks for shares and for averages that are wrong by three
# standard errors, so that one handstand is no reason to complain.

# %% tags=["nbval-ignore-output"]
slips = {
    "depths that grow towards the camera": lambda: with_depth.reconstruct(strangers.points, -read),
    "depths in millimetres": lambda: with_depth.reconstruct(strangers.points, 1000 * read),
    "y that points up": lambda: with_depth.reconstruct(strangers.points * torch.tensor([1.0, -1.0]), read),
    "the order that begins with the right leg": lambda: with_depth.reconstruct(strangers.points, read, skeleton=H36M_17),
}
for name, attempt in slips.items():
    try:
        attempt()
        print(f"{name}: nothing was noticed")
    except ValueError as error:
        print(f"{name}: {error}\n")

# %% [markdown]
# **The mirror.** With the check switched off, mirrored depths give mirrored bodies, and the reflection hides them:

# %% tags=["nbval-ignore-output"]
this.say("reflection_trap_mm")

# %% [markdown]
# **The average with the mirrored picture.** Done right it averages two answers about one body; the rule asks that this help in every seed. Done without exchanging left and right it averages left limbs with right ones, and still prints a number:

# %% tags=["nbval-ignore-output"]
this.say("flip_average_mm")

# %% tags=["nbval-ignore-output"]
this.say("flip_unswapped_mm")

# %% [markdown]
# All claims in one table:

# %% tags=["nbval-ignore-output"]
this.results_table()

# %% [markdown]
# ## Exercises
#
# Five functions, each a line or two. `check` compares yours with an answer found by another route, and tells you what kind of mistake it sees; `hint` has three steps.

# %% [markdown]
# ### Exercise 15.1: without place and size
#
# You are given `points` of the shape `(b, n, 2)`, the joints of `b` people in pixels; joint 0 is the root. Return (15.1) for each of them, the same shape.

# %%
import math

import torch
from torch import Tensor

from course_lib.teaching import check, hint


def without_place_and_size(points: Tensor) -> Tensor:
    raise NotImplementedError  # your turn: replace this line


# %%
check("15.1", without_place_and_size)

# %% [markdown]
# Stuck? `step=1` is a nudge, `step=2` the formula, `step=3` the outline of the code.

# %%
hint("15.1", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def without_place_and_size_solution(points: Tensor) -> Tensor:
    offsets = points - points[:, :1]
    return offsets / offsets.abs().amax((1, 2), keepdim=True)  # one divisor a pose, for x and y


check("15.1", without_place_and_size_solution)

# %% [markdown]
# ### Exercise 15.2: depths from lengths and signs
#
# Chains of bones, each hanging from the one before; the first hangs from the root. You are given `lengths` in space, `seen` lengths in the picture, and `order`, +1 where a bone's parent is closer to the camera and -1 where its child is; all have
# the shape `(b, bones)`. Return the depths of all joints below the root, the root's 0 first: `(b, bones + 1)`.

# %%
def depths_of_chain(lengths: Tensor, seen: Tensor, order: Tensor) -> Tensor:
    raise NotImplementedError  # your turn: replace this line


# %%
check("15.2", depths_of_chain)

# %%
hint("15.2", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def depths_of_chain_solution(lengths: Tensor, seen: Tensor, order: Tensor) -> Tensor:
    steps = order * (lengths.square() - seen.square()).clamp_min(0).sqrt()  # rounding may make a flat bone negative
    return torch.cat([torch.zeros_like(steps[:, :1]), steps.cumsum(1)], 1)


check("15.2", depths_of_chain_solution)

# %% [markdown]
# ### Exercise 15.3: the bones of the best answer
#
# A lifter sees bones of which it knows `lengths` in space and `seen` lengths in the picture. A bone goes back from its parent with the probability `back`, and comes forward otherwise. The lifter gives the answer of least mean squared error. Return the length of each bone *in that answer*; all have the shape `(b, bones)`.
#
# **Predict first:** a forearm of 0.26 m shows half of its length. How long is it in the best answer if both foldings are as likely? And if one of them has the probability 0.9?

# %%
def length_in_best_answer(lengths: Tensor, seen: Tensor, back: Tensor) -> Tensor:
    raise NotImplementedError  # your turn: replace this line


# %%
check("15.3", length_in_best_answer)

# %%
hint("15.3", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def length_in_best_answer_solution(lengths: Tensor, seen: Tensor, back: Tensor) -> Tensor:
    mean_depth = (2 * back - 1) * (lengths.square() - seen.square()).clamp_min(0).sqrt()
    return torch.hypot(seen, mean_depth)
    # the forearm: 0.13 m, as in the picture, if both are as likely; 0.22 m at 0.9, still too short


check("15.3", length_in_best_answer_solution)

# %% [markdown]
# ### Exercise 15.4: how much noise
#
# Your image network keeps the share `kept` of all orders, and depths scatter with `spread` metres. Return the noise to train with, in metres, as one number: (15.9), solved.

# %%
def noise_for_share(spread: float, kept: float) -> float:
    raise NotImplementedError  # your turn: replace this line


# %%
check("15.4", noise_for_share)

# %%
hint("15.4", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def noise_for_share_solution(spread: float, kept: float) -> float:
    return spread / math.tan(math.pi * (kept - 0.5))


check("15.4", noise_for_share_solution)

# %% [markdown]
# ### Exercise 15.5: spot the bug in an alignment
#
# `scipy.spatial.procrustes` is made for shapes, and aligns two of them like this, in short, once both are centred and of size 1:
#
# ```python
# R, s = orthogonal_procrustes(target, predicted)  # the best orthogonal matrix, and the sum of the singular values
# aligned = s * predicted @ R.T
# ```
#
# **Predict first:** as an error of poses this has a bug. Which wrong bodies does it call perfect? Then write it right. You are given `predicted` and `target`, two bodies of the shape `(n, 3)`. Return the mean distance of their joints after the similarity that fits best, one number. A body with mirrored depth must *not* come out perfect.

# %%
def fair_error(predicted: Tensor, target: Tensor) -> Tensor:
    raise NotImplementedError  # your turn: replace this line


# %%
check("15.5", fair_error)

# %%
hint("15.5", step=1)

# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def fair_error_solution(predicted: Tensor, target: Tensor) -> Tensor:
    source, goal = predicted - predicted.mean(0), target - target.mean(0)
    left, values, right = torch.linalg.svd(goal.T @ source)
    signs = torch.ones_like(values)
    signs[-1] = torch.linalg.det(left @ right).sign()  # -1 where the best is a mirror: a body with all depths mirrored would come out perfect
    turn, size = (left * signs) @ right, (values * signs).sum() / source.square().sum()
    return (size * source @ turn.T - goal).norm(dim=1).mean()


check("15.5", fair_error_solution)

# %% [markdown]
# ## Remember
#
# 1. A picture and the lengths of bones leave one bit a bone; the order of a bone's two ends is that bit, unless it is a tie.
# 2. A lifter of pictures alone can at best answer with a mean of bodies, which need not be a body. Depth is worth most where the picture leaves most open.
# 3. The noise to train with follows from the orders that the image network keeps. Too little is worse than too much where the places leave less open than the noise.
# 4. The component comes below the noise of its input, because it knows bodies; it does not know how tall you are.
# 5. Say which alignment, which unit, which joints. An alignment that may reflect forgives the one mistake that ordinal depth makes.
#
# **Further reading.** Pavlakos, Zhou and Daniilidis, *Ordinal Depth Supervision for 3D Human Pose Estimation* (2018), section 3.4 for the component; Martinez, Hossain, Romero and Little, *A Simple yet Effective Baseline for 3D Human Pose Estimation* (2017), for its layers;
# Taylor, *Reconstruction of Articulated Objects from Point Correspondences in a Single Uncalibrated Image* (2000), which unfolds bones by hand as (15.2) does; Ionescu and others, *Human3.6M* (2014); Mehta and others, *Monocular 3D Human Pose Estimation in the Wild* (2017), for PCK3D and AUC; Horn,
# *Closed-form Solution of Absolute Orientation Using Unit Quaternions* (1987).
