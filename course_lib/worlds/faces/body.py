"""Layers behind and around the face: background, clothes, neck, ears and the shaded skin of the head."""

import torch
from torch import Tensor

from course_lib.worlds.faces.canvas import Canvas, Frame
from course_lib.worlds.faces.shapes import bell, box, cover, ellipse, join, line, over, ramp, shade
from course_lib.worlds.faces.sheet import Sheet
from course_lib.worlds.kernel import pointwise


@pointwise
def background(x: Tensor, y: Tensor, q: Sheet) -> Canvas:
    """A wall with a soft pool of light behind the head, on the side that the light comes from."""
    glow = bell(x - 0.45 * q.light_x, y + 0.25 - 0.2 * q.light_y, 1.0, 1.0)
    base = shade(q.ground, 0.93 + 0.05 * q.light_x * x)
    return Canvas(over(base, q.ground_glow, 0.9 * glow), 0.0 * (x + y + q.scale))


@pointwise
def neck_and_clothes(canvas: Canvas, f: Frame, q: Sheet) -> Canvas:
    """Neck with the shadow of the chin, then a jersey, shirt or roll-neck."""
    x, y, pixel = f.bx, f.by, f.pixel
    width = x.abs()
    fall = (y - 0.52).clamp_min(0)
    neck = torch.maximum(width - (q.neck + 1.1 * fall * fall), 0.15 - y)
    shoulders = ellipse(x, y - 1.34, 0.86 + 0.6 * (q.neck - 0.17), 0.62)
    shoulders = join(shoulders, neck + 0.035 + 0.35 * (0.66 - y).clamp_min(0), 0.16)
    body = join(neck, shoulders + 0.02, 0.04)  # within the clothes, so that no skin shows along their edge
    # The chin's shadow falls away from the light.
    under_chin = ellipse(x + 0.10 * q.light_x, y - (q.chin - 0.10), 0.40, 0.30)
    light = 0.96 + 0.12 * q.light_x * (x / 0.4).clamp(-1, 1) - 0.30 * ramp(0.10, -0.06, under_chin)
    canvas = canvas.paint(shade(q.skin, light), cover(body, pixel), "skin")
    # Clothes: everything of the shoulders outside the neckline.
    crew = ellipse(x, y - 0.60, q.neck + 0.055, 0.155)
    wedge = (1.55 * width + y - 0.98) / 1.85
    opening = torch.minimum(crew + 9 * q.turtleneck, wedge + 9 * (1 - q.collar))
    cloth = torch.maximum(shoulders, -opening)
    cloth = torch.maximum(cloth, 0.64 - y)
    roll = box(x, y - 0.70, q.neck + 0.045, 0.125, 0.03)
    cloth = torch.minimum(cloth, roll + 9 * (1 - q.turtleneck))
    alpha = cover(cloth, pixel)
    folds = 0.04 * torch.sin(9 * width + 5 * y) * ramp(0.2, 0.6, width)
    light = 0.96 + 0.16 * q.light_x * x - 0.22 * ramp(0.05, 0.5, width * width) + folds
    light = light - 0.22 * ramp(0.12, 0.0, opening) * (1 - q.turtleneck) * 0.6
    bands = q.stripes * ramp(-0.25, 0.25, torch.sin(44 * (y - 0.10 * width * width))) * ramp(0.02, 0.03, opening)
    colour = over(q.cloth, q.trim, 0.85 * bands)
    canvas = canvas.paint(shade(colour, light), alpha, "clothes")
    hem = line(opening - 0.016, 0.016, pixel) * (1 - q.collar) * (1 - q.turtleneck)
    hem = hem + line(y - 0.60, 0.006, pixel) * q.turtleneck * cover(roll, pixel)
    canvas = canvas.paint(q.cloth_dark, hem * alpha)
    flap = cover(torch.maximum(torch.maximum(wedge - 0.085, -wedge), 0.60 - y), pixel) * q.collar * alpha
    canvas = canvas.paint(shade(q.trim, light + 0.02), flap, "clothes")
    edge = line(wedge - 0.085, 0.006, pixel) * q.collar * alpha * ramp(0.60, 0.64, y)
    return canvas.paint(q.cloth_dark, edge)


@pointwise
def ears(canvas: Canvas, f: Frame, q: Sheet) -> Canvas:
    """Two ears; the one on the side turned away hides behind the head."""
    x = f.hx + 0.5 * q.turn
    dx, dy = x.abs() - q.half_width - 0.010, f.hy - 0.05
    lean = dx - 0.18 * (-dy)
    outer = ellipse(lean, dy, 0.45 * q.ear + 0.012, q.ear)
    light = 0.90 + 0.14 * q.light_x * torch.where(x < 0, -1.0, 1.0)
    shown = ramp(0.34, 0.26, q.hair_front)  # long hair covers them
    canvas = canvas.paint(shade(q.skin, light), shown * cover(outer, f.pixel), "skin")
    inner = ellipse(lean + 0.004, dy + 0.008, 0.22 * q.ear + 0.004, 0.62 * q.ear)
    return canvas.paint(shade(q.skin, light - 0.20), 0.75 * shown * ramp(0.02, -0.02, inner))


@pointwise
def face(canvas: Canvas, f: Frame, q: Sheet) -> Canvas:
    """The skin of the head, lit as a round form with cheeks, sockets, nose and chin."""
    light = face_light(f, q)
    skin = shade(q.skin, light)
    canvas = canvas.paint(skin, cover(f.head, f.pixel), "skin")
    alpha = cover(f.head, f.pixel)
    cheek = bell(f.fx.abs() - 0.92 * q.eye_x - 0.02, f.hy - 0.185, 0.105, 0.080)
    rosy = tint(q, 0.93, 0.42, 0.40)
    canvas = canvas.paint(rosy, alpha * cheek * (0.06 + 0.34 * q.blush))
    return freckles(canvas, f, q, alpha)


@pointwise
def face_light(f: Frame, q: Sheet) -> Tensor:
    """Light on the head, 1 where it falls square: a dome whose slopes are those of the features."""
    ax, ay = f.hx / (q.half_width * 1.16), (f.hy + 0.02) / 0.70
    nz = torch.sqrt((1 - ax * ax - ay * ay).clamp_min(0.06))
    nx, ny = ax, ay * 0.9
    # Each bump of height h adds minus its slope; slopes of Gaussians in closed form.
    cx, cy = f.fx - f.side * (q.eye_x + 0.01), f.hy - 0.17
    cheek = 0.55 * bell(cx, cy, 0.14, 0.12)
    nx, ny = nx + cheek * cx / 0.14, ny + cheek * cy / 0.12
    ex, ey = f.fx - f.side * q.eye_x, f.hy + 0.03
    socket = -0.34 * bell(ex, ey, 0.14, 0.10)
    nx, ny = nx + socket * ex / 0.14, ny + socket * ey / 0.10
    cy = f.hy - (q.chin - 0.10)
    chin = 0.40 * bell(f.fx, cy, 0.11, 0.09)
    nx, ny = nx + chin * f.fx / 0.11, ny + chin * cy / 0.09
    length = torch.sqrt(nx * nx + ny * ny + nz * nz)
    facing = (nx * q.light_x + ny * q.light_y + nz * q.light_z) / length
    # Half a soft gradient, half a painter's terminator.
    tone = 0.5 * ramp(-0.35, 0.95, facing) + 0.5 * ramp(0.02, 0.62, facing)
    sheen = bell(f.hx - 0.30 * q.light_x, f.hy + 0.36 - 0.10 * q.light_y, 0.16, 0.10)
    return 0.60 + 0.46 * tone + 0.08 * sheen - 0.10 * ramp(-0.07, 0.0, f.head)


@pointwise
def freckles(canvas: Canvas, f: Frame, q: Sheet, alpha: Tensor) -> Canvas:
    """Dots over nose and cheeks, where two waves meet."""
    u, v = f.fx * 92 + 1.1 * torch.sin(f.hy * 37), f.hy * 104 + 1.3 * torch.sin(f.fx * 41)
    dots = ramp(0.55, 0.90, torch.sin(u) * torch.sin(v))
    where = bell(f.fx.abs() - 0.13, f.hy - 0.145, 0.13, 0.065)
    return canvas.paint(q.skin_dark, alpha * dots * where * 0.85 * q.freckles)


@pointwise
def wrinkles(canvas: Canvas, f: Frame, q: Sheet) -> Canvas:
    """Lines of age: three on the forehead, crow's feet, bags under the eyes, folds from nose to mouth."""
    width, pixel = f.fx.abs(), f.pixel
    alpha = cover(f.head, pixel) * q.wrinkles
    furrow = f.hy - q.brow_y - 0.35 * f.fx * f.fx
    lines = 0.0 * width
    for height, reach in ((0.085, 0.24), (0.135, 0.21), (0.185, 0.16)):
        bend = furrow + height + 0.006 * torch.sin(25 * f.fx + 40 * height)
        lines = lines + line(bend, 0.0055, pixel) * ramp(reach, 0.55 * reach, width)
    ox, oy = width - q.eye_x - q.eye_width, f.hy - 0.005
    for slope in (-0.55, 0.0, 0.55):
        feet = (oy - slope * (ox + 0.03)) * (1 + slope * slope) ** -0.5
        lines = lines + line(feet, 0.0050, pixel) * ramp(0.030, 0.045, ox) * ramp(0.115, 0.085, ox)
    ex, ey = width - q.eye_x, f.hy - q.eye_down
    t = ex / q.eye_width
    bag = ey - 0.050 + 0.035 * t * t
    lines = lines + line(bag, 0.0060, pixel) * ramp(1.05, 0.5, t.abs())
    frown = line(width - 0.030 - 0.10 * (q.brow_y - f.hy), 0.0050, pixel)
    lines = lines + frown * ramp(0.055, 0.02, (f.hy - q.brow_y).abs())
    # From beside the nose, outwards and down to beside the mouth.
    top, bottom = q.nose_y - 0.035, q.mouth_y + 0.05
    share = ((f.hy - top) / (bottom - top)).clamp(-0.2, 1.2)
    fold = width - (q.nose_half + 0.012) - (q.mouth_half + 0.035 - q.nose_half) * torch.sqrt(share.clamp_min(0) + 1e-4)
    band = ramp(-0.02, 0.12, share) * ramp(1.0, 0.75, share)
    canvas = canvas.paint(q.skin_dark, alpha * 0.72 * line(fold, 0.0065, pixel) * band)
    hollow = ramp(-0.06, 0.0, fold) * ramp(0.012, 0.0, fold) * band
    canvas = canvas.paint(q.skin_shadow, alpha * 0.50 * hollow)
    return canvas.paint(q.skin_dark, alpha * 0.72 * lines.clamp(0, 1))


@pointwise
def tint(q: Sheet, red: float, green: float, blue: float) -> tuple[Tensor, Tensor, Tensor]:
    """A fixed colour in the shape that layers take."""
    nothing = torch.zeros_like(q.scale)
    return nothing + red, nothing + green, nothing + blue
