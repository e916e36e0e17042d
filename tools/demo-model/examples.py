"""Draws the pictures in examples/."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from scenes import Shape, _draw

# name: (width, height, background colour at the top and at the bottom, background's name, shapes);
# a shape is (kind, colour, rgb, size, x, y, radius, angle), lengths as shares of the width or height.
PICTURES = {
    "scene": (480, 480, (32, 72, 190), (22, 52, 150), "blue", [
        ("circle", "yellow", (255, 221, 40), "large", 0.23, 0.24, 0.17, 0),
        ("star", "white", (255, 255, 255), "small", 0.79, 0.20, 0.09, 8),
        ("triangle", "green", (60, 190, 80), "large", 0.25, 0.77, 0.17, 0),
        ("square", "red", (228, 48, 42), "small", 0.77, 0.78, 0.09, -6),
    ]),
    "two-shapes": (480, 480, (46, 150, 70), (38, 132, 60), "green", [
        ("circle", "red", (230, 40, 40), "large", 0.24, 0.25, 0.18, 0),
        ("square", "blue", (30, 70, 220), "small", 0.78, 0.77, 0.09, 0),
    ]),
    "stars": (640, 480, (12, 12, 16), (4, 4, 6), "black", [
        ("star", "yellow", (255, 214, 50), "large", 0.50, 0.50, 0.19, 0),
        ("star", "white", (255, 255, 255), "small", 0.18, 0.22, 0.09, 10),
        ("star", "orange", (255, 150, 20), "small", 0.82, 0.79, 0.09, -8),
    ]),
    "triangle": (400, 400, (255, 255, 255), (255, 255, 255), "white", [
        ("triangle", "purple", (135, 30, 150), "large", 0.50, 0.51, 0.26, 0),
    ]),
    "red-circle": (256, 256, (248, 248, 248), (248, 248, 248), "white", [
        ("circle", "red", (226, 32, 36), "large", 0.50, 0.50, 0.27, 0),
    ]),
    "wide": (800, 400, (248, 205, 40), (238, 190, 30), "yellow", [
        ("square", "black", (20, 20, 20), "large", 0.20, 0.50, 0.17, 0),
        ("circle", "blue", (40, 80, 220), "small", 0.52, 0.22, 0.09, 0),
        ("circle", "purple", (130, 40, 160), "large", 0.80, 0.52, 0.17, 0),
    ]),
}
SMOOTH = 3


def picture(width, height, top, bottom, shapes):
    w, h = width * SMOOTH, height * SMOOTH
    share = np.linspace(0, 1, h)[:, None, None]
    colours = np.array(top) * (1 - share) + np.array(bottom) * share
    image = Image.fromarray(np.broadcast_to(colours, (h, w, 3)).round().astype(np.uint8))
    draw = ImageDraw.Draw(image)
    side = (width * height) ** 0.5
    for kind, colour, rgb, size, x, y, radius, angle in shapes:
        shape = Shape(kind, colour, size, 0, 0, x * width, y * height, radius * side, angle, rgb)
        _draw(draw, shape, SMOOTH, SMOOTH, rgb)
    return image.resize((width, height), Image.LANCZOS)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name, (width, height, top, bottom, _, shapes) in PICTURES.items():
        picture(width, height, top, bottom, shapes).save(folder / f"{name}.png", optimize=True)
