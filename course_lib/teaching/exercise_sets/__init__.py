"""The exercises of each lesson: `lesson_00.py`, `lesson_01.py` ..., each with a tuple `EXERCISES`."""
