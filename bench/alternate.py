"""Compare ways of doing one step: alternating blocks in one process, medians and ratios with their spread.

Machines differ and are rarely quiet, so times of different sessions say little; a ratio of blocks that alternate does.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch


def alternate(
    steps: dict[str, Callable[[], object]], *, base: str, blocks: int = 10, block: int = 10, warm_up: int = 5
) -> dict[str, dict]:
    """Time each step in `blocks` rounds of blocks A B C A B C ...

    Args:
        steps: What to time, by name.
        base: The name that ratios refer to.
        blocks: Rounds.
        block: Steps in a block.
        warm_up: Steps before the first block.

    Returns:
        For each name p10 and median, ms a step, and the ratio `base / name` of block medians: above 1 is faster.
    """
    for step in steps.values():
        for _ in range(warm_up):
            step()
    times: dict[str, list[list[float]]] = {name: [] for name in steps}
    for _ in range(blocks):
        for name, step in steps.items():
            times[name].append([_seconds(step) for _ in range(block)])
    medians = {name: [statistics.median(one) for one in rounds] for name, rounds in times.items()}
    rows = {}
    for name, rounds in times.items():
        ratios = [b / a for a, b in zip(medians[name], medians[base], strict=True)]
        flat = [1e3 * t for one in rounds for t in one]
        rows[name] = {
            "p10_ms": round(float(np.percentile(flat, 10)), 3),
            "median_ms": round(statistics.median(flat), 3),
            f"speed_relative_to_{base}": round(statistics.median(ratios), 3),
            "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        }
    return rows


def _seconds(step: Callable[[], object]) -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def machine() -> dict:
    """Processor, relevant flags, threads and versions."""
    cpu, flags = platform.processor(), set()
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                cpu = value.strip()
            if key.strip() == "flags":
                flags = set(value.split())
    return {
        "cpu": cpu,
        "flags": sorted(flags & {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "versions": {"python": platform.python_version(), "torch": str(torch.__version__), "numpy": np.__version__},
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def report(name: str, tables: dict[str, dict], *, out: str, about: dict) -> None:
    """Print the tables and write them with the machine as JSON."""
    for title, rows in tables.items():
        print(f"\n{title}")
        for row, values in rows.items():
            print(f"  {row:32s}" + "  ".join(f"{key} {value}" for key, value in values.items()))
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"bench": name, "machine": about, "tables": tables}, indent=2) + "\n")
    print(f"\nwritten to {path}")
