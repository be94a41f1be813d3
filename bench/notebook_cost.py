"""Say where the time of executed lessons goes: the slowest cells of each, as papermill measured them.

python -m course_lib run 00_start_here 01_elbo --profile quick --workers 1
python bench/notebook_cost.py batches [--cells 5] [--out bench/results/notebook_cost.json]
"""

import argparse
import json
from pathlib import Path


def slowest_cells(notebook: Path, number: int) -> list[dict]:
    """Return the cells that took longest: seconds and first line."""
    cells = []
    for index, cell in enumerate(json.loads(notebook.read_text())["cells"]):
        seconds = cell["metadata"].get("papermill", {}).get("duration")
        if cell["cell_type"] == "code" and seconds:
            source = "".join(cell["source"]).strip()
            cells.append({"cell": index, "seconds": round(seconds, 2), "begins": source.splitlines()[0][:80]})
    return sorted(cells, key=lambda cell: -cell["seconds"])[:number]


def costs(folder: Path, number: int) -> list[dict]:
    """Return the cost of each finished run of a batch, with its slowest cells."""
    found = []
    for path in sorted(folder.rglob("cost.json")):
        cost = json.loads(path.read_text())
        keep = ("lesson", "profile", "seed", "seconds", "peak_mb", "device", "when", "versions")
        found.append(
            {key: cost[key] for key in keep} | {"slowest": slowest_cells(path.parent / "executed.ipynb", number)}
        )
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="the folder of a batch")
    parser.add_argument("--cells", type=int, default=5)
    parser.add_argument("--out", default="bench/results/notebook_cost.json")
    args = parser.parse_args()
    measured = costs(Path(args.folder), args.cells)
    if not measured:
        raise SystemExit(f"folder (={args.folder}) holds no finished run; start one with python -m course_lib run")
    for run in measured:
        print(f"{run['lesson']} {run['profile']} seed {run['seed']}: {run['seconds']} s, {run['peak_mb']} MB")
        for cell in run["slowest"]:
            print(f"  {cell['seconds']:7.2f} s  cell {cell['cell']:3d}  {cell['begins']}")
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    Path(args.out).write_text(json.dumps(measured, indent=2) + "\n")
    print(f"written to {args.out}")
