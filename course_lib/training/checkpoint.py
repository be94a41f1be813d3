"""Checkpoints: one file that holds all a run needs to go on bit by bit, and weights that anyone can read."""

import hashlib
import inspect
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from course_lib.training.errors import CheckpointError
from course_lib.training.folder import write_atomically

PACKAGE = Path(__file__).resolve().parents[1]


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a dictionary of tensors and plain values; the file is whole or absent."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomically(path, buffer.getvalue())


def read_checkpoint(path: Path, *, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a checkpoint; nothing in it is executed (`weights_only`).

    Raises:
        CheckpointError: The file is cut off, damaged, or no checkpoint of this course.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"checkpoint {path} cannot be read: {error.strerror or error}") from error
    try:
        state = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    except Exception as error:  # torch raises a different kind for each way in which a file can be damaged
        raise CheckpointError(
            f"checkpoint {path} ({len(content)} bytes) is cut off or damaged; start afresh with resume=False"
        ) from error
    if not isinstance(state, dict) or not {"step", "config", "code", "modules"} <= state.keys():
        raise CheckpointError(f"{path} is not a checkpoint of this course; start afresh with resume=False")
    return state


def refuse_other(path: Path, state: dict[str, Any], *, name: str, config: dict[str, Any], code: str) -> None:
    """Refuse a checkpoint of another run: other name, other config, other code.

    Raises:
        CheckpointError: Names the first difference.
    """
    remedy = "start afresh with resume=False or choose another out_dir"
    if state["name"] != name:
        raise CheckpointError(f"checkpoint {path} belongs to {state['name']!r}, not to {name!r}; {remedy}")
    for key in sorted({*state["config"], *config}):
        saved, current = state["config"].get(key, "absent"), config.get(key, "absent")
        if saved != current:
            raise CheckpointError(
                f"checkpoint {path} was written with {key} = {saved!r}, this run has {current!r}; {remedy}"
            )
    if state["code"] != code:
        raise CheckpointError(
            f"checkpoint {path} was written by other code ({state['code'][:12]}) than this ({code[:12]}); {remedy}"
        )


def load_parts(path: Path, kind: str, saved: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
    """Give each module, optimizer or generator its saved state.

    Raises:
        CheckpointError: Names or shapes differ: the checkpoint is of another model.
    """
    if saved.keys() != parts.keys():
        raise CheckpointError(
            f"checkpoint {path} holds the {kind} {sorted(saved)}, this run has {sorted(parts)}; "
            "start afresh with resume=False"
        )
    for name, part in parts.items():
        if isinstance(part, torch.Generator):
            part.set_state(saved[name].cpu())
        elif isinstance(part, nn.Module):
            _load_module(part, saved[name], source=str(path))
        else:
            try:
                part.load_state_dict(saved[name])
            except (ValueError, KeyError) as error:
                raise CheckpointError(
                    f"checkpoint {path} does not fit {kind} {name!r}: {error}; start afresh with resume=False"
                ) from error


def write_weights(path: Path, module: nn.Module) -> None:
    """Write the weights and buffers of a module as safetensors."""
    tensors = {name: value.detach().cpu().clone().contiguous() for name, value in module.state_dict().items()}
    write_atomically(path, safetensors.torch.save(tensors))


def load_weights(module: nn.Module, path: str | Path) -> nn.Module:
    """Fill a module with the weights in a safetensors file and return it.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: The file is cut off, or holds the weights of another model.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"weights {path} do not exist; train first, the run writes them")
    try:
        saved = safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise CheckpointError(
            f"weights {path} ({path.stat().st_size} bytes) are cut off or damaged; train again to replace them"
        ) from error
    _load_module(module, saved, source=str(path))
    return module


def plain_config(config: Any) -> dict[str, Any]:
    """Return a config (dataclass, mapping or None) as the plain values that JSON gives back."""
    if is_dataclass(config) and not isinstance(config, type):
        config = asdict(config)
    return json.loads(json.dumps(dict(config or {}), sort_keys=True, default=str))


def code_hash(modules: Iterable[nn.Module], code: Iterable[Any] = ()) -> str:
    """Hash the source that decides what training computes.

    Taken in: the folder of each network's class (its paper's model, objective, step and config), the building blocks
    and losses of the course, and the source of each function or class in `code`. Not the notebook around it.
    """
    texts: dict[str, str] = {}
    classes = {type(part) for module in modules for part in module.modules()}
    for thing in [*(c for c in classes if not c.__module__.startswith("torch.")), *code]:
        name = f"{thing.__module__}.{thing.__qualname__}"
        try:
            file = Path(inspect.getsourcefile(thing) or "").resolve()
            texts[name] = inspect.getsource(thing)
        except (OSError, TypeError):  # a class typed into a notebook has no source file: take what it compiles to
            methods = vars(thing).values() if isinstance(thing, type) else [thing]
            texts[name] = repr([_compiled(method.__code__) for method in methods if inspect.isfunction(method)])
            continue
        if PACKAGE in file.parents:
            folders = {file.parent, PACKAGE / "losses", PACKAGE / "nn"}
            for source in sorted(path for folder in folders for path in folder.glob("*.py")):
                texts[source.relative_to(PACKAGE).as_posix()] = source.read_text(encoding="utf-8")
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()


def _compiled(code: CodeType) -> list[Any]:
    constants = [_compiled(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return [code.co_code.hex(), code.co_names, constants]


def _load_module(module: nn.Module, saved: Mapping[str, Tensor], *, source: str) -> None:
    own = module.state_dict()
    missing, extra = sorted(own.keys() - saved.keys()), sorted(saved.keys() - own.keys())
    wrong = [name for name in own.keys() & saved.keys() if own[name].shape != saved[name].shape]
    if missing or extra or wrong:
        if wrong:
            name = min(wrong)
            what = f"{name} has shape {tuple(saved[name].shape)} there and {tuple(own[name].shape)} here"
        else:
            what = f"{missing[0]} is missing there" if missing else f"{extra[0]} does not exist here"
        raise CheckpointError(
            f"{source} is of another model than {type(module).__name__}: {what}; use the config it was trained with"
        )
    module.load_state_dict(saved)
