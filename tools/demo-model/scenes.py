"""Random scenes of coloured shapes: what is in them (Scene) and how they look (render)."""

import colorsys
import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SHAPES = ["circle", "square", "triangle", "star"]
COLOURS = ["red", "orange", "yellow", "green", "blue", "purple", "black", "white", "gray"]
SIZES = ["small", "large"]
ROWS = ["top", "", "bottom"]
COLUMNS = ["left", "", "right"]

# Hue in degrees, saturation and value. The gaps between the ranges are left out on purpose:
# a colour between orange and yellow has no single right name.
_RANGES = {
    "red": ((-8, 7), (0.78, 1.0), (0.70, 1.0)),
    "orange": ((24, 39), (0.82, 1.0), (0.88, 1.0)),
    "yellow": ((51, 62), (0.70, 1.0), (0.88, 1.0)),
    "green": ((95, 145), (0.50, 1.0), (0.45, 1.0)),
    "blue": ((205, 242), (0.60, 1.0), (0.55, 1.0)),
    "purple": ((270, 301), (0.50, 1.0), (0.45, 0.85)),
    "black": ((0, 360), (0.0, 0.3), (0.0, 0.12)),
    "white": ((0, 360), (0.0, 0.03), (0.95, 1.0)),
    "gray": ((0, 360), (0.0, 0.06), (0.42, 0.66)),
}
# The colours people type by name; some scenes use exactly these.
_NAMED = {
    "red": [(255, 0, 0), (220, 20, 20)],
    "orange": [(255, 165, 0), (255, 140, 0)],
    "yellow": [(255, 255, 0), (255, 230, 0)],
    "green": [(0, 128, 0), (0, 255, 0), (0, 170, 0)],
    "blue": [(0, 0, 255), (30, 80, 220)],
    "purple": [(128, 0, 128), (140, 40, 200)],
    "black": [(0, 0, 0)],
    "white": [(255, 255, 255)],
    "gray": [(128, 128, 128)],
}
# Centre coordinates of a column or row; the gaps keep every place unambiguous.
_BANDS = [(0.09, 0.28), (0.43, 0.57), (0.72, 0.91)]
# How far a shape of radius 1 reaches from its centre.
_EXTENT = {"circle": 1.0, "square": 1.16, "triangle": 1.22, "star": 1.22}


@dataclass
class Shape:
    kind: str
    colour: str
    size: str
    row: int
    column: int
    x: float  # centre, in pixels of the trained picture
    y: float
    radius: float
    angle: float
    rgb: tuple

    @property
    def place(self):
        words = [w for w in (ROWS[self.row], COLUMNS[self.column]) if w]
        return " ".join(words) or "center"


@dataclass
class Scene:
    width: int
    height: int
    background: str
    rgb: tuple
    shapes: list  # in reading order


def _colour(rng, name):
    if rng.random() < 0.3:
        options = _NAMED[name]
        return options[rng.integers(len(options))]
    h, s, v = (rng.uniform(*r) for r in _RANGES[name])
    return tuple(round(255 * c) for c in colorsys.hsv_to_rgb((h % 360) / 360, s, v))


def _distance(a, b):
    return math.dist(a, b)


def random_scene(rng, width=96, height=96, max_shapes=4, count=None):
    """A scene with no overlaps, nothing near the border, and clear colour differences."""
    if count is None:
        count = 0 if rng.random() < 0.03 else int(rng.integers(1, max_shapes + 1))
    background = COLOURS[rng.integers(len(COLOURS))]
    background_rgb = _colour(rng, background)
    side = math.sqrt(width * height)
    shapes = []
    tries = 0
    while len(shapes) < count and tries < 200:
        tries += 1
        kind = SHAPES[rng.integers(len(SHAPES))]
        colour = COLOURS[rng.integers(len(COLOURS))]
        if colour == background:
            continue
        rgb = _colour(rng, colour)
        if _distance(rgb, background_rgb) < 95:
            continue
        row, column = int(rng.integers(3)), int(rng.integers(3))
        if any(s.row == row and s.column == column for s in shapes):
            continue
        size = SIZES[rng.integers(2)]
        if size == "small":
            radius = side * rng.uniform(0.085, 0.11)
        else:
            radius = side * rng.uniform(0.15, 0.36 if count == 1 and rng.random() < 0.5 else 0.20)
        reach = radius * _EXTENT[kind] + 1
        x_low = max(_BANDS[column][0] * width, reach)
        x_high = min(_BANDS[column][1] * width, width - reach)
        y_low = max(_BANDS[row][0] * height, reach)
        y_high = min(_BANDS[row][1] * height, height - reach)
        if x_low > x_high or y_low > y_high:
            continue
        x, y = rng.uniform(x_low, x_high), rng.uniform(y_low, y_high)
        if any(math.hypot(s.x - x, s.y - y) < s.radius * _EXTENT[s.kind] + reach + 1 for s in shapes):
            continue
        angle = rng.uniform(-12, 12) if rng.random() < 0.6 else 0.0
        shapes.append(Shape(kind, colour, size, row, column, x, y, radius, angle, rgb))
    shapes.sort(key=lambda s: (s.row, s.column))
    return Scene(width, height, background, background_rgb, shapes)


def _outline(shape):
    """Corner points of a shape around (0, 0) with radius 1, or None for a circle."""
    if shape.kind == "circle":
        return None
    if shape.kind == "square":
        points = [(-0.87, -0.87), (0.87, -0.87), (0.87, 0.87), (-0.87, 0.87)]
    elif shape.kind == "triangle":
        points = [(0, -1.2), (1.08, 0.8), (-1.08, 0.8)]
    else:
        points = []
        for i in range(10):
            reach = 1.22 if i % 2 == 0 else 0.52
            turn = math.pi * (i / 5 - 0.5)
            points.append((reach * math.cos(turn), reach * math.sin(turn)))
    cos, sin = math.cos(math.radians(shape.angle)), math.sin(math.radians(shape.angle))
    return [(x * cos - y * sin, x * sin + y * cos) for x, y in points]


def _draw(draw, shape, scale_x, scale_y, fill):
    points = _outline(shape)
    r = shape.radius
    if points is None:
        box = [(shape.x - r) * scale_x, (shape.y - r) * scale_y,
               (shape.x + r) * scale_x, (shape.y + r) * scale_y]
        draw.ellipse(box, fill=fill)
    else:
        draw.polygon([((shape.x + r * x) * scale_x, (shape.y + r * y) * scale_y)
                      for x, y in points], fill=fill)


def _textured(rng, scene, width, height):
    """The background: mostly one flat colour, else a gentle gradient, grain or stripes."""
    kind = rng.random()
    base = np.array(scene.rgb, dtype=np.float32)
    if kind < 0.55:
        return Image.new("RGB", (width, height), scene.rgb)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    xs, ys = xs / width, ys / height
    turn = rng.uniform(0, 2 * math.pi)
    along = np.cos(turn) * (xs - 0.5) + np.sin(turn) * (ys - 0.5)
    if kind < 0.78:
        shift = along * rng.uniform(10, 36)
    elif kind < 0.9:
        coarse = rng.normal(0, rng.uniform(2, 7), (12, 12)).astype(np.float32)
        shift = np.asarray(Image.fromarray(coarse).resize((width, height), Image.BICUBIC))
    else:
        shift = np.sin(along * rng.uniform(20, 60)) * rng.uniform(3, 8)
    return Image.fromarray(np.clip(base + shift[..., None], 0, 255).astype(np.uint8))


def render(rng, scene, width, height, smooth=1):
    """Draws the scene at any size. `smooth` > 1 draws larger first, for soft edges."""
    picture = _textured(rng, scene, width * smooth, height * smooth)
    draw = ImageDraw.Draw(picture)
    for shape in scene.shapes:
        _draw(draw, shape, width * smooth / scene.width, height * smooth / scene.height, shape.rgb)
    if smooth > 1:
        picture = picture.resize((width, height), Image.LANCZOS)
    return picture


def render_for_training(rng, scene):
    """The scene as it looks after coming from a file of some other size and quality."""
    u = rng.random()
    scale = rng.uniform(0.55, 1.0) if u < 0.08 else (1.0 if u < 0.2 else rng.uniform(1.2, 3.6))
    # Smart resize rounds each side on its own, which squeezes pictures a little.
    width = max(8, round(scene.width * scale * rng.uniform(0.94, 1.06)))
    height = max(8, round(scene.height * scale * rng.uniform(0.94, 1.06)))
    picture = render(rng, scene, width, height, smooth=2 if scale < 1.5 and rng.random() < 0.5 else 1)
    if rng.random() < 0.12:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9) * max(1.0, scale)))
    if rng.random() < 0.15:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=int(rng.integers(40, 95)))
        picture = Image.open(buffer)
    if picture.size != (scene.width, scene.height):
        method = Image.BICUBIC if rng.random() < 0.8 else Image.BILINEAR
        picture = picture.resize((scene.width, scene.height), method)
    pixels = np.asarray(picture)
    if rng.random() < 0.12:
        noise = rng.normal(0, rng.uniform(1, 7), pixels.shape)
        pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    return pixels


def cell_labels(scene, cell=16):
    """Which shape each cell of the merged patch grid shows: index, -1 for none, -2 unclear."""
    rows, columns = scene.height // cell, scene.width // cell
    fine = 4
    mask = Image.new("L", (columns * fine, rows * fine), 0)
    draw = ImageDraw.Draw(mask)
    for i, shape in enumerate(scene.shapes):
        _draw(draw, shape, fine / cell, fine / cell, i + 1)
    blocks = np.asarray(mask).reshape(rows, fine, columns, fine)
    labels = np.full((rows, columns), -1, dtype=np.int64)
    best = np.zeros((rows, columns))
    for i in range(len(scene.shapes)):
        share = (blocks == i + 1).mean((1, 3))
        labels[share > np.maximum(best, 0.12)] = i
        labels[(share > 0) & (share <= 0.12) & (labels == -1)] = -2
        best = np.maximum(best, share)
    return labels.reshape(-1)
