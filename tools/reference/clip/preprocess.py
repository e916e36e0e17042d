"""Writes the fixtures of vlm-vision's tests of CLIP, SigLIP and NaFlex preprocessing.

Usage: python preprocess.py --out vlm-vision/src/test/resources/clip-preprocess

`cases.json` has one row per picture, processor and backend; arrays are zlib-compressed raw bytes in
`data/<hash>.z`: `pixels` are the 8-bit levels before normalisation, `values` the result.
"""

import argparse
import hashlib
import json
import shutil
import zlib
from pathlib import Path
from typing import Any

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: F401
except ImportError:
    pass

import numpy as np
import torch
from open_clip.transform import image_transform
from PIL import Image
from transformers import CLIPImageProcessor, Siglip2ImageProcessor, SiglipImageProcessor
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

from pictures import (
    as_grey_alpha,
    as_one_bit,
    as_palette,
    as_sixteen_bit,
    large_picture,
    picture,
    with_alpha,
    write_png,
)

SIZE = 32

PICTURES = {
    "palette.png": as_palette(picture(45, 30, 51)),
    "grey_alpha.png": as_grey_alpha(picture(30, 52, 52)),
    "one_bit.png": as_one_bit(picture(37, 50, 53)),
    "alpha.png": with_alpha(picture(53, 41, 54)),
    "sixteen_bit.png": as_sixteen_bit(picture(44, 35, 55)),
    "portrait.png": picture(31, 77, 56),
    "landscape.png": picture(90, 29, 57),
    "tiny.png": picture(5, 9, 58),
    "large.png": large_picture(640, 480),
    "exact.png": picture(SIZE, SIZE, 59),
}

CLIP = {"size": {"shortest_edge": SIZE}, "crop_size": {"height": SIZE, "width": SIZE}}
# the crop is larger than the resized picture and is filled with zeros around it
CLIP_PADDED = {"size": {"shortest_edge": 24}, "crop_size": {"height": 33, "width": 33}}
CLIP_STRETCHED = {"size": {"height": 20, "width": 28}, "resample": 2, "do_center_crop": False}
SIGLIP = {"size": {"height": SIZE, "width": SIZE}}
NAFLEX = {"patch_size": 8, "max_num_patches": 20, "do_convert_rgb": True}

PROCESSORS = [
    ("clip", CLIP, CLIPImageProcessor, CLIPImageProcessorPil),
    ("clip", CLIP_PADDED, CLIPImageProcessor, CLIPImageProcessorPil),
    ("clip", CLIP_STRETCHED, CLIPImageProcessor, CLIPImageProcessorPil),
    ("siglip", SIGLIP, SiglipImageProcessor, SiglipImageProcessorPil),
    ("naflex", NAFLEX, Siglip2ImageProcessor, Siglip2ImageProcessorPil),
]
WITH_VALUES = ("alpha.png", "portrait.png")


class Store:
    """Arrays by the hash of their bytes, so that equal ones are stored once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)

    def __call__(self, array: np.ndarray) -> str:
        raw = np.ascontiguousarray(array).tobytes()
        name = hashlib.sha256(raw).hexdigest()[:16] + ".z"
        (self.folder / name).write_bytes(zlib.compress(raw, 9))
        return name


def hugging_face(store: Store, images: dict[str, Image.Image]) -> list[dict[str, Any]]:
    rows = []
    for processor, config, torchvision, pillow in PROCESSORS:
        for backend, kind in (("torchvision", torchvision), ("pillow", pillow)):
            levels = kind(**config, do_rescale=False, do_normalize=False)
            full = kind(**config)
            for name, image in images.items():
                pixels = np.asarray(levels(images=[image])["pixel_values"][0])
                assert pixels.dtype == np.uint8
                result = full(images=[image])
                values = np.asarray(result["pixel_values"][0], dtype=np.float32)
                row = {"picture": name, "processor": processor, "backend": backend}
                if "spatial_shapes" in result:
                    height, width = (int(side) for side in result["spatial_shapes"][0])
                    row["grid"] = [height, width]
                    pixels, values = pixels[: height * width], values[: height * width]
                row |= {"shape": list(pixels.shape), "pixels": store(pixels)}
                if name in WITH_VALUES:
                    row["values"] = store(values)
                row["config"] = {**preprocessor_config(full), **config}
                rows.append(row)
    return rows


def preprocessor_config(processor: Any) -> dict[str, Any]:
    """The keys that decide, as in preprocessor_config.json."""
    keys = (
        "image_processor_type",
        "do_resize",
        "resample",
        "do_center_crop",
        "do_rescale",
        "rescale_factor",
        "do_normalize",
        "image_mean",
        "image_std",
        "do_convert_rgb",
    )
    written = json.loads(processor.to_json_string())
    return {key: written[key] for key in keys if written.get(key) is not None}


def open_clip_transform(store: Store, images: dict[str, Image.Image]) -> list[dict[str, Any]]:
    transform = image_transform(SIZE, is_train=False)
    rows = []
    for name, image in images.items():
        levels = image
        for step in transform.transforms[:-1]:
            levels = step(levels)
        pixels = torch.round(levels * 255).to(torch.uint8).numpy()
        row = {"picture": name, "processor": "open_clip", "backend": "pillow"}
        row |= {"shape": list(pixels.shape), "pixels": store(pixels)}
        if name in WITH_VALUES:
            row["values"] = store(transform(image).numpy())
        row["config"] = {"size": SIZE}
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    store = Store(out / "data")
    for name, image in PICTURES.items():
        write_png(image, out / name)
    images = {name: Image.open(out / name) for name in PICTURES}
    for name, image in images.items():
        image.load()
        assert image.mode == PICTURES[name].mode, (name, image.mode)
    rows = hugging_face(store, images) + open_clip_transform(store, images)
    for row in rows:
        image = images[row["picture"]]
        row |= {"mode": image.mode, "width": image.width, "height": image.height}
    text = ",\n".join(json.dumps(row) for row in rows)
    (out / "cases.json").write_text("[\n" + text + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
