"""What a newcomer reads: short representations, and mistakes answered with the remedy."""

import json
import os
import subprocess
import sys

import pytest
import torch

from course_lib.worlds import faces, glyphs
from course_lib.worlds.checks import check_factors, check_square, height_and_width
from course_lib.worlds.factors import check_generator

# The mistakes are made in a process of their own: here the type checker of the tests would answer first.
MISTAKES = {
    "people.render(signs)": "`factors` is of class GlyphFactors: give PeopleFactors, for example from `people.sample",
    "hands.render(signs)": "give HandFactors",
    "streets.render(signs)": "give StreetFactors",
    "faces.render(signs)": "give FaceFactors",
    "glyphs.render(face)": "`factors` is of class FaceFactors: give GlyphFactors",
    "hands.sample_factors(2, generator=0)": "`generator` (=0) must be a torch.Generator: give `course_lib.training.gen",
    "people.sample_factors(2, generator=0)": "course_lib.training.generator(0)",
    "streets.sample_factors(2, generator=0)": "course_lib.training.generator(0)",
    "faces.sample_factors(2, generator=0)": "course_lib.training.generator(0)",
    "glyphs.sample_factors(2, generator=0)": "course_lib.training.generator(0)",
    "faces.render(face, size=(32, 32, 3))": "`size` (=(32, 32, 3)) is one number",
    "face.replace(nose_width='big')": "`nose_width` (='big') must be a number or a tensor",
}
SESSION = """
import json, sys, torch
from course_lib.worlds import faces, glyphs, hands, people, streets
gen = torch.Generator().manual_seed(0)
face, signs = faces.sample_factors(2, generator=gen), glyphs.sample_factors(2, generator=gen)
said = {}
for call in json.loads(sys.argv[1]):
    try:
        eval(call)
    except ValueError as error:
        said[call] = str(error)
    except Exception as error:
        said[call] = type(error).__name__
print(json.dumps(said))
"""


def gen():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def said():
    command = [sys.executable, "-c", SESSION, json.dumps(list(MISTAKES))]
    environment = {**os.environ, "COURSE_COMPILE": "0"}
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


@pytest.mark.parametrize("call", MISTAKES)
def test_a_mistake_is_answered_with_the_remedy(said, call):
    assert MISTAKES[call] in said[call]


def test_a_set_prints_names_and_shapes_but_no_numbers():
    drawn = faces.sample_factors(3, generator=gen())
    text = repr(drawn)
    assert text.startswith("FaceFactors(n=3, skin_tone: (3,), ")
    assert "tensor" not in text
    assert all(f"{name}: (3,)" in text for name in drawn.factors())
    assert max(map(len, text.splitlines())) <= 100


def test_pictures_print_names_and_shapes():
    text = repr(glyphs.render(glyphs.sample_factors(2, generator=gen()), size=16, compiled=False))
    assert " ".join(text.split()) == (
        "GlyphImages(n=2, images: (2, 1, 16, 16), labels: (2,), segments: (2, 48, 2, 2), stroke_width: (2,))"
    )


def test_kinds_are_replaced_by_name():
    drawn = faces.sample_factors(2, generator=gen())
    grey, white = (faces.KINDS["hair_colour"].index(name) for name in ("grey", "white"))
    assert drawn.replace(hair_colour="grey").hair_colour.tolist() == [grey, grey]
    assert drawn.replace(hair_colour=["grey", "white"]).hair_colour.tolist() == [grey, white]
    assert drawn.replace(hair_colour=grey, smile=0.5).smile.tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match=r"`hair_colour` \(='pink'\) must name one of black, dark_brown"):
        drawn.replace(hair_colour="pink")


def test_sizes_generators_and_factors_are_checked():
    assert height_and_width(32) == (32, 32)
    assert height_and_width((16, 32)) == (16, 32)
    for size in ((32, 32, 3), 32.5, "32"):
        with pytest.raises(ValueError, match=r"is a number or \(height, width\)"):
            height_and_width(size)
    check_square(32)
    check_generator(gen())
    check_factors(faces.sample_factors(1, generator=gen()), faces.FaceFactors)
    with pytest.raises(ValueError, match=r"`generator` \(=None\).*generator\(0\)"):
        check_generator(None)
