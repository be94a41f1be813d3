"""A small set as `python -m data_scripts.render` writes it: two shards and a manifest."""

import hashlib
import json
from pathlib import Path

import safetensors.torch
import torch

from course_lib.datasets.examples.containers import shaded
from course_lib.datasets.examples.example import Example
from course_lib.datasets.rendered import FORMAT, load_rendered

_FIELDS = {
    "images": {"dtype": "float32", "stored": "uint8", "scale": 255, "shape": [3, 8, 6], "unit": "", "meaning": "RGB"},
    "parts": {"dtype": "int64", "stored": "int16", "shape": [8, 6], "unit": "", "meaning": "Part of each pixel"},
    "factors/width": {"dtype": "float32", "stored": "float32", "shape": [], "unit": "m", "meaning": "Width"},
}


def write_rendered(folder: Path) -> Path:
    """Write five records, three in the first shard and two in the second."""
    shards = []
    for number, rows in enumerate(([0, 1, 2], [3, 4])):
        pictures = torch.stack([torch.from_numpy(shaded(8, 6, seed=row)).permute(2, 0, 1) for row in rows])
        tensors = {
            "images": pictures.contiguous(),
            "parts": (pictures[:, 0] // 64).to(torch.int16).contiguous(),
            "factors/width": torch.tensor([0.1 * row for row in rows]),
        }
        content = safetensors.torch.save(tensors)
        name = f"shard-{number:05d}.safetensors"
        (folder / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        shards.append({"file": name, "rows": len(rows), "bytes": len(content), "sha256": digest})
    manifest = {
        "format": FORMAT, "world": "an example", "n": 5, "seed": 0, "options": {}, "fields": _FIELDS, "shards": shards,
        "complete": True,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return folder


EXAMPLES = (
    Example("rendered, shards", write_rendered, load_rendered, ("shard-00000.safetensors",), True),
    Example("rendered, manifest", write_rendered, load_rendered, ("manifest.json",), False),
)
