"""Experiments of lesson 14: order instead of depth in four networks, wild pictures, and what labels may lack."""

from course_lib.experiments.ordinal_depth_errata import errata
from course_lib.experiments.ordinal_depth_figures import figures
from course_lib.experiments.ordinal_depth_forms import weak_coordinate, weak_depth, weak_volume1, weak_volume2, wild
from course_lib.experiments.ordinal_depth_labels import labels
from course_lib.experiments.record import Claim, Experiment

PAPER = "Pavlakos, Zhou and Daniilidis 2018, Table"
SEEDS = (0, 1, 2)

# Form, its function, what it is, error of the weakly and of the fully trained network in Table 1 (mm).
_FORMS = (
    ("depth", weak_depth, "a network that gives depths only", 84.24, 80.23),
    ("coordinate", weak_coordinate, "a network that gives coordinates", 115.08, 112.41),
    ("volume1", weak_volume1, "a volume from one hourglass", 89.93, 85.82),
    ("volume2", weak_volume2, "a volume from two hourglasses", 79.03, 69.77),
)

EXPERIMENTS = (
    *(
        Experiment(
            name=form,
            run=run,
            seeds=SEEDS,
            claims=(
                Claim(
                    id=f"weak_vs_full_{form}",
                    what=f"error of {what}, trained on order alone, above that of the same trained on true depths",
                    metric="excess MPJPE",
                    unit="%",
                    rule="mean <= 15",
                    profile="standard",
                    paper={"value": round(100 * (weak / full - 1), 1), "source": f"{PAPER} 1: {weak} and {full} mm"},
                ),
            ),
        )
        for form, run, what, weak, full in _FORMS
    ),
    Experiment(
        name="wild",
        run=wild,
        seeds=SEEDS,
        claims=(
            Claim(
                id="wild_2d",
                what="joints of wild pictures within 150 mm, trained on a studio (fronts only) and wild 2D joints",
                metric="PCK3D",
                unit="%",
                better="higher",
                rule="each > baseline",
                profile="standard",
                baseline="the studio alone",
                paper={"value": 44.3, "source": f"{PAPER} 3 (MPI-INF-3DHP; 17.1 without)"},
            ),
            Claim(
                id="wild_2d_ordinal",
                what="the same, trained also on the order of wild joints in depth",
                metric="PCK3D",
                unit="%",
                better="higher",
                rule="each > baseline",
                profile="standard",
                baseline="the studio and 2D joints of wild pictures",
                paper={"value": 71.9, "source": f"{PAPER} 3 (MPI-INF-3DHP; 44.3 without order)"},
            ),
            Claim(
                id="wild_order",
                what="pairs of joints of wild pictures whose order in depth is right, trained also on order",
                metric="order kept",
                unit="%",
                better="higher",
                rule="each > baseline",
                profile="standard",
                baseline="the studio and 2D joints of wild pictures",
            ),
            Claim(
                id="wild_order_every_side",
                what="the same where the studio sees people from every side",
                metric="order kept",
                unit="%",
                better="higher",
                rule="each > baseline",
                profile="standard",
                baseline="the studio and 2D joints of wild pictures",
            ),
        ),
    ),
    Experiment(
        name="labels",
        run=labels,
        seeds=SEEDS,
        claims=(
            Claim(
                id="label_budget",
                what="order in depth lost when 17 connected pairs of each picture are labelled instead of all 136",
                metric="order lost",
                unit="points",
                rule="mean <= 5",
                profile="standard",
            ),
            Claim(
                id="label_noise",
                what="order in depth that is right, learned from labels a fifth of which are turned round",
                metric="order kept",
                unit="%",
                better="higher",
                rule="each > baseline",
                profile="standard",
                baseline="those labels themselves",
            ),
            Claim(
                id="tie_threshold",
                what="spread of the depths learned from relations without a single tie",
                metric="standard deviation",
                unit="units of the network",
                better="higher",
                rule="each > baseline",
                profile="standard",
                baseline="the same with ties below 100 mm",
            ),
            Claim(
                id="sign_control_flip",
                what="bodies that come out mirrored in depth when the sign of the published files is fed in as it is",
                metric="flip rate",
                unit="%",
                better="higher",
                rule="each > 90",
                profile="standard",
            ),
        ),
    ),
)

__all__ = ["EXPERIMENTS", "errata", "figures"]
