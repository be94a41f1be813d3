"""Folders are found from above, and files come in the order of their numbers."""

import pytest

from course_lib.datasets.folders import find_folder, how_to_obtain, numbered


def test_a_folder_is_found_from_itself_and_from_above(tmp_path):
    (tmp_path / "lsp").mkdir()
    (tmp_path / "lsp" / "joints.mat").write_bytes(b"")
    for root in (tmp_path, tmp_path / "lsp", str(tmp_path)):
        assert find_folder(root, "joints.mat", below=("lspet", "lsp"), dataset="lsp") == tmp_path / "lsp"
    with pytest.raises(
        FileNotFoundError, match=r"holds no joints\.mat, nor do its folders a, b: python -m data_scripts"
    ):
        find_folder(tmp_path, "joints.mat", below=("a", "b"), dataset="lsp")
    assert how_to_obtain("lsp") == "python -m data_scripts.fetch lsp  says how to obtain it"


def test_files_come_in_the_order_of_their_numbers(tmp_path):
    for name in ("10_full.jpg", "9_full.jpg", "12172_full.jpg", "9_mask.jpg", "x10_full.jpg"):
        (tmp_path / name).write_bytes(b"")
    found = numbered(tmp_path, r"(\d+)_full\.jpg", dataset="ordinal")
    assert [path.name for path in found] == ["9_full.jpg", "10_full.jpg", "12172_full.jpg"]
    with pytest.raises(FileNotFoundError, match=r"nothing is missing \(pass images=False to do without\)"):
        numbered(tmp_path / "nothing", r"(\d+)", dataset="ordinal")
