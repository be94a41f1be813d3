"""Reference figures: pictures that experiments draw and lessons show, written whole or not at all."""

import io

from PIL import Image

from course_lib.experiments import record


def save_figure(picture, name: str, *, quality: int = 80) -> None:
    """Write a reference figure into the package's results, under a temporary name first.

    Args:
        picture: A matplotlib figure or a Pillow image.
        name: File name, ending in `.webp`.
        quality: Of the WebP compression, 0 to 100.
    """
    folder = record.RESULTS / "figures"
    folder.mkdir(exist_ok=True)
    data = io.BytesIO()
    if isinstance(picture, Image.Image):
        picture.save(data, format="webp", quality=quality, method=6)
    else:
        picture.savefig(data, format="webp", pil_kwargs={"quality": quality})
    temporary = folder / f".{name}.part"
    temporary.write_bytes(data.getvalue())
    temporary.replace(folder / name)


def mosaic(rows: list[list[Image.Image]], *, width: int, gap: int = 6) -> Image.Image:
    """Rows of pictures, each row scaled to one width, on white.

    Args:
        rows: Pictures, those of a row of equal height.
        width: Of the whole, pixels.
        gap: White between pictures.
    """
    scaled = []
    for row in rows:
        free = width - gap * (len(row) - 1)
        ratio = free / sum(one.width for one in row)
        height = round(row[0].height * ratio)
        widths = [round(one.width * ratio) for one in row]
        widths[-1] += free - sum(widths)  # rounding must not leave a ragged edge
        scaled.append(
            [one.resize((wide, height), Image.Resampling.LANCZOS) for one, wide in zip(row, widths, strict=True)]
        )
    canvas = Image.new("RGB", (width, sum(row[0].height for row in scaled) + gap * (len(scaled) - 1)), "white")
    top = 0
    for row in scaled:
        left = 0
        for one in row:
            canvas.paste(one, (left, top))
            left += one.width + gap
        top += row[0].height + gap
    return canvas
