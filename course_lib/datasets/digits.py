"""The 1,797 real handwritten digits that scikit-learn ships: 8 x 8 pixels, no download."""

import torch

from course_lib.datasets.images import ImageSet

N_TRAIN = 1415  # where the eleventh writer's block ends


def load_digits() -> tuple[ImageSet, ImageSet]:
    """Training set (1,415) and test set (382) of the UCI optical digits, test half of Alpaydin and Kaynak 1998.

    Grey values 0 to 16 become 0 to 1. The file holds one writer after another, about 130 digits each; the pattern
    0, 1, ..., 9, 0, 1, ... with which each block begins shows where. The split is at such a place and nothing is
    shuffled, so that no writer of the test set is in the training set.
    """
    from sklearn.datasets import load_digits as load  # a second to import: only who asks for digits pays

    raw = load()
    images = torch.from_numpy(raw.images).to(torch.float32).div(16).unsqueeze(1)
    labels = torch.from_numpy(raw.target).to(torch.int64)
    return ImageSet(images[:N_TRAIN], labels[:N_TRAIN]), ImageSet(images[N_TRAIN:], labels[N_TRAIN:])
