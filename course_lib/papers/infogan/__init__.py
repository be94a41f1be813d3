"""InfoGAN: Chen, Duan, Houthooft, Schulman, Sutskever and Abbeel 2016.

A generator driven by noise and a small code, a discriminator, and a recognition head that reads the code back: the
last turns the information between code and image into a bound that all three can be trained on. `PROFILES` holds the
settings for MNIST, `DIGITS_PROFILES` those for the 8 x 8 digits that come with scikit-learn, `GLYPHS_PROFILES` those
for the world of glyphs; `READINGS` holds how the paper, the official code and a port differ.
"""

from course_lib.papers.infogan.config import (
    DIGITS_PROFILES,
    GLYPHS_PROFILES,
    PROFILES,
    READINGS,
    InfoGanConfig,
    PairsConfig,
)
from course_lib.papers.infogan.deform import Deformation, deform
from course_lib.papers.infogan.model import (
    CodePosterior,
    Codes,
    Discriminator,
    Generator,
    InfoGan,
    Judgement,
    Recognition,
    RecognitionHead,
    Trunk,
    sample_codes,
    sample_noise,
)
from course_lib.papers.infogan.objective import (
    discriminator_loss,
    generator_loss,
    information_bounds,
    information_loss,
)
from course_lib.papers.infogan.pairs import (
    CodeChoice,
    PairNet,
    choose_code,
    install_code,
    pair_features,
    pair_rate,
    pair_step,
    without,
)
from course_lib.papers.infogan.step import infogan_optimizers, infogan_step

__all__ = [
    "DIGITS_PROFILES",
    "GLYPHS_PROFILES",
    "PROFILES",
    "READINGS",
    "CodeChoice",
    "CodePosterior",
    "Codes",
    "Deformation",
    "Discriminator",
    "Generator",
    "InfoGan",
    "InfoGanConfig",
    "Judgement",
    "PairNet",
    "PairsConfig",
    "Recognition",
    "RecognitionHead",
    "Trunk",
    "choose_code",
    "deform",
    "discriminator_loss",
    "generator_loss",
    "infogan_optimizers",
    "infogan_step",
    "information_bounds",
    "information_loss",
    "install_code",
    "pair_features",
    "pair_rate",
    "pair_step",
    "sample_codes",
    "sample_noise",
    "without",
]
