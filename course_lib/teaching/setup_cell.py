"""The set-up cell that every lesson begins with, word for word; the lint compares, `make address` fills in the address.

It is plain Python, so that it reads and works the same in JupyterLab, VS Code, Colab and papermill. This file imports
nothing, so that the lint can read it where torch is missing.
"""

SETUP_CELL = """\
# @title Set-up: installs what is missing, and nothing else {display-mode: "form"}
import importlib.util
import os
import subprocess
import sys
import tempfile
from importlib import metadata

REPOSITORY = ""  # address of the course's Git repository; `make address URL=...` writes it here

try:
    importlib.import_module("course_lib")
except ModuleNotFoundError:
    if not REPOSITORY:
        raise ModuleNotFoundError(
            "course_lib is not installed: set REPOSITORY above to the address of the course's Git repository, "
            "or run `pip install -e .` in a checkout of it."
        ) from None
    source = REPOSITORY if os.path.isdir(REPOSITORY) else f"git+{REPOSITORY}"
    with tempfile.TemporaryDirectory() as folder:
        keep = os.path.join(folder, "keep.txt")  # what is here already stays at its version
        with open(keep, "w") as file:
            for name in ("torch", "numpy"):
                if importlib.util.find_spec(name):
                    file.write(f"{name}=={metadata.version(name)}\\n")
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--constraint", keep, source], check=True)
    importlib.invalidate_caches()

import numpy as np
import torch

import course_lib

place = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU"
print(
    f"course_lib {course_lib.__version__}, torch {torch.__version__}, numpy {np.__version__}, "
    f"Python {sys.version.split()[0]}, running on {place}"
)
"""
