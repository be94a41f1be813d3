"""Two processes of `torchrun` train the lesson's VAE as one process does, with the same step function."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file

SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "torchrun_vae.py"
OPTIONS = ["--profile", "smoke", "--steps", "20", "--device", "cpu", "--quiet"]


def train(launcher, out_dir):
    command = [sys.executable, *launcher, str(SCRIPT), *OPTIONS, "--samples", "2", "--out-dir", str(out_dir)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=240)
    assert ended.returncode == 0, ended.stderr[-3000:]
    terms = [json.loads(line) for line in (out_dir / "metrics.jsonl").read_text().splitlines()]
    return ended.stdout, terms, load_file(out_dir / "vae.safetensors")


@pytest.mark.skipif(not (dist.is_available() and dist.is_gloo_available()), reason="PyTorch was built without Gloo")
def test_two_processes_give_the_loss_and_the_weights_of_one(tmp_path):
    two = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    said_alone, terms_alone, weights_alone = train([], tmp_path / "one")
    said_both, terms_both, weights_both = train(two, tmp_path / "two")
    assert "1 processes on cpu, 1 thread, 64 rows each" in said_alone
    assert "2 processes on cpu, 1 thread, 32 rows each" in said_both

    assert [row["step"] for row in terms_both] == list(range(1, 21))
    for one, both in zip(terms_alone, terms_both, strict=True):
        for name in one.keys() - {"seconds"}:
            assert both[name] == pytest.approx(one[name], rel=1e-4, abs=1e-4), (one["step"], name)
    assert weights_alone.keys() == weights_both.keys()
    for name, value in weights_alone.items():
        torch.testing.assert_close(weights_both[name], value, rtol=1e-3, atol=1e-4)
    moved = max(row["total"] for row in terms_alone[:3]) - terms_alone[-1]["total"]
    assert moved > 1, "the comparison is of a model that learns"
