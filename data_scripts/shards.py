"""Draws a world into a folder of shards with a manifest: whole files only, resumable, the same bytes each time."""

import contextlib
import dataclasses
import difflib
import hashlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import safetensors.torch
import torch
from PIL import Image
from torch import Tensor

import course_lib
from course_lib.datasets.rendered import FORMAT, MANIFEST, encode_field, read_manifest
from course_lib.training.folder import FolderLock, make_folder, write_atomically
from course_lib.worlds import faces, glyphs, hands, people, streets
from course_lib.worlds.factors import FactorSet
from course_lib.worlds.kernel import can_compile

WORLDS: dict[str, ModuleType] = {
    "faces": faces, "glyphs": glyphs, "hands": hands, "people": people, "streets": streets,
}  # fmt: skip
# Pictures in [0, 1] whose values are stored as bytes; everything else is stored as it is.
PICTURES = ("images", "first", "second", "mask", "nose_cover")
UNITS = {
    "faces": {"landmarks": "pixels", "nose_box": "pixels"},
    "glyphs": {"segments": "pixels", "stroke_width": "pixels"},
    "hands": {"depth_mm": "mm", "landmarks": "m", "intrinsics": "pixels", "parts/a": "m", "parts/b": "m",
              "parts/radius_a": "m", "parts/radius_b": "m"},
    "people": {"depth": "m", "joints_3d": "m", "joints_2d": "pixels", "intrinsics": "pixels",
               "camera_from_world": "m"},
    "streets": {"depth_first": "m", "depth_second": "m", "intrinsics": "pixels", "second_from_first": "m",
                "camera_from_world": "m", "flow": "pixels"},
}  # fmt: skip
PIECE = 100  # records drawn at once
SHEET = 48  # pictures on the contact sheet
COLUMNS = 8
# What must agree for a set to be continued.
SETTINGS = ("world", "n", "seed", "size", "options", "shard_size", "exact", "device", "compiled", "versions")


class OptionError(ValueError):
    """An option of the command that cannot be; the message is one sentence."""


def draw_set(
    world: str,
    n: int,
    folder: Path,
    *,
    size: int | tuple[int, int] | None = None,
    seed: int = 0,
    options: dict[str, Any] | None = None,
    shard_size: int = 1000,
    exact: bool = False,
    device: str = "cpu",
    say=lambda line: None,
) -> dict[str, Any]:
    """Draw n records of a world into a folder of shards; a set that was begun with the same settings is continued.

    All factors are drawn first, from one generator, so that neither the shards nor an interruption changes a byte.

    Args:
        world: A name in `WORLDS`.
        n: Number of records.
        folder: Where to write.
        size: Pixels, as the world's `render` takes it; None: its own default.
        seed: Seed of the factors.
        options: Keywords of the world's `sample_factors` or `render`.
        shard_size: Records a file.
        exact: Whether pictures are stored as floats instead of bytes.
        device: Where to draw.
        say: Takes each line of progress.

    Returns:
        The manifest.

    Raises:
        ValueError: A setting that cannot be, or one that differs from the set that is there.
        DataFormatError: The manifest that is there is damaged.
        OutputError: The folder cannot be written; `LockedError`: another process is writing it.
    """
    if world not in WORLDS:
        near = difflib.get_close_matches(world, WORLDS, n=1, cutoff=0.0)[0]
        raise OptionError(f"there is no world {world!r}: did you mean {near}? There are {', '.join(WORLDS)}")
    if not (min(n, shard_size) >= 1 and -(-n // shard_size) <= 100_000):
        raise OptionError(f"n (={n}) and shard_size (={shard_size}) must be 1 or more, with at most 100,000 shards")
    module, options = WORLDS[world], options or {}
    sampled, rendered = _sorted_options(module, options)
    size = inspect.signature(module.render).parameters["size"].default if size is None else size
    factors = module.sample_factors(n, generator=torch.Generator().manual_seed(seed), **sampled)

    def draw(rows: slice) -> Any:
        return module.render(factors[rows].to(device), size=size, **rendered)

    manifest = {
        "format": FORMAT,
        "world": world,
        "n": n,
        "seed": seed,
        "size": size,
        "options": options,
        "shard_size": shard_size,
        "exact": exact,
        "device": torch.device(device).type,
        "compiled": can_compile(device),
        "versions": {"course": course_lib.__version__, "torch": torch.__version__, "code": _code_hash(module)},
        "fields": _fields(world, factors, draw(slice(0, 1)), exact),
        "shards": [],
        "complete": False,
    }
    manifest = json.loads(json.dumps(manifest))  # tuples are lists on disk
    make_folder(folder)
    with _held(folder):
        _continue(folder, manifest, say)
        _draw_shards(folder, manifest, factors, draw, say)
        sheet = contact_sheet(pictures(module, draw(slice(0, min(n, SHEET)))))
        sheet.save(folder / "contact.png")
        manifest["complete"] = True
        _write_manifest(folder, manifest)
    return manifest


def _sorted_options(module: ModuleType, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of `sample_factors` and options of `render`."""
    takes = [inspect.signature(function).parameters for function in (module.sample_factors, module.render)]
    fixed = ("n", "generator", "factors", "size", "compiled")
    known = [name for parameters in takes for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY]
    known = [name for name in known if name not in fixed]
    if any(p.kind is p.VAR_KEYWORD for p in takes[0].values()):  # every factor is an option
        known += list(_factor_class(module).factors())
    for name in options:
        if name not in known:
            raise OptionError(f"there is no option {name!r}: choose from {', '.join(dict.fromkeys(known))}")
    rendered = {name: value for name, value in options.items() if name in takes[1]}
    return {name: value for name, value in options.items() if name not in rendered}, rendered


def _factor_class(module: ModuleType) -> type[FactorSet]:
    return next(thing for thing in vars(module).values() if isinstance(thing, type) and issubclass(thing, FactorSet))


def _code_hash(module: ModuleType) -> str:
    """Checksum of the sources that decide what is drawn: the world's, what worlds share, and the geometry."""
    root = Path(course_lib.__file__).parent
    sources = [*Path(module.__file__).parent.glob("*.py"), *root.glob("worlds/*.py"), *root.glob("geometry/*.py")]
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(source.relative_to(root).as_posix().encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _tensors(images: Any, prefix: str = "") -> Iterator[tuple[str, Tensor, str]]:
    """Name, values and meaning of each tensor in a dataclass and the dataclasses in it."""
    meanings = _meanings(type(images))
    for field in dataclasses.fields(images):
        value = getattr(images, field.name)
        if isinstance(value, Tensor):
            yield prefix + field.name, value, meanings.get(field.name, "")
        elif dataclasses.is_dataclass(value):
            yield from _tensors(value, f"{prefix}{field.name}/")


def _meanings(kind: type) -> dict[str, str]:
    """The `Attributes:` section of a class's docstring."""
    _, _, section = (inspect.getdoc(kind) or "").partition("Attributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.split("\n\n")[0].splitlines():
        if line.startswith("    ") and line[4:5].strip():
            name, _, text = line.strip().partition(": ")
            found[name] = text
        elif name:
            found[name] += " " + line.strip()
    return found


def _fields(world: str, factors: FactorSet, images: Any, exact: bool) -> dict[str, dict[str, Any]]:
    """What the manifest says of each field."""
    specs = {}
    for name, value, meaning in _tensors(images):
        dtype = str(value.dtype).removeprefix("torch.")
        spec = {"dtype": dtype, "stored": dtype, "shape": list(value.shape[1:])}
        if name in PICTURES and not exact:
            spec |= {"stored": "uint8", "scale": 255}
        elif dtype in ("int32", "int64") and value.ndim > 2:
            spec["stored"] = "int16"  # maps of parts
        specs[name] = spec | {"unit": UNITS[world].get(name, ""), "range": None, "meaning": meaning}
    for name, factor in factors.factors().items():
        dtype = str(getattr(factors, name).dtype).removeprefix("torch.")
        specs[f"factors/{name}"] = {
            "dtype": dtype, "stored": dtype, "shape": list(factor.shape), "unit": factor.unit,
            "range": [factor.low, factor.high], "meaning": factor.meaning,
        }  # fmt: skip
    return specs


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """The folder for this process alone, without the remains of one that was killed."""
    lock = FolderLock(folder)
    lock.acquire()
    try:
        for part in folder.glob("*.part"):
            part.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def _continue(folder: Path, manifest: dict[str, Any], say) -> None:
    """Take over what an earlier call finished: shards whose checksum agrees."""
    if not (folder / MANIFEST).exists():
        if others := [path.name for path in folder.iterdir() if path.name != "run.lock"]:
            raise OptionError(f"{folder} holds {others[0]}, which no set of ours is: choose an empty folder")
        _write_manifest(folder, manifest)
        return
    there = read_manifest(folder)
    for key in SETTINGS:
        if there.get(key) != manifest[key]:
            raise OptionError(
                f"{folder} holds a set with {key} = {there.get(key)!r}, this call has {manifest[key]!r}: "
                "choose another folder, or repeat the earlier settings"
            )
    for shard in there["shards"]:
        path = folder / shard["file"]
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == shard["sha256"]:
            manifest["shards"].append(shard)
        else:
            say(f"{shard['file']} is missing or damaged: drawn again")
    for name, spec in there["fields"].items():
        if "found" in spec and name in manifest["fields"]:
            manifest["fields"][name]["found"] = spec["found"]
    if manifest["shards"]:
        say(f"{sum(shard['rows'] for shard in manifest['shards']):,} records are there already, checksums agree")


def _draw_shards(folder: Path, manifest: dict[str, Any], factors: FactorSet, draw, say) -> None:
    n, length, fields = manifest["n"], manifest["shard_size"], manifest["fields"]
    done = {shard["file"] for shard in manifest["shards"]}
    for number, start in enumerate(range(0, n, length)):
        name = f"shard-{number:05d}.safetensors"
        if name in done:
            continue
        rows = range(start, min(n, start + length))
        pieces: dict[str, list[Tensor]] = {field: [] for field in fields}
        for begin in range(rows.start, rows.stop, PIECE):
            piece = slice(begin, min(rows.stop, begin + PIECE))
            values = {field: value.cpu() for field, value, _ in _tensors(draw(piece))}
            values |= {f"factors/{field}": value for field, value in factors[piece].as_dict().items()}
            for field, value in values.items():
                _note_range(fields[field], value)
                pieces[field].append(encode_field(value, fields[field]))
        content = safetensors.torch.save({field: torch.cat(parts) for field, parts in pieces.items()})
        write_atomically(folder / name, content)
        manifest["shards"].append(
            {"file": name, "rows": len(rows), "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        )
        manifest["shards"].sort(key=lambda shard: shard["file"])
        _write_manifest(folder, manifest)
        say(f"{name}: {rows.stop:,} of {n:,} records, {len(content) / 1e6:.1f} MB")


def _note_range(spec: dict[str, Any], values: Tensor) -> None:
    """Keep the smallest and largest value of a field that was drawn."""
    if values.numel():
        ends = [float(end) for end in torch.aminmax(values.float())]
        low, high = spec.get("found", ends)
        spec["found"] = [min(low, ends[0]), max(high, ends[1])]


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    write_atomically(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())


def pictures(module: ModuleType, images: Any) -> Tensor:
    """Drawn records as RGB pictures `(n, 3, h, w)` for a contact sheet."""
    shown = {hands: hands.shade, streets: lambda pair: pair.first}.get(module, lambda drawn: drawn.images)
    return shown(images).cpu().expand(-1, 3, -1, -1)


def contact_sheet(shown: Tensor) -> Image.Image:
    """Pictures side by side, a white line apart."""
    count, _, height, width = shown.shape
    columns = min(COLUMNS, count)
    sheet = torch.ones(3, -(-count // columns) * (height + 2) - 2, columns * (width + 2) - 2)
    for number in range(count):
        top, left = number // columns * (height + 2), number % columns * (width + 2)
        sheet[:, top : top + height, left : left + width] = shown[number]
    return Image.fromarray((sheet.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy())
