"""The slips of a circulating note, and of ports, that concern ordinal depth in a network, each with its number."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from course_lib.geometry import H36M_17_LEFT, LSP_14, MPII_16, conversion
from course_lib.teaching.order_models import OrderedBody, Records
from course_lib.teaching.refute import Refutation, refute
from course_lib.teaching.relation import Sample
from course_lib.teaching.term import Term
from course_lib.teaching.volumes import FlippedScores, ShiftedMaps, Target, Volume

LESSON = "14_ordinal_depth"
NOTE = "a note on ordinal depth"
DRAWS = 20


def errata() -> list[dict]:
    """Every refuted slip as an entry of the results file."""
    return [one.errata(LESSON) for one in (*_volumes(), *_targets(), *label_slips())]


def _samples(draw: Callable[[torch.Generator], Any], *first: object) -> list[Sample]:
    generators = [torch.Generator().manual_seed(i) for i in range(DRAWS)]
    fixed = [Sample(str(model), model, {}) for model in first]
    return [*fixed, *(Sample(f"draw {i}", draw(gen), {}) for i, gen in enumerate(generators))]


def _volumes() -> list[Refutation]:
    expected = Term(r"\bar{z}_n", lambda m: m.expected)
    by_voxels = Term(r"\sum_u z(u)\,p_n(u)", lambda m: m.over_all_voxels())
    along_rays = Term(r"\text{mean over pixels of a softmax over } z", lambda m: float(m.along_rays().mean()))
    scores = Term(r"\Psi_n", lambda m: m.scores)
    mixed = Term(
        r"\frac{1}{2}\left(\Psi_n + \text{mirrored back}\right)", lambda m: (m.scores + m.only_mirrored_back()) / 2
    )
    turned = Term(
        r"\frac{1}{2}\left(\Psi_n + \text{mirrored back, names exchanged}\right)",
        lambda m: (m.scores + m.turned_back()) / 2,
    )
    return [
        refute(
            id="softmax-along-rays",
            says=f"{NOTE}, which says that the paper leaves open how a volume is split into a heatmap and depths; "
            "a softmax over $z$ for each pixel is the guess that lies near",
            lhs=expected,
            rhs=along_rays,
            correct=by_voxels,
            samples=_samples(Volume.draw),
            because="the paper says it (its equations 4 and 5): one softmax over all voxels, then two sums",
            number="14.6",
        ),
        refute(
            id="flip-average-without-names",
            says=f"{NOTE}, flow chart: the output of the mirrored picture is added as it is",
            lhs=scores,
            rhs=mixed,
            correct=turned,
            samples=_samples(FlippedScores.draw),
            because="in the mirrored picture the left wrist is called right: names change back with the columns",
            number="14.28",
        ),
    ]


def _targets() -> list[Refutation]:
    total = Term(r"\sum_{x, y} g(x, y)", lambda m: m.mass)
    one = Term("1", lambda m: 1.0)
    area = Term(r"2\pi\sigma^2", lambda m: 2 * math.pi * m.sigma**2)
    heat = Term(r"\sum_{x, y} (p_n(x, y) - g(x, y))^2", lambda m: m.heat_loss())
    points = Term(r"\Vert w_n - \hat{w}_n \Vert_2^2", lambda m: m.keypoint_loss())
    bounded = Term(
        r"\frac{1 - e^{-\Vert w_n - \hat{w}_n \Vert_2^2/4\sigma^2}}{2\pi\sigma^2}",
        lambda m: -math.expm1(-(m.distance**2) / (4 * m.sigma**2)) / (2 * math.pi * m.sigma**2),
    )
    return [
        refute(
            id="heatmap-target-with-peak-one",
            says="code that compares the marginal with the usual heatmap of peak 1",
            lhs=total,
            rhs=one,
            correct=area,
            samples=_samples(Target.draw, Target(2.0, np.zeros(2))),
            because="$p_n(x, y)$ has sum 1, so that the target must be divided by its own sum; else 0 is out of reach",
            number="14.18",
        ),
        refute(
            id="one-2d-loss-for-both-heads",
            says=f"{NOTE}, which writes one squared loss for coordinates and for volumes",
            lhs=heat,
            rhs=points,
            correct=bounded,
            samples=_samples(ShiftedMaps.draw, ShiftedMaps(2.0, np.array([3.0, 4.0]))),
            because="coordinates are compared with coordinates, heatmaps with heatmaps: the second loss levels off",
            number="14.19",
        ),
    ]


def label_slips() -> list[Refutation]:
    """Slips that concern labels and files, ready to be shown."""
    flipped = Term(r"O\,\text{of the mirrored picture}", lambda m: m.flipped().order)
    both = Term(r"\Pi\,O\,\Pi^\top", lambda m: m.permutation @ m.order @ m.permutation.T)
    rows = Term(r"\Pi\,O", lambda m: m.permutation @ m.order)
    masked = Term(r"\mathcal{L}_{\mathrm{rank}}\,\text{of annotated pairs}", lambda m: m.masked_loss(_seen(m)))
    as_ties = Term(
        r"\mathcal{L}_{\mathrm{rank}}\,\text{with 0 for NaN}",
        lambda m: m.loss_of_depths(np.where(_seen(m), m.order, 0)),
    )
    picked = Term(r"\text{joints of one person}", lambda m: m.picked())
    reshaped = Term(r"\text{reshaped}", lambda m: m.reshaped())
    transposed = Term(r"\text{transposed}", lambda m: m.transposed())
    annotated = Term(r"\text{joints supervised by an ordinal picture}", _common)
    all_joints = Term(r"\text{joints of the volume}", lambda m: float(len(H36M_17_LEFT)))
    fourteen = Term(r"\text{joints of LSP}", lambda m: float(len(LSP_14)))
    return [
        refute(
            id="flip-permutes-rows-only",
            says="code that permutes the relation matrix of a mirrored picture along its first axis",
            lhs=flipped,
            rhs=rows,
            correct=both,
            samples=_samples(OrderedBody.draw),
            because="both joints of a pair are renamed",
            number="14.26",
        ),
        refute(
            id="unannotated-pairs-as-ties",
            says=f"{NOTE}, which mentions NaN once and masks it nowhere; the quick remedy fills in 0",
            lhs=masked,
            rhs=as_ties,
            correct="annotated pairs only: mask NaN before any arithmetic, since $0 \\cdot \\mathrm{NaN}$ is NaN",
            samples=_samples(OrderedBody.draw),
            because="0 says *about as far*, which nobody said",
            number="14.1",
        ),
        refute(
            id="reshaped-records",
            says=f"{NOTE}, which gives 3 x 14 x 2000 joints and 2000 x 14 x 14 relations, not that the person is the "
            "last index of the one and the first of the other",
            lhs=picked,
            rhs=reshaped,
            correct=transposed,
            samples=_samples(Records.draw),
            because="a reshape leaves the numbers where they are; the axes must be turned round",
        ),
        refute(
            id="seventeen-joints-from-fourteen",
            says=f"{NOTE}, which asks how 17 joints can be supervised by 14 or 16",
            lhs=annotated,
            rhs=all_joints,
            correct=fourteen,
            samples=[Sample(one.name, one, {}) for one in (LSP_14, MPII_16)],
            because="an ordinal picture supervises the 14 joints that it has (of MPII, pelvis and thorax are dropped); "
            "the others learn from the studio, in mixed training",
        ),
    ]


def _seen(m: OrderedBody) -> np.ndarray:
    """Half of the pairs, the same on every body."""
    i, j = np.indices(m.order.shape)
    return (i + j) % 2 == 1


def _common(skeleton: Any) -> float:
    """Joints of the network's 17 that stand for the 14 joints which a skeleton of the annotations shares with LSP."""
    to_lsp = conversion(skeleton, LSP_14)
    from_network = conversion(H36M_17_LEFT, LSP_14)
    both = [bool(a) and bool(b) for a, b in zip(to_lsp.weights, from_network.weights, strict=True)]
    return float(sum(both))
