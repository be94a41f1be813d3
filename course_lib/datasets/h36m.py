"""Human3.6M's motions as exponential maps: the files `dataset/S<k>/<action>_<n>.txt` of pose forecasting, 50 Hz."""

from collections.abc import Sequence
from pathlib import Path

from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.expmaps import integrate_root, read_expmaps
from course_lib.datasets.motion import Clip, choose_clips, clip_name, find_folder, join_clips
from course_lib.datasets.poses import PoseSet
from course_lib.geometry.skeletons import H36M_32, Skeleton

RATE = 50.0


def load_h36m(
    root: str | Path,
    *,
    subjects: Sequence[str] | None = None,
    clips: Sequence[str] | None = None,
    skeleton: Skeleton | None = None,
    root_motion: bool = True,
    on_bad: str = "raise",
) -> PoseSet:
    """Load motions of Human3.6M, one clip after the other.

    Every subject has the body of one skeleton (the thigh is 442.9 mm long): the files hold rotations only.

    Args:
        root: The folder `h36m`, its parent, or the folder above `S1`, `S5` ...
        subjects: Which, such as `("S1", "S6")`; None: all that are there.
        clips: Which, such as `("S1/walking_1",)`; None: all.
        skeleton: Order of the joints: Human3.6M's 32 (`H36M_32`, if None) or any they convert to (`H36M_17`).
        root_motion: Whether the body turns and travels: the increments in the files are then summed up, and the world
            is the frame of the pelvis at the start of each clip, where y is up only about. Otherwise the pelvis stays
            at the origin, unturned: the form that pose forecasting trains on.
        on_bad: `"raise"`, or `"skip"` to leave out clips that cannot be read.

    Returns:
        Poses in metres, y up, right-handed; `names` are `S1/walking_1/0` and so on.

    Raises:
        FileNotFoundError: No such files below `root`.
        DataFormatError: A file is damaged or has another number of columns.
        ValueError: A subject or clip is asked for that is not there.
    """
    folder = find_folder(root, ("h36m/dataset", "dataset", "h3.6m/dataset", "h36m", ""), (".txt", ".txt.gz"), "h36m")
    paths = [path for path in folder.glob("S*/*") if path.name.endswith((".txt", ".txt.gz"))]
    if subjects is not None:
        there = {path.parent.name for path in paths}
        for subject in subjects:
            if subject not in there:
                raise ValueError(
                    f"`subjects` names {subject!r}; below {folder} are {', '.join(sorted(there)) or 'none'}"
                )
        paths = [path for path in paths if path.parent.name in subjects]
    chosen = choose_clips(paths, clips, folder, _name)
    return join_clips(
        chosen, lambda path: _read(path, root_motion), skeleton=skeleton or H36M_32, on_bad=on_bad, root=folder
    )


def _name(path: Path) -> str:
    return f"{path.parent.name}/{clip_name(path)}"


def _read(path: Path, root_motion: bool) -> Clip:
    motion = read_expmaps(path)
    if motion.skeleton is not H36M_32:
        raise DataFormatError(f"{path}: 117 columns, these are CMU's; Human3.6M has 99: see load_cmu")
    if root_motion:
        joints = motion.joints(*integrate_root(motion.root / 1000, motion.rotations[:, 0]))
    else:
        still = motion.rotations.new_zeros(len(motion), 3, 3)
        still[:, range(3), range(3)] = 1
        joints = motion.joints(orientations=still)
    return Clip(_name(path), joints, H36M_32, RATE)
