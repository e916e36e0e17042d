"""Writes which size LLaVA-NeXT fits pictures into, and how many embeddings they become.

Usage: python tile_sizes.py --out FILE
"""

import argparse
import random
from pathlib import Path
from types import SimpleNamespace

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: F401
except ImportError:
    pass

from transformers.image_processing_utils import select_best_resolution
from transformers.models.llava_next.processing_llava_next import LlavaNextProcessor

# name: side of a tile, patches along it, pinpoints
GRIDS = {
    "llava-v1.6": (336, 24, [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]),
    "six": (384, 27, [[384 * i, 384 * j] for i in range(1, 7) for j in range(1, 7)]),
}
SIZES = [(1, 1), (336, 336), (672, 672), (336, 1008), (1008, 337), (1, 3000), (3000, 1), (480, 640)]


def embeddings(size: tuple[int, int], side: int, patches: int, pinpoints: list[list[int]]) -> int:
    """By the processor's own rule, for a vision tower without a class token."""
    self = SimpleNamespace(
        image_processor=SimpleNamespace(image_grid_pinpoints=pinpoints),
        patch_size=side // patches,
        num_additional_image_tokens=0,
    )
    self._get_unpadded_features = lambda *sizes: LlavaNextProcessor._get_unpadded_features(
        self, *sizes
    )
    return LlavaNextProcessor._get_number_of_features(self, *size, side, side)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    rng = random.Random(336)
    sizes = SIZES + [(rng.randint(1, 1500), rng.randint(1, 1500)) for _ in range(60)]
    lines = []
    for name, (side, patches, pinpoints) in GRIDS.items():
        for size in sizes:
            height, width = select_best_resolution(size, pinpoints)
            count = embeddings(size, side, patches, pinpoints)
            lines.append(f"{name},{size[0]},{size[1]},{height},{width},{count}")
    options.out.write_text("grid,height,width,fittedHeight,fittedWidth,embeddings\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
