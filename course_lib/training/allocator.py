"""Keep freed memory: training steps free and ask for the same large blocks again and again."""

import ctypes
import platform
from functools import cache

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # names of mallopt(3), from malloc.h


@cache
def keep_freed_memory() -> bool:
    """Have glibc keep large freed blocks in the process instead of returning them to the system.

    By default each block above 128 kB to 32 MB is mapped when asked for and unmapped when freed, and the system clears
    and maps its pages anew at every step: 4 to 8 % of the time of a step of InfoGAN on one core. Tensors then cost
    nothing to take again; in exchange the process stays as large as its largest step. No number changes.

    Returns:
        True where it was done: Linux with glibc. Elsewhere nothing happens.
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another allocator was put in its place
        return False
    settings = {_MMAP_THRESHOLD: 2**30, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 64 * 2**20}
    return all([mallopt(name, value) == 1 for name, value in settings.items()])
