"""7-Scenes from small files: units, folders, and what is refused."""

import numpy as np
import pytest

from course_lib.datasets import DataFormatError
from course_lib.datasets.examples.containers import save_picture
from course_lib.datasets.examples.scenes import write_seven_scenes
from course_lib.datasets.seven_scenes import load_seven_scenes


@pytest.fixture
def rooms(tmp_path):
    return write_seven_scenes(tmp_path)


def test_seven_scenes_depth_is_metres_and_zero_where_unknown(rooms):
    scene = load_seven_scenes(rooms)
    depth = scene.depth[0]
    assert depth.shape == (1, 30, 40)
    assert (depth[0, :3, :4] == 0).all()
    assert float(depth[0, 20, 5]) == pytest.approx(2.0)
    raw = np.full((30, 40), 1500, np.uint16)
    raw[0] = 65535
    save_picture(rooms / "frame-000000.depth.png", raw)
    marked = load_seven_scenes(rooms).depth[0]
    assert (marked[0, 0] == 0).all()
    assert (marked[0, 1:] == 1.5).all()


def test_seven_scenes_without_camera_file_has_the_published_camera(rooms):
    (rooms / "camera-intrinsics.txt").unlink()
    with pytest.raises(DataFormatError, match=r"40 x 30 pixels .*centre is \(320, 240\)"):
        load_seven_scenes(rooms)
    for frame in range(3):
        save_picture(rooms / f"frame-{frame:06d}.color.jpg", np.zeros((480, 640, 3), np.uint8))
    assert load_seven_scenes(rooms).intrinsics[0].tolist() == [[585, 0, 320], [0, 585, 240], [0, 0, 1]]


def test_seven_scenes_sequences_lie_in_folders(tmp_path):
    folder = tmp_path / "chess" / "seq-01"
    folder.mkdir(parents=True)
    write_seven_scenes(folder)
    (folder / "frame-000000.color.jpg").unlink()
    save_picture(folder / "frame-000000.color.png", np.zeros((30, 40, 3), np.uint8))
    assert load_seven_scenes(tmp_path, "chess/seq-01").names[0] == "chess/seq-01/frame-000000"
    with pytest.raises(FileNotFoundError, match=r"holds no files chess/frame-\*.*data_scripts.fetch seven_scenes"):
        load_seven_scenes(tmp_path, "chess")
    with pytest.raises(ValueError, match=r"`sequence` \(='../x'\)"):
        load_seven_scenes(tmp_path, "../x")


ROOMS_BAD = {
    "three lines": ("frame-000001.pose.txt", lambda text: "\n".join(text.splitlines()[:3]), "3 lines, expected 4"),
    "three numbers": ("frame-000001.pose.txt", lambda text: text.replace(" 0.0", " ", 1)[:60], "expected 4"),
    "mirror": ("frame-000001.pose.txt", lambda text: text.replace("1.000000e+00", "-1.0", 1), "R is a mirror"),
    "camera": ("camera-intrinsics.txt", lambda text: text.replace("1.000000e+00", "2.0"), "no camera matrix"),
}


@pytest.mark.parametrize("name", ROOMS_BAD)
def test_bad_seven_scenes_files_are_refused(rooms, name):
    file, change, message = ROOMS_BAD[name]
    (rooms / file).write_text(change((rooms / file).read_text()))
    with pytest.raises(DataFormatError, match=f"{file}.*{message}"):
        load_seven_scenes(rooms)


@pytest.mark.parametrize("kind", ["color.jpg", "depth.png", "pose.txt"])
def test_a_seven_scenes_frame_with_a_missing_file_is_refused_or_skipped(rooms, kind):
    (rooms / f"frame-000001.{kind}").unlink()
    with pytest.raises(DataFormatError, match=r"frame-000001.*no (colour picture|depth map|pose) of this frame"):
        load_seven_scenes(rooms)
    scene = load_seven_scenes(rooms, on_bad="skip")
    assert [name[-1] for name in scene.names] == ["0", "2"]
    assert len(scene.skipped) == 1


def test_an_eight_bit_depth_map_is_refused_when_asked_for_or_skipped(rooms):
    save_picture(rooms / "frame-000002.depth.png", np.full((30, 40), 9, np.uint8))
    scene = load_seven_scenes(rooms)
    with pytest.raises(DataFormatError, match=r"frame-000002.depth.png: pixels of kind L, expected one channel of 16"):
        scene.depth[2]
    assert len(load_seven_scenes(rooms, on_bad="skip")) == 2
