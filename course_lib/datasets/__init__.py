"""Readers of real data in their original file formats."""

from course_lib.datasets.batches import Batch, Batches
from course_lib.datasets.digits import load_digits
from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.hdf5 import read_hdf5
from course_lib.datasets.idx import read_idx
from course_lib.datasets.images import ImageSet, binarize
from course_lib.datasets.matlab import read_mat
from course_lib.datasets.mnist import load_mnist
from course_lib.datasets.pictures import decode_image
from course_lib.datasets.poses import KeypointSet, PoseSet
from course_lib.datasets.records import LazyImages, RecordBatches, RecordSet

__all__ = [
    "BadRecords",
    "Batch",
    "Batches",
    "DataFormatError",
    "ImageSet",
    "KeypointSet",
    "LazyImages",
    "PoseSet",
    "RecordBatches",
    "RecordSet",
    "binarize",
    "decode_image",
    "load_digits",
    "load_mnist",
    "read_hdf5",
    "read_idx",
    "read_mat",
]
