from course_lib.authoring.pairs import differences


def test_pair_in_step_has_no_differences(course):
    assert differences(course.lesson) == []


def test_missing_notebook_is_named_with_its_remedy(course):
    course.lesson.ipynb.unlink()
    assert differences(course.lesson) == ["notebooks/01_good.ipynb is missing: run `make notebooks`."]


def test_changed_line_names_cell_line_and_both_texts(course):
    course.spoil("derivation.show()\n", "derivation.show()\n# more\n", store=False)
    (line,) = differences(course.lesson)
    assert "cell 7" in line
    assert "'# more'" in line
    assert "make notebooks" in line


def test_changed_tags_are_found(course):
    course.spoil('# %% tags=["parameters"]', '# %% tags=["parameter"]', store=False)
    assert "['parameter'] in the .py and ['parameters'] in the .ipynb" in differences(course.lesson)[0]


def test_changed_alt_text_is_found(course):
    course.spoil("A row of digits.", "A column of digits.", store=False)
    assert "alt text" in differences(course.lesson)[0]


def test_added_and_removed_cells_are_found(course):
    course.spoil("# Five sentences.\n", "# Five sentences.\n\n# %%\nlast = 1\n", store=False)
    assert "only the .py has it; it begins 'last = 1'" in differences(course.lesson)[0]
    course.store()
    course.spoil("\n\n# %%\nlast = 1\n", "\n", store=False)
    assert "only the .ipynb has it" in differences(course.lesson)[0]


def test_changed_header_is_found(course):
    course.spoil("[density, approximation, data]", "[density]", store=False)
    assert "`course` in the header" in differences(course.lesson)[0]
