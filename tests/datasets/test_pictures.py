"""Pictures: values, kinds and sizes; whatever does not decode is one error that names the file."""

import io
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib.datasets import DataFormatError, decode_image
from course_lib.datasets.examples.containers import save_picture, shaded

COLOURS = shaded(5, 7)
DEPTH = np.array([[0, 1, 300], [731, 2001, 65535]], np.uint16)


def encoded(picture, kind="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def test_colours_grey_and_bytes_keep_their_values(tmp_path):
    path = save_picture(tmp_path / "a.png", COLOURS)
    rgb = decode_image(path)
    assert rgb.shape == (3, 5, 7)
    assert rgb.dtype == torch.float32
    assert torch.equal(rgb, torch.from_numpy(COLOURS).permute(2, 0, 1) / 255)
    assert torch.equal(decode_image(str(path), "rgb8"), torch.from_numpy(COLOURS).permute(2, 0, 1))
    luminance = COLOURS @ [0.299, 0.587, 0.114] / 255
    assert np.abs(decode_image(path, "grey")[0].numpy() - luminance).max() < 0.6 / 255
    grey = decode_image(save_picture(tmp_path / "b.png", COLOURS[..., 0]))
    assert torch.equal(grey[0], grey[2])
    assert torch.equal(grey[0] * 255, torch.from_numpy(COLOURS[..., 0]).float())


def test_sixteen_bits_keep_their_values(tmp_path):
    path = save_picture(tmp_path / "depth.png", DEPTH)
    assert decode_image(path, "depth16").tolist() == [DEPTH.tolist()]
    assert decode_image(path.read_bytes(), "depth16", size=(2, 3)).dtype == torch.float32


def test_opaque_pictures_with_an_alpha_channel_and_palettes_are_colours():
    alpha = Image.fromarray(COLOURS).convert("RGBA")
    assert torch.equal(decode_image(encoded(alpha)), torch.from_numpy(COLOURS).permute(2, 0, 1) / 255)
    palette = Image.fromarray(COLOURS).quantize(8)
    assert torch.equal(
        decode_image(encoded(palette)), torch.from_numpy(np.array(palette.convert("RGB"))).permute(2, 0, 1) / 255
    )
    alpha.putpixel((0, 0), (1, 2, 3, 100))
    with pytest.raises(DataFormatError, match="some pixels are transparent"):
        decode_image(encoded(alpha))


RGB = encoded(Image.fromarray(COLOURS))
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
BAD = {
    "empty": (b"", {}, "0 bytes that do not decode as a picture"),
    "cut off": (RGB[:-30], {}, "do not decode as a picture"),
    "half a JPEG": (encoded(Image.fromarray(shaded(64, 64)), "JPEG")[:900], {}, "900 bytes that do not decode .*trunc"),
    "a web page": (b"<!DOCTYPE html><html>", {}, "this is a web page, not a picture"),
    "text": (b"quota exceeded", {}, "14 bytes that do not decode as a picture"),
    "PostScript, which would start a program": (POSTSCRIPT, {}, "do not decode as a picture"),
    "too large": (RGB, {"max_pixels": 34}, r"7 x 5 pixels \(width x height\) exceed the 34 allowed"),
    "another size": (RGB, {"size": (7, 5)}, r"7 x 5 pixels \(width x height\), expected 5 x 7"),
    "8 bits for 16": (RGB, {"mode": "depth16"}, "pixels of kind RGB, expected one channel of 16 bits"),
    "16 bits for 8": (encoded(Image.fromarray(DEPTH)), {}, "pixels of kind I.*, expected RGB or L .* of 8 bits"),
    "grey for raw colours": (encoded(Image.fromarray(COLOURS[..., 0])), {"mode": "rgb8"}, "of kind L, expected RGB"),
    "four colours of ink": (encoded(Image.fromarray(COLOURS).convert("CMYK"), "JPEG"), {}, "pixels of kind CMYK"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_pictures_are_refused_by_name(tmp_path, name):
    raw, options, message = BAD[name]
    path = tmp_path / "im00001.jpg"
    path.write_bytes(raw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the reader makes Pillow's warnings errors whatever the program's filters
        with pytest.raises(DataFormatError, match=message) as caught:
            decode_image(path, remedy="fetch it again", **options)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).endswith("; fetch it again")


def test_a_bomb_is_refused_before_it_is_unpacked():
    black = encoded(Image.new("1", (20_000, 20_000)))
    assert len(black) < 60_000
    with pytest.raises(DataFormatError, match=r"20000 x 20000|bomb"):
        decode_image(black)


def test_names_modes_and_missing_files(tmp_path):
    with pytest.raises(DataFormatError, match=r"^a\.zip/000001\.jpg: "):
        decode_image(b"", name="a.zip/000001.jpg")
    with pytest.raises(ValueError, match=r"`mode` \(='bgr'\) must be one of rgb, grey, rgb8, depth16"):
        decode_image(RGB, "bgr")
    with pytest.raises(FileNotFoundError):
        decode_image(tmp_path / "nothing.png")
