"""Readers of real data in their original file formats."""

from course_lib.datasets.archives import ZipEntry, read_entry, safe_entries
from course_lib.datasets.asf_amc import AcclaimMotion, AcclaimSkeleton, read_amc, read_asf
from course_lib.datasets.batches import Batch, Batches
from course_lib.datasets.bvh import BvhMotion, read_bvh
from course_lib.datasets.c2f import C2fBins, C2fPoses, load_c2f, load_c2f_bins, read_depth_limits, read_limb_lengths
from course_lib.datasets.celeba import ATTRIBUTES as CELEBA_ATTRIBUTES
from course_lib.datasets.celeba import FaceSet, load_celeba, read_celeba_attributes, read_celeba_numbers
from course_lib.datasets.cmu import load_cmu
from course_lib.datasets.deepfashion import load_deepfashion, parse_deepfashion_name
from course_lib.datasets.digits import load_digits
from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.expmaps import ExpmapMotion, integrate_root, read_expmaps
from course_lib.datasets.h36m import load_h36m
from course_lib.datasets.hand_labels import DepthCamera, HandSet, load_hand_predictions, read_uvd_labels
from course_lib.datasets.hdf5 import read_hdf5
from course_lib.datasets.icvl import ICVL_CAMERA, decode_icvl_depth, load_icvl
from course_lib.datasets.idx import read_idx
from course_lib.datasets.images import ImageSet, binarize
from course_lib.datasets.itop import load_itop
from course_lib.datasets.keypoint_csv import read_image_list, read_keypoint_csv, read_pairs_csv
from course_lib.datasets.kitti import load_kitti, read_kitti_calibration, read_kitti_poses
from course_lib.datasets.lsp import load_lsp, load_lsp_extended
from course_lib.datasets.market import MarketSet, load_market, parse_market_name
from course_lib.datasets.matlab import read_mat
from course_lib.datasets.mnist import load_mnist
from course_lib.datasets.mnist_cdcb import ColouredDigits, load_mnist_cdcb, pair_colours, read_cdcb
from course_lib.datasets.mpii import MpiiSet, load_mpii
from course_lib.datasets.msra import (
    MSRA_CAMERA,
    load_msra,
    load_msra14,
    read_msra14_depth,
    read_msra_depth,
    read_msra_joints,
)
from course_lib.datasets.nyu import NYU_CAMERA, decode_nyu_depth, load_nyu, read_nyu_centers
from course_lib.datasets.olivetti import OlivettiSet, load_olivetti
from course_lib.datasets.ordinal import OrdinalSet, load_ordinal
from course_lib.datasets.pictures import decode_image
from course_lib.datasets.poses import KeypointSet, PoseSet
from course_lib.datasets.records import LazyImages, RecordBatches, RecordSet
from course_lib.datasets.rendered import RenderedSet, load_rendered
from course_lib.datasets.scenes import SceneSequence
from course_lib.datasets.seven_scenes import load_seven_scenes
from course_lib.datasets.side_by_side import EdgePairs, load_side_by_side, read_halves
from course_lib.datasets.virtual_kitti import load_virtual_kitti, read_virtual_kitti_poses

__all__ = [
    "CELEBA_ATTRIBUTES",
    "ICVL_CAMERA",
    "MSRA_CAMERA",
    "NYU_CAMERA",
    "AcclaimMotion",
    "AcclaimSkeleton",
    "BadRecords",
    "Batch",
    "Batches",
    "BvhMotion",
    "C2fBins",
    "C2fPoses",
    "ColouredDigits",
    "DataFormatError",
    "DepthCamera",
    "EdgePairs",
    "ExpmapMotion",
    "FaceSet",
    "HandSet",
    "ImageSet",
    "KeypointSet",
    "LazyImages",
    "MarketSet",
    "MpiiSet",
    "OlivettiSet",
    "OrdinalSet",
    "PoseSet",
    "RecordBatches",
    "RecordSet",
    "RenderedSet",
    "SceneSequence",
    "ZipEntry",
    "binarize",
    "decode_icvl_depth",
    "decode_image",
    "decode_nyu_depth",
    "integrate_root",
    "load_c2f",
    "load_c2f_bins",
    "load_celeba",
    "load_cmu",
    "load_deepfashion",
    "load_digits",
    "load_h36m",
    "load_hand_predictions",
    "load_icvl",
    "load_itop",
    "load_kitti",
    "load_lsp",
    "load_lsp_extended",
    "load_market",
    "load_mnist",
    "load_mnist_cdcb",
    "load_mpii",
    "load_msra",
    "load_msra14",
    "load_nyu",
    "load_olivetti",
    "load_ordinal",
    "load_rendered",
    "load_seven_scenes",
    "load_side_by_side",
    "load_virtual_kitti",
    "pair_colours",
    "parse_deepfashion_name",
    "parse_market_name",
    "read_amc",
    "read_asf",
    "read_bvh",
    "read_cdcb",
    "read_celeba_attributes",
    "read_celeba_numbers",
    "read_depth_limits",
    "read_entry",
    "read_expmaps",
    "read_halves",
    "read_hdf5",
    "read_idx",
    "read_image_list",
    "read_keypoint_csv",
    "read_kitti_calibration",
    "read_kitti_poses",
    "read_limb_lengths",
    "read_mat",
    "read_msra14_depth",
    "read_msra_depth",
    "read_msra_joints",
    "read_nyu_centers",
    "read_pairs_csv",
    "read_uvd_labels",
    "read_virtual_kitti_poses",
    "safe_entries",
]
