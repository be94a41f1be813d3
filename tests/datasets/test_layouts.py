"""Files laid out as `python -m data_scripts.fetch NAME` says or unpacks them are found from the folder above."""

import re

import pytest

import course_lib.datasets
from course_lib.datasets.examples import EXAMPLES
from data_scripts.catalogue import CATALOGUE

# Example, dataset of the catalogue, and where its files end up below `data`.
LAYOUTS = (
    ("lsp", "lsp", "lsp/lsp_dataset"),
    ("lspet", "lspet", "lspet/lspet_dataset"),
    ("mpii", "mpii", "mpii"),
    ("ordinal depth, LSP", "ordinal", "ordinal/lsp_dataset_original"),
    ("ordinal depth, MPII", "ordinal", "ordinal/mpii_upis1h"),
    ("market1501", "market1501", "market1501"),
    ("market1501", "market1501", "market1501/Market-1501-v15.09.15"),
    ("deepfashion", "deepfashion", "deepfashion"),
    ("celeba", "celeba", "celeba"),
    ("olivetti", "olivetti", "olivetti"),
    ("nyu", "nyu", "nyu"),
    ("icvl", "icvl", "icvl"),
    ("msra15", "msra", "msra"),
    ("kitti", "kitti", "kitti/dataset"),
    ("seven_scenes", "seven_scenes", "seven_scenes"),
    ("virtual_kitti", "virtual_kitti", "virtual_kitti"),
    ("h36m", "h36m", "h36m"),
    ("c2f", "h36m", "h36m"),
    ("cmu asf/amc", "cmu_mocap", "cmu_mocap/allasfamc/subjects"),
    ("cmu bvh", "cmu_mocap", "cmu_mocap/bvh"),
    ("itop", "itop", "itop"),
    ("mnist_cdcb", "mnist_cdcb", "mnist_cdcb"),
    ("side_by_side", "edges2shoes", "edges2shoes/edges2shoes"),
)


@pytest.mark.parametrize(("example", "dataset", "below"), LAYOUTS, ids=[below for _, _, below in LAYOUTS])
def test_the_reader_finds_the_files_from_the_folder_above(example, dataset, below, tmp_path):
    (tmp_path / "data" / below).mkdir(parents=True)
    EXAMPLES[example].write(tmp_path / "data" / below)
    assert len(EXAMPLES[example].read(tmp_path / "data")) > 0
    assert dataset in CATALOGUE
    assert below.split("/")[0] == dataset  # the folder that the command makes for it


def test_the_key_points_of_market_may_lie_beside_the_unpacked_folder(tmp_path):
    folder = tmp_path / "market1501" / "Market-1501-v15.09.15"
    folder.mkdir(parents=True)
    EXAMPLES["market1501"].write(folder)
    (folder / "market-annotation-train.csv").rename(tmp_path / "market1501" / "market-annotation-train.csv")
    assert course_lib.datasets.load_market(tmp_path).annotated.any()


def test_every_reader_that_the_catalogue_names_exists():
    named = {name for dataset in CATALOGUE.values() for name in re.findall(r"load_\w+", "".join(dataset.how_to_obtain))}
    assert len(named) > 10
    assert named <= set(course_lib.datasets.__all__)
