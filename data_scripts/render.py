"""`python -m data_scripts.render hands --n 20000 --out DIR`: draw a world and write it to disk, to be read anywhere."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from course_lib.datasets.errors import DataFormatError
from course_lib.training.errors import LockedError, OutputError
from data_scripts.shards import WORLDS, OptionError, draw_set


def parse_option(text: str) -> tuple[str, Any]:
    """`name=value`: a value is JSON where it can be, several separated by commas are a list, else it is a word."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise OptionError(f"--world-option {text!r} must be NAME=VALUE, such as nose_width=0.7,1.0")
    try:
        read = json.loads(value)
        return name, tuple(read) if isinstance(read, list) else read
    except json.JSONDecodeError:
        if "," in value:
            return name, tuple(parse_option(f"{name}={part}")[1] for part in value.split(","))
        return name, value


def parse_size(text: str) -> int | tuple[int, int]:
    """`64`, or `64x208` (height x width)."""
    parts = text.split("x")
    if not (1 <= len(parts) <= 2 and all(part.isdecimal() for part in parts)):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of pixels, or HEIGHTxWIDTH")
    return int(parts[0]) if len(parts) == 1 else (int(parts[0]), int(parts[1]))


def main(arguments: list[str] | None = None) -> int:
    """Command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m data_scripts.render", description=__doc__)
    parser.add_argument("world", help=f"one of {', '.join(WORLDS)}")
    parser.add_argument("--n", type=int, required=True, help="number of records")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; a set begun there is continued")
    parser.add_argument("--size", type=parse_size, help="pixels: 64, or 64x208 (default: the world's own)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shard-size", type=int, default=1000, help="records a file (default 1000)")
    parser.add_argument("--exact", action="store_true", help="store pictures as floats instead of bytes")
    parser.add_argument("--device", default="cpu", help="where to draw: cpu (default) or cuda")
    parser.add_argument(
        "--world-option", action="append", default=[], metavar="NAME=VALUE",
        help="option of the world's sample_factors or render; may be given several times",
    )  # fmt: skip
    given = parser.parse_args(arguments)
    try:
        options = dict(map(parse_option, given.world_option))
        manifest = draw_set(
            given.world, given.n, given.out.expanduser(), size=given.size, seed=given.seed, options=options,
            shard_size=given.shard_size, exact=given.exact, device=given.device,
            say=lambda line: print(line, flush=True),
        )  # fmt: skip
    except (OutputError, LockedError, DataFormatError) as error:
        print(error, file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from here.", file=sys.stderr)
        return 130
    total = sum(shard["bytes"] for shard in manifest["shards"])
    print(f"{manifest['n']:,} records, {total / 1e6:.1f} MB, and a contact sheet in {given.out}")
    print(f'Read them with  course_lib.datasets.load_rendered("{given.out}")')
    return 0


if __name__ == "__main__":
    sys.exit(main())
