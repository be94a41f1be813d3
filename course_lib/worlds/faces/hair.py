"""Layers of hair: what hangs behind the neck, what frames the face, and the beard."""

import torch
from torch import Tensor

from course_lib.worlds.faces.canvas import Canvas, Frame
from course_lib.worlds.faces.shapes import Colour, cover, ellipse, meet, ramp, shade
from course_lib.worlds.faces.sheet import Sheet
from course_lib.worlds.kernel import pointwise


@pointwise
def hair_mass(f: Frame, q: Sheet) -> Tensor:
    """Distance to all hair, face and ends not yet cut: an arch over the skull that runs straight down."""
    below = (f.hy + 0.13).clamp_min(0)
    x = f.hx / (1 + q.hair_flare * below + q.hair_wave * 0.035 * torch.sin(17 * f.hy))
    angle = torch.atan2(f.hx, -(f.hy + 0.13))
    curls = q.hair_curl * 0.020 * torch.sin(13 * angle + 1.5 * torch.sin(5 * angle))
    radius = q.half_width + q.hair_out + curls
    top = 0.47 + q.hair_out + q.hair_top + curls
    fall = (f.hy + 0.13).clamp_max(0) + q.hair_curl * below  # curls round off below, other hair hangs
    return ellipse(x, fall, radius, top)


@pointwise
def hair_window(f: Frame, q: Sheet) -> Tensor:
    """Distance to the opening for the face: below the hairline, between the side locks."""
    from_part = f.fx - q.hair_part
    left, right = (-from_part).clamp_min(0), from_part.clamp_min(0)
    ripple = 0.010 * torch.sin(38 * f.fx) * (1 - q.hair_wave)
    hairline = q.hair_line + q.hair_left * left * left + q.hair_right * right * right + ripple
    sides = f.fx.abs() - q.half_width * (q.hair_window + 0.55 * (f.hy - 0.15).clamp_min(0))
    return meet(hairline - f.hy, sides, 0.09)


@pointwise
def strands(f: Frame, q: Sheet, distance: Tensor) -> Tensor:
    """Light on the hair: the round of the head, strands from the parting down, a band of gloss, or curls."""
    x, y = f.hx - q.hair_part, f.hy + 0.62
    away = x / (0.22 + y.clamp_min(0))
    flow = torch.sin(34 * away + 3 * torch.sin(2.3 * y + 3 * away)) + 0.6 * torch.sin(83 * away + 7 * y)
    blobs = torch.sin(31 * f.hx + 4 * torch.sin(19 * f.hy)) * torch.sin(29 * f.hy + 4 * torch.sin(23 * f.hx))
    texture = (1 - q.hair_curl) * 0.060 * flow + q.hair_curl * 0.13 * blobs
    nx, ny = f.hx / (q.half_width + q.hair_out), (f.hy + 0.1) / 0.62
    facing = 0.75 * nx * q.light_x + 0.55 * ny * q.light_y
    ring = (torch.sqrt(nx * nx + ny * ny + 1e-6) - 0.80) / 0.09
    gloss = torch.exp(-ring * ring) * ramp(-0.2, 0.6, facing) * (1 - 0.7 * q.hair_curl)
    rim = 0.16 * ramp(-0.045, 0.0, distance)
    return 0.90 + 0.24 * facing + texture + 0.16 * gloss - rim


@pointwise
def _lit(colour: Colour, light: Tensor) -> Colour:
    """Hair in light: above 1 it takes some of the light's warmth."""
    return shade(colour, torch.where(light > 1, 1 + 0.9 * (light - 1), light))


@pointwise
def back_hair(canvas: Canvas, f: Frame, q: Sheet) -> Canvas:
    """Hair behind head and neck, and the bun."""
    mass = hair_mass(f, q)
    ends = q.hair_back + 0.03 * torch.sin(11 * f.hx + 1.0) * (0.4 + q.hair_wave)
    behind = meet(mass, f.hy - ends, 0.10)
    bun = ellipse(f.hx + 0.02, f.hy + 0.66, q.hair_bun + 0.001, 0.88 * q.hair_bun + 0.001) + 9 * (q.hair_bun < 0.01)
    behind = torch.minimum(behind, bun)
    dim = 0.16 * ramp(-0.62, -0.40, f.hy)
    light = strands(f, q, behind) - dim
    return canvas.paint(_lit(q.hair, light), cover(behind, f.pixel) * ramp(0.0, 0.6, q.hair_opacity), "hair")


@pointwise
def front_hair(canvas: Canvas, f: Frame, q: Sheet) -> Canvas:
    """Hair over forehead and temples, with the shadow it throws on the skin."""
    mass = hair_mass(f, q)
    ends = q.hair_front + 0.03 * torch.sin(13 * f.hx) * (0.3 + q.hair_wave)
    cap = meet(torch.maximum(mass, -hair_window(f, q)), f.hy - ends, 0.06)
    shadow = ramp(0.085, 0.0, cap) * cover(f.head, f.pixel) * q.hair_opacity
    canvas = canvas.paint(q.skin_dark, 0.46 * shadow * cover(-cap, f.pixel))
    # A shorn head shows skin through; its edge is soft.
    shorn = ramp(1.0, 0.75, q.hair_opacity)
    alpha = (1 - shorn) * cover(cap, f.pixel) + shorn * ramp(0.025, -0.035, cap) * cover(f.head - 0.012, f.pixel)
    # Long locks melt into the hair behind them.
    hang = ramp(0.50, 0.56, q.hair_front)
    alpha = alpha * (1 - hang * ramp(-0.16, -0.02, f.hy - ends))
    return canvas.paint(_lit(q.hair, strands(f, q, mass)), alpha * q.hair_opacity, "hair")


@pointwise
def beard(canvas: Canvas, f: Frame, q: Sheet) -> Canvas:
    """Stubble, a goatee or a full beard: along the jaw, up to the ears."""
    width = f.fx.abs()
    edge = q.mouth_y - 0.035 - 1.55 * width * width
    full = meet(f.head - 0.030, edge - f.hy, 0.05)
    chin = ellipse(f.fx, f.hy - (q.chin - 0.065), 0.62 * q.mouth_half + 0.035, 0.105)
    distance = torch.where(q.goatee > 0.5, chin, full)
    grown = q.whiskers + q.goatee
    texture = 0.90 + 0.055 * torch.sin(70 * f.fx + 6 * torch.sin(21 * f.hy)) + 0.05 * torch.sin(55 * f.hy + 30 * width)
    texture = texture + 0.10 * q.light_x * f.hx / q.half_width - 0.10 * ramp(-0.04, 0.0, distance)
    canvas = canvas.paint(_lit(q.hair, texture), 0.96 * grown * cover(distance, f.pixel), "beard")
    # Stubble fades in; it covers the upper lip too.
    lip = ellipse(f.fx, f.hy - 0.5 * (q.nose_y + q.mouth_y), 1.15 * q.mouth_half, 0.085)
    shadow = torch.minimum(torch.maximum(full, f.head + 0.004), lip)
    grain = 0.75 + 0.25 * torch.sin(160 * f.fx + 3 * torch.sin(90 * f.hy)) * torch.sin(150 * f.hy)
    return canvas.paint(q.brow, 0.40 * q.stubble * ramp(0.035, -0.045, shadow) * grain)


@pointwise
def moustache(canvas: Canvas, f: Frame, q: Sheet) -> Canvas:
    """Two wings of hair between nose and mouth."""
    t = f.fx / (1.02 * q.mouth_half)
    root = 0.42 * q.nose_y + 0.58 * (q.mouth_y - 0.25 * q.mouth_gap)
    middle = root + 0.042 * t * t - 0.5 * q.mouth_bend * t * t - 0.008 * torch.exp(-t * t / 0.02)
    half = (
        (0.022 + 0.12 * (q.mouth_y - q.nose_y))
        * torch.sqrt((1 - t * t).clamp_min(1e-4))
        * (1 - 0.25 * torch.exp(-t * t / 0.01))
    )
    distance = torch.maximum((f.hy - middle).abs() - half, (t.abs() - 1) * q.mouth_half)
    texture = 0.92 + 0.07 * torch.sin(95 * f.fx + 40 * t.abs() * (f.hy - middle)) + 0.10 * q.light_x * t
    return canvas.paint(_lit(q.hair, texture), 0.96 * q.moustache * cover(distance, f.pixel), "beard")
