"""The 1,797 real handwritten digits that scikit-learn ships: 8 x 8 pixels, no download."""

import torch

from course_lib.datasets.images import ImageSet

N_TRAIN = 1437  # four fifths


def load_digits() -> tuple[ImageSet, ImageSet]:
    """Training set (1,437) and test set (360) of the UCI optical digits, test half of Alpaydin and Kaynak 1998.

    Grey values 0 to 16 become 0 to 1. The file is ordered by writer, so that a split in file order keeps the writers
    of the test set unseen; that is the split used here, with no shuffling.
    """
    from sklearn.datasets import load_digits as load  # a second to import: only who asks for digits pays

    raw = load()
    images = torch.from_numpy(raw.images).to(torch.float32).div(16).unsqueeze(1)
    labels = torch.from_numpy(raw.target).to(torch.int64)
    return ImageSet(images[:N_TRAIN], labels[:N_TRAIN]), ImageSet(images[N_TRAIN:], labels[N_TRAIN:])
