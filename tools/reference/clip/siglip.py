"""SigLIP and SigLIP 2 checkpoints in Hugging Face's layout, computed by transformers."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL import Image
from transformers import (
    AutoImageProcessor,
    AutoTokenizer,
    Siglip2Config,
    Siglip2Model,
    Siglip2Tokenizer,
    SiglipConfig,
    SiglipModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from clip_tokenizer_files import write_json
from expected import Tensors, record, write_expected
from hf_clip import text_tensors, vision_tensors
from pictures import as_palette, picture, with_alpha, write_png
from siglip_tokenizer_files import gemma_bpe, write_siglip, write_siglip2
from weights import randomise

TEXTS = [
    "A photo of a RED circle!",
    "two small cats: 24/7 & a blue-green square",
    "the picture shows a green triangle on the left of a big yellow circle and two small dogs in a "
    "cafe near the harbour, where the evening is red and a yellow line is on a white house with a "
    "green door and an old car stands on the left of it",
]
SIGLIP_VOCABULARY = 325
CONTEXT = 64


@dataclass(frozen=True)
class SiglipCase:
    name: str
    model: type
    seed: int
    vision: dict[str, Any]
    text: dict[str, Any] = field(default_factory=dict)
    tokenizer: str = "siglip"
    context: int = CONTEXT
    processor: dict[str, Any] = field(default_factory=dict)
    attentions: bool = False


def tower(**changes: Any) -> dict[str, Any]:
    base = dict(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4
    )
    return {**base, **changes}


CASES = [
    SiglipCase(
        "siglip",
        SiglipModel,
        61,
        tower(image_size=32, patch_size=16, num_hidden_layers=3),
        tower(vocab_size=SIGLIP_VOCABULARY, num_attention_heads=2),
        processor=dict(size={"height": 32, "width": 32}, resample=3),
        attentions=True,
    ),
    SiglipCase(
        "siglip2_fixed",
        SiglipModel,
        62,
        tower(image_size=42, patch_size=14, hidden_size=40, num_attention_heads=2),
        tower(vocab_size=len(gemma_bpe()[0]), projection_size=40, max_position_embeddings=24),
        tokenizer="siglip2 published",
        context=24,
        processor=dict(size={"height": 42, "width": 42}, resample=2),
    ),
    SiglipCase(
        "siglip2_naflex",
        Siglip2Model,
        63,
        tower(num_patches=25, patch_size=8),
        tower(vocab_size=len(gemma_bpe()[0]), max_position_embeddings=24),
        tokenizer="siglip2",
        context=24,
        processor=dict(max_num_patches=20, patch_size=8, resample=2),
    ),
    SiglipCase(
        "siglip_vision_only",
        SiglipVisionModel,
        64,
        tower(image_size=28, patch_size=14),
        processor=dict(size={"height": 28, "width": 28}, resample=3),
    ),
]


# --------------------------------------------------------------------------- checkpoint


def build(case: SiglipCase) -> torch.nn.Module:
    if case.model is SiglipVisionModel:
        config = SiglipVisionConfig(**case.vision)
    else:
        kind = Siglip2Config if case.model is Siglip2Model else SiglipConfig
        config = kind(text_config=case.text, vision_config=case.vision)
    model = case.model(config)
    randomise(model, case.seed)
    return model


def write_checkpoint(folder: Path, case: SiglipCase) -> None:
    build(case).save_pretrained(folder)
    if case.text:
        write_json(folder / "config.json", published_config(folder, case))


def published_config(folder: Path, case: SiglipCase) -> dict[str, Any]:
    """Like google's: only what differs from the defaults."""
    written = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kinds = {key: written[key]["model_type"] for key in ("text_config", "vision_config")}
    return {
        "architectures": written["architectures"],
        "initializer_factor": 1.0,
        "model_type": written["model_type"],
        "text_config": {**case.text, "model_type": kinds["text_config"]},
        "torch_dtype": "float32",
        "transformers_version": "4.49.0",
        "vision_config": {**case.vision, "model_type": kinds["vision_config"]},
    }


def write_processors(folder: Path, case: SiglipCase) -> None:
    kind = "Siglip2ImageProcessor" if case.model is Siglip2Model else "SiglipImageProcessor"
    config = {
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_processor_type": kind,
        "image_std": [0.5, 0.5, 0.5],
        "rescale_factor": 0.00392156862745098,
        **case.processor,
    }
    write_json(folder / "preprocessor_config.json", config)
    if case.tokenizer == "siglip" and case.text:
        write_siglip(folder, case.context)
    elif case.text:
        write_siglip2(folder, case.context, published="published" in case.tokenizer)


# --------------------------------------------------------------------------- inputs


def write_pictures(folder: Path, case: SiglipCase) -> list[str]:
    if case.model is Siglip2Model:
        pictures = {
            "wide.png": picture(70, 23, case.seed),
            "square.png": with_alpha(picture(30, 31, case.seed + 1)),
            "tall.png": picture(18, 64, case.seed + 2),
        }
    else:
        pictures = {
            "photo.png": picture(40, 43, case.seed),
            "cutout.png": with_alpha(picture(60, 51, case.seed + 1)),
            "stamp.png": as_palette(picture(33, 71, case.seed + 2)),
        }
    for name, image in pictures.items():
        write_png(image, folder / name)
    return list(pictures)


def tokenize(folder: Path, case: SiglipCase) -> torch.Tensor:
    """SigLIP by sentencepiece; SigLIP 2 by transformers' own class, which lower-cases."""
    kind = AutoTokenizer if case.tokenizer == "siglip" else Siglip2Tokenizer
    tokenizer = kind.from_pretrained(folder)
    batch = tokenizer(
        TEXTS,
        padding="max_length",
        truncation=True,
        max_length=case.context,
        return_tensors="pt",
    )
    assert set(batch) == {"input_ids"}, "no attention mask: padding is attended"
    return batch["input_ids"]


# --------------------------------------------------------------------------- reference run


def run_fixed(case: SiglipCase) -> Callable[[Any, Tensors], Tensors]:
    ask = dict(output_hidden_states=True, output_attentions=case.attentions)

    def run(model: Any, inputs: Tensors) -> Tensors:
        pixels = inputs["pixel_values"]
        out = (model if not case.text else model.vision_model)(pixel_values=pixels, **ask)
        tensors = vision_tensors(out, case.attentions)
        tensors["vision.pooled"] = out.pooler_output
        if case.text:
            tensors["image_features"] = model.get_image_features(pixels).pooler_output
            tensors |= both_towers(model, inputs)
        return tensors

    return run


def run_naflex(model: Any, inputs: Tensors) -> Tensors:
    """Values of each picture without its padding rows, named by the picture's number."""
    names = ("pixel_values", "pixel_attention_mask", "spatial_shapes")
    vision = {name: inputs[name] for name in names}
    out = model.vision_model(**vision, output_hidden_states=True)
    tensors: Tensors = {}
    embeddings = model.vision_model.embeddings
    side = embeddings.position_embedding_size
    table = embeddings.position_embedding.weight.reshape(side, side, -1)
    positions = embeddings.resize_positional_embeddings(
        table, vision["spatial_shapes"], max_length=vision["pixel_values"].shape[1]
    )
    for i, (height, width) in enumerate(vision["spatial_shapes"].tolist()):
        rows = slice(0, height * width)
        tensors[f"vision.positions.{i}"] = positions[i, rows]
        for k, state in enumerate(out.hidden_states):
            tensors[f"vision.hidden_states.{k}.{i}"] = state[i, rows]
        tensors[f"vision.last_hidden_state.{i}"] = out.last_hidden_state[i, rows]
    tensors["vision.pooled"] = out.pooler_output
    tensors["image_features"] = model.get_image_features(**vision).pooler_output
    return tensors | both_towers(model, inputs)


def both_towers(model: Any, inputs: Tensors) -> Tensors:
    out = model.text_model(input_ids=inputs["input_ids"], output_hidden_states=True)
    tensors = text_tensors(out, False)
    tensors["text.pooled"] = out.pooler_output
    tensors["text_features"] = model.get_text_features(inputs["input_ids"]).pooler_output
    both = model(**inputs, return_loss=True)
    tensors["logits_per_image"] = both.logits_per_image
    tensors["probabilities"] = torch.sigmoid(both.logits_per_image)
    tensors["loss.sigmoid"] = both.loss.reshape(1)
    return tensors


def make(folder: Path, case: SiglipCase) -> None:
    write_checkpoint(folder, case)
    write_processors(folder, case)
    pictures = write_pictures(folder, case)
    images = [Image.open(folder / name) for name in pictures]
    processor = AutoImageProcessor.from_pretrained(folder)
    inputs = dict(processor(images=images, return_tensors="pt"))
    if case.text:
        inputs["input_ids"] = tokenize(folder, case)
    model = case.model.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    naflex = case.model is Siglip2Model
    tensors = record(model, inputs, run_naflex if naflex else run_fixed(case))
    facts: dict[str, Any] = {
        "reference": f"transformers {transformers.__version__} {case.model.__name__}",
        "weights": "model.safetensors",
        "pictures": pictures,
        "pictureModes": [image.mode for image in images],
        "patchSize": case.vision["patch_size"],
    }
    if naflex:
        shapes = inputs["spatial_shapes"].tolist()
        facts["spatialShapes"] = shapes
        for i, (height, width) in enumerate(shapes):
            tensors[f"pixel_values.{i}"] = inputs["pixel_values"][i, : height * width]
    else:
        facts["imageSize"] = case.vision["image_size"]
        tensors["pixel_values"] = inputs["pixel_values"]
    if case.text:
        facts |= {
            "texts": TEXTS,
            "contextLength": case.context,
            "inputIds": inputs["input_ids"].tolist(),
            "logitScale": model.logit_scale.exp().item(),
            "logitBias": model.logit_bias.item(),
        }
    write_expected(folder, tensors, facts)


def cases() -> dict[str, Callable[[Path], None]]:
    return {case.name: (lambda folder, case=case: make(folder, case)) for case in CASES}
