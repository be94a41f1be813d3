"""The stand-in lesson, as fixtures."""

import pytest
from stand_in_lesson import Lesson, train_step


@pytest.fixture
def make_lesson():
    return Lesson


@pytest.fixture
def step():
    return train_step
