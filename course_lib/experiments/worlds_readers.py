"""Claims about the readers of data files: what damaged files do to them, and how many ran on real files."""

import os
from dataclasses import asdict

from course_lib.datasets.examples import EXAMPLES
from course_lib.datasets.fuzzing import fuzz
from course_lib.experiments import data_root
from course_lib.experiments.record import Measurement

BINARY = int(os.environ.get("COURSE_FUZZ", "2000"))  # damaged files for the reader of a binary format
TEXT = BINARY // 4


def fuzzed(seed: int) -> dict[str, Measurement]:
    """Damage the example of every reader thousands of times; the value counts what nobody announced."""
    counts = [fuzz(example, BINARY if example.binary else TEXT, seed) for example in EXAMPLES.values()]
    unexpected = [line for count in counts for line in count.unexpected]
    extra = {
        "tried": sum(count.tried for count in counts),
        "refused": sum(count.refused for count in counts),
        "readers": len(counts),
        "unexpected": unexpected[:20],
        "by_reader": {
            count.name: {key: value for key, value in asdict(count).items() if key not in ("name", "unexpected")}
            for count in counts
        },
    }
    return {"fuzzed_inputs": Measurement(len(unexpected), extra=extra)}


def real_readers(seed: int) -> dict[str, Measurement]:
    """Read the real files with every reader that has some, and count records."""
    root = data_root("mnist").parent
    readers = {name: example for name, example in EXAMPLES.items() if example.real is not None}
    records, failures = {}, {}
    for name, example in readers.items():
        try:
            records[name] = len(example.real(root))
        except Exception as error:  # one that fails is counted as such, and named
            failures[name] = f"{type(error).__name__}: {error}".replace(str(root), "")[:200]
    extra = {"records": records, "failures": failures, "without_real_files": sorted(set(EXAMPLES) - set(readers))}
    return {"real_readers": Measurement(len(records), len(readers), extra)}
