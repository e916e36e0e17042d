"""Tiny vision encoders of the kinds that MiniMind-V's layouts read, as transformers saves them."""

import json
from pathlib import Path
from typing import Any

import torch
from transformers import (
    CLIPConfig,
    CLIPModel,
    Siglip2VisionConfig,
    Siglip2VisionModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from weights import randomise

WIDTH = 32
SIDE = 32
PATCH = 8
TOKENS = (SIDE // PATCH) ** 2

TOWER = dict(
    hidden_size=WIDTH, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4
)


def clip() -> CLIPModel:
    """The whole CLIP, as openai/clip-vit-base-patch16 is; the text tower is not used."""
    text = dict(
        vocab_size=12,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        max_position_embeddings=4,
    )
    vision = dict(TOWER, image_size=SIDE, patch_size=PATCH)
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=8))


def siglip() -> SiglipVisionModel:
    return SiglipVisionModel(SiglipVisionConfig(**TOWER, image_size=SIDE, patch_size=PATCH))


def naflex() -> Siglip2VisionModel:
    return Siglip2VisionModel(Siglip2VisionConfig(**TOWER, num_patches=TOKENS, patch_size=PATCH))


HALVES = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
COMMON = {"do_normalize": True, "do_rescale": True, "do_resize": True}
PREPROCESSORS: dict[str, dict[str, Any]] = {
    "clip": {
        **COMMON,
        "crop_size": SIDE,
        "do_center_crop": True,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "resample": 3,
        "size": SIDE,
    },
    "siglip": {
        **COMMON,
        **HALVES,
        "do_convert_rgb": True,
        "image_processor_type": "SiglipImageProcessor",
        "resample": 2,
        "size": {"height": SIDE, "width": SIDE},
    },
    "naflex": {
        **COMMON,
        **HALVES,
        "do_convert_rgb": True,
        "image_processor_type": "Siglip2ImageProcessor",
        "max_num_patches": TOKENS,
        "patch_size": PATCH,
        "resample": 2,
    },
}
MODELS = {"clip": (clip, 71), "siglip": (siglip, 72), "naflex": (naflex, 73)}


def write(out: Path, kind: str) -> Path:
    build, seed = MODELS[kind]
    folder = out / f"vision-{kind}"
    model = build()
    randomise(model, seed)
    model.to(torch.float16).save_pretrained(folder)
    text = json.dumps(PREPROCESSORS[kind], indent=1)
    (folder / "preprocessor_config.json").write_text(text + "\n", encoding="utf-8")
    return folder
