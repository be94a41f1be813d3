"""`Runtime`: where and how a model runs, apart from what is trained, so that a result can name both."""

import atexit
import os
import platform
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from course_lib.training.allocator import keep_freed_memory
from course_lib.training.randomness import generator
from course_lib.training.shards import Shards

Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Device, precision, threads and processes of a run; made by `Runtime.auto`."""

    device: torch.device
    precision: Literal["fp32", "bf16"]
    matmul: Literal["medium", "highest"]
    compile: bool = False
    rank: int = 0
    world_size: int = 1

    @classmethod
    def auto(
        cls,
        device: str | None = None,
        *,
        precision: Precision = "auto",
        threads: int | None = None,
        compile: bool = False,
    ) -> "Runtime":
        """Choose settings for this machine.

        Precision `auto` means bfloat16 autocast on a GPU that computes in it and float32 elsewhere: on a CPU bfloat16
        is faster on wide convolutions but its rounding depends on the processor, so there it must be asked for.
        Started by `torchrun`, it joins the other processes (NCCL on GPUs, Gloo on CPUs). On a CPU the process keeps the
        memory that a step frees (`keep_freed_memory`).

        Args:
            device: `cpu`, `cuda`, `cuda:1` ...; None takes a GPU when there is one.
            precision: `auto`, `fp32` or `bf16` (refused where the hardware lacks it).
            threads: CPU threads; None leaves PyTorch's number (`OMP_NUM_THREADS`) as it is.
            compile: Compile the modules given to `prepare`; it costs seconds at the first step.

        Raises:
            ValueError: A device, precision or number of threads that this machine does not offer.
        """
        if precision not in ("auto", "fp32", "bf16"):
            raise ValueError(f"precision (={precision!r}) must be 'auto', 'fp32' or 'bf16'")
        if threads is not None:
            if threads < 1:
                raise ValueError(f"threads (={threads}) must be at least 1")
            torch.set_num_threads(threads)
        world_size = int(os.environ.get("WORLD_SIZE", "1"))
        place = _device(device, local_rank=int(os.environ.get("LOCAL_RANK", "0")) if world_size > 1 else 0)
        if precision == "bf16" and not _has_bf16(place):
            raise ValueError(f"precision (='bf16') is not offered by {_name(place)}; use 'fp32' or 'auto'")
        if precision == "auto":
            precision = "bf16" if place.type == "cuda" and _has_bf16(place) else "fp32"
        rank = _join_processes(place) if world_size > 1 else 0
        if place.type == "cpu":
            keep_freed_memory()
        return cls(
            device=place,
            precision=precision,
            matmul=_choose_matmul(place),
            compile=compile,
            rank=rank,
            world_size=world_size,
        )

    @property
    def name(self) -> str:
        """Where it runs, in words: `cpu, 1 thread` or the name of the GPU."""
        return _name(self.device)

    @property
    def is_main(self) -> bool:
        """True in the one process that writes files."""
        return self.rank == 0

    def prepare(self, module: nn.Module) -> nn.Module:
        """Move a module to the device, lay its convolutions out as channels_last, compile and distribute it.

        With one process and no compilation the module itself is returned, changed in place.
        """
        module = module.to(self.device)
        if any(p.dim() == 4 for p in module.parameters()):
            module = module.to(memory_format=torch.channels_last)
        if self.compile:
            module.compile()
        if self.world_size > 1:
            module = DistributedDataParallel(module)
        return module

    def autocast(self) -> AbstractContextManager:
        """Return the context in which forwards run: bfloat16 where `precision` says so."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.precision == "bf16")

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients of a scalar loss; under `torchrun` they are averaged over the processes."""
        loss.backward()  # bfloat16 has the range of float32, so no loss scaling is needed

    def adam(
        self, params: Iterable[Any], lr: float, *, betas: tuple[float, float] = (0.9, 0.999), **options: Any
    ) -> torch.optim.Adam:
        """Return Adam, fused where the device has it (2.8 times faster than the plain one on a CPU)."""
        options.setdefault("fused", self.device.type in ("cpu", "cuda"))
        return torch.optim.Adam(params, lr=lr, betas=betas, **options)

    def generator(self, seed: int) -> torch.Generator:
        """Return a new generator on this device; the same in every process."""
        return generator(seed, device=self.device)

    def shard(self, batches: Iterable[Any]) -> Iterable[Any]:
        """Return `batches` with only this process's rows of each batch; `Run.steps` does this by itself."""
        return Shards(batches, self.rank, self.world_size) if self.world_size > 1 else batches

    def mean_over_processes(self, values: Tensor) -> Tensor:
        """Average a tensor over the processes; the tensor itself when there is only one."""
        if self.world_size > 1:
            values = values.clone()
            dist.all_reduce(values)
            values /= self.world_size
        return values

    def describe(self) -> dict[str, Any]:
        """Return device, settings and versions for a results file."""
        return {
            "device": self.name,
            "precision": self.precision,
            "matmul": self.matmul,
            "threads": torch.get_num_threads(),
            "compile": self.compile,
            "processes": self.world_size,
            "versions": {
                "python": platform.python_version(),
                "torch": str(torch.__version__),
                "numpy": np.__version__,
            },
        }


def unwrap(module: nn.Module) -> nn.Module:
    """Return the module inside a DistributedDataParallel wrapper, or the module itself."""
    return module.module if isinstance(module, DistributedDataParallel) else module


def _device(name: str | None, *, local_rank: int) -> torch.device:
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"device (={name!r}) is not a PyTorch device; use 'cpu' or 'cuda'") from None
    if device.type == "cuda":
        count = torch.cuda.device_count()
        device = torch.device("cuda", local_rank if device.index is None else device.index)
        if not torch.cuda.is_available() or device.index >= count:
            raise ValueError(f"device (={name!r}) is not available: PyTorch sees {count} GPUs; use 'cpu'")
        torch.cuda.set_device(device)
    return device


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{device.type}, {threads} thread{'s' if threads != 1 else ''}"


def _has_bf16(device: torch.device) -> bool:
    """Whether the hardware itself multiplies in bfloat16 (an emulation would be slower than float32)."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        flags = [getattr(torch.cpu, f"_is_{flag}_supported", None) for flag in ("avx512_bf16", "amx_tile")]
        return any(flag() for flag in flags if flag is not None)
    return False


@cache
def _medium_is_exact(device: torch.device) -> bool:
    """Whether `medium` matmuls keep float32 accuracy here: its name permits rounding to TF32 or bfloat16."""
    a, b = torch.randn(2, 256, 256, generator=generator(0), dtype=torch.float64)
    product = (a.float().to(device) @ b.float().to(device)).cpu().double()
    exact = a.float().double() @ b.float().double()
    return bool(
        (product - exact).pow(2).mean().sqrt() < 1e-5 * exact.std()
    )  # float32: 3e-7; TF32: 3e-4; bfloat16: 3e-3


def _choose_matmul(device: torch.device) -> Literal["medium", "highest"]:
    """Set `medium`, which doubles the speed of float32 products on some CPUs, unless it costs accuracy."""
    torch.set_float32_matmul_precision("medium")
    if _medium_is_exact(device):
        return "medium"
    torch.set_float32_matmul_precision("highest")
    return "highest"


def _join_processes(device: torch.device) -> int:
    """Join the processes that `torchrun` started and return this one's rank."""
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(_leave_processes)
    return dist.get_rank()


def _leave_processes() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
