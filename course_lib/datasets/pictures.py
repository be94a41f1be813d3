"""Picture files as tensors: JPEG, PNG and a few plain formats."""

import io
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.text import AGAIN, is_page

MODES = ("rgb", "grey", "rgb8", "depth16")
FORMATS = ("PNG", "JPEG", "BMP", "PPM")  # not EPS, which would start another program
MAX_PIXELS = 50_000_000
PIXELS_PER_BYTE = 8 * 1032  # one bit a pixel, packed as tightly as deflate can


def decode_image(
    source: str | Path | bytes,
    mode: str = "rgb",
    *,
    size: tuple[int, int] | None = None,
    max_pixels: int = MAX_PIXELS,
    name: str | Path | None = None,
    remedy: str = AGAIN,
) -> Tensor:
    """Decode one picture.

    Args:
        source: A file, or the bytes of one.
        mode: What to give. `"rgb"`: colours in [0, 1], `(3, h, w)`, float32. `"grey"`: luminance in [0, 1] (Rec. 601
            where the file has colours), `(1, h, w)`, float32. `"rgb8"`: the bytes of the three channels as they are,
            `(3, h, w)`, uint8. `"depth16"`: the 16-bit values as they are (mostly millimetres), `(1, h, w)`, float32.
        size: Height and width that it must have, or None.
        max_pixels: Larger pictures are refused before they are decoded.
        name: What to call it in messages; the file's own name by default.
        remedy: What to do about a bad file; ends every message.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: No picture, cut off or damaged, too large, of another size, 16 bits a value where 8 are wanted
            (or 8 where 16 are), or not opaque.
        ValueError: `mode` is unknown.
    """
    if mode not in MODES:
        raise ValueError(f"`mode` (={mode!r}) must be one of {', '.join(MODES)}")
    raw = source if isinstance(source, bytes) else Path(source).read_bytes()
    called = name if name is not None else ("picture" if isinstance(source, bytes) else source)
    if is_page(raw):
        raise DataFormatError(f"{called}: this is a web page, not a picture (a server's error page?); {remedy}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow only warns of some bombs and broken headers
            with Image.open(io.BytesIO(raw), formats=FORMATS) as picture:
                _check_size(picture.size, size, max_pixels, len(raw))
                picture.load()
                values = _values(picture, mode)
    except _RefusedError as refused:
        raise DataFormatError(f"{called}: {refused}; {remedy}") from None
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly every kind
        told = str(error).split("<_io")[0].strip() or type(error).__name__
        raise DataFormatError(
            f"{called}: {len(raw):,} bytes that do not decode as a picture ({told}); {remedy}"
        ) from None
    return values


class _RefusedError(Exception):
    """The picture decodes, but is not what was asked for."""


def _check_size(found: tuple[int, int], expected: tuple[int, int] | None, max_pixels: int, length: int) -> None:
    width, height = found
    if width * height > max_pixels:
        raise _RefusedError(f"{width} x {height} pixels (width x height) exceed the {max_pixels:,} allowed")
    if width * height > PIXELS_PER_BYTE * length:
        raise _RefusedError(f"{width} x {height} pixels (width x height) cannot be in {length:,} bytes")
    if expected is not None and (height, width) != tuple(expected):
        raise _RefusedError(f"{width} x {height} pixels (width x height), expected {expected[1]} x {expected[0]}")


def _values(picture: Image.Image, mode: str) -> Tensor:
    """The pixels in the form asked for."""
    if mode == "depth16":
        if not picture.mode.startswith("I"):
            raise _RefusedError(f"pixels of kind {picture.mode}, expected one channel of 16 bits")
        depth = np.asarray(picture).astype(np.int64)
        if depth.min(initial=0) < 0 or depth.max(initial=0) > 0xFFFF:
            raise _RefusedError(f"values from {depth.min()} to {depth.max()}, expected 0 to 65535")
        return torch.from_numpy(depth.astype(np.float32))[None]
    kinds = {"rgb8": ("RGB",)}.get(mode, ("RGB", "L", "P", "1", "RGBA", "LA"))
    if picture.mode not in kinds:
        raise _RefusedError(f"pixels of kind {picture.mode}, expected {' or '.join(kinds)} of 8 bits")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        if picture.getchannel("A").getextrema()[0] < 255:
            raise _RefusedError("some pixels are transparent, expected an opaque picture")
    pixels = torch.from_numpy(np.array(picture.convert("L" if mode == "grey" else "RGB")))
    pixels = pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1).contiguous()
    return pixels if mode == "rgb8" else pixels.to(torch.float32).div(255)
