"""Pictures of faces: sound at every extreme, the same alone and in a batch, and true to their landmarks and masks."""

import pytest
import torch

from course_lib.worlds import faces
from course_lib.worlds.kernel import can_compile

SPECS = faces.FaceFactors.factors()


def gen(seed=0):
    return torch.Generator().manual_seed(seed)


def draw(factors, size=64):
    return faces.render(factors, size=size, compiled=False)


def plain(n=1, **factors):
    """Faces that look straight ahead with nothing over the nose."""
    bare = dict(glasses="none", beard="none", hair_style="buzz", roll=0.0, turn=0.0, shift_x=0.0, scale=1.0)
    return faces.sample_factors(n, generator=gen(), **bare | factors)


@pytest.fixture(scope="module")
def crowd():
    people = faces.sample_factors(12, generator=gen(1))
    return people, draw(people)


def test_shapes_and_ranges(crowd):
    _, pictures = crowd
    assert len(pictures) == 12
    assert pictures.images.shape == (12, 3, 64, 64)
    assert pictures.images.dtype == torch.float32
    assert pictures.images.min() >= 0
    assert pictures.images.max() <= 1
    assert pictures.parts.shape == pictures.nose_cover.shape == (12, 1, 64, 64)
    assert pictures.landmarks.shape == (12, len(faces.LANDMARKS), 2)
    seen = pictures.parts.unique().tolist()
    assert seen == list(range(len(faces.PARTS)))  # twelve people show every part


def test_the_pictures_are_the_same_alone_and_every_time():
    people = faces.sample_factors(70, generator=gen(1))  # long enough for vector instructions, and not a multiple
    pictures, again = draw(people, 16), draw(people, 16)
    for row in (0, 7, 33, 63, 64, 69):
        alone = draw(people[row], 16)
        for name in ("images", "parts", "nose_cover", "landmarks", "nose_box"):
            assert getattr(alone, name)[0].equal(getattr(pictures, name)[row]), name
    assert again.images.equal(pictures.images)


@pytest.mark.parametrize("size", [16, 32, 100])
def test_every_size_shows_the_same_face(size):
    person = plain(skin_tone=0.3)
    small, large = draw(person, size).images, draw(person, 4 * size).images
    pooled = torch.nn.functional.avg_pool2d(large, 4)
    assert (small - pooled).abs().mean() < 0.02  # mean over pixels: edges are smooth, not stepped


@pytest.mark.parametrize("name", SPECS)
def test_every_factor_changes_the_picture_and_its_extremes_are_sound(name):
    spec = SPECS[name]
    person = plain(hair_style="crop", freckles=0.0, wrinkles=0.0, clothes="stripes", mouth_open=0.3, skin_tone=0.2)
    ends = range(int(spec.high) + 1) if spec.choice else (spec.low, (spec.low + spec.high) / 2, spec.high)
    images = draw(faces.FaceFactors.cat([person.replace(**{name: end}) for end in ends])).images
    assert images.isfinite().all()
    change = (images[1:] - images[:-1]).abs().amax((1, 2, 3))
    assert (change > 0.04).all(), change  # at least ten grey levels somewhere, from each kind or half to the next


def test_all_extremes_at_once_are_sound():
    # Each row sets every factor to one end of its range, chosen at random.
    ends = torch.randint(2, (24, len(SPECS)), generator=gen(5))
    values = {}
    for column, (name, spec) in enumerate(SPECS.items()):
        value = torch.where(ends[:, column] == 1, spec.high, spec.low)
        values[name] = value.long() if spec.choice else value.float()
    pictures = draw(faces.FaceFactors(**values), 32)
    assert pictures.images.isfinite().all()
    assert pictures.landmarks.isfinite().all()
    assert (pictures.landmarks > -0.5).all()
    assert (pictures.landmarks < 31.5).all()


def centroid(mask):
    """Mean pixel (u, v) of a mask `(h, w)`."""
    return mask.nonzero().float().mean(0).flip(0)


@pytest.mark.parametrize("pose", [dict(roll=0.0), dict(roll=0.12), dict(turn=0.9), dict(roll=-0.1, turn=-0.7)])
def test_landmarks_lie_where_the_features_are_drawn(pose):
    person = plain(gaze=0.0, eye_tilt=0.0, smile=0.0, mouth_open=0.3, hair_style="bald", **pose)
    size = 256
    pictures = draw(person, size)
    tolerance = size / 64 * 0.5  # half a pixel of a 64 x 64 picture
    eyes = pictures.mask("eyes")[0, 0]
    middle = int(pictures.landmark("nose_tip")[0, 0])
    for name, half in (("right_eye", slice(0, middle)), ("left_eye", slice(middle, None))):
        mask = torch.zeros_like(eyes)
        mask[:, half] = eyes[:, half]
        found, told = centroid(mask), pictures.landmark(name)[0]
        assert (found - told)[0].abs() < tolerance, name
        assert (found - told)[1].abs() < 2.5 * tolerance, name  # lids open wider above than below
    found = centroid(pictures.mask("mouth")[0, 0])
    assert (found - pictures.landmark("mouth")[0])[0].abs() < tolerance
    brows = pictures.mask("brows")[0, 0]
    brows[:, int(pictures.landmarks[0, 2:4, 0].mean()) :] = False
    assert (centroid(brows) - pictures.landmark("right_brow")[0]).norm() < 2 * tolerance


def test_the_wings_of_the_nose_are_the_ends_of_its_mask():
    pictures = draw(plain(4), 256)
    for row in range(4):
        columns = (pictures.nose_cover[row, 0] > 0.5).any(0).nonzero()[:, 0]
        right, left = pictures.landmark("nose_right")[row, 0], pictures.landmark("nose_left")[row, 0]
        assert abs(float(columns.min()) - 0.5 - float(right)) < 1.5
        assert abs(float(columns.max()) + 0.5 - float(left)) < 1.5


@pytest.mark.parametrize("size", [32, 64, 128])
def test_the_measured_width_of_the_nose_is_its_factor(size):
    people = plain(9).replace(nose_width=torch.linspace(0, 1, 9))
    pictures = draw(people, size)
    measured = faces.nose_width(pictures.nose_cover)
    told = (pictures.landmark("nose_left") - pictures.landmark("nose_right"))[:, 0]
    torch.testing.assert_close(measured, told, atol=0.65, rtol=0)  # pixels
    assert (measured[1:] > measured[:-1]).all()
    assert measured[-1] > 2 * measured[0]


def test_the_hole_covers_every_nose_and_does_not_tell_its_size():
    people = faces.sample_factors(16, generator=gen(2))
    small = draw(people.replace(nose_width=0.0, nose_length=0.0))
    large = draw(people.replace(nose_width=1.0, nose_length=1.0))
    assert small.nose_box.equal(large.nose_box)
    observed = large.observed()
    assert observed.shape == (16, 1, 64, 64)
    assert observed.unique().tolist() == [0, 1]
    # Only the bridge, between the eyes, may reach out of the hole.
    below = torch.arange(64).view(1, 1, 64, 1) >= large.nose_box[:, 1].view(-1, 1, 1, 1)
    assert not (large.nose_cover * observed * below > 0.5).any()
    assert (observed == 0).float().mean() < 0.15


def test_skin_and_hair_have_their_colours():
    fair, deep = (draw(plain(skin_tone=tone, light_azimuth=0.0)) for tone in (0.0, 1.0))
    tones = [pictures.images[0][:, pictures.mask("skin")[0, 0]].mean() for pictures in (fair, deep)]
    assert tones[0] > tones[1] + 0.3
    black, blond = (draw(plain(hair_style="long", hair_colour=colour)) for colour in ("black", "blond"))
    shades = [pictures.images[0][:, pictures.mask("hair")[0, 0]].mean(1) for pictures in (black, blond)]
    assert shades[1][0] > shades[0][0] + 0.4
    assert shades[1][0] > shades[1][2] + 0.2  # blond is yellow, not grey


def test_light_falls_from_its_side():
    left, right = (draw(plain(light_azimuth=azimuth, wrinkles=0.0)).images[0].mean(0) for azimuth in (-0.9, 0.9))
    assert left[20:44, 18:30].mean() > right[20:44, 18:30].mean() + 0.01
    assert right[20:44, 34:46].mean() > left[20:44, 34:46].mean() + 0.01


def test_wrong_questions_are_answered_with_what_there_is(crowd):
    people, pictures = crowd
    with pytest.raises(ValueError, match=r"`part` \(='chin'\) must be one of background, clothes"):
        pictures.mask("chin")
    with pytest.raises(ValueError, match=r"`name` \(='ear'\) must be one of right_eye"):
        pictures.landmark("ear")
    for size in (8, 1024):
        with pytest.raises(ValueError, match=rf"`size` \(={size}\) must be 16 to 512 pixels"):
            faces.render(people, size=size)


@pytest.mark.slow
@pytest.mark.skipif(not can_compile(), reason="needs a C++ compiler, and COURSE_COMPILE not 0")
def test_compiled_and_eager_pictures_agree():
    people = faces.sample_factors(24, generator=gen(9))
    for size in (64, 32, 96):  # one compiled kernel serves all sizes
        fast, slow = faces.render(people, size=size, compiled=True), draw(people, size)
        beyond = (fast.images - slow.images).abs().amax(1) > 1e-3
        assert beyond.float().mean() <= 2e-4
        assert (fast.parts != slow.parts).float().mean() <= 2e-4
        alone = faces.render(people[5], size=size, compiled=True)
        assert alone.images[0].equal(fast.images[5])
