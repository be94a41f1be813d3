"""Experiments of lesson 06: what InfoGAN's code comes to mean, how reliably, and what makes it reliable."""

from course_lib.experiments.infogan_errata import errata
from course_lib.experiments.infogan_failures import FAILURES, failures
from course_lib.experiments.infogan_figures import figures
from course_lib.experiments.infogan_glyphs import disentangled, sweep
from course_lib.experiments.infogan_mnist import (
    additions,
    beyond,
    faithful,
    judged,
    kmeans,
    readings,
    step_time,
    unfixed,
)
from course_lib.experiments.record import Claim, Experiment

CHEN = "Chen et al. 2016, section 7.2"
ERROR = {"metric": "error", "unit": "%", "floor": 0.0}

_WORDS = {
    "embedding": "without InfoNCE",
    "codes": "without the discrete codes that are trained with the features",
    "thickness": "without changes of thickness",
    "affine": "without rotation, shear, scale and shift",
    "restarts": "with one restart of the ten-valued code instead of 64",
}


def _without() -> tuple[Claim, ...]:
    return tuple(
        Claim(
            id=f"without_{part}",
            what=f"rise of the error of a taught Q of half the width {words}",
            metric="rise",
            unit="points of %",
            better="higher",
            rule="mean > 0",
            profile="reduced",
        )
        for part, words in _WORDS.items()
    )


EXPERIMENTS = (
    Experiment(
        name="faithful",
        run=faithful,
        needs="mnist",
        seeds=(0, 1, 2, 3, 4),
        claims=(
            Claim(
                id="li_ceiling",
                what="bound on the information between the ten-valued code and new images after 5,000 updates "
                "(ceiling: ln 10 = 2.303)",
                metric="L_I",
                unit="nats",
                better="higher",
                rule="mean >= 2.2",
                profile="standard",
                paper={"value": 2.30, "source": "Chen et al. 2016, section 7.1, figure 1"},
            ),
            Claim(
                id="li_before_game",
                what="updates until the bound keeps within a tenth of its span",
                metric="updates",
                rule="each < baseline",
                profile="standard",
                baseline="the same of the generator's loss (5,001: not within the run)",
                floor=0.0,
            ),
            Claim(
                id="mnist_error_faithful",
                what="error on MNIST test images, one to one, official settings",
                rule="mean <= 5",
                profile="standard",
                paper={"value": 5.0, "source": CHEN},
                **ERROR,
            ),
            Claim(
                id="drawn_error_faithful",
                what="generated digits that a classifier does not take for the digit of their code, one to one",
                rule="mean <= 5",
                profile="standard",
                **ERROR,
            ),
            *(
                Claim(
                    id=claim_id,
                    what=f"slope of mean {name} against its code beyond -1 or 1 (the lesser), over the slope inside",
                    metric="ratio",
                    better="higher",
                    rule="mean > 0.25",
                    profile="standard",
                )
                for claim_id, name in (("extrapolation", "slant"), ("extrapolation_width", "width"))
            ),
        ),
    ),
    Experiment(
        name="beyond",
        run=beyond,
        needs="mnist",
        seeds=(0, 1, 2, 3, 4),
        claims=(
            Claim(
                id="mnist_error_beyond",
                what="error on MNIST test images, one to one, Q trained without labels on pairs of deformed real "
                "images",
                rule="each <= 5",
                profile="standard",
                paper={"value": 5.0, "source": CHEN},
                **ERROR,
            ),
            Claim(
                id="drawn_error_beyond",
                what="generated digits that a classifier does not take for the digit of their code, Q taught likewise",
                rule="each <= 5",
                profile="standard",
                **ERROR,
            ),
        ),
    ),
    Experiment(
        name="judged",
        run=judged,
        needs="mnist",
        seeds=(0,),
        once="one classifier judges all runs, and it is trained with one seed",
        claims=(
            Claim(
                id="judge_error",
                what="error of the classifier itself on real MNIST test images",
                rule="mean <= 2.5",
                profile="standard",
                **ERROR,
            ),
        ),
    ),
    Experiment(
        name="readings",
        run=readings,
        needs="mnist",
        seeds=(0, 1, 2, 3, 4),
        claims=(
            Claim(
                id="passive_q_li",
                what="bound of a Q that only looks on at a plain GAN (the better of a head on the discriminator's "
                "layers and a network of its own), half of every width, 1,000 updates",
                metric="L_I",
                unit="nats",
                rule="each < baseline",
                profile="reduced",
                baseline="InfoGAN of the same size",
            ),
            Claim(
                id="error_of_half_width",
                what="error on MNIST test images, one to one, InfoGAN of half the width and 1,000 updates",
                rule="mean < baseline",
                profile="reduced",
                baseline="the better of the two onlookers",
                **ERROR,
            ),
            *(
                Claim(
                    id=f"{name}_{ending}",
                    what=what,
                    metric=metric,
                    better="higher",
                    rule="mean > baseline",
                    profile="reduced",
                    baseline="plain GAN with the same inputs",
                )
                for name, ending, metric, what in (
                    (
                        "slant",
                        "r2",
                        "R2",
                        "share of the variance of slant within a class that one continuous code explains, "
                        "generated images",
                    ),
                    ("slant", "spearman", "rank correlation", "absolute rank correlation of slant with that code"),
                    ("width", "r2", "R2", "share of the variance of width that the other continuous code explains"),
                    ("width", "spearman", "rank correlation", "absolute rank correlation of width with that code"),
                )
            ),
            Claim(
                id="trunk_ablation",
                what="bound when the information also trains the layers that Q shares with the discriminator",
                metric="L_I",
                unit="nats",
                better="higher",
                rule="mean > baseline",
                profile="reduced",
                baseline="those layers trained by the game alone",
            ),
            *(
                Claim(
                    id=f"reading_{name}",
                    what=f"bound of the discrete code as {words} the game",
                    metric="L_I",
                    unit="nats",
                    better="higher",
                    rule="mean >= 2",
                    profile="reduced",
                )
                for name, words in (("paper", "the paper writes"), ("port", "a much-used port writes"))
            ),
        ),
    ),
    Experiment(
        name="additions",
        run=additions,
        needs="mnist",
        seeds=(0, 1, 2),
        claims=(
            Claim(
                id="restart_chosen",
                what="error of the restart with the most information, Q of half the width",
                rule="each < baseline",
                profile="reduced",
                baseline="mean of all 64 restarts",
                **ERROR,
            ),
            *_without(),
        ),
    ),
    Experiment(
        name="unfixed",
        run=unfixed,
        needs="mnist",
        seeds=(0, 1, 2),
        claims=(
            Claim(
                id="without_fixed_q",
                what="rise of the error of a taught Q of half the width when it is the start of the discriminator's "
                "layers and 500 updates of the game go on training them",
                metric="rise",
                unit="points of %",
                better="higher",
                rule="mean > 0",
                profile="reduced",
            ),
        ),
    ),
    Experiment(
        name="kmeans",
        run=kmeans,
        needs="mnist",
        seeds=(0, 1, 2, 3, 4),
        claims=(
            Claim(
                id="kmeans_error",
                what="error on MNIST test images, one to one, ten means of the pixels (guessing: near 90)",
                rule="max <= 60",
                profile="standard",
                **ERROR,
            ),
        ),
    ),
    Experiment(
        name="glyphs",
        run=disentangled,
        seeds=(0, 1, 2, 3, 4),
        claims=(
            Claim(
                id="glyph_mig",
                what="mutual information gap of the two continuous codes for slant and width, glyphs no network made",
                metric="MIG",
                better="higher",
                rule="mean > baseline",
                profile="standard",
                baseline="passive Q of a plain GAN",
            ),
        ),
    ),
    Experiment(
        name="sweep",
        run=sweep,
        seeds=(0, 1, 2, 3, 4),
        claims=(
            Claim(
                id="lambda_sweep",
                what="mean R2 of slant and width with one code each at weight 1 of the continuous codes, glyphs",
                metric="R2",
                better="higher",
                rule="each > baseline",
                profile="quick",
                baseline="weight 0",
            ),
            Claim(
                id="lambda_price",
                what="quality of pictures at weight 10 (exp of the information between picture and named kind, at "
                "best 10)",
                metric="score",
                better="lower",
                rule="mean < baseline",
                profile="quick",
                baseline="weight 0",
            ),
        ),
    ),
    Experiment(
        name="failures",
        run=failures,
        seeds=(0, 1, 2, 3, 4),
        claims=tuple(
            Claim(
                id=f"failure_{name}",
                what=f"{what}, mended",
                metric=metric,
                unit=unit,
                better=better,
                rule=f"each {'>' if better == 'higher' else '<'} baseline",
                profile="quick",
                baseline=f"broken: {FAILURES[name].words}",
                floor=0.0,
            )
            for name, what, metric, unit, better in (
                (
                    "ignored",
                    "change of a picture with its class alone, over that with its noise alone",
                    "ratio",
                    "",
                    "higher",
                ),
                (
                    "d_wins",
                    "distance between two generated pictures, over that between two real ones",
                    "ratio",
                    "",
                    "higher",
                ),
                (
                    "two_softmaxes",
                    "loss of the discrete code as the game computes it",
                    "cross-entropy",
                    "nats",
                    "lower",
                ),
                (
                    "normal_codes",
                    "share of what a continuous code can do that a sweep from -1 to 1 shows",
                    "share",
                    "",
                    "higher",
                ),
                (
                    "exploding",
                    "push of a continuous code on the generator through the mean that Q reads",
                    "root mean square",
                    "",
                    "lower",
                ),
            )
        ),
    ),
    Experiment(
        name="speed",
        run=step_time,
        seeds=(0, 1, 2),
        claims=(
            Claim(
                id="step_ms_core",
                what="an update of the paper's MNIST networks, batch 128, one core, bf16 where the processor has it: "
                "fastest of 40",
                metric="time",
                unit="ms",
                rule="mean <= 160",
                profile="paper",
                floor=0.0,
            ),
        ),
    ),
)

__all__ = ["EXPERIMENTS", "errata", "figures"]
