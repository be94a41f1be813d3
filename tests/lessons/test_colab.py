"""A lesson as Colab runs it: its own environment with torch, an empty folder, and only the address of the course."""

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement

from course_lib.authoring.sources import ADDRESS_LINE

from .conftest import LESSONS, ROOT

pytestmark = pytest.mark.slow
PRESENT = ("torch", "numpy", "matplotlib", "ipywidgets", "ipykernel")  # what a Colab runtime holds of what we need


def closure(names):
    """Installed distributions of these names and all that they require."""
    found, waiting = {}, list(names)
    while waiting:
        name = waiting.pop()
        try:
            made = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if made.metadata["Name"].lower() not in found:
            found[made.metadata["Name"].lower()] = made
            needs = [Requirement(text) for text in made.requires or []]
            waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found.values()


def link_distributions(names, folder):
    """Links to the files of distributions, and to nothing else of this environment."""
    for made in closure(names):
        for file in made.files or []:
            top = file.parts[0]
            if top in ("..", "__pycache__", "bin") or (folder / top).exists():
                continue
            source = Path(made.locate_file(top))
            if source.exists():
                (folder / top).symlink_to(source)


def copy_of_the_course(folder):
    """A Git repository of the working tree, committed or not."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
    else:  # a downloaded archive
        names = ["pyproject.toml", "README.md", "LICENSE", "LICENSE-text.md"]
        names += [str(path.relative_to(ROOT)) for path in (ROOT / "course_lib").rglob("*") if path.is_file()]
    for name in names:
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "copy"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """A fresh environment with what Colab has, without the course; and a repository of the course."""
    if shutil.which("git") is None:
        pytest.skip("git is missing")
    root = tmp_path_factory.mktemp("colab")
    subprocess.run([sys.executable, "-m", "venv", root / "venv"], check=True)
    python = root / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    (root / "shelf").mkdir()
    link_distributions(PRESENT, root / "shelf")
    purelib = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = Path(subprocess.run([python, "-c", purelib], check=True, capture_output=True, text=True).stdout.strip())
    (site / "shelf.pth").write_text(f"{root / 'shelf'}\n")
    (root / "empty").mkdir()
    (root / "course").mkdir()
    copy_of_the_course(root / "course")
    return root, python


def environment(root):
    kept = {n: v for n, v in os.environ.items() if n not in ("PYTHONPATH", "MPLBACKEND", "VIRTUAL_ENV", "PYTHONHOME")}
    return kept | {"COURSE_PROFILE": "smoke", "OMP_NUM_THREADS": "1", "JUPYTER_PATH": str(root / "jupyter")}


def versions(python, root):
    code = (
        "import json; from importlib import metadata as m;"
        "print(json.dumps({d.metadata['Name'].lower(): d.version for d in m.distributions()}))"
    )
    done = subprocess.run(
        [python, "-c", code], cwd=root / "empty", env=environment(root), check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def lesson_for_colab():
    """Lesson 01 if there is one, else the first."""
    if not LESSONS:
        pytest.skip("there are no lessons yet")
    return next((lesson for lesson in LESSONS if lesson.name.startswith("01_")), LESSONS[0])


def with_address(notebook, address):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = ADDRESS_LINE.sub(f'REPOSITORY = "{address}"', cell.source)
    return notebook


def setup_source(notebook):
    return next(cell.source for cell in notebook.cells if cell.cell_type == "code")


def test_without_address_one_sentence_says_what_to_set_and_nothing_is_installed(colab):
    root, python = colab
    before = versions(python, root)
    assert "bound-by-bound" not in before
    script = root / "setup.py"
    script.write_text(setup_source(with_address(nbformat.read(lesson_for_colab().ipynb, as_version=4), "")))
    done = subprocess.run(
        [python, script], cwd=root / "empty", env=environment(root), capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    last = done.stderr.strip().split("\n")[-1]
    assert "set REPOSITORY" in last
    assert last.count(".") <= 3
    assert versions(python, root) == before
    assert list((root / "empty").iterdir()) == []


def test_lesson_runs_where_only_its_address_is_known(colab):
    from nbclient import NotebookClient

    root, python = colab
    reachable = subprocess.run(
        [python, "-m", "pip", "download", "-q", "--no-deps", "-d", root / "probe", "setuptools>=77"],
        env=environment(root), capture_output=True, check=False,
    )  # fmt: skip
    if reachable.returncode:
        pytest.skip("no package index can be reached")
    kernel = root / "jupyter" / "kernels" / "colab"
    kernel.mkdir(parents=True)
    start = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": start, "display_name": "colab", "language": "python"}))

    lesson, before = lesson_for_colab(), versions(python, root)
    address = f"file://localhost{(root / 'course').as_posix()}"
    notebook = with_address(nbformat.read(lesson.ipynb, as_version=4), address)
    notebook.metadata.kernelspec.name = "colab"
    variables = environment(root)
    kept = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = variables["JUPYTER_PATH"]
    try:
        client = NotebookClient(
            notebook, timeout=600, kernel_name="colab", resources={"metadata": {"path": str(root / "empty")}}
        )
        client.execute(env=variables)
    finally:
        os.environ.pop("JUPYTER_PATH") if kept is None else os.environ.update(JUPYTER_PATH=kept)

    after = versions(python, root)
    assert "bound-by-bound" in after
    assert {name: version for name, version in after.items() if name in before} == before, "nothing was changed"
    where = subprocess.run(
        [python, "-c", "import course_lib; print(course_lib.__file__)"],
        cwd=root / "empty", env=variables, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert str(root / "venv") in where
    assert str(ROOT) not in where
