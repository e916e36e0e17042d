"""Small deterministic pictures in the modes that image processors treat differently."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def picture(width: int, height: int, seed: int) -> Image.Image:
    """An RGB scene: smooth colour waves with grain, a disc and a bar with hard edges."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    angles = rng.uniform(0, 2 * np.pi, size=3)
    waves = [
        127.5
        + 95 * np.sin((np.cos(a) * x / max(width, 8) + np.sin(a) * y / max(height, 8)) * 4 + a)
        for a in angles
    ]
    grain = rng.normal(0, 7, size=(height, width, 3))
    image = Image.fromarray(
        np.clip(np.stack(waves, axis=-1) + grain, 0, 255).astype(np.uint8), mode="RGB"
    )
    draw = ImageDraw.Draw(image)
    disc, bar = (tuple(map(int, colour)) for colour in rng.integers(0, 256, size=(2, 3)))
    radius = min(width, height) * 0.28
    cx, cy = width * 0.36, height * 0.58
    draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=disc)
    draw.rectangle((width * 0.68, height * 0.08, width * 0.84, height * 0.77), fill=bar)
    return image


def with_alpha(image: Image.Image) -> Image.Image:
    """RGBA whose alpha runs from clear to opaque and has a hard hole."""
    width, height = image.size
    alpha = np.tile(np.linspace(0, 255, width), (height, 1)).astype(np.uint8)
    alpha[: height // 3, width // 2 :] = 0
    alpha[height // 2 :, : width // 3] = 255
    result = image.convert("RGBA")
    result.putalpha(Image.fromarray(alpha))
    return result


def as_palette(image: Image.Image, colours: int = 23) -> Image.Image:
    """A palette picture whose first entry is transparent."""
    result = image.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    result.info["transparency"] = 0
    return result


def as_grey_alpha(image: Image.Image) -> Image.Image:
    return with_alpha(image).convert("LA")


def as_one_bit(image: Image.Image) -> Image.Image:
    return image.convert("1")


def as_sixteen_bit(image: Image.Image) -> Image.Image:
    """Values around 255: Pillow clips them there when it converts to 8 bits."""
    grey = np.asarray(image.convert("L"), dtype=np.uint16)
    return Image.fromarray(grey * 2 + 3, mode="I;16")


def large_picture(width: int, height: int) -> Image.Image:
    """Fine stripes, rings and lettering-like blocks in few colours: aliases if not filtered."""
    y, x = np.mgrid[0:height, 0:width]
    rings = ((np.hypot(x - width * 0.4, y - height * 0.5) // 9) % 2) * 120
    stripes = ((x + 2 * y) // 7 % 3) * 60
    blocks = ((x // 23) * (y // 17) % 5) * 50
    pixels = np.stack([rings + stripes, stripes + blocks, 255 - rings], axis=-1)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), mode="RGB")


def write_png(image: Image.Image, path: Path) -> None:
    image.save(path, format="PNG", optimize=True, **transparency(image))


def transparency(image: Image.Image) -> dict[str, int]:
    return {"transparency": image.info["transparency"]} if "transparency" in image.info else {}
