"""Each rule of the lesson lint: a lesson that obeys it, and lessons that break it."""

import pytest

from course_lib.authoring import lint as lint_module
from course_lib.authoring.fingerprint import fingerprint
from course_lib.authoring.lint import lint
from course_lib.authoring.rules import BOOK_RULES, LESSON_RULES, Book

STUB_2 = '''# %%
def twice(x):
    """Your turn."""


'''
SOLUTION_2 = """# %% tags=["hide-cell"] jupyter={"source_hidden": true}
#@title Solution {display-mode: "form"}
def twice_solution(x):
    return 2 * x


check("01.2", twice_solution)
"""
PROMISE = "One paragraph that promises something."
DISPLAY = "$$ = \\log p(x) - \\log q(x) \\tag{1.2} $$"

# rule, old text, new text, what the message must say
SPOILT = [
    ("header", "    name: python3\n", "    name: julia\n", "names no kernel python3"),
    ("header", "    formats: ipynb,py:percent\n", "    formats: ipynb,md\n", "does not pair"),
    ("header", "#     formats:", "#     cell_metadata_filter: -all\n#     formats:", "drops the tags"),
    ("header", "#     requires: []\n", "", "names no prerequisites"),
    ("header", "requires: []", "requires: ['07']", "'07' is no earlier lesson"),
    ("header", "requires: []", "requires: ['01']", "'01' is no earlier lesson"),
    ("setup_cell", 'print("ready")', 'print("other")', "differs from the course's"),
    ("setup_cell", 'REPOSITORY = ""', 'REPOSITORY = "https://example.org/a/b"', "address differs from _config.yml"),
    ("setup_cell", '# Installs the course where it is missing.\nREPOSITORY = ""\n', "", "0 set-up cells"),
    ("setup_cell", "# ## Set-up\n", "# ## Set-up\n\n# %%\nfirst = 1\n", "not the first code cell"),
    ("colab_link", PROMISE, "[Run](https://colab.research.google.com/github/a/b)", "the link to Colab is not that of"),
    ("parameters", 'tags=["parameters"]', 'tags=["parameter"]', "0 cells are tagged"),
    ("parameters", "seed: int = 0  # seed of every random number", "seed: int = 0", "seed has no help comment"),
    ("parameters", "seed: int = 0 ", "seed = 0 ", "seed has no type"),
    ("parameters", "seed: int", "seed: float", "seed: float"),
    ("parameters", 'out_dir: str = ""', 'folder: str = ""', "declare profile: str"),
    ("parameters", '"COURSE_PROFILE", "quick"', '"COURSE_PROFILE", "smoke"', "does not follow COURSE_PROFILE"),
    ("sections", "# ## The model\n", "# ## A model\n", "'The model' is missing"),
    ("sections", "# # A good lesson", "# A good lesson", "does not begin with its title"),
    ("sections", "# ## Look again\n#\n# ## Measure", "# ## Measure\n#\n# ## Look again", "'Look again' stands after"),
    ("refused_tags", '"hide-cell"]', '"hide-cell", "nbval-skip"]', "the tag nbval-skip"),
    ("refused_tags", '"hide-cell"]', '"hide-cell", "raises-exception"]', "the tag raises-exception"),
    ("portable_markdown", PROMISE, PROMISE + "\n#\n# ```{note}\n# text\n# ```", "directive '```{note}'"),
    ("portable_markdown", PROMISE, PROMISE + "\n#\n# :::{tip}\n# text\n# :::", "directive ':::{tip}'"),
    ("portable_markdown", PROMISE, PROMISE + " {cite}`kingma2014`", "role '{cite}`kingma2014`'"),
    ("portable_markdown", PROMISE, "(label)=\n#\n# " + PROMISE, "label '(label)='"),
    ("raw_bars", PROMISE, PROMISE + " The posterior $p(z|x)$ is one.", r"a raw bar in $p(z|x)$"),
    ("raw_bars", PROMISE, PROMISE + r" The norm $\|x\|$.", r"\Vert"),
    ("raw_bars", PROMISE, "| a | b |\n# |---|---|\n# | $p(z|x)$ | 1 |", "a raw bar"),
    ("plain_environments", DISPLAY, r"\begin{align} a &= x \tag{1.2} \end{align}", "the environment align"),
    ("plain_environments", DISPLAY, "$$ x \\\\ = x \\tag{1.2} $$", "a tag in $$ with several lines"),
    ("tables", PROMISE, "<table><tr><td>$x$</td></tr></table>", "a formula in an HTML table"),
    ("banned_phrases", PROMISE, "It can be\n# shown that this holds.", "'it can be shown'"),
    ("banned_phrases", PROMISE, "Clearly, this holds.", "'clearly'"),
    ("banned_phrases", PROMISE, "This is obviously so.", "'obviously'"),
    ("banned_phrases", PROMISE, "It trivially holds.", "'trivially'"),
    (
        "typed_numbers",
        PROMISE,
        "We reach 87.48 here.",
        'claim nll. Let a cell say it: lesson.say("nll")',
    ),
    ("typed_numbers", PROMISE, "PCA reaches 102.9 here.", "measured by the claim nll"),
    ("typed_numbers", PROMISE, "We reach about 91.3 nats here.", "91.3 is typed"),
    ("typed_numbers", PROMISE, "We reach $87.5$ nats here.", "87.5 is typed"),
    ("known_claims", 'say("nll")', 'say("nlll")', "'nlll' is not in 01_good.json. Did you mean nll?"),
    ("known_claims", ", derivation.cost_box()", "", "no cell shows what the lesson costs"),
    ("links", PROMISE, "See [the next](02_none.ipynb).", "the link 02_none.ipynb leads nowhere"),
    ("links", PROMISE, "![a badge](https://example.org/badge.svg)", "is fetched from another host"),
    ("derivations", "derivation = Derivation(", "derivation = dict(", "no cell calls Derivation"),
    ("derivations", "derivation.assert_mutants_caught(), ", "", "no cell calls assert_mutants_caught"),
    ("derivations", "derivation.refute(), ", "", "no cell calls refute"),
    ("derivations", "derivation.break_it(), ", "", "no cell calls break_it"),
    ("displayed_formulas", DISPLAY, "$$ x = x $$", "has no number"),
    ("displayed_formulas", DISPLAY, DISPLAY.replace("- \\log q", "+ \\log q"), "is evaluated nowhere"),
    ("displayed_formulas", DISPLAY, DISPLAY.replace("1.2", "2.2"), "the formula number 2.2 is of another lesson"),
    ("displayed_formulas", DISPLAY, DISPLAY.replace("1.2", "1.7"), "formula 1.7"),
    ("displayed_formulas", DISPLAY, "$$ \\log p(x) = \\log q(x) \\tag{1.2} $$", "is evaluated nowhere"),
    (
        "displayed_formulas",
        DISPLAY,
        r"\begin{align*} &\log p(x) \tag{1.1} \\ &= x \end{align*}",
        "no number",
    ),
    ("formula_numbers", DISPLAY, DISPLAY + "\n#\n# " + DISPLAY, "formula 1.2 stands in cell"),
    ("formula_numbers", "(#eq-1-2)", "(#eq-1-9)", "#eq-1-9 leads nowhere"),
    ("formula_numbers", "(#eq-1-2)", "(00_none.ipynb#eq-0-1)", "00_none.ipynb#eq-0-1 leads nowhere"),
    ("formula_numbers", PROMISE, "See equation 1.9 and line (1.2).", "there is no formula 1.9"),
    ("formula_numbers", "derivation.show()\n", "derivation.show()\n\n# %%\nderivation.show()\n", "1.1 is given twice"),
    ("symbols", "#     symbols: [density, approximation, data]\n", "", "declares no symbols"),
    ("symbols", "symbols: [density,", "symbols: [density, theta,", "theta is not in book/notation.yml"),
    ("symbols", "symbols: [density,", "symbols: [density, density,", "density is declared twice"),
    ("symbols", "symbols: [density,", "symbols: [density, weight,", "weight is declared but stands in no formula"),
    ("symbols", "[density, approximation, data]", "[density, data]", "uses q, which no declared symbol holds"),
    ("alt_text", ' mystnb={"image": {"alt": "A row of digits."}}', "", "a figure without alt text"),
    ("alt_text", '"A row of digits."', '" "', "a figure without alt text"),
    ("alt_text", PROMISE, "![](figure.png)", "a Markdown image without alt text"),
    ("alt_text", "measured = [2.5]", "plt = plots\nplt.show()", "a figure without alt text"),
    ("sentence_before", "# The figure shows what there is to see.\n", "# Figure\n", "no sentence announces"),
    ("sentence_before", "plots.image_grid()", "# %% tags=[]\nplots.image_grid()", "no sentence announces"),
    ("tagged_figures", '# %% tags=["nbval-ignore-output"] mystnb', "# %% mystnb", "compared by nbval"),
    ("tagged_figures", "measured = [2.5]", "for step in run.steps(batches):\n    pass", "compared by nbval"),
    ("exercise_count", "### Exercise 01.3", "### Task 01.3", "2 exercises"),
    ("exercise_count", "### Exercise 01.3", "### Exercise 01.4", "is numbered 01.4"),
    ("exercise_count", "spot the bug", "double it", "no exercise asks to spot a bug"),
    ("exercise_parts", STUB_2, "", "has no stub of twice"),
    ("exercise_parts", 'hint("01.2", step=1)', "pass", "exercise 01.2 has no hint"),
    ("exercise_parts", '# %%\ncheck("01.2", twice)\n', "", "exercise 01.2 has no check"),
    ("exercise_parts", SOLUTION_2, "", "exercise 01.2 has 0 solutions"),
    ("exercise_parts", 'check("01.2", twice_solution)', "pass", "the solution of 01.2 is not checked"),
    ("exercise_parts", "twice_solution", "twice", "are both called twice"),
    ("hidden_solutions", 'display-mode: "form"', "display-mode: form", "Colab does not fold"),
    ("hidden_solutions", 'tags=["hide-cell"] jupyter', "jupyter", "the book does not fold"),
    ("hidden_solutions", ' jupyter={"source_hidden": true}', "", "JupyterLab does not fold"),
    ("portable_outputs", "measured = [2.5]", "import time\n\nstart = time.time()", "time.time in a checked cell"),
    ("portable_outputs", "measured = [2.5]", 'folder = "/home/me/data"', "the path /home/me in the code"),
]


def said(course, name):
    """What one rule says of the course."""
    for rule in LESSON_RULES:
        if rule.__name__ == name:
            return [str(finding) for finding in rule(course.lesson, Book(course.root))]
    return [str(finding) for rule in BOOK_RULES if rule.__name__ == name for finding in rule(Book(course.root))]


def test_good_lesson_has_no_fault(course):
    assert [str(finding) for _, finding in lint(course.root)] == []


@pytest.mark.parametrize(("rule", "old", "new", "message"), SPOILT, ids=[f"{s[0]}-{i}" for i, s in enumerate(SPOILT)])
def test_rule_finds_the_fault(course, rule, old, new, message):
    assert said(course, rule) == []
    course.spoil(old, new)
    found = said(course, rule)
    assert any(message.lower() in line.lower() for line in found), found


def edit(course, change):
    """Change the stored notebook and write it back."""
    from course_lib.authoring.sources import notebook_text

    notebook = course.lesson.stored
    change(notebook)
    course.lesson.ipynb.write_text(notebook_text(notebook), encoding="utf-8")


def add_output(kind, text, index=7):
    def change(notebook):
        from nbformat.v4 import new_output

        made = (
            new_output("stream", name=kind, text=text)
            if kind in ("stdout", "stderr")
            else new_output("display_data", data={kind: text})
        )
        notebook.cells[index].outputs.append(made)

    return change


def set_metadata(**values):
    return lambda notebook: notebook.metadata.update(values)


def set_cell(index, **values):
    return lambda notebook: notebook.cells[index].update(values)


def grow(notebook):
    add_output("text/html", "x" * 1_600_000)(notebook)


def fail(notebook):
    from nbformat.v4 import new_output

    notebook.cells[7].outputs = [new_output("error", ename="E", evalue="", traceback=[])]


def inject(notebook):
    notebook.cells[4].metadata.tags = ["injected-parameters"]


def stamp(notebook):
    notebook.cells[4].metadata["papermill"] = {"duration": 1.0}


def figure(*values):
    """A figure with a curve through these values, as a notebook stores it."""
    import base64
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn, buffer = Figure(figsize=(4, 3)), io.BytesIO()
    FigureCanvasAgg(drawn)
    axes = drawn.subplots()
    axes.set_title("A title that states nothing")
    axes.plot(values)
    drawn.savefig(buffer)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


WIDGET = "application/vnd.jupyter.widget-view+json"
SPOILT_NOTEBOOKS = [
    ("raw_bars", add_output("text/markdown", "| 1.3 | $p(z|x)$ |"), "a raw bar"),
    ("tables", add_output("text/html", "<table><td>$x$</td></table>"), "a formula in an HTML table"),
    ("alt_text", add_output("text/html", '<img src="data:,">'), "an <img> without alt text"),
    ("drawn_figures", add_output("image/png", figure()), "whose axes are empty"),
    ("pair_in_step", lambda notebook: notebook.cells.pop(), "Run `make notebooks`"),
    ("stored_outputs", set_metadata(course={"stored": {"profile": "standard"}}), "of the profile standard"),
    ("stored_outputs", set_cell(7, execution_count=None), "was not run"),
    ("stored_outputs", set_cell(7, outputs=[]), "shows something has no stored output"),
    ("stored_outputs", set_cell(7, source=" "), "an empty code cell"),
    ("stored_outputs", fail, "a stored error"),
    ("clean_storage", set_metadata(widgets={"state": {}}), "widgets state"),
    ("clean_storage", set_metadata(papermill={"duration": 1}), "papermill state"),
    ("clean_storage", inject, "papermill injected"),
    ("clean_storage", stamp, "time stamps"),
    ("clean_storage", add_output("stderr", "50%|###"), "standard error"),
    ("clean_storage", add_output(WIDGET, {"model_id": "a"}), "a stored widget"),
    ("clean_storage", grow, "1.6"),
    ("measured", add_output("text/markdown", "The claim `gap` has not been measured yet."), "has not been measured"),
    ("measured", add_output("text/markdown", "Its cost has not been measured yet."), "has not been measured"),
    ("measured", add_output("text/markdown", "No claim has been measured yet; `make`."), "No claim has been measured"),
    ("portable_outputs", add_output("stdout", "wrote /home/me/run\n"), "the path /home/me"),
    ("portable_outputs", add_output("stdout", "wrote C:\\Users\n"), "the path C:"),
    ("portable_outputs", add_output("stdout", "at 12:30:05\n"), "a time of day"),
    ("portable_outputs", add_output("stdout", "on 2026-01-31\n"), "a date"),
    ("portable_outputs", add_output("text/plain", "<Axes at 0x7f00aa11bb22>"), "a memory address"),
    ("portable_outputs", add_output("stdout", "it took 3.2 s\n"), "a measured time"),
]


@pytest.mark.parametrize(
    ("rule", "change", "message"), SPOILT_NOTEBOOKS, ids=[f"{s[0]}-{i}" for i, s in enumerate(SPOILT_NOTEBOOKS)]
)
def test_rule_finds_the_fault_of_the_stored_notebook(course, rule, change, message):
    assert said(course, rule) == []
    edit(course, change)
    found = said(course, rule)
    assert any(message in line for line in found), found


def test_missing_notebook_is_one_fault(course):
    course.lesson.ipynb.unlink()
    assert "is missing" in said(course, "pair_in_step")[0]


def test_doubled_symbols_are_found(course):
    assert said(course, "doubled_symbols") == []
    course.spoil("id: weight, latex: 'w'", "id: data, latex: 'x'", "book/notation.yml")
    assert len(said(course, "doubled_symbols")) == 2


def test_every_rule_has_a_bad_lesson():
    tested = {case[0] for case in (*SPOILT, *SPOILT_NOTEBOOKS)} | {"doubled_symbols"}
    assert {rule.__name__ for rule in (*LESSON_RULES, *BOOK_RULES)} == tested


def test_first_lesson_needs_one_exercise_and_few_sections(course):
    for name in ("01_good.py", "01_good.ipynb"):
        file = course.root / "notebooks" / name
        file.rename(file.with_name(name.replace("01_good", "00_first")))
    rules = {name for name, _ in lint(course.root)}
    assert "sections" not in rules
    assert "exercise_count" in rules  # it has three


def test_command_prints_place_fault_remedy_and_rule(course, monkeypatch, capsys):
    monkeypatch.setattr(lint_module, "checkout_root", lambda: course.root)
    assert lint_module.main([]) == 0
    said_now = capsys.readouterr().out
    assert "no faults" in said_now
    assert "note: the code behind notebooks/01_good.ipynb has changed" in said_now
    edit(course, set_metadata(course={"stored": {"profile": "quick", "inputs": fingerprint(course.lesson)}}))
    lint_module.main([])
    assert "note:" not in capsys.readouterr().out
    course.spoil(PROMISE, "Clearly.")
    assert lint_module.main(["01"]) == 1
    expected = "notebooks/01_good.py: cell 0: the phrase 'clearly'. Show it, or leave the phrase out. [banned_phrases]"
    assert expected in capsys.readouterr().out
    assert lint_module.main(["03"]) == 2
    assert lint_module.main(["--rules"]) == 0


@pytest.mark.parametrize(
    "formula",
    [
        r"$$ \log p(x) - \log q(x) \tag{1.2} $$",
        r"$$ \log p(x) = \log p(x)\, -\, \log q(x). \tag{1.2} $$",
        r"\begin{align*} &\log p(x) \\ &= \log p(x) - \log q(x) \tag{1.2} \end{align*}",
    ],
)
def test_a_line_and_a_chain_of_lines_may_be_displayed(course, formula):
    course.spoil(DISPLAY, formula)
    assert said(course, "displayed_formulas") == []


def test_definitions_and_terms_may_be_displayed(course):
    course.spoil(DISPLAY, r"$$ q(x) = p(x) \tag{1.3} $$" + "\n#\n# " + r"$$ x \tag{1.4} $$")
    assert len(said(course, "displayed_formulas")) == 2
    course.spoil("measured = [2.5]", 'Definition(r"q(x) = p(x)", "1.3")\nTerm(latex="x", number="1.4")')
    assert said(course, "displayed_formulas") == []


def test_output_metadata_may_name_formulas(course):
    course.spoil(DISPLAY, r"$$ q(x) \tag{1.5} $$")

    def name(notebook):
        notebook.cells[7].outputs[0].metadata["course"] = {"equations": {"1.5": "q(x)"}}

    assert said(course, "displayed_formulas") != []
    edit(course, name)
    assert said(course, "displayed_formulas") == []


def test_published_numbers_may_be_typed(course):
    course.spoil(PROMISE, "Burda et al. publish 86.76 nats; the rule is 88.5 nats; version 87.48.1; (87.48).")
    assert said(course, "typed_numbers") == []


def test_the_number_of_an_exercise_is_no_measured_number(course):
    course.spoil(PROMISE, "See Exercise 102.9 and exercise 102.9.")
    assert said(course, "typed_numbers") == []


def test_before_the_first_run_the_missing_notebook_is_the_only_fault(course):
    course.spoil("derivation.show()\n", 'derivation.show()\n# d.line(a, number="1.1")\n')
    course.spoil("(#eq-1-2)", "(01_good.ipynb)", store=False)
    course.lesson.ipynb.unlink()
    assert {rule for rule, _ in lint(course.root)} == {"pair_in_step"}


def test_numbers_that_the_code_gives_to_lines_may_be_named(course):
    course.spoil(PROMISE, "See equation 1.9.")
    assert said(course, "formula_numbers") != []
    course.spoil("derivation.show()\n", 'derivation.show()\nif None:\n    d.line(a, number="1.9")\n')
    assert said(course, "formula_numbers") == []


def test_a_sentence_that_cites_may_give_the_published_number(course):
    course.spoil(PROMISE, "Others, et al., publish 84.78 nats. Here are more.")
    assert said(course, "typed_numbers") == []
    course.spoil("84.78 nats.", "a number. We reach 84.78 nats.")
    assert len(said(course, "typed_numbers")) == 1


def test_figures_with_a_curve_are_not_empty(course):
    edit(course, add_output("image/png", figure(1.0, 2.0)))
    assert said(course, "drawn_figures") == []
