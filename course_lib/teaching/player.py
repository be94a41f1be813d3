"""Frame players: pictures that a reader moves by hand, with a kernel or without one.

The whole player is one WebP sprite as a data URI and a few lines of script: nothing is fetched, and no widget state is
stored. Without script the sheet of all frames shows, with a sentence that says how to make it move.
"""

import hashlib
import html
import math
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from course_lib.teaching.display import is_live_front_end, show
from course_lib.teaching.frames import data_uri, sprite, to_image

SCRIPT = """
(function () {
  document.querySelectorAll('[data-player="%(id)s"]').forEach(function (root) {
    if (root.dataset.ready) { return; }
    root.dataset.ready = "1";
    var labels = %(labels)s, n = %(count)d, columns = %(columns)d, rows = %(rows)d, at = 0, timer = null;
    var stage = root.querySelector("[data-stage]"), sheet = stage.querySelector("img");
    var note = root.querySelector("[data-note]"), line = document.createElement("div");
    var play = document.createElement("button"), range = document.createElement("input");
    var text = document.createElement("div");
    stage.style.cssText = "position:relative;overflow:hidden;width:100%%;aspect-ratio:%(width)d/%(height)d;";
    sheet.style.cssText = "position:absolute;display:block;margin:0;padding:0;border-radius:0;max-width:none;width:"
      + 100 * columns + "%%;height:" + 100 * rows + "%%;";
    line.style.cssText = "display:flex;gap:.5rem;align-items:center;margin-top:.4rem;";
    play.type = "button"; play.textContent = "\\u25B6"; play.setAttribute("aria-label", "Play");
    play.style.cssText = "min-width:2.75rem;min-height:2.75rem;font:inherit;cursor:pointer;";
    range.type = "range"; range.min = 0; range.max = n - 1; range.step = 1; range.value = 0;
    range.setAttribute("aria-label", %(slider)s);
    range.style.cssText = "flex:1;min-width:0;min-height:2.75rem;";
    text.style.cssText = "min-height:1.5em;";
    function go(k) {
      at = (k + n) %% n;
      sheet.style.left = -100 * (at %% columns) + "%%";
      sheet.style.top = -100 * Math.floor(at / columns) + "%%";
      range.value = at; range.setAttribute("aria-valuetext", labels[at]);
      sheet.alt = %(alt)s + " Now: " + labels[at];
      text.textContent = labels[at];
    }
    function stop() { clearInterval(timer); timer = null; play.textContent = "\\u25B6";
      play.setAttribute("aria-label", "Play"); }
    range.addEventListener("input", function () { stop(); go(Number(range.value)); });
    play.addEventListener("click", function () {
      if (timer) { stop(); return; }
      play.textContent = "\\u23F8"; play.setAttribute("aria-label", "Pause");
      timer = setInterval(function () { go(at + 1); }, %(pause)d);
    });
    line.appendChild(play); line.appendChild(range);
    note.replaceWith(line); root.appendChild(text); go(0);
  });
})();
"""


def _js(value: Any) -> str:
    """A value as JavaScript inside HTML: `<` must not end the script."""
    import json

    return json.dumps(value).replace("<", "\\u003c").replace("&", "\\u0026")


class Player:
    """A row of frames with a slider.

    Args:
        frames: Pillow images, arrays, tensors or matplotlib figures; figures are closed once drawn.
        labels: One line of text a frame; numbers if omitted.
        title: Heading, which states the finding.
        alt: What the frames show, for those who cannot see them.
        width: Widest the player gets on a page, in CSS pixels.
        pause: Milliseconds a frame while playing.
        lossless: Keep every pixel, for text and line drawings.
        live: A function from a position in [0, 1] to a frame; with a live front end and ipywidgets, `show` uses it.
    """

    def __init__(
        self,
        frames: Sequence[Any],
        labels: Sequence[str] = (),
        *,
        title: str = "",
        alt: str,
        width: int = 480,
        pause: int = 700,
        lossless: bool = False,
        live: Callable[[float], Any] | None = None,
    ) -> None:
        if not frames:
            raise ValueError("frames must hold at least one picture.")
        if labels and len(labels) != len(frames):
            raise ValueError(f"labels ({len(labels)}) must be as many as frames ({len(frames)}), or none.")
        if not alt.strip():
            raise ValueError("alt must say what the frames show, for readers who cannot see them.")
        self.images = _equal_sizes([to_image(frame) for frame in frames])
        self.labels = [str(label) for label in labels] or [f"{i + 1} of {len(frames)}" for i in range(len(frames))]
        self.title, self.alt, self.width, self.pause = title, alt, width, pause
        self.lossless, self.live = lossless, live

    def html(self) -> str:
        """The player as self-contained HTML."""
        sheet, columns = sprite(self.images)
        uri = data_uri(sheet, lossless=self.lossless)
        width, height = self.images[0].size
        key = hashlib.sha256((uri + self.title + "".join(self.labels)).encode()).hexdigest()[:12]
        script = SCRIPT % {
            "id": key,
            "labels": _js(self.labels),
            "count": len(self.images),
            "columns": columns,
            "rows": math.ceil(len(self.images) / columns),
            "width": width,
            "height": height,
            "slider": _js(f"Frame of: {self.title or self.alt}"),
            "alt": _js(self.alt),
            "pause": self.pause,
        }
        title = f"<figcaption><strong>{html.escape(self.title)}</strong></figcaption>" if self.title else ""
        return (
            f'<figure data-player="{key}" style="margin:0;max-width:{self.width}px;">{title}'
            f'<div data-stage><img src="{uri}" alt="{html.escape(self.alt)} All frames, in reading order." '
            f'style="max-width:100%;height:auto;"></div>'
            f"<p data-note>All {len(self.images)} frames at once. Run this cell to move it.</p></figure>"
            f"<script>{script}</script>"
        )

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return f"Player({len(self.images)} frames: {self.title or self.alt})"

    def show(self) -> None:
        """Display the player; with `live`, a live front end and ipywidgets it computes each frame afresh."""
        if self.live is not None and is_live_front_end() and self._show_live():
            return
        show(self)

    def _show_live(self) -> bool:
        try:
            import ipywidgets
        except ImportError:
            return False
        picture = ipywidgets.HTML()
        slider = ipywidgets.FloatSlider(0.0, min=0.0, max=1.0, step=0.01, description="move", readout=False)

        def draw(change: Any) -> None:
            uri = data_uri(to_image(self.live(change["new"])), lossless=self.lossless)
            style = f"max-width:{self.width}px;width:100%"
            picture.value = f'<img src="{uri}" alt="{html.escape(self.alt)}" style="{style}">'

        draw({"new": 0.0})
        slider.observe(draw, names="value")
        show(ipywidgets.VBox([picture, slider]))
        return True


def _equal_sizes(images: list[Image.Image]) -> list[Image.Image]:
    """Pad every frame with white to the largest width and height."""
    width, height = max(image.width for image in images), max(image.height for image in images)
    padded = []
    for image in images:
        canvas = Image.new("RGB", (width, height), "white")
        canvas.paste(image, (0, 0))
        padded.append(canvas)
    return padded
