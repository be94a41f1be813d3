"""Experiments of lesson 15: from 2D joints and depths of ordinal quality to bodies in metres."""

from course_lib.experiments.reconstruction_errata import errata
from course_lib.experiments.reconstruction_figures import figures
from course_lib.experiments.reconstruction_lift import lift, real
from course_lib.experiments.reconstruction_pipeline import pipeline
from course_lib.experiments.record import Claim, Experiment

SEEDS = (0, 1, 2)
PAVLAKOS = "Pavlakos et al. 2018"
ERROR = {"metric": "MPJPE", "unit": "mm", "floor": 0.0}
NOISY = "depths with 0.1 m of noise"

EXPERIMENTS = (
    Experiment(
        name="lift",
        run=lift,
        seeds=SEEDS,
        claims=(
            Claim(
                id="recon_2d_only_mm",
                what="error of a component that sees 2D joints alone, 1,000 drawn people with the limbs of others",
                rule="each < baseline",
                profile="reduced",
                baseline="the mean pose for everybody",
                **ERROR,
            ),
            Claim(
                id="recon_ordinal_mm",
                what=f"error of the component that sees 2D joints and {NOISY}, the same people",
                rule="each < baseline",
                profile="reduced",
                baseline="the same network, 2D joints alone",
                **ERROR,
            ),
            Claim(
                id="recon_cleans_depth_mm",
                what="the same error",
                rule="each < baseline",
                profile="reduced",
                baseline="the same depths and the scaled 2D joints as they are, no network",
                **ERROR,
            ),
            Claim(
                id="recon_pck3d",
                what=f"joints within 150 mm of where they should be, 2D joints and {NOISY}",
                metric="PCK3D",
                unit="%",
                better="higher",
                rule="each > baseline",
                profile="reduced",
                baseline="2D joints alone",
                floor=0.0,
            ),
            Claim(
                id="ambiguous_gain_mm",
                what="how much the depths lower the error for the fifth of the people whose depth 2D leaves most open",
                metric="gain",
                unit="mm",
                better="higher",
                rule="each > baseline",
                profile="reduced",
                baseline="the fifth whose depth 2D leaves least open",
            ),
            Claim(
                id="reflection_trap_mm",
                what="error after an alignment that may reflect, when all depths were mirrored before",
                rule="each < baseline",
                profile="reduced",
                baseline="after an alignment that may only turn",
                metric="Procrustes MPJPE",
                unit="mm",
                floor=0.0,
            ),
            Claim(
                id="flip_average_mm",
                what=f"error of the average with the mirrored picture's reconstruction, {NOISY}",
                rule="each < baseline",
                profile="reduced",
                baseline="without the average",
                **ERROR,
            ),
            Claim(
                id="flip_unswapped_mm",
                what="error of the average when left and right are not exchanged",
                metric="MPJPE",
                unit="mm",
                better="higher",
                rule="each > baseline",
                profile="reduced",
                baseline="exchanged",
                floor=0.0,
            ),
        ),
    ),
    Experiment(
        name="pipeline",
        run=pipeline,
        seeds=SEEDS,
        claims=(
            Claim(
                id="noise_choice",
                what="error of the whole pipeline, the component trained with the noise that keeps as many orders as "
                "the image network does",
                rule="each < baseline",
                profile="reduced",
                baseline="trained with almost true depths (0.02 m of noise)",
                **ERROR,
            ),
            Claim(
                id="noise_regret_mm",
                what="what that choice costs: its error less that of the best of five levels on the same pictures",
                metric="MPJPE",
                unit="mm",
                rule="each <= 2",
                profile="reduced",
            ),
            Claim(
                id="pipeline_mpjpe_mm",
                what="picture of 64 pixels to body in metres, 1,000 people of the wild rendered world",
                rule="each < baseline",
                profile="reduced",
                baseline="the image network's own joints, one size for everybody",
                paper={
                    "value": 56.2,
                    "source": f"{PAVLAKOS}, Table 2: Human3.6M, photographs of 256 pixels; not comparable, the "
                    "direction is",
                },
                **ERROR,
            ),
            Claim(
                id="pipeline_depth_helps_mm",
                what="the same error",
                rule="each < baseline",
                profile="reduced",
                baseline="a component that sees the image network's 2D joints alone",
                **ERROR,
            ),
            Claim(
                id="pipeline_flip_mm",
                what="the same error, picture and mirrored picture averaged",
                rule="each < baseline",
                profile="reduced",
                baseline="without any average",
                **ERROR,
            ),
        ),
    ),
    Experiment(
        name="real",
        run=real,
        needs="h36m",
        seeds=SEEDS,
        claims=(
            Claim(
                id="real_mocap_recon_mm",
                what=f"trained on S1 of Human3.6M and six subjects of CMU, {NOISY}: "
                "mean of the errors on S6, on S9 and on other CMU walkers",
                rule="each < baseline",
                profile="standard",
                baseline="the same network, 2D joints alone",
                **ERROR,
            ),
            Claim(
                id="real_s6_mm",
                what=f"the same component on S6 of Human3.6M, drawn cameras, {NOISY}",
                rule="each < baseline",
                profile="standard",
                baseline="2D joints alone",
                **ERROR,
            ),
            Claim(
                id="real_s9_mm",
                what=f"the same component on the sample of S9 with its own camera, {NOISY}; S9 is taller than all",
                rule="each < baseline",
                profile="standard",
                baseline="2D joints alone",
                **ERROR,
            ),
            Claim(
                id="real_cmu_mm",
                what=f"the same component on CMU subjects 35, 49 and 55, drawn cameras, {NOISY}",
                rule="each < baseline",
                profile="standard",
                baseline="2D joints alone",
                **ERROR,
            ),
            Claim(
                id="real_rig_mm",
                what=f"the same component on CMU motion put on a character's bones, unlike any it has seen, {NOISY}",
                rule="each < baseline",
                profile="standard",
                baseline="2D joints alone",
                **ERROR,
            ),
        ),
    ),
)

__all__ = ["EXPERIMENTS", "errata", "figures"]
