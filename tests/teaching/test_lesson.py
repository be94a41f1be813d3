"""The start of a lesson, and what it reads from the results."""

import json

import matplotlib
import pytest
from PIL import Image

from course_lib.teaching import lesson
from course_lib.teaching.display import MarkdownText, is_live_front_end, show_code, table
from course_lib.teaching.rounding import safe_text

CLAIM = {
    "id": "mnist_nll",
    "what": "test negative log-likelihood",
    "metric": "NLL",
    "unit": "nats",
    "better": "lower",
    "ours": {
        "profile": "standard",
        "device": "cpu, 1 thread",
        "seeds": [0, 1, 2],
        "values": [87.0, 87.2, 87.1],
        "mean": 87.1,
        "band": [86.8, 87.4],
        "seconds": 800,
        "peak_mb": 900,
    },
    "baseline": {"name": "PCA", "mean": 120.5},
    "paper": {"value": 86.76, "source": "Burda et al. 2016, Table 1"},
    "rule": "mean <= 88.5",
    "holds": True,
}


@pytest.fixture
def results(tmp_path, monkeypatch):
    (tmp_path / "results" / "figures").mkdir(parents=True)
    monkeypatch.setattr(lesson, "files", lambda package: tmp_path)
    with matplotlib.rc_context():
        yield tmp_path / "results"


def start(**parameters):
    return lesson.start("01_elbo", **{"device": "cpu", **parameters})


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"profile": "quik"}, r"profile \(='quik'\) must be one of smoke, quick, .* did you mean 'quick'"),
        ({"profile": "Paper "}, "did you mean 'paper'"),
        ({"seed": -1}, r"seed \(=-1\) must be a whole number"),
        ({"seed": True}, r"seed \(=True\)"),
        ({"data_root": "/nowhere/at/all"}, "data_root .* is not a folder; leave it empty"),
        ({"out_dir": __file__}, "out_dir .* is a file"),
    ],
)
def test_parameters_without_meaning_are_refused_with_the_remedy(parameters, says):
    with pytest.raises(ValueError, match=says):
        start(**parameters)


def test_the_lesson_must_have_a_lessons_name():
    with pytest.raises(ValueError, match="01_elbo"):
        lesson.start("elbo")


def test_started_lessons_know_their_folder_and_device(results, tmp_path):
    this = start(seed=3, profile="smoke")
    assert this.out_dir.parts[-3:] == ("runs", "01_elbo", "smoke-3")
    assert this.runtime.device.type == "cpu"
    assert start(out_dir=tmp_path / "mine", data_root=str(tmp_path)).out_dir == (tmp_path / "mine").resolve()
    assert this.config({"smoke": 1, "quick": 2}) == 1
    assert not (tmp_path / "mine").exists()
    with pytest.raises(ValueError, match="not offered"):
        this.config({"quick": 2})


def test_what_is_not_measured_is_said_plainly(results):
    this = start()
    assert "has not been measured yet; `make results LESSON=01_elbo`" in str(this.say("mnist_nll"))
    assert this.band("mnist_nll") is None
    assert this.runs("mnist_nll") == []
    assert "has not been measured yet" in str(this.cost_box())
    assert "No claim has been measured" in str(this.results_table())


def test_measured_numbers_come_with_band_seeds_profile_and_source(results):
    (results / "01_elbo.json").write_text(json.dumps({"claims": [CLAIM]}))
    this = start()
    text = str(this.say("mnist_nll"))
    for part in (
        "**Test negative log-likelihood: 87.1 nats**",
        "3 seeds",
        "`standard`",
        "cpu, 1 thread",
        "86.8 and 87.4",
    ):
        assert part in text
    assert "PCA: 120.5 nats" in text
    assert "86.76 nats (Burda et al. 2016, Table 1)" in text
    assert this.band("mnist_nll") == (86.8, 87.4)
    assert "| mean <= 88.5 | yes |" in str(this.results_table())
    with pytest.raises(ValueError, match="did you mean 'mnist_nll'"):
        this.say("mnist_nl")


def test_what_each_seed_recorded_comes_as_a_list(results):
    runs = {"0": {"value": 87.0, "extra": {"kept": 1}}, "1": {"value": 87.2, "extra": {"kept": 2}}}
    (results / "01_elbo.json").write_text(json.dumps({"claims": [{**CLAIM, "ours": {**CLAIM["ours"], "runs": runs}}]}))
    assert start().runs("mnist_nll") == [runs["0"], runs["1"]]


def test_a_claim_that_does_not_hold_says_so(results):
    (results / "01_elbo.json").write_text(json.dumps({"claims": [{**CLAIM, "holds": False}]}))
    assert "does **not** hold" in str(start().say("mnist_nll"))
    assert "**no**" in str(start().results_table())


def test_half_measured_claims_count_as_unmeasured(results):
    empty = {**CLAIM, "ours": {"profile": "standard", "seeds": [], "values": []}}
    (results / "01_elbo.json").write_text(json.dumps({"claims": [empty]}))
    assert "not been measured" in str(start().say("mnist_nll"))
    assert "No claim" in str(start().results_table())


def test_costs_are_listed_by_profile(results):
    cost = {"seconds": 41.3, "peak_mb": 512.4, "device": "cpu, 1 thread", "when": "2026-11-20T16:00:00", "versions": {}}
    (results / "costs.json").write_text(json.dumps({"01_elbo": {"quick": cost, "smoke": {**cost, "seconds": 5}}}))
    text = str(start().cost_box())
    assert text.index("| smoke | 5 s | - |") < text.index(
        "| quick | 41.3 s | - | 512.4 MB | cpu, 1 thread | 2026-11-20 |"
    )


def test_reference_figures_carry_their_alt_text(results):
    (results / "figures" / "a.png").write_bytes(b"\x89PNG")
    this = start()
    assert 'alt="a &lt; b"' in this.figure("a.png", alt="a < b")._repr_html_()
    with pytest.raises(FileNotFoundError, match="make results"):
        this.figure("b.png", alt="x")
    with pytest.raises(ValueError, match="alt"):
        this.figure("a.png", alt="")


def test_recorded_frames_are_cut_apart(results):
    sheet = Image.new("L", (4, 6))
    sheet.putdata([10] * 8 + [20] * 8 + [30] * 8)
    sheet.save(results / "figures" / "sweep.png")
    this = start()
    frames = this.frames("sweep.png", 3)
    assert [frame.size for frame in frames] == [(4, 2)] * 3
    assert [frame.getpixel((0, 0))[0] for frame in frames] == [10, 20, 30]
    with pytest.raises(ValueError, match=r"count \(=4\) must divide"):
        this.frames("sweep.png", 4)
    with pytest.raises(FileNotFoundError, match="make results"):
        this.frames("none.png", 3)


def test_numbers_are_short():
    assert [lesson.number(value) for value in (86.764, 12345.6, 0.25, None, 1e-5)] == [
        "86.76",
        "12346",
        "0.25",
        "-",
        "1e-05",
    ]


def test_safe_text_avoids_rounding_edges():
    assert safe_text(0.916290731874155) == "0.9163"
    assert safe_text(0.00005) == "0.000"
    assert safe_text(-1e-12) == "0.0000"
    assert safe_text(1.23455) == safe_text(1.2345500001)
    assert safe_text(float("nan")) == "nan"


def test_tables_escape_bars(capsys):
    assert table(["a"], [["x | y"]]).splitlines()[2] == "| x &#124; y |"
    show_code(test_numbers_are_short)
    assert "```python\ndef test_numbers" in capsys.readouterr().out
    assert str(MarkdownText("x")) == "x"
    assert not is_live_front_end()
