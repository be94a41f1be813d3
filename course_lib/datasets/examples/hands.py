"""Writers of small sets of hands seen by a depth camera: NYU, ICVL, MSRA14, MSRA15, published predictions."""

import struct
from pathlib import Path

import numpy as np

from course_lib.datasets.examples.containers import save_mat, save_picture
from course_lib.datasets.examples.example import Example
from course_lib.datasets.hand_labels import DepthCamera, load_hand_predictions
from course_lib.datasets.icvl import ICVL_CAMERA, decode_icvl_depth, load_icvl
from course_lib.datasets.msra import MSRA_CAMERA, load_msra, load_msra14, read_msra14_depth, read_msra_depth
from course_lib.datasets.nyu import (
    EVALUATED,
    NYU_CAMERA,
    STORED,
    decode_nyu_depth,
    load_nyu,
    read_nyu_centers,
)
from course_lib.geometry.skeletons import HAND_21, ICVL_16, NYU_14, Skeleton

FRAMES = 3
FINGERS = ("thumb", "index", "middle", "ring", "little")
# How far along its finger a joint lies, millimetres from its root at the palm.
ALONG = {"mcp": 0, "root": 12, "pip": 40, "mid": 50, "dip": 65, "tip": 85}


def _place(joint: str) -> tuple[float, float, float]:
    """A joint of a flat right hand with its palm to the camera: x right, y DOWN, z forward, millimetres."""
    finger, _, part = joint.rpartition("_")
    if finger not in FINGERS:
        return {"wrist_little_side": (-15, 2, 0), "wrist_thumb_side": (15, 2, 0), "palm": (0, -60, 0)}.get(
            joint, (0.0, 0.0, 0.0)
        )
    if finger == "thumb":
        return 25 + 0.7 * ALONG[part], -20 - 0.6 * ALONG[part], -0.3 * ALONG[part]
    side = 25 - 20 * FINGERS[1:].index(finger)
    return side * (1 + ALONG[part] / 300), -85 - ALONG[part], -0.002 * ALONG[part] ** 2


def hand_joints(skeleton: Skeleton, distance: float) -> np.ndarray:
    """Joints of an upright right hand that moves aside frame by frame, `(FRAMES, j, 3)`, camera frame, millimetres."""
    hand = np.array([_place(joint) for joint in skeleton.joints], dtype=np.float64)
    return hand + np.array([[[12.5 * frame - 20, 40, distance + 5 * frame]] for frame in range(FRAMES)])


def _uvd(points: np.ndarray, camera: DepthCamera) -> np.ndarray:
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    return np.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy, z], -1)


def _depth(points: np.ndarray, camera: DepthCamera, far: float) -> np.ndarray:
    """A crude depth map: a disc 10 mm in front of each joint of one hand, `far` elsewhere."""
    rows, columns = np.mgrid[: camera.height, : camera.width]
    depth = np.full(rows.shape, float(far))
    for u, v, d in _uvd(points, camera):
        near = (columns - u) ** 2 + (rows - v) ** 2 <= (camera.fx * 12 / d) ** 2
        depth[near] = np.minimum(depth[near], d - 10)
    return np.round(depth)


def _line(values: np.ndarray, digits: int = 3) -> str:
    return " ".join(f"{value:.{digits}f}" for value in values.ravel())


def _save(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


# --- NYU -------------------------------------------------------------------------------------------------------------
def _write_nyu(folder: Path) -> Path:
    """The original layout: `joint_data.mat` with 36 joints in three views, depth in green and blue."""
    points = hand_joints(NYU_14, 750)
    stored = np.repeat(points[:, -1:], STORED, 1)
    stored[:, EVALUATED] = points
    (folder / "test").mkdir()
    up = stored * (1, -1, 1)
    arrays = {"joint_uvd": np.stack([_uvd(stored, NYU_CAMERA)] * 3), "joint_xyz": np.stack([up] * 3)}
    save_mat(folder / "test" / "joint_data.mat", arrays)
    for frame in range(FRAMES):
        _save_nyu_depth(folder / "test" / f"depth_1_{frame + 1:07d}.png", points[frame])
    save_mat(folder / "center_uvd_test.mat", {"center_uvd": _uvd(points[:, -1], NYU_CAMERA).astype(np.float32)})
    return folder


def _save_nyu_depth(path: Path, points: np.ndarray) -> Path:
    depth = _depth(points, NYU_CAMERA, 2001).astype(np.uint16)
    return save_picture(path, np.stack([0 * depth, depth >> 8, depth & 255], -1).astype(np.uint8))


def _write_nyu_labels(folder: Path) -> Path:
    """The text files of the common evaluation code."""
    uvd = _uvd(hand_joints(NYU_14, 750), NYU_CAMERA)
    _save(folder / "nyu_test_groundtruth_label.txt", "".join(f"{_line(frame)} \n" for frame in uvd))
    names = "".join(f"test/depth_1_{frame + 1:07d}.png\n" for frame in range(FRAMES))
    _save(folder / "nyu_test_list.txt", names)
    return folder


def _write_nyu_depth(folder: Path) -> Path:
    return _save_nyu_depth(folder / "depth_1_0000001.png", hand_joints(NYU_14, 750)[0])


def _write_nyu_centers(folder: Path) -> Path:
    centers = _uvd(hand_joints(NYU_14, 750)[:, -1], NYU_CAMERA).astype(np.float32)
    return save_mat(folder / "center_uvd_test.mat", {"center_uvd": centers})


def _write_predictions(folder: Path) -> Path:
    """What a method may have predicted: the labels, 5 mm too far and 3 pixels to the right."""
    uvd = _uvd(hand_joints(NYU_14, 750), NYU_CAMERA) + (3, 0, 5)
    return _save(folder / "NYU_predictions.txt", "".join(f"{_line(frame)}\n" for frame in uvd))


# --- ICVL ------------------------------------------------------------------------------------------------------------
def _write_icvl(folder: Path) -> Path:
    """One test sequence with its line ends of CR CR LF, and 16-bit depth maps."""
    points = hand_joints(ICVL_16, 400)
    names = [f"test_seq_1/image_{frame:04d}.png" for frame in range(FRAMES)]
    lines = [f"{name} {_line(frame)} \r\r\n" for name, frame in zip(names, _uvd(points, ICVL_CAMERA), strict=True)]
    _save(folder / "Testing" / "test_seq_1.txt", "".join(lines))
    for name, frame in zip(names, points, strict=True):
        path = folder / "Testing" / "Depth" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save_picture(path, _depth(frame, ICVL_CAMERA, 32001).astype(np.uint16))
    return folder


def _write_icvl_depth(folder: Path) -> Path:
    depth = _depth(hand_joints(ICVL_16, 400)[0], ICVL_CAMERA, 32001).astype(np.uint16)
    return save_picture(folder / "image_0000.png", depth)


# --- MSRA ------------------------------------------------------------------------------------------------------------
def _msra_text(points: np.ndarray) -> str:
    """The file's y points up, its z to the camera."""
    lines = [_line(frame * (1, -1, -1), 4) for frame in points]
    return "\n".join([str(len(lines)), *lines]) + "\n"


def _msra_bin(points: np.ndarray) -> bytes:
    depth = _depth(points, MSRA_CAMERA, 5000)
    depth[depth == 5000] = 0
    rows, columns = np.nonzero(depth)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    header = struct.pack("<6i", 320, 240, left, top, right, bottom)
    return header + depth[top:bottom, left:right].astype("<f4").tobytes()


def _write_msra(folder: Path) -> Path:
    """Two gestures of one subject."""
    for gesture in ("1", "TIP"):
        points = hand_joints(HAND_21, 650 if gesture == "1" else 700)
        _save(folder / "P0" / gesture / "joint.txt", _msra_text(points))
        for frame in range(FRAMES):
            (folder / "P0" / gesture / f"{frame:06d}_depth.bin").write_bytes(_msra_bin(points[frame]))
    return folder


def _write_msra_depth(folder: Path) -> Path:
    path = folder / "000000_depth.bin"
    path.write_bytes(_msra_bin(hand_joints(HAND_21, 650)[0]))
    return path


def _write_msra14(folder: Path) -> Path:
    _save(folder / "Subject1" / "joint.txt", _msra_text(hand_joints(HAND_21, 650)))
    return folder


def _write_msra14_depth(folder: Path) -> Path:
    path = folder / "000000_depth.bin"
    path.write_bytes(_depth(hand_joints(HAND_21, 650)[0], MSRA_CAMERA, 1000).astype("<f4").tobytes())
    return path


EXAMPLES = (
    Example("nyu", _write_nyu, lambda root, on_bad="raise": load_nyu(root, on_bad=on_bad),
            ("test/joint_data.mat", "center_uvd_test.mat"), True),
    Example("nyu labels", _write_nyu_labels, lambda root, on_bad="raise": load_nyu(root, on_bad=on_bad),
            ("nyu_test_groundtruth_label.txt", "nyu_test_list.txt"), False, load_nyu),
    Example("nyu depth", _write_nyu_depth, decode_nyu_depth, ("depth_1_0000001.png",), True,
            lambda data: decode_nyu_depth(data / "hands" / "nyu" / "test" / "depth_1_0000001.png")),
    Example("nyu centres", _write_nyu_centers, read_nyu_centers, ("center_uvd_test.mat",), True,
            lambda data: read_nyu_centers(data / "hands" / "nyu" / "crossingNet" / "center_uvd_test.mat")),
    Example("hand predictions", _write_predictions,
            lambda path, on_bad="raise": load_hand_predictions(path, NYU_14, NYU_CAMERA, on_bad=on_bad),
            ("NYU_predictions.txt",), False,
            lambda data: load_hand_predictions(
                data / "hands" / "results" / "NEUCOM18_ICVL_Pose_REN.seq1.txt", ICVL_16, ICVL_CAMERA)),
    Example("icvl", _write_icvl, lambda root, on_bad="raise": load_icvl(root, on_bad=on_bad),
            ("Testing/test_seq_1.txt",), False, load_icvl),
    Example("icvl depth", _write_icvl_depth, decode_icvl_depth, ("image_0000.png",), True),
    Example("msra15", _write_msra, lambda root, on_bad="raise": load_msra(root, on_bad=on_bad),
            ("P0/1/joint.txt", "P0/TIP/joint.txt"), False),
    Example("msra15 depth", _write_msra_depth, read_msra_depth, ("000000_depth.bin",), True),
    Example("msra14", _write_msra14, lambda root, on_bad="raise": load_msra14(root, on_bad=on_bad),
            ("Subject1/joint.txt",), False, load_msra14),
    Example("msra14 depth", _write_msra14_depth, read_msra14_depth, ("000000_depth.bin",), True),
)  # fmt: skip
