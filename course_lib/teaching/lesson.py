"""What every lesson needs at its start: checked parameters, a runtime, and the recorded results."""

import difflib
import io
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from course_lib.teaching.display import MarkdownText, table
from course_lib.training import Runtime, run_folder

PROFILES = ("smoke", "quick", "standard", "paper")
Config = TypeVar("Config")


def start(
    lesson: str,
    *,
    profile: str = "quick",
    seed: int = 0,
    data_root: str | Path = "",
    out_dir: str | Path = "",
    device: str | None = None,
) -> "Lesson":
    """Check a lesson's parameters and prepare what it needs.

    Args:
        lesson: Its name, such as `01_elbo`.
        profile: `smoke`, `quick`, `standard` or `paper`.
        seed: Seeds everything random in the lesson.
        data_root: Folder of real data; empty means none.
        out_dir: Folder of the run; empty means `runs/<lesson>/<profile>-<seed>` of the checkout.
        device: `cpu`, `cuda` ...; None takes a GPU where there is one.

    Raises:
        ValueError: A parameter has no meaning; the message names it, its value and the remedy.
    """
    from course_lib.teaching import plots

    if not re.fullmatch(r"\d\d_[a-z0-9_]+", lesson):
        raise ValueError(f"lesson (={lesson!r}) must be a lesson's name, such as '01_elbo'.")
    if profile not in PROFILES:
        near = difflib.get_close_matches(str(profile).lower(), PROFILES, n=1, cutoff=0.0)[0]
        raise ValueError(f"profile (={profile!r}) must be one of {', '.join(PROFILES)}; did you mean {near!r}?")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed (={seed!r}) must be a whole number of at least 0, such as 0.")
    root = Path(data_root).expanduser() if str(data_root) else None
    if root is not None and not root.is_dir():
        raise ValueError(f"data_root (={str(data_root)!r}) is not a folder; leave it empty to do without real data.")
    folder = run_folder(lesson, profile, seed, out_dir=out_dir)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"out_dir (={str(out_dir)!r}) is a file; name a folder, or leave it empty.")
    plots.use_style()
    return Lesson(lesson, profile, seed, folder, root, Runtime.auto(device=device))


def read_json(name: str) -> dict[str, Any]:
    """A results file of the package, or an empty one if it is not there (yet)."""
    path = files("course_lib").joinpath("results", name)
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


@dataclass(frozen=True)
class Lesson:
    """A started lesson.

    Args:
        name: Such as `01_elbo`.
        profile: The profile it runs under.
        seed: Its seed.
        out_dir: Folder of the run.
        data_root: Folder of real data, or None.
        runtime: Device, precision and threads.
    """

    name: str
    profile: str
    seed: int
    out_dir: Path
    data_root: Path | None
    runtime: Runtime

    def __str__(self) -> str:
        return f"{self.name}, profile {self.profile}, seed {self.seed}"

    def config(self, profiles: Mapping[str, Config]) -> Config:
        """The configuration of this lesson's profile."""
        if self.profile not in profiles:
            raise ValueError(f"profile (={self.profile!r}) is not offered here; choose one of {', '.join(profiles)}.")
        return profiles[self.profile]

    def claim(self, claim_id: str) -> dict[str, Any] | None:
        """One entry of the results file, or None while it is not measured.

        Raises:
            ValueError: The results file holds a claim whose name is nearly the same.
        """
        claims = {claim["id"]: claim for claim in read_json(f"{self.name}.json").get("claims", [])}
        if claims and claim_id not in claims:
            near = difflib.get_close_matches(claim_id, claims, n=1, cutoff=0.75)
            if near:  # a misspelling; a claim unlike any other may be one that is not measured yet
                raise ValueError(f"claim_id (={claim_id!r}) is not recorded for {self.name}; did you mean {near[0]!r}?")
        claim = claims.get(claim_id)
        return claim if claim and claim.get("ours", {}).get("values") else None

    def band(self, claim_id: str) -> tuple[float, float] | None:
        """The range within which your number may differ, or None while the claim is not measured."""
        claim = self.claim(claim_id)
        return None if claim is None else (claim["ours"]["band"][0], claim["ours"]["band"][1])

    def runs(self, claim_id: str) -> list[dict[str, Any]]:
        """What each seed of a claim recorded, `value`, `baseline`, `extra` and more; empty while it is not measured."""
        claim = self.claim(claim_id)
        return [] if claim is None else list(claim["ours"]["runs"].values())

    def say(self, claim_id: str) -> MarkdownText:
        """A sentence with the measured number, its band, profile, seeds and device."""
        claim = self.claim(claim_id)
        if claim is None:
            command = f"make results LESSON={self.name}"
            return MarkdownText(f"The claim `{claim_id}` has not been measured yet; `{command}` measures it.")
        return MarkdownText(sentence(claim))

    def cost_box(self) -> MarkdownText:
        """Seconds and peak memory of each measured profile, with device and versions."""
        costs = read_json("costs.json").get(self.name, {})
        rows = [
            [
                profile,
                f"{number(cost.get('seconds'))} s",
                f"{number(cost['cpu_seconds'])} s" if "cpu_seconds" in cost else "-",
                f"{number(cost.get('peak_mb'))} MB",
                str(cost.get("device", "")),
                str(cost.get("when", ""))[:10],
            ]
            for profile, cost in sorted(costs.items(), key=lambda one: _place(one[0]))
        ]
        if not rows:
            return MarkdownText(
                f"What this lesson costs has not been measured yet: `python -m course_lib run {self.name}`."
            )
        header = ["profile", "time", "processor time", "peak memory", "on", "measured"]
        return MarkdownText("**What this lesson costs**\n\n" + table(header, rows))

    def results_table(self) -> MarkdownText:
        """All measured claims of the lesson: ours with band, baseline, paper, and whether the claim holds."""
        claims = [claim for claim in read_json(f"{self.name}.json").get("claims", []) if claim["ours"].get("values")]
        if not claims:
            return MarkdownText(f"No claim has been measured yet; `make results LESSON={self.name}` measures them.")
        header = ["claim", "ours", "your number may lie in", "compared with", "paper", "rule", "holds"]
        return MarkdownText(table(header, [_row(claim) for claim in claims]))

    def figure(self, name: str, *, alt: str) -> "Picture":
        """A reference figure that `make results` recorded."""
        if not alt.strip():
            raise ValueError(f"alt of figure {name!r} must say what it shows.")
        return Picture(self._recorded(name), name, alt)

    def frames(self, name: str, count: int) -> list[Image.Image]:
        """Frames that `make results` recorded, one below the other in a picture."""
        with Image.open(io.BytesIO(self._recorded(name))) as sheet:
            if count < 1 or sheet.height % count:
                raise ValueError(f"count (={count}) must divide the height of {name!r}, {sheet.height} pixels.")
            high = sheet.height // count
            return [sheet.crop((0, i * high, sheet.width, (i + 1) * high)).convert("RGB") for i in range(count)]

    def _recorded(self, name: str) -> bytes:
        path = files("course_lib").joinpath("results", "figures", name)
        if not path.is_file():
            raise FileNotFoundError(f"No reference figure {name!r}; `make results LESSON={self.name}` draws it.")
        return path.read_bytes()


class Picture:
    """A recorded picture with its description."""

    def __init__(self, content: bytes, name: str, alt: str) -> None:
        self.content, self.name, self.alt = content, name, alt

    def _repr_html_(self) -> str:
        import base64
        import html

        kind = "webp" if self.name.endswith(".webp") else "png"
        uri = f"data:image/{kind};base64,{base64.b64encode(self.content).decode('ascii')}"
        return f'<img src="{uri}" alt="{html.escape(self.alt)}" style="max-width:100%;height:auto;">'

    def __repr__(self) -> str:
        return f"Picture({self.name}: {self.alt})"


def _place(profile: str) -> int:
    return PROFILES.index(profile) if profile in PROFILES else len(PROFILES)


def number(value: Any) -> str:
    """A number with four significant digits, thousands ungrouped; a dash where there is none."""
    if value is None or not math.isfinite(float(value)):
        return "-"
    text = f"{float(value):.4g}"
    return text if "e" not in text or abs(float(value)) < 1e-3 else f"{float(value):.0f}"


def _unit(claim: Mapping[str, Any]) -> str:
    return f" {claim['unit']}" if claim.get("unit") else ""


def sentence(claim: Mapping[str, Any]) -> str:
    """One claim as a sentence, every number from the results file."""
    ours, unit = claim["ours"], _unit(claim)
    seeds = len(ours["values"])
    text = f"**{claim['what'][0].upper()}{claim['what'][1:]}: {number(ours['mean'])}{unit}** "
    text += f"({f'mean of {seeds} seeds' if seeds > 1 else 'one seed'}, profile `{ours['profile']}`, {ours['device']}"
    text += f"; yours may lie between {number(ours['band'][0])} and {number(ours['band'][1])})." if seeds > 1 else ")."
    baseline, paper = claim.get("baseline") or {}, claim.get("paper") or {}
    if baseline.get("mean") is not None:
        name = baseline["name"] or "compared with"
        text += f" {name[0].upper()}{name[1:]}: {number(baseline['mean'])}{unit}."
    if paper.get("value") is not None:
        text += f" Published: {number(paper['value'])}{unit} ({paper['source']})."
    if not claim.get("holds", True):
        text += f" The claim (*{claim['rule']}*) does **not** hold here."
    return text


def _row(claim: Mapping[str, Any]) -> list[str]:
    ours, baseline, paper = claim["ours"], claim.get("baseline") or {}, claim.get("paper") or {}
    seeds = "1 seed" if len(ours["values"]) == 1 else f"{len(ours['values'])} seeds"
    return [
        claim["what"],
        f"{number(ours['mean'])}{_unit(claim)} ({seeds}, {ours['profile']})",
        f"{number(ours['band'][0])} to {number(ours['band'][1])}" if len(ours["values"]) > 1 else "one run",
        f"{baseline['name']}: {number(baseline['mean'])}" if baseline.get("mean") is not None else "",
        f"{number(paper['value'])} ({paper['source']})" if paper.get("value") is not None else "",
        claim["rule"],
        "yes" if claim.get("holds") else "**no**",
    ]
