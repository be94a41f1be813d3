"""Sets that `python -m data_scripts.render` wrote to disk: a manifest and shards of tensors, read back as records."""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import safetensors.torch
import torch
from torch import Tensor

from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.records import RecordSet
from course_lib.datasets.text import read_text

MANIFEST = "manifest.json"
FORMAT = 1
SHARD = re.compile(r"shard-\d{5}\.safetensors", re.ASCII)
DTYPES = {
    "bool": torch.bool, "uint8": torch.uint8, "int16": torch.int16, "int32": torch.int32, "int64": torch.int64,
    "float32": torch.float32,
}  # fmt: skip
REMEDY = "draw the set again with  python -m data_scripts.render"
MAX_SHARD = 4 << 30  # bytes; a shard is read whole


@dataclass(frozen=True)
class RenderedSet(RecordSet):
    """Records of a world on disk, kept in memory as compactly as they are stored.

    `len(records)`, `records[10:20]` and `records.batches(batch_size=32, gen=gen)` as for every reader;
    `records["images"]` is one field of all records, `records["factors/nose_width"]` a factor.

    Attributes:
        stored: Each field as it lies on disk, `(n, ...)`.
        manifest: World, seed, options, and for each field its shape, unit, range and meaning.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = ()

    stored: dict[str, Tensor] = field(repr=False)
    manifest: dict[str, Any] = field(repr=False)

    def __len__(self) -> int:
        """Number of records."""
        return len(next(iter(self.stored.values())))

    def __getitem__(self, rows: str | int | slice | Sequence[int] | Tensor) -> "RenderedSet | Tensor":
        """A field by its name, in the units of the manifest; or some of the records."""
        if isinstance(rows, str):
            if rows not in self.stored:
                raise ValueError(f"there is no field {rows!r}: choose from {', '.join(self.stored)}")
            return decode_field(self.stored[rows], self.manifest["fields"][rows])
        if isinstance(rows, int):
            rows = range(len(self))[rows]
            rows = slice(rows, rows + 1)
        return dataclasses.replace(self, stored={name: value[rows] for name, value in self.stored.items()})

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields."""
        return tuple(self.stored)

    @property
    def factors(self) -> dict[str, Tensor]:
        """All factors by name: what `XFactors(**records.factors)` takes."""
        return {name.removeprefix("factors/"): self[name] for name in self.stored if name.startswith("factors/")}

    def to(self, device: torch.device | str) -> "RenderedSet":
        """The same records on another device."""
        return dataclasses.replace(self, stored={name: value.to(device) for name, value in self.stored.items()})


def encode_field(values: Tensor, spec: Mapping[str, Any]) -> Tensor:
    """A field as it is stored: pictures in [0, 1] as bytes where the manifest says so, small integers narrowed.

    Raises:
        ValueError: Values that the stored form cannot hold.
    """
    stored = DTYPES[spec["stored"]]
    if spec.get("scale"):
        values = (values * spec["scale"]).round()
    if stored in (torch.uint8, torch.int16) and values.numel():
        low, high = (float(end) for end in torch.aminmax(values))
        limits = torch.iinfo(stored)
        if not (low >= limits.min and high <= limits.max):
            raise ValueError(
                f"values from {low:g} to {high:g} do not fit {spec['stored']} [{limits.min}, {limits.max}]"
            )
    return values.to(stored).contiguous()


def decode_field(stored: Tensor, spec: Mapping[str, Any]) -> Tensor:
    """What `encode_field` took, up to its rounding."""
    values = stored.to(DTYPES[spec["dtype"]])
    return values / spec["scale"] if spec.get("scale") else values


def load_rendered(root: str | Path, *, fields: Sequence[str] | None = None, verify: bool = False) -> RenderedSet:
    """A set that `python -m data_scripts.render` wrote.

    Args:
        root: Its folder.
        fields: Names of the fields wanted; None: all.
        verify: Whether to hold each shard against its checksum (else only its size and header are checked).

    Raises:
        FileNotFoundError: The manifest or a shard is missing.
        DataFormatError: The set is not finished, or a file is damaged or not what the manifest says.
        ValueError: There is no such field.
    """
    folder = Path(root)
    manifest = read_manifest(folder)
    if not manifest["complete"]:
        done = sum(shard["rows"] for shard in manifest["shards"])
        raise DataFormatError(
            f"{folder / MANIFEST}: {done:,} of {manifest['n']:,} records are drawn; the command that began goes on: "
            f"python -m data_scripts.render {manifest['world']} --n {manifest['n']} --out {folder} ..."
        )
    wanted = list(manifest["fields"]) if fields is None else list(fields)
    for name in wanted:
        if name not in manifest["fields"]:
            raise ValueError(f"`fields` names {name!r}: there are {', '.join(manifest['fields'])}")
    if not wanted:
        raise ValueError(f"`fields` is empty: choose from {', '.join(manifest['fields'])}")
    parts = [_read_shard(folder, shard, manifest["fields"], wanted, verify) for shard in manifest["shards"]]
    return RenderedSet({name: torch.cat([part[name] for part in parts]) for name in wanted}, manifest)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a set, once its form is seen to be right; the shards are not looked at.

    Raises:
        FileNotFoundError: There is none.
        DataFormatError: It is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {REMEDY} NAME --n 20000 --out {folder}")
    try:
        manifest = json.loads(read_text(path, remedy=REMEDY))
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataFormatError(f"{path}: no JSON ({error}); {REMEDY}") from None
    if problem := _manifest_problem(manifest):
        raise DataFormatError(f"{path}: {problem}; {REMEDY}")
    return manifest


def _manifest_problem(manifest: Any) -> str:
    """What is wrong with a manifest, or nothing."""
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        return f"no manifest of format {FORMAT}"
    kinds = {"world": str, "n": int, "seed": int, "options": dict, "fields": dict, "shards": list, "complete": bool}
    for key, kind in kinds.items():
        if not isinstance(manifest.get(key), kind):
            return f"`{key}` is {manifest.get(key)!r:.60}, expected {kind.__name__}"
    if not manifest["fields"]:
        return "no fields"
    for name, spec in manifest["fields"].items():
        if not isinstance(spec, dict) or not {spec.get("dtype"), spec.get("stored")} <= DTYPES.keys():
            return f"field {name!r:.60} has no known `dtype` and `stored`"
        shape, scale = spec.get("shape"), spec.get("scale")
        if not isinstance(shape, list) or not all(_whole(size, 0, 1 << 20) for size in shape) or len(shape) > 8:
            return f"field {name!r:.60} has shape {shape!r:.60}"
        if scale is not None and not (isinstance(scale, int | float) and math.isfinite(scale) and scale > 0):
            return f"field {name!r:.60} has scale {scale!r:.60}"
    names = set()
    for shard in manifest["shards"]:
        if not isinstance(shard, dict) or not isinstance(shard.get("file"), str) or not SHARD.fullmatch(shard["file"]):
            return f"a shard {shard!r:.80}, expected a file like shard-00000.safetensors"
        if not _whole(shard.get("rows"), 1, 1 << 40) or not _whole(shard.get("bytes"), 8, MAX_SHARD):
            return f"{shard['file']} has {shard.get('rows')!r:.40} rows and {shard.get('bytes')!r:.40} bytes"
        if not isinstance(shard.get("sha256"), str) or shard["file"] in names:
            return f"{shard['file']} comes twice or has no checksum"
        names.add(shard["file"])
    rows = sum(shard["rows"] for shard in manifest["shards"])
    if manifest["complete"] and rows != manifest["n"]:
        return f"the shards hold {rows:,} records, `n` is {manifest['n']:,}"
    return ""


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _read_shard(folder: Path, shard: dict, fields: dict, wanted: list[str], verify: bool) -> dict[str, Tensor]:
    """The wanted fields of one shard, as stored."""
    path = folder / shard["file"]
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the command that drew the set draws it again")
    size = path.stat().st_size
    if size != shard["bytes"]:
        raise DataFormatError(f"{path}: {size:,} bytes, the manifest says {shard['bytes']:,}: cut off? {REMEDY}")
    raw = path.read_bytes()
    if verify and hashlib.sha256(raw).hexdigest() != shard["sha256"]:
        raise DataFormatError(f"{path}: its checksum is not that of the manifest; {REMEDY}")
    try:
        tensors = safetensors.torch.load(raw)
    except MemoryError:
        raise
    except Exception as error:  # the format's own errors, and those of torch for a damaged header
        raise DataFormatError(f"{path}: no shard of tensors ({error}); {REMEDY}") from None
    if tensors.keys() != fields.keys():
        odd = sorted(tensors.keys() ^ fields.keys())[0]
        raise DataFormatError(f"{path}: field {odd!r:.60} is in the shard or in the manifest, not in both; {REMEDY}")
    for name in wanted:
        value, spec = tensors[name], fields[name]
        expected = (shard["rows"], *spec["shape"])
        if value.dtype != DTYPES[spec["stored"]] or tuple(value.shape) != expected:
            raise DataFormatError(
                f"{path}: field {name!r} is {value.dtype} {tuple(value.shape)}, the manifest says {spec['stored']} "
                f"{expected}; {REMEDY}"
            )
        if value.is_floating_point() and not value.isfinite().all():
            row = int((~value.isfinite()).nonzero()[0, 0])
            raise DataFormatError(f"{path}: field {name!r} of record {row} is not finite; {REMEDY}")
    return {name: tensors[name] for name in wanted}
