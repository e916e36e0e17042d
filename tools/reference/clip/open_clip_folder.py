"""A folder as open_clip publishes models: its config decides what tensor names leave open."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image
from safetensors.torch import save_file

import clip_tokenizer_files as tokens
from expected import record, write_expected
from openai_clip import TEXTS, run
from pictures import as_palette, picture, with_alpha, write_png
from weights import randomise

# GELU is exact because "quick_gelu" is absent; heads are 48 / 16, not 48 // 64.
VISION = {"image_size": 32, "layers": 2, "width": 48, "head_width": 16, "patch_size": 8}
TEXT = {
    "context_length": tokens.CONTEXT,
    "vocab_size": len(tokens.vocabulary()),
    "width": 32,
    "heads": 2,
    "layers": 2,
}
PREPROCESS = {
    "mean": [0.5, 0.4, 0.3],
    "std": [0.5, 0.25, 0.3],
    "interpolation": "bilinear",
    "resize_mode": "squash",
}
EMBED = 24
FILE = "open_clip_model.safetensors"


def make(folder: Path) -> None:
    model = CLIP(EMBED, CLIPVisionCfg(**VISION), CLIPTextCfg(**TEXT))
    randomise(model, seed=81)
    save_file(model.state_dict(), folder / FILE)
    config = {
        "model_cfg": {"embed_dim": EMBED, "vision_cfg": VISION, "text_cfg": TEXT},
        "preprocess_cfg": PREPROCESS,
    }
    tokens.write_json(folder / "open_clip_config.json", config)
    tokens.write_gzip(folder)
    pictures = {
        "photo.png": picture(40, 43, 81),
        "cutout.png": with_alpha(picture(60, 51, 82)),
        "stamp.png": as_palette(picture(33, 71, 83)),
    }
    for name, image in pictures.items():
        write_png(image, folder / name)

    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokenizer = SimpleTokenizer(
        bpe_path=str(folder / "bpe_simple_vocab_16e6.txt.gz"), context_length=tokens.CONTEXT
    )
    images = [Image.open(folder / name) for name in pictures]
    inputs = {
        "pixel_values": torch.stack([transform(image) for image in images]),
        "input_ids": tokenizer(TEXTS),
    }
    tensors = record(model, inputs, run)
    tensors["pixel_values"] = inputs["pixel_values"]
    ids = inputs["input_ids"]
    facts: dict[str, Any] = {
        "reference": f"open_clip {open_clip.__version__} create_model_from_pretrained",
        "weights": FILE,
        "pictures": list(pictures),
        "pictureModes": [image.mode for image in images],
        "imageSize": VISION["image_size"],
        "patchSize": VISION["patch_size"],
        "texts": TEXTS,
        "contextLength": tokens.CONTEXT,
        "inputIds": ids.tolist(),
        "pooledPositions": ids.argmax(dim=1).tolist(),
        "textLengths": (ids.argmax(dim=1) + 1).tolist(),
        "logitScale": model.logit_scale.exp().item(),
    }
    write_expected(folder, tensors, facts)


def cases() -> dict[str, Callable[[Path], None]]:
    return {"open_clip_folder": make}
