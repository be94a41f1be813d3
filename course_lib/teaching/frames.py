"""Pictures of any kind as equally large frames, and frames as one WebP sprite."""

import base64
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

WEBP_LIMIT = 16_383  # pixels a side, the format's own limit


def to_image(frame: Any, *, smallest: int = 240) -> Image.Image:
    """One frame as an RGB picture at least `smallest` pixels wide; small arrays grow by whole pixels.

    Args:
        frame: A Pillow image, a matplotlib figure, or an array or tensor: (h, w), (h, w, 3), (1, h, w) or (3, h, w),
            floats in [0, 1] or bytes.
        smallest: Width below which the picture is enlarged without smoothing.
    """
    if hasattr(frame, "savefig"):
        return _from_figure(frame)
    if not isinstance(frame, Image.Image):
        frame = _from_array(frame)
    image = Image.new("RGB", frame.size, "white")
    image.paste(frame, mask=frame.getchannel("A") if frame.mode == "RGBA" else None)
    times = math.ceil(smallest / image.width)
    return image if times <= 1 else image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)


def _from_figure(figure: Any) -> Image.Image:
    """Draw a figure; close it, so that the notebook does not show it a second time."""
    import matplotlib.pyplot as plt
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba()).copy()).convert("RGB")
    plt.close(figure)
    return image


def _from_array(frame: Any) -> Image.Image:
    if hasattr(frame, "detach"):
        frame = frame.detach().cpu().float().numpy() if frame.is_floating_point() else frame.detach().cpu().numpy()
    array = np.asarray(frame)
    if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] not in (1, 3, 4):
        array = array.transpose(1, 2, 0)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ValueError(f"frame (shape {array.shape}) must be (h, w), (h, w, 3), (1, h, w) or (3, h, w).")
    if array.dtype != np.uint8:
        if not np.isfinite(array).all():
            raise ValueError("frame holds NaN or infinity; replace them before drawing.")
        array = (array.astype(np.float64).clip(0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(array)


def sprite(images: Sequence[Image.Image]) -> tuple[Image.Image, int]:
    """Lay frames of equal size out in a near-square grid; return the sheet and its number of columns."""
    width, height = images[0].size
    columns = min(len(images), max(1, round(math.sqrt(len(images) * height / width))))
    rows = math.ceil(len(images) / columns)
    if max(columns * width, rows * height) > WEBP_LIMIT:
        raise ValueError(f"{len(images)} frames of {width} x {height} pixels make a sheet above {WEBP_LIMIT} pixels.")
    sheet = Image.new("RGB", (columns * width, rows * height), "white")
    for index, image in enumerate(images):
        sheet.paste(image, (index % columns * width, index // columns * height))
    return sheet, columns


def data_uri(image: Image.Image, *, lossless: bool = False, quality: int = 80) -> str:
    """A picture as a WebP data URI."""
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", lossless=lossless, quality=quality, method=6 if not lossless else 4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
