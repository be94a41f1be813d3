"""Sets on disk: complete, resumable, the same bytes each time, and read back as they were drawn."""

import hashlib
import inspect
import json

import pytest
import safetensors.torch
import torch

from course_lib.datasets import DataFormatError, load_rendered
from course_lib.worlds import faces
from data_scripts import render, shards
from data_scripts.shards import UNITS, WORLDS, OptionError, draw_set

SMALL = {"faces": 16, "glyphs": 12, "hands": 16, "people": 16, "streets": (16, 24)}


@pytest.fixture(autouse=True)
def _eager(monkeypatch):
    monkeypatch.setenv("COURSE_COMPILE", "0")


def draw(folder, world="glyphs", n=7, *, shard_size=3, **settings):
    return draw_set(world, n, folder, size=SMALL[world], shard_size=shard_size, **settings)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "run.lock"}


@pytest.mark.parametrize("world", WORLDS)
def test_every_world_is_written_and_read_back(world, tmp_path):
    manifest = draw(tmp_path, world, n=3, shard_size=2)
    records = load_rendered(tmp_path, verify=True)
    assert len(records) == 3
    module = WORLDS[world]
    factors = module.sample_factors(3, generator=torch.Generator().manual_seed(0))
    for name, values in factors.as_dict().items():
        assert records.factors[name].equal(values)
        assert records.factors[name].dtype == values.dtype
    drawn = module.render(type(factors)(**records.factors), size=SMALL[world], compiled=False)
    for name, values, meaning in shards._tensors(drawn):
        slack = 0.5 / 255 + 1e-6 if name in shards.PICTURES else 0
        torch.testing.assert_close(records[name], values, atol=slack, rtol=0)
        spec = manifest["fields"][name]
        assert spec["meaning"] == meaning != ""
        assert spec["shape"] == list(values.shape[1:])
        assert spec["found"] == [float(end) for end in torch.aminmax(values.float())]
    assert UNITS[world].keys() <= manifest["fields"].keys()
    assert (tmp_path / "contact.png").stat().st_size > 500


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path):
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        (tmp_path / name).mkdir()
        draw(tmp_path / name, seed=seed)
    one, two, three = (contents(tmp_path / name) for name in ("one", "two", "three"))
    assert len(one) == 5  # three shards, the manifest and the contact sheet
    assert one == two
    assert one.keys() == three.keys()
    assert one["shard-00000.safetensors"] != three["shard-00000.safetensors"]


def test_records_do_not_depend_on_how_they_are_cut_into_shards(tmp_path):
    draw(tmp_path / "a", shard_size=3)
    draw(tmp_path / "b", shard_size=50)
    a, b = load_rendered(tmp_path / "a"), load_rendered(tmp_path / "b")
    assert a.fields == b.fields
    assert all(a.stored[name].equal(b.stored[name]) for name in a.fields)


class Stopped(Exception):
    pass


def stop_after(count):
    lines = []

    def say(line):
        lines.append(line)
        if len(lines) == count:
            raise Stopped

    return say


def test_an_interrupted_set_is_continued_to_the_same_bytes(tmp_path):
    draw(tmp_path / "whole")
    with pytest.raises(Stopped):
        draw(tmp_path / "cut", say=stop_after(2))
    with pytest.raises(DataFormatError, match="6 of 7 records are drawn; the command that began goes on: python -m"):
        load_rendered(tmp_path / "cut")
    (tmp_path / "cut" / "shard-00002.safetensors.99.part").write_bytes(b"half a shard")  # as a killed process leaves
    lines = []
    draw(tmp_path / "cut", say=lines.append)
    assert lines[0] == "6 records are there already, checksums agree"
    assert len(lines) == 2
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_a_finished_set_is_left_as_it_is(tmp_path):
    draw(tmp_path)
    before = contents(tmp_path)
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("shard-*")}
    lines = []
    draw(tmp_path, say=lines.append)
    assert lines == ["7 records are there already, checksums agree"]
    assert contents(tmp_path) == before
    assert times == {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("shard-*")}


@pytest.mark.parametrize("damage", ["missing", "flipped", "cut off"])
def test_damaged_shards_are_drawn_again(tmp_path, damage):
    draw(tmp_path)
    whole = contents(tmp_path)
    path = tmp_path / "shard-00001.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 0xFF
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(bytes(raw) if damage == "flipped" else bytes(raw[:-50]))
    lines = []
    draw(tmp_path, say=lines.append)
    assert lines[0] == "shard-00001.safetensors is missing or damaged: drawn again"
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("change", [dict(seed=2), dict(n=8), dict(shard_size=4), dict(options={"label": 3}),
                                    dict(exact=True), dict(world="faces")])  # fmt: skip
def test_a_set_with_other_settings_is_refused(tmp_path, change):
    draw(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=r"holds a set with \w+ = .*, this call has .*: choose another folder"):
        draw(tmp_path, **{"n": 7} | change)
    assert contents(tmp_path) == before


def test_a_set_drawn_by_other_code_is_refused(tmp_path, monkeypatch):
    draw(tmp_path)
    monkeypatch.setattr(shards, "_code_hash", lambda module: "other")
    with pytest.raises(OptionError, match="holds a set with versions"):
        draw(tmp_path)


def test_a_folder_with_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("do not touch")
    with pytest.raises(OptionError, match=r"holds thesis.tex, which no set of ours is: choose an empty folder"):
        draw(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "do not touch"


def test_pictures_can_be_stored_exactly(tmp_path):
    manifest = draw(tmp_path, "faces", n=2, exact=True)
    assert manifest["fields"]["images"]["stored"] == "float32"
    people = faces.sample_factors(2, generator=torch.Generator().manual_seed(0))
    assert load_rendered(tmp_path)["images"].equal(faces.render(people, size=16, compiled=False).images)


def test_options_reach_the_world(tmp_path):
    draw(tmp_path, "faces", n=4, options={"nose_width": (0.7, 1.0), "glasses": "none"})
    records = load_rendered(tmp_path, fields=["factors/nose_width", "factors/glasses"])
    assert records.fields == ("factors/nose_width", "factors/glasses")
    assert records["factors/nose_width"].min() >= 0.7
    assert records["factors/glasses"].unique().tolist() == [0]
    draw(tmp_path / "p", "people", n=2, options={"samples": 1})  # an option of render


def test_records_are_counted_indexed_and_drawn_in_batches(tmp_path):
    draw(tmp_path)
    records = load_rendered(tmp_path)
    assert len(records[2]) == 1
    assert records[-1]["images"].equal(records["images"][6:])
    assert records[[4, 1]]["labels"].tolist() == records["labels"][[4, 1]].tolist()
    assert records["images"].dtype == torch.float32
    assert records["images"].max() <= 1
    batch = next(iter(records.batches(batch_size=4, gen=torch.Generator().manual_seed(0))))
    assert batch["images"].shape == (4, 1, 12, 12)
    assert records.to("cpu").stored.keys() == records.stored.keys()
    with pytest.raises(ValueError, match="no field 'image': choose from images, labels"):
        records["image"]
    with pytest.raises(ValueError, match="`fields` names 'image': there are images"):
        load_rendered(tmp_path, fields=["image"])


def test_the_command_line_writes_and_says_so(tmp_path, capsys):
    out = tmp_path / "set"
    call = ["glyphs", "--n", "5", "--out", str(out), "--size", "12", "--shard-size", "2", "--world-option", "label=3"]
    assert render.main(call) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("shard-00000.safetensors: 2 of 5 records, 0.0 MB")
    assert told[-1] == f'Read them with  course_lib.datasets.load_rendered("{out}")'
    assert load_rendered(out)["labels"].tolist() == [3] * 5


BAD = {
    "an unknown world": (["hand", "--n", "5"], "no world 'hand': did you mean hands?"),
    "no records": (["glyphs", "--n", "0"], r"n (=0)"),
    "an unknown option": (
        ["glyphs", "--n", "5", "--world-option", "labels=3"],
        "no option 'labels': choose from",
    ),
    "half an option": (["glyphs", "--n", "5", "--world-option", "label"], "'label' must be NAME=VALUE"),
    "a bad value": (["faces", "--n", "5", "--world-option", "nose_width=0.7,2"], "`nose_width`"),
    "an unknown factor": (["faces", "--n", "5", "--world-option", "nose=1"], "no option 'nose'"),
}


@pytest.mark.parametrize("name", BAD)
def test_mistakes_on_the_command_line_are_told_in_one_line(tmp_path, capsys, name):
    call, message = BAD[name]
    assert render.main([*call, "--out", str(tmp_path / "set")]) == 2
    told = capsys.readouterr().err.strip()
    assert message in told
    assert "\n" not in told
    assert not (tmp_path / "set").exists()


def test_a_folder_in_use_is_refused(tmp_path, capsys):
    with shards._held(tmp_path):
        assert render.main(["glyphs", "--n", "5", "--out", str(tmp_path), "--size", "12"]) == 1
    assert "is in use by process" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "value"),
    [("a=3", 3), ("a=0.5", 0.5), ("a=true", True), ("a=wild", "wild"), ("a=0.7,1.0", (0.7, 1.0)),
     ("a=[0.7, 1.0]", (0.7, 1.0)), ("a=bob,long", ("bob", "long")), ("a=null", None)],
)  # fmt: skip
def test_options_are_read_as_what_they_look_like(text, value):
    assert render.parse_option(text) == ("a", value)
    assert render.parse_size("64") == 64
    assert render.parse_size("64x208") == (64, 208)


def change(folder, edit):
    manifest = json.loads((folder / "manifest.json").read_text())
    edit(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


MANIFESTS = {
    "no format": (lambda m: m.pop("format"), "no manifest of format 1"),
    "a count too many": (lambda m: m.update(n=8), "the shards hold 7 records, `n` is 8"),
    "a path outside": (
        lambda m: m["shards"][0].update(file="../shard-00000.safetensors"),
        "expected a file like shard",
    ),
    "a shard twice": (lambda m: m["shards"].append(m["shards"][0]), "comes twice"),
    "rows that are none": (lambda m: m["shards"][0].update(rows=-3), "has -3 rows"),
    "an unknown type": (lambda m: m["fields"]["images"].update(dtype="float8"), "no known `dtype`"),
    "another type": (lambda m: m["fields"]["images"].update(stored="int16"), "the manifest says int16"),
    "another shape": (lambda m: m["fields"]["images"].update(shape=[1, 12, 13]), r"the manifest says uint8 \(3, 1, 12"),
    "a scale of nothing": (lambda m: m["fields"]["images"].update(scale=0), "has scale 0"),
    "a field too few": (lambda m: m["fields"].pop("labels"), "field 'labels' is in the shard or in the manifest"),
    "another size": (lambda m: m["shards"][1].update(bytes=5000), "the manifest says 5,000: cut off"),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_bad_manifests_are_refused(tmp_path, name):
    draw(tmp_path)
    edit, message = MANIFESTS[name]
    change(tmp_path, edit)
    with pytest.raises(DataFormatError, match=message):
        load_rendered(tmp_path)


def test_bad_shards_are_refused(tmp_path):
    draw(tmp_path)
    path = tmp_path / "shard-00001.safetensors"
    whole = path.read_bytes()
    path.write_bytes(b"\xff" * len(whole))
    with pytest.raises(DataFormatError, match=r"shard-00001.safetensors: no shard of tensors"):
        load_rendered(tmp_path)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert len(load_rendered(tmp_path)) == 7  # a flipped bit shows in the checksum only
    with pytest.raises(DataFormatError, match="its checksum is not that of the manifest"):
        load_rendered(tmp_path, verify=True)
    tensors = safetensors.torch.load(whole)
    tensors["stroke_width"][1] = torch.nan
    path.write_bytes(safetensors.torch.save(tensors))
    with pytest.raises(DataFormatError, match="field 'stroke_width' of record 1 is not finite"):
        load_rendered(tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="draws it again"):
        load_rendered(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataFormatError, match="no JSON"):
        load_rendered(tmp_path)
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"manifest.json is missing.*data_scripts.render"):
        load_rendered(tmp_path)


def test_the_manifest_tells_what_is_needed_to_draw_the_set_again(tmp_path):
    manifest = draw(tmp_path, seed=5)
    assert manifest == json.loads((tmp_path / "manifest.json").read_text())
    assert (manifest["world"], manifest["n"], manifest["seed"], manifest["size"]) == ("glyphs", 7, 5, 12)
    assert manifest["complete"] is True
    assert manifest["versions"]["torch"] == torch.__version__
    for shard in manifest["shards"]:
        assert hashlib.sha256((tmp_path / shard["file"]).read_bytes()).hexdigest() == shard["sha256"]
    slant = manifest["fields"]["factors/slant"]
    assert slant["range"][0] < slant["range"][1]
    assert slant["meaning"]
    assert "safetensors" in inspect.getsource(shards)  # no pickles
