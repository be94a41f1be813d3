"""The slips about cameras, bodies and motion that circulate, each with the number that refutes it."""

from collections.abc import Callable

import numpy as np
import torch

from course_lib.teaching.refute import Refutation, refute
from course_lib.teaching.relation import Sample
from course_lib.teaching.scenes import Capsule, Chain, Poses, Sight, TwoViews
from course_lib.teaching.term import Term

LESSON = "05_worlds"
AIGN = "notes on Adversarial Inverse Graphics Networks"
DRAWS = 20


def errata() -> list[dict]:
    """Every refuted slip as an entry of the results file."""
    return [one.errata(LESSON) for one in (*_cameras(), *_bodies(), *_motion())]


def _samples(draw: Callable, *first: Sample) -> list[Sample]:
    generators = [torch.Generator().manual_seed(i) for i in range(DRAWS)]
    return [*first, *(Sample(f"draw {i}", draw(gen), {}) for i, gen in enumerate(generators))]


def _cameras() -> list[Refutation]:
    pixel = Term(r"\mathbf{u}", lambda m: m.pinhole)
    centre = Term(r"\mathbf{c}", lambda m: np.broadcast_to(m.centre, m.pinhole.shape))
    undivided = Term(r"f\begin{pmatrix} X \\ Y \end{pmatrix}", lambda m: m.focal * m.points[:, :2])
    divided = Term(
        r"\frac{f}{Z}\begin{pmatrix} X \\ Y \end{pmatrix}", lambda m: m.focal * m.points[:, :2] / m.points[:, 2:]
    )
    added_first = Term(
        r"\frac{1}{Z}\left(f\begin{pmatrix} X \\ Y \end{pmatrix} + \mathbf{c}\right)",
        lambda m: (m.focal * m.points[:, :2] + m.centre) / m.points[:, 2:],
    )
    volume = Term(r"\det(\mathbf{X}_1, \mathbf{X}_2, \mathbf{X}_3)", lambda m: np.linalg.det(m.points[:3]))
    mirrored = Term(
        r"\det(\mathbf{F}\mathbf{X}_1, \mathbf{F}\mathbf{X}_2, \mathbf{F}\mathbf{X}_3)",
        lambda m: np.linalg.det(m.points[:3] * [1, -1, 1]),
    )
    half_turn = Term(
        r"\det(\mathbf{R}\mathbf{X}_1, \mathbf{R}\mathbf{X}_2, \mathbf{R}\mathbf{X}_3)",
        lambda m: np.linalg.det(m.points[:3] * [1, -1, -1]),
    )
    near = Sight(np.array([[100.0, 50.0, 1000.0]]), 725.0, np.array([620.5, 187.0]))
    on_point = _samples(Sight.draw, Sample("the point (100, 50, 1000) before a camera with f = 725", near, {}))
    depth = Term(r"t_{\mathrm{enter}}", lambda m: m.hit())
    length = Term(r"\Vert \mathbf{v} \Vert\,t_{\mathrm{enter}}", lambda m: np.linalg.norm(m.ray) * m.hit())
    return [
        refute(
            id="projection-without-division",
            says=f"{AIGN}, pose section: a 3 x 4 matrix times the pose plus $(c_x, c_y, 0)$",
            lhs=pixel,
            rhs=undivided + centre,
            correct=divided + centre,
            samples=on_point,
            number="5.1",
            because="the third row of the product is the depth, and a pixel is the first two divided by it",
        ),
        refute(
            id="centre-before-division",
            says=f"the other reading of the same line of the {AIGN}: the centre added before the division",
            lhs=pixel,
            rhs=added_first,
            correct=divided + centre,
            samples=on_point,
            number="5.1",
            because="the centre is in pixels already; only inside the camera matrix is it multiplied by the depth",
        ),
        refute(
            id="negate-y",
            says="a common conversion of motion capture: negate $Y$",
            lhs=volume,
            rhs=mirrored,
            correct=half_turn,
            samples=_samples(Sight.draw),
            number="5.8",
            because="one sign is a mirror, and exchanges the body's left and right; a half turn about X does not",
        ),
        refute(
            id="ray-length-is-depth",
            says="renderers that normalise their rays",
            lhs=depth,
            rhs=length,
            samples=_samples(Capsule.draw),
            correct="a ray with third component 1, whose parameter is the depth",
            number="5.17",
            because="depth is measured along the optical axis",
        ),
    ]


def _bodies() -> list[Refutation]:
    tip = Term(r"\mathbf{p}_3", lambda m: m.tip())

    def bone(latex: str, *order: int) -> Term:
        def turned(m: Chain) -> np.ndarray:
            return np.linalg.multi_dot([np.eye(3), *(m.turns[i] for i in order), m.offsets[len(order) - 1]])

        return Term(latex, turned)

    root = Term(r"\mathbf{p}_0", lambda m: m.root)
    first = bone(r"\mathbf{R}_0\mathbf{o}_1", 0)
    outwards = root + first + bone(r"\mathbf{R}_0\mathbf{R}_1\mathbf{o}_2", 0, 1)
    outwards = outwards + bone(r"\mathbf{R}_0\mathbf{R}_1\mathbf{R}_2\mathbf{o}_3", 0, 1, 2)
    inwards = root + first + bone(r"\mathbf{R}_1\mathbf{R}_0\mathbf{o}_2", 1, 0)
    inwards = inwards + bone(r"\mathbf{R}_2\mathbf{R}_1\mathbf{R}_0\mathbf{o}_3", 2, 1, 0)

    def undone(latex: str, *order: int) -> Term:
        def turned(m: Chain) -> np.ndarray:
            return np.linalg.multi_dot([np.eye(3), *(m.turns[i].T for i in order), m.offsets[len(order) - 1]])

        return Term(latex, turned)

    backwards = root + undone(r"\mathbf{R}_0^{\top}\mathbf{o}_1", 0)
    backwards = backwards + undone(r"\mathbf{R}_0^{\top}\mathbf{R}_1^{\top}\mathbf{o}_2", 0, 1)
    backwards = backwards + undone(r"\mathbf{R}_0^{\top}\mathbf{R}_1^{\top}\mathbf{R}_2^{\top}\mathbf{o}_3", 0, 1, 2)
    pose = Term(r"\mathbf{X}_1", lambda m: m.poses[0].ravel())
    combination = Term(
        r"\sum_{j} \alpha_{1j} \mathbf{B}_j",
        lambda m: m.all_directions @ (m.poses[0].ravel() - m.mean) @ m.all_directions,
    )
    mean = Term(r"\bar{\mathbf{B}}", lambda m: m.mean)
    return [
        refute(
            id="rows-for-columns",
            says="readers of Human3.6M's files that take row vectors for columns",
            lhs=tip,
            rhs=backwards,
            correct=outwards,
            samples=_samples(Chain.draw),
            number="5.10",
            because="a row times a matrix is the transposed matrix times the column; all bone lengths stay right",
        ),
        refute(
            id="order-of-rotations",
            says="ports that compose as for rows and multiply columns",
            lhs=tip,
            rhs=inwards,
            correct=outwards,
            samples=_samples(Chain.draw),
            number="5.10",
            because="the rotation nearest the root acts last, on everything below it; all bone lengths stay right",
        ),
        refute(
            id="mean-pose-missing",
            says=f"{AIGN}, pose section: $\\mathbf{{R}}\\sum_j \\alpha_j \\mathbf{{B}}_j$",
            lhs=pose,
            rhs=combination,
            correct=mean + combination,
            samples=_samples(Poses.draw),
            number="5.12",
            because="with all coefficients at zero there must be a body, not a point",
        ),
    ]


def _motion() -> list[Refutation]:
    flow = Term(r"\mathbf{w}(Z, \mathbf{R}, \mathbf{T})", lambda m: m.flow())
    undone = Term(
        r"\mathbf{w}(Z, \mathbf{R}^{\top}, -\mathbf{R}^{\top}\mathbf{T})",
        lambda m: m.changed(velocity=-m.velocity, translation=-m.rotation.T @ m.translation).flow(),
    )
    return [
        refute(
            id="inverse-motion",
            says="loaders that give the motion of the camera where that of the points is wanted",
            lhs=flow,
            rhs=undone,
            samples=_samples(TwoViews.draw),
            correct="the motion of points, $\\mathbf{X}_2 = \\mathbf{R}\\mathbf{X}_1 + \\mathbf{T}$",
            number="5.18",
            because="points move into the second frame by the inverse of the camera's own motion",
        )
    ]
