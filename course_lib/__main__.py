"""`python -m course_lib list` and `python -m course_lib run 01_elbo --profile quick --seed 0 1 2`."""

import argparse
import sys
from collections.abc import Sequence

from course_lib.batch import command
from course_lib.batch.lessons import BatchError


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line; 0: all went well, 1: a run failed, 2: refused before anything started."""
    args = _parser().parse_args(arguments)
    try:
        return args.do(args)
    except BatchError as error:
        print(f"course_lib: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ncourse_lib: interrupted; the same command goes on where it stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m course_lib", description="Run the lessons of Bound by Bound.")
    commands = parser.add_subparsers(required=True, metavar="list|run")

    lister = commands.add_parser("list", help="the lessons and what they cost")
    lister.set_defaults(do=command.list_lessons)

    runner = commands.add_parser(
        "run",
        help="run lessons with papermill on Dask",
        description="Runs every combination of lesson, profile and seed. Each leaves an executed notebook, "
        "measured.json and cost.json in OUT/LESSON/PROFILE-SEED. Finished runs are kept: the same command resumes.",
    )
    runner.set_defaults(do=command.run)
    runner.add_argument("lessons", nargs="+", metavar="LESSON", help="such as 01_elbo; `list` shows all")
    runner.add_argument("--profile", nargs="+", default=["quick"], help="smoke, quick, standard or paper")
    runner.add_argument("--seed", nargs="+", type=int, default=[0], help="one or more integers")
    runner.add_argument(
        "-p", dest="parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="lesson parameter"
    )
    runner.add_argument("--out", default="", help="folder of the batch (batches/ of the checkout)")
    runner.add_argument("--workers", type=int, help="runs at once on this machine (one a core, or one a GPU)")
    runner.add_argument("--threads", type=int, help="CPU threads of each run on this machine (the cores, shared out)")
    runner.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster that is up, tcp://host:8786")
    runner.add_argument("--gpu", action="store_true", help="each run takes one GPU (the Dask resource GPU)")
    runner.add_argument("--fresh", action="store_true", help="run again what is finished")
    runner.add_argument("--update-costs", action="store_true", help="write the costs that the lessons show")

    for sub in (lister, runner):
        sub.add_argument("--notebooks", metavar="DIR", help="folder of the lessons (notebooks/ of the checkout)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
