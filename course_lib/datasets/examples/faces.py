"""Small sets of faces: CelebA in a zip and in a folder, and Olivetti."""

import zipfile
from pathlib import Path

import numpy as np

from course_lib.datasets.celeba import ATTRIBUTES, load_celeba
from course_lib.datasets.examples.containers import save_mat, save_picture, shaded
from course_lib.datasets.examples.example import Example
from course_lib.datasets.olivetti import load_olivetti

_NAMES = tuple(f"{number:06d}.jpg" for number in range(1, 6))


def _write_lists(folder: Path) -> None:
    rows = [
        f"{name} " + " ".join("1" if (row + column) % 3 else "-1" for column in range(40))
        for row, name in enumerate(_NAMES)
    ]
    heading = [str(len(rows)), " ".join(ATTRIBUTES) + " "]
    (folder / "list_attr_celeba.txt").write_text("\n".join(heading + rows) + "\n")
    (folder / "identity_CelebA.txt").write_text("".join(f"{name} {2880 + row}\n" for row, name in enumerate(_NAMES)))


def write_celeba(folder: Path) -> Path:
    """Write five faces at half size in a zip, with the list of attributes, people and parts."""
    _write_lists(folder)
    (folder / "list_eval_partition.txt").write_text("".join(f"{name} {row % 3}\n" for row, name in enumerate(_NAMES)))
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        for row, name in enumerate(_NAMES):
            picture = save_picture(folder / name, shaded(109, 89, seed=row))
            # A fixed date, so that the bytes are the same each time; one entry is packed, the others stored.
            entry = zipfile.ZipInfo(f"img_align_celeba/{name}", (2015, 9, 1, 0, 0, 0))
            archive.writestr(entry, picture.read_bytes(), zipfile.ZIP_DEFLATED if row == 2 else zipfile.ZIP_STORED)
            picture.unlink()
    return folder


def write_celeba_folder(folder: Path) -> Path:
    """Write five faces at full size in a folder."""
    _write_lists(folder)
    (folder / "img_align_celeba").mkdir()
    for row, name in enumerate(_NAMES):
        save_picture(folder / "img_align_celeba" / name, shaded(218, 178, seed=row))
    return folder


def write_olivetti(folder: Path) -> Path:
    """Write 400 faces, each a shaded ball whose light tells the person."""
    rows, columns = np.mgrid[:64, :64] / 31.5 - 1
    dome = np.sqrt(np.clip(1 - rows**2 - columns**2, 0, 1))
    angle = np.arange(40)[:, None, None] * (2 * np.pi / 40)
    people = 110 + 60 * dome + 60 * (columns * np.cos(angle) + rows * np.sin(angle)) * (dome > 0)
    faces = np.repeat(people.clip(0, 255).astype(np.uint8), 10, axis=0)
    save_mat(folder / "olivettifaces.mat", {"faces": faces.transpose(0, 2, 1).reshape(400, 4096).T})
    return folder


EXAMPLES = (
    Example("celeba", write_celeba, lambda root: load_celeba(root, verify=True), ("img_align_celeba.zip",), True,
            load_celeba),
    Example("celeba, lists", write_celeba, load_celeba,
            ("list_attr_celeba.txt", "identity_CelebA.txt", "list_eval_partition.txt"), False,
            lambda data: load_celeba(data, images=None)),
    Example("celeba, folder", write_celeba_folder, lambda root: load_celeba(root, verify=True),
            ("img_align_celeba/000001.jpg", "img_align_celeba/000004.jpg"), True,
            lambda data: load_celeba(data, images="fullsize", partial=True)),
    Example("olivetti", write_olivetti, load_olivetti, ("olivettifaces.mat",), True, load_olivetti),
)  # fmt: skip
