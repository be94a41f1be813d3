"""Layers of the face: eyes, nose, mouth, brows and glasses."""

import torch
from torch import Tensor

from course_lib.worlds.faces.body import tint
from course_lib.worlds.faces.canvas import Canvas, Frame
from course_lib.worlds.faces.shapes import bell, box, cover, ellipse, join, line, mix, over, ramp, shade
from course_lib.worlds.faces.sheet import Sheet
from course_lib.worlds.kernel import pointwise


@pointwise
def eyes(canvas: Canvas, f: Frame, q: Sheet) -> Canvas:
    """Almond eyes: white, iris with ring and catch light, lids and lashes."""
    dx, dy = f.side * f.fx - q.eye_x, f.hy  # outwards, downwards
    x, y = q.eye_cos * dx - q.eye_sin * dy, q.eye_sin * dx + q.eye_cos * dy
    t = x / q.eye_width
    arch = 1 - t * t
    steep = torch.sqrt(1 + (2 * q.eye_up * t / q.eye_width) * (2 * q.eye_up * t / q.eye_width))
    upper, lower = (y + q.eye_up * arch) / steep, (y - q.eye_down * arch) / steep
    opening = torch.maximum(-upper, lower)
    socket = q.skin_shadow
    canvas = canvas.paint(socket, 0.40 * ramp(0.075, 0.0, opening) * ramp(0.03, -0.02, y))
    alpha = cover(opening, f.pixel)
    white = over(tint(q, 0.985, 0.965, 0.945), tint(q, 0.60, 0.52, 0.56), 0.65 * ramp(0.030, 0.0, upper))
    # The iris, slightly covered by the upper lid.
    ix, iy = x - q.gaze * f.side, y + 0.10 * q.eye_up
    radius = 0.53 * q.eye_width
    away = torch.sqrt(ix * ix + iy * iy + 1e-8)
    r = away / radius
    iris = shade(q.iris, 0.84 + 0.34 * ramp(-0.5, 0.9, iy / radius) - 0.42 * ramp(0.72, 1.0, r))
    iris = over(iris, tint(q, 0.06, 0.04, 0.06), cover(away - 0.47 * radius, f.pixel))
    shadow = shade(iris, 1 - 0.45 * ramp(0.022, 0.0, upper))
    white = over(white, shadow, cover(away - radius, f.pixel))
    # The catch light sits on the light's side of both eyes.
    gx, gy = ix * f.side - (0.30 * q.light_x) * radius, iy + 0.36 * radius
    white = over(white, tint(q, 1.0, 1.0, 1.0), cover(torch.sqrt(gx * gx + gy * gy + 1e-8) - 0.27 * radius, f.pixel))
    canvas = canvas.paint(white, alpha, "eyes")
    lash = tint(q, 0.11, 0.08, 0.09)
    ends = ramp(1.22, 1.02, t.abs())
    half = 0.0075 + 0.0050 * (t + 1).clamp(0, 2)
    canvas = canvas.paint(lash, line(upper + 0.3 * half, half, f.pixel) * ends * 0.94, "eyes")
    canvas = canvas.paint(q.skin_dark, 0.60 * line(lower, 0.0050, f.pixel) * ramp(1.05, 0.85, t.abs()))
    crease = (y + q.eye_up * arch + 0.030 - 0.012 * t) / steep
    return canvas.paint(q.skin_dark, 0.50 * line(crease, 0.0048, f.pixel) * ramp(1.05, 0.7, t.abs()))


@pointwise
def nose_outline(x: Tensor, y: Tensor, q: Sheet) -> Tensor:
    """Distance to the nose: a bridge that widens into a tip with two wings."""
    half = q.nose_half
    tip = ellipse(x, y - (q.nose_y - 0.052), 0.56 * half + 0.010, 0.046 + 0.14 * half)
    wings = ellipse(x.abs() - 0.64 * half, y - (q.nose_y - 0.032), 0.36 * half, 0.016 + 0.27 * half)
    down = ((y + 0.03) / (q.nose_y + 0.03)).clamp(0, 1)
    bridge = torch.maximum(x.abs() - (0.022 + half * (0.12 + 0.34 * down * down)), -0.04 - y)
    bridge = torch.maximum(bridge, y - (q.nose_y - 0.05))
    return join(join(tip, wings, 0.03), bridge, 0.03)


@pointwise
def nose(canvas: Canvas, f: Frame, q: Sheet) -> tuple[Canvas, Tensor]:
    """The nose and the part of each pixel that it covers, whatever is drawn over it later."""
    x, y, half = f.nx, f.hy, q.nose_half
    outline = nose_outline(x, y, q)
    alpha = cover(outline, f.pixel)
    low = ramp(-0.16, -0.02, y - q.nose_y)  # grows from the bridge to the tip
    turned = q.light_x * x / half  # positive on the lit side
    # A shadow beside and below, away from the light.
    cast = ellipse(x + 0.35 * q.light_x * half, y - (q.nose_y - 0.012), 1.02 * half, 0.055)
    canvas = canvas.paint(q.skin_shadow, 0.72 * ramp(0.045, -0.02, cast) * ramp(-0.02, 0.03, y - q.nose_y + 0.03))
    beside = ramp(0.045, 0.0, outline) * ramp(0.02, -0.02, outline - 0.02) * ramp(0.25, -0.35, turned)
    canvas = canvas.paint(q.skin_shadow, 0.46 * beside * (0.35 + 0.65 * low))
    # The form itself: rosier, darker on the far side and below.
    tone = 0.965 + 0.12 * turned.clamp(-1, 1) * low - 0.24 * ramp(-0.034, 0.012, y - q.nose_y + 0.01) + 0.045 * low
    rosy = over(shade(q.skin, tone), tint(q, 0.90, 0.40, 0.34), 0.20 * low)
    canvas = canvas.paint(rosy, alpha * (0.25 + 0.62 * low))
    canvas = Canvas(canvas.rgb, torch.where(alpha > 0.5, 6.0, canvas.part))
    # Wings, nostrils, and the light on bridge and tip.
    line_share = ramp(-0.105, -0.050, y - q.nose_y) * ramp(0.40, 0.75, x.abs() / half)
    canvas = canvas.paint(q.skin_dark, 0.85 * line(outline, 0.0085, f.pixel) * line_share)
    under = line(outline, 0.0055, f.pixel) * ramp(-0.02, 0.0, y - q.nose_y + 0.004)
    canvas = canvas.paint(q.skin_dark, 0.42 * under)
    hole = ellipse(x.abs() - 0.40 * half, y - (q.nose_y - 0.012) + 0.10 * (x.abs() - 0.40 * half), 0.19 * half, 0.0135)
    canvas = canvas.paint(q.skin_deep, 0.85 * cover(hole, f.pixel))
    shine = bell(x - 0.30 * half * q.light_x, y - (q.nose_y - 0.072), 0.26 * half + 0.006, 0.026)
    ridge = bell(x - 0.16 * half * q.light_x, y - 0.5 * q.nose_y, 0.13 * half + 0.006, 0.085)
    canvas = canvas.paint(q.skin_glow, (0.62 * shine + 0.34 * ridge).clamp(0, 0.8) * alpha)
    return canvas, alpha


@pointwise
def mouth(canvas: Canvas, f: Frame, q: Sheet) -> Canvas:
    """Lips around an opening with teeth; corners follow the smile."""
    t = f.fx / q.mouth_half
    arch = 1 - t * t
    middle = q.mouth_y + q.mouth_bend * (0.45 - t * t)
    steep = torch.sqrt(1 + (2 * q.mouth_bend * t / q.mouth_half) * (2 * q.mouth_bend * t / q.mouth_half))
    y = f.hy
    inner_top = middle - 0.22 * q.mouth_gap * arch
    inner_bottom = middle + 0.78 * q.mouth_gap * arch
    bow = 1.08 - 0.34 * torch.exp(-(t * t) / 0.022) - 0.20 * t * t
    top = inner_top - q.lip_up * arch * bow - 0.002
    bottom = inner_bottom + q.lip_down * arch * (1.25 - 0.25 * arch) + 0.002
    lips = torch.maximum(top - y, y - bottom) / steep
    canvas = canvas.paint(q.skin_shadow, 0.42 * bell(f.fx, y - bottom - 0.022, 0.60 * q.mouth_half, 0.020))
    alpha = cover(lips, f.pixel)
    lower = ramp(-0.004, 0.004, y - middle)
    gloss = bell(
        f.fx - 0.25 * q.mouth_half * q.light_x,
        y - (inner_bottom + 0.42 * q.lip_down),
        0.30 * q.mouth_half,
        0.30 * q.lip_down,
    )
    light = mix(0.84 - 0.05 * q.light_x * t, 1.00 + 0.06 * q.light_x * t + 0.30 * gloss, lower)
    canvas = canvas.paint(shade(q.lip, light), alpha * 0.92, "mouth")
    opening = torch.maximum(inner_top - y, y - inner_bottom) / steep
    hollow = cover(opening + 0.003, f.pixel) * ramp(0.004, 0.02, q.mouth_gap)
    inside = over(
        tint(q, 0.30, 0.08, 0.10),
        tint(q, 0.80, 0.36, 0.38),
        ramp(0.03, -0.01, ellipse(f.fx, y - inner_bottom - 0.004, 0.55 * q.mouth_half, 0.35 * q.mouth_gap + 0.004)),
    )
    teeth = cover(y - (inner_top + 0.46 * q.mouth_gap * arch), f.pixel)
    inside = over(inside, shade(tint(q, 0.985, 0.97, 0.945), 1 - 0.30 * ramp(0.5, 1.0, t.abs())), teeth)
    canvas = canvas.paint(inside, hollow, "mouth")
    seam = line((y - middle) / steep, 0.0058, f.pixel) * ramp(1.08, 0.96, t.abs()) * ramp(0.03, 0.012, q.mouth_gap)
    canvas = canvas.paint(q.lip_dark, seam * 0.85, "mouth")
    corner = bell(t.abs() - 1.03, (y - (q.mouth_y - 0.55 * q.mouth_bend)) / q.mouth_half, 0.07, 0.09)
    return canvas.paint(q.skin_dark, 0.55 * corner)


@pointwise
def brows(canvas: Canvas, f: Frame, q: Sheet) -> Canvas:
    """Two tapering arches of short hairs."""
    x = f.side * f.fx - 1.02 * q.eye_x
    t = x / (1.22 * q.eye_width + 0.012)
    centre = q.brow_y + q.brow_slope * x + 0.030 * (t - 0.25) * (t - 0.25)
    body = torch.sqrt((1 - t * t * t * t).clamp_min(1e-4))
    half = q.brow_half * body * (0.88 - 0.36 * t)
    distance = torch.maximum((f.hy - centre).abs() - half, (t.abs() - 1) * 0.11)
    hairs = 0.92 + 0.10 * torch.sin(150 * x + 60 * (f.hy - centre))
    return canvas.paint(shade(q.brow, hairs), 0.90 * cover(distance, f.pixel), "brows")


@pointwise
def glasses(canvas: Canvas, f: Frame, q: Sheet) -> Canvas:
    """Thin round or heavy square frames with a trace of reflection."""
    worn = q.round_glasses + q.square_glasses
    x, y = f.side * f.fx - q.eye_x, f.hy - 0.012
    inner = (q.eye_x - 0.030).clamp_max(0.150)  # the two lenses leave room for the bridge
    circle = ellipse(x, y, inner, 0.138)
    square = box(x, y, inner, 0.112, 0.040)
    lens = torch.where(q.square_glasses > 0.5, square, circle)
    half = 0.0085 + 0.0075 * q.square_glasses
    colour = over(tint(q, 0.62, 0.44, 0.20), tint(q, 0.15, 0.12, 0.15), q.square_glasses)
    canvas = canvas.paint(q.skin_dark, 0.30 * worn * ramp(0.03, 0.0, (lens - 0.004).abs()) * cover(f.head, f.pixel))
    glare = ramp(-0.30, 0.30, torch.sin(16 * (x * f.side + 0.8 * y) + 0.6)) * ramp(0.12, -0.12, y)
    canvas = canvas.paint(tint(q, 1.0, 1.0, 1.0), worn * cover(lens, f.pixel) * (0.05 + 0.10 * glare))
    bridge = line(f.hy + 0.028 - 0.9 * f.fx * f.fx, half, f.pixel) * cover(
        f.fx.abs() - (q.eye_x - inner) - 0.004, f.pixel
    )
    arms = line(f.hy + 0.028, half, f.pixel) * cover(inner - x, f.pixel) * cover(f.head - 0.01, f.pixel)
    frame = torch.maximum(line(lens, half, f.pixel), torch.maximum(bridge, arms))
    return canvas.paint(colour, worn * frame, "glasses")
