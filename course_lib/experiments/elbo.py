"""Experiments of lesson 01: what the bound costs, what importance weights buy, when a code collapses."""

from course_lib.experiments.elbo_bounds import collapse, gap, monotone, reparameterisation
from course_lib.experiments.elbo_digits import conditional, digits, richer
from course_lib.experiments.elbo_errata import errata
from course_lib.experiments.elbo_mnist import long_run, mnist
from course_lib.experiments.record import Claim, Experiment

BURDA = "Burda, Grosse and Salakhutdinov 2016, Table 1 (one stochastic layer)"

EXPERIMENTS = (
    Experiment(
        name="mnist",
        run=mnist,
        needs="mnist",
        seeds=(0, 1, 2),
        claims=(
            Claim(
                id="mnist_nll",
                what="negative log-likelihood of the MNIST test images, VAE trained on the ELBO",
                metric="NLL",
                unit="nats",
                rule="mean <= 88.5",
                profile="standard",
                paper={"value": 86.76, "source": BURDA},
            ),
            Claim(
                id="mnist_nll_iw50",
                what="the same, second half of the time spent on the importance-weighted bound, k = 50",
                metric="NLL",
                unit="nats",
                rule="each < baseline",
                profile="standard",
                baseline="ELBO for the whole time",
                paper={"value": 84.78, "source": BURDA + ", k = 50"},
            ),
        ),
    ),
    Experiment(
        name="long",
        run=long_run,
        needs="mnist",
        seeds=(0,),
        once="one long run is asked for, beside three of the standard length",
        claims=(
            Claim(
                id="mnist_nll_long",
                what="negative log-likelihood of the MNIST test images after one long run on the ELBO",
                metric="NLL",
                unit="nats",
                rule="each < baseline",
                profile="standard",
                baseline="the same seed at the standard length",
                paper={"value": 86.76, "source": BURDA},
            ),
            Claim(
                id="mnist_nll_long_iw50",
                what="the same, second half of the long run on the importance-weighted bound, k = 50",
                metric="NLL",
                unit="nats",
                rule="each < baseline",
                profile="standard",
                baseline="ELBO for the whole long run",
                paper={"value": 84.78, "source": BURDA + ", k = 50"},
            ),
        ),
    ),
    Experiment(
        name="digits",
        run=digits,
        seeds=(0, 1, 2, 3, 4),
        claims=(
            Claim(
                id="digits_vae_beats_pca",
                what="reconstruction error of unseen 8 x 8 digits from 2 numbers each",
                metric="RMSE",
                unit="grey levels, 0 to 1",
                rule="each < baseline",
                floor=0.0,
                profile="quick",
                baseline="PCA with 2 components",
            ),
            Claim(
                id="digits_vae_beats_ppca",
                what="negative log-density of unseen 8 x 8 digits, 2-number code",
                metric="NLL",
                unit="nats",
                rule="each < baseline",
                profile="quick",
                baseline="probabilistic PCA with 2 components",
            ),
        ),
    ),
    Experiment(
        name="conditional",
        run=conditional,
        seeds=(0, 1, 2, 3, 4),
        claims=(
            Claim(
                id="conditional_beats_unconditional",
                what="negative log-density of unseen digits given their class",
                metric="NLL",
                unit="nats",
                rule="each < baseline",
                profile="quick",
                baseline="the same network without the class",
            ),
        ),
    ),
    Experiment(
        name="richer",
        run=richer,
        seeds=(0, 1, 2, 3, 4),
        claims=(
            Claim(
                id="richer_q_gap",
                what="part of the gap of the best diagonal posterior that a full covariance closes, one fixed decoder",
                metric="gap closed",
                unit="nats",
                better="higher",
                rule="min > 0",
                floor=0.0,
                profile="quick",
            ),
        ),
    ),
    Experiment(
        name="gap",
        run=gap,
        seeds=(0, 1, 2),
        claims=(
            Claim(
                id="gap_is_kl",
                what="largest difference between log p(x) - ELBO and KL(q, posterior) on 500 random models",
                metric="difference",
                unit="nats",
                rule="max <= 1e-9",
                floor=0.0,
                profile="exact",
            ),
        ),
    ),
    Experiment(
        name="reparameterisation",
        run=reparameterisation,
        seeds=(0, 1, 2, 3, 4),
        claims=(
            Claim(
                id="reparam_variance",
                what="variance of the score-function gradient, with a baseline, over that of the reparameterised one",
                metric="ratio",
                better="higher",
                rule="min > 10",
                floor=0.0,
                profile="exact",
            ),
        ),
    ),
    Experiment(
        name="monotone",
        run=monotone,
        seeds=(0, 1, 2, 3, 4),
        claims=(
            Claim(
                id="iwae_monotone",
                what="smallest rise of the importance-weighted bound from one k to the next (1, 2, 4, ..., 64), "
                "new samples for each",
                metric="rise",
                unit="standard errors",
                better="higher",
                rule="min > 4",
                profile="exact",
            ),
            Claim(
                id="iwae_is_a_bound",
                what="largest of: excess of the bound over log p(x) at any k, distance of k = 1 from the ELBO",
                metric="excess",
                unit="standard errors",
                rule="max < 4",
                profile="exact",
            ),
        ),
    ),
    Experiment(
        name="collapse",
        run=collapse,
        seeds=(0, 1, 2),
        claims=(
            Claim(
                id="collapse_threshold",
                what="largest difference between a trained linear VAE's gains and sqrt(l - beta s^2), 8 values of beta",
                metric="difference",
                rule="max <= 0.05",
                floor=0.0,
                profile="exact",
            ),
        ),
    ),
)

__all__ = ["EXPERIMENTS", "errata"]
