"""Readers of real data in their original file formats."""

from course_lib.datasets.batches import Batch, Batches
from course_lib.datasets.digits import load_digits
from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.idx import read_idx
from course_lib.datasets.images import ImageSet, binarize
from course_lib.datasets.mnist import load_mnist

__all__ = ["Batch", "Batches", "DataFormatError", "ImageSet", "binarize", "load_digits", "load_mnist", "read_idx"]
