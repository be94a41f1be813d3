import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from course_lib.datasets import DataFormatError
from course_lib.datasets.expmaps import ASF_UNIT, CMU_OFFSETS, H36M_OFFSETS_MM, integrate_root, read_expmaps
from course_lib.geometry import CMU_38, H36M_32, bone_lengths


def written(folder, rows, name="walking_1.txt"):
    path = folder / name
    path.write_text("\n".join(",".join(str(value) for value in row) for row in rows) + "\n")
    return path


def rows(columns, frames=5, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, columns)).round(6).tolist()


@pytest.mark.parametrize(("columns", "skeleton"), [(99, H36M_32), (117, CMU_38)])
def test_kinematics_on_row_vectors_agree_with_scipy(tmp_path, columns, skeleton):
    table = rows(columns)
    motion = read_expmaps(written(tmp_path, table))
    joints = motion.joints(motion.root)
    assert motion.skeleton is skeleton
    # The definition in the files' code: R_i = exp(r_i) R_parent and x_i = o_i R_parent + x_parent on row vectors.
    frame = np.array(table[3])
    turns, places = [], []
    for joint, parent in enumerate(skeleton.parents):
        own = Rotation.from_rotvec(frame[3 * joint + 3 : 3 * joint + 6]).as_matrix()
        turns.append(own if parent < 0 else own @ turns[parent])
        offset = motion.offsets[joint].numpy()
        places.append(frame[:3] if parent < 0 else offset @ turns[parent] + places[parent])
    np.testing.assert_allclose(joints[3], places, atol=1e-12)


def test_the_offsets_are_in_metres():
    assert len(H36M_OFFSETS_MM) == 32
    assert len(CMU_OFFSETS) == 38
    thigh = torch.tensor(CMU_OFFSETS[CMU_38.index("left_knee")]).norm() * ASF_UNIT
    # 70 times the unit of the .asf files, as that code has it, is 1.240 times too long: 531.6 instead of 428.6 mm.
    assert float(thigh) == pytest.approx(0.4286, abs=1e-4)
    assert float(thigh) / ASF_UNIT * 70 * 0.8064 == pytest.approx(428.6, abs=0.1)
    assert float(torch.tensor(H36M_OFFSETS_MM[H36M_32.index("right_knee")]).norm()) == pytest.approx(442.895, abs=1e-3)


def test_bones_keep_their_lengths(tmp_path):
    motion = read_expmaps(written(tmp_path, rows(99)))
    lengths = motion.offsets.norm(dim=-1)[[child for _, child in H36M_32.bones]]
    torch.testing.assert_close(bone_lengths(motion.joints(), H36M_32), lengths.expand(5, -1))


@pytest.mark.parametrize("frames", [1, 2, 3, 8, 37])
def test_increments_are_integrated_as_by_a_loop(frames):
    gen = np.random.default_rng(0)
    steps, vectors = gen.normal(size=(frames, 3)), gen.normal(size=(frames, 3))
    rotation, place, places, rotations = np.eye(3), np.zeros(3), [], []
    for step, vector in zip(steps, vectors, strict=True):  # on row vectors, as the files' code has it
        place = place + step @ rotation
        rotation = Rotation.from_rotvec(vector).as_matrix() @ rotation
        places.append(place)
        rotations.append(rotation.T)
    turns = torch.from_numpy(Rotation.from_rotvec(-vectors).as_matrix())
    got_places, got_rotations = integrate_root(torch.from_numpy(steps), turns)
    np.testing.assert_allclose(got_places, places, atol=1e-12)
    np.testing.assert_allclose(got_rotations, rotations, atol=1e-12)


def test_a_circle_closes():
    turn = torch.from_numpy(Rotation.from_rotvec([0, np.pi / 18, 0]).as_matrix()).expand(36, 3, 3)
    places, orientations = integrate_root(torch.tensor([[0.0, 0, 1]]).double().expand(36, 3), turn)
    torch.testing.assert_close(places[-1], torch.zeros(3).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close(orientations[-1], torch.eye(3).double())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: [row[:-1] for row in table], "walking_1.txt, line 1: 98 columns, expected 99 .* or 117"),
        (lambda table: [*table[:2], table[2][:-1]], "line 3: 98 numbers, expected 99"),
        (lambda table: [*table[:2], [*table[2], 0]], "line 3: 100 numbers, expected 99"),
        (lambda table: [table[0], ["x", *table[1][1:]]], "line 2: 'x' is not a finite number"),
        (lambda table: [table[0], ["nan", *table[1][1:]]], "line 2: number 1 is nan"),
        (lambda table: [table[0], ["", *table[1][1:]]], "line 2: '' is not a finite number"),
        (lambda table: [table[0], ["1e300", *table[1][1:]]], r"line 2: number 1 is 1e\+300"),
        (lambda table: [], "line 1: 1 columns, expected 99"),
    ],
)
def test_bad_files_name_the_line(tmp_path, change, message):
    with pytest.raises(DataFormatError, match=message):
        read_expmaps(written(tmp_path, change(rows(99))))
