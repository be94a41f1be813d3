"""`Run`: an iterable training loop with progress, a log, checkpoints and bit-exact resume."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import torch
from torch import nn

from course_lib.training.checkpoint import (
    code_hash,
    load_parts,
    plain_config,
    read_checkpoint,
    refuse_other,
    write_checkpoint,
    write_weights,
)
from course_lib.training.earlier import set_earlier_aside
from course_lib.training.errors import NonFiniteError, RunError
from course_lib.training.folder import FolderLock, make_folder, run_folder, write_atomically
from course_lib.training.metrics_log import MetricsLog
from course_lib.training.progress import Progress
from course_lib.training.runtime import Runtime, unwrap


class Run:
    """One training run: the loop stays yours, the run keeps its record.

        with Run(out_dir, config=cfg, modules={"vae": vae}, optimizers={"vae": opt}, generators={"train": gen}) as run:
            for step, batch in run.steps(batches, total=cfg.steps):
                run.log(step, vae_step(vae, opt, batch, cfg, gen=gen))

    The folder holds `config.json`, `metrics.jsonl`, `checkpoint.pt` and one `<module>.safetensors` a module. A fresh
    run leaves the files of an earlier one alone until it has something to write; then they move to `previous/`.
    """

    def __init__(
        self,
        out_dir: str | Path = "",
        *,
        config: Any = None,
        runtime: Runtime | None = None,
        name: str = "run",
        profile: str = "quick",
        seed: int = 0,
        modules: Mapping[str, nn.Module] | None = None,
        optimizers: Mapping[str, Any] | None = None,
        generators: Mapping[str, torch.Generator] | None = None,
        code: Iterable[Any] = (),
        resume: bool = False,
        log_every: int = 50,
        save_every: int | None = None,
        quiet: bool = False,
    ):
        """Describe a run; nothing is read or written before the `with` block.

        Args:
            out_dir: Its folder; empty means `runs/<name>/<profile>-<seed>` of the checkout.
            config: The dataclass (or mapping) that says what is trained; a checkpoint under another one is refused.
            runtime: Where it trains; None chooses with `Runtime.auto`.
            name: The lesson, or the part of it, that is trained.
            profile: Named in the folder.
            seed: Named in the folder and in the checkpoint.
            modules: Networks, by the name of their weights file.
            optimizers: Their optimizers: anything with `state_dict` and `load_state_dict`.
            generators: Every generator that the loop draws from.
            code: Functions and classes outside the networks' own folders that decide what is computed.
            resume: Go on from the checkpoint in the folder, if there is one; otherwise start afresh.
            log_every: Steps between two reads of the device.
            save_every: Steps between checkpoints; None saves at most 20 times, and not within 20 s of the last.
            quiet: Show no progress.
        """
        if log_every < 1 or (save_every is not None and save_every < 1):
            raise ValueError(f"log_every (={log_every}) and save_every (={save_every}) must be at least 1 step")
        self.runtime = runtime or Runtime.auto()
        self.path = run_folder(name, profile, seed, out_dir=out_dir)
        self.name = name
        self.config = {"seed": seed, **plain_config(config)}
        self.modules = {key: unwrap(module) for key, module in (modules or {}).items()}
        self.optimizers = dict(optimizers or {})
        self.generators = dict(generators or {})
        self.resume = resume
        self.log_every = log_every
        self.save_every = save_every
        self.quiet = quiet
        self.step = 0
        self.step_resumed = 0
        self._code = code_hash(self.modules.values(), code)
        self._log = MetricsLog(self.path / "metrics.jsonl", average=self.runtime.mean_over_processes)
        self._lock = FolderLock(self.path)
        self._batches: Any = None
        self._restored: dict[str, Any] | None = None
        self._entered = self._begun = False
        self._saved_step, self._saved_at = -1, 0.0

    def steps(self, batches: Iterable[Any] | None = None, *, total: int) -> Iterator[tuple[int, Any]]:
        """Yield `(step, batch)` from the step after the checkpoint, or from 1, to `total`.

        Args:
            batches: Endless batches; None yields None as the batch. Under `torchrun` each process gets its rows.
            total: The last step.
        """
        stream = self._open(batches, total)
        progress = Progress(self.name, first=self.step, total=total, quiet=self.quiet or not self.runtime.is_main)
        try:
            for step in range(self.step + 1, total + 1):
                self.step, batch = step, next(stream)
                yield step, batch  # the body of your loop runs here
                if self.every(min(self.log_every, max(1, total // 10))) or step == total:
                    self._read_log()
                    progress.show(step, self.latest)
                if self._is_time_to_save(step, total):
                    self.save()
            self._finish(total)
        finally:
            progress.close()

    def log(self, step: int, terms: Mapping[str, Any]) -> None:
        """Keep the named terms of a step: tensors stay on the device and are read every `log_every` steps.

        A term that is NaN or infinite stops the run when it is read, with `NonFiniteError`.
        """
        self._log.add(step, terms)

    def every(self, steps: int) -> bool:
        """Return True at each multiple of `steps`."""
        return self.step % steps == 0

    @property
    def history(self) -> dict[str, list[float]]:
        """Every logged term by name, with `step` and `seconds`; as long as what was read so far."""
        return self._log.history

    @property
    def latest(self) -> dict[str, float]:
        """The values read last."""
        return {name: values[-1] for name, values in self.history.items() if name not in ("step", "seconds")}

    def save(self) -> None:
        """Write weights and checkpoint now; never with a weight that is not finite."""
        self._read_log()
        for name, module in self.modules.items():
            for key, value in module.state_dict().items():
                if value.is_floating_point() and not value.isfinite().all():
                    raise NonFiniteError(
                        f"step {self.step}: weight {name}.{key} is not finite; nothing was overwritten"
                    )
        if self.runtime.is_main:
            self._begin()
            for name, module in self.modules.items():
                write_weights(self.path / f"{name}.safetensors", module)
            write_checkpoint(self.path / "checkpoint.pt", self._state())
        self._saved_step, self._saved_at = self.step, time.monotonic()

    def __enter__(self) -> "Run":
        """Take the folder and, with `resume=True`, the state of its checkpoint."""
        self._entered = True
        if self.runtime.is_main:
            make_folder(self.path)
            self._lock.acquire()
        try:
            if self.resume and (self.path / "checkpoint.pt").exists():
                self._restore(self.path / "checkpoint.pt")
        except BaseException:
            self._lock.release()
            raise
        self._saved_at = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Keep the steps logged so far and let the folder go; a run that fails before its first write leaves none."""
        try:
            if kind is None:
                self._read_log()
            elif self._begun and self.runtime.world_size == 1:
                with suppress(RunError):  # the error that ended the loop is the one to report
                    self._read_log()
        finally:
            self._lock.release()
            self._entered = False

    def _open(self, batches: Iterable[Any] | None, total: int) -> Iterator[Any]:
        """Return the stream of batches, at the place where the checkpoint left it."""
        if not self._entered:
            raise RuntimeError("steps was called outside the `with Run(...) as run:` block")
        if total < 1:
            raise ValueError(f"total (={total}) must be at least 1 step")
        self._batches = batches
        if batches is None:
            return repeat(None)
        restored, self._restored = self._restored, None
        read = 0
        if restored is not None and hasattr(batches, "load_state_dict"):
            batches.load_state_dict(restored["batches"])
            if self._gen_of_batches() is not None and restored["batches_gen"] is not None:
                self._gen_of_batches().set_state(restored["batches_gen"].cpu())
        elif restored is not None:
            read = self.step  # they keep no state: read as far as the checkpoint
        return chain(islice(iter(self.runtime.shard(batches)), read, None), self._out_of_batches(total))

    def _out_of_batches(self, total: int) -> Iterator[Any]:
        raise ValueError(f"batches ended after step {self.step}, total (={total}) needs more; repeat them without end")
        yield

    def _gen_of_batches(self) -> torch.Generator | None:
        """Return the generator that the batches draw from; it is saved even when `generators` leaves it out."""
        return getattr(self._batches, "gen", None)

    def _is_time_to_save(self, step: int, total: int) -> bool:
        if self.save_every is not None:
            return step % self.save_every == 0
        waited = self.runtime.world_size > 1 or time.monotonic() - self._saved_at > 20  # processes must all agree
        return waited and step % max(1, total // 20) == 0

    def _finish(self, total: int) -> None:
        """Save the last step and mark the run as finished."""
        if self._saved_step != total:
            self.save()
        if self.runtime.is_main:
            self._begin()
            self._write_config(finished=True)

    def _read_log(self) -> None:
        self._log.read()
        if self.runtime.is_main and self._log.has_unwritten:
            self._begin()
            self._log.write()

    def _begin(self) -> None:
        """Before the first write: set an earlier run aside and say what this one is."""
        if not self._begun:
            if self.step_resumed == 0:
                set_earlier_aside(self.path)
            self._write_config(finished=False)
            self._begun = True

    def _write_config(self, *, finished: bool) -> None:
        record = {
            "name": self.name,
            "config": self.config,
            "code": self._code,
            "runtime": self.runtime.describe(),
            "finished": finished,
        }
        write_atomically(self.path / "config.json", (json.dumps(record, indent=2) + "\n").encode())

    def _state(self) -> dict[str, Any]:
        """Return all that the next step depends on."""
        return {
            "name": self.name,
            "step": self.step,
            "config": self.config,
            "code": self._code,
            "modules": {name: part.state_dict() for name, part in self.modules.items()},
            "optimizers": {name: part.state_dict() for name, part in self.optimizers.items()},
            "generators": {name: part.get_state() for name, part in self.generators.items()},
            "batches_gen": self._gen_of_batches().get_state() if self._gen_of_batches() else None,
            "batches": self._batches.state_dict() if hasattr(self._batches, "state_dict") else {},
            "rng": torch.get_rng_state(),
            "rng_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def _restore(self, path: Path) -> None:
        state = read_checkpoint(path)
        refuse_other(path, state, name=self.name, config=self.config, code=self._code)
        load_parts(path, "modules", state["modules"], self.modules)
        load_parts(path, "optimizers", state["optimizers"], self.optimizers)
        load_parts(path, "generators", state["generators"], self.generators)
        torch.set_rng_state(state["rng"])
        if state["rng_cuda"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["rng_cuda"])
        self._log.restore(state["step"], rewrite=self.runtime.is_main)
        self.step = self.step_resumed = self._saved_step = state["step"]
        self._restored = state
