"""Small deterministic pictures with edges, gradients and grain, so that resampling shows."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def picture(width: int, height: int, seed: int, shift: float = 0.0) -> Image.Image:
    """A gradient with a disc and a bar; `shift` (fraction of the width) moves the disc."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    angle = rng.uniform(0, 2 * np.pi, size=3)
    ramp = [
        127.5
        + 100 * np.sin(np.cos(a) * x * 3 / max(width, 8) + np.sin(a) * y * 3 / max(height, 8) + a)
        for a in angle
    ]
    grain = rng.normal(0, 6, size=(height, width, 3))
    pixels = np.clip(np.stack(ramp, axis=-1) + grain, 0, 255).astype(np.uint8)
    image = Image.fromarray(pixels, mode="RGB")
    draw = ImageDraw.Draw(image)
    colours = rng.integers(0, 256, size=(2, 3))
    radius = min(width, height) * 0.3
    cx = width * (0.3 + shift)
    cy = height * 0.55
    draw.ellipse(
        (cx - radius, cy - radius, cx + radius, cy + radius), fill=tuple(map(int, colours[0]))
    )
    draw.rectangle(
        (width * 0.7, height * 0.1, width * 0.85, height * 0.8), fill=tuple(map(int, colours[1]))
    )
    return image


def write_png(image: Image.Image, path: Path) -> None:
    image.save(path, format="PNG", optimize=True)
