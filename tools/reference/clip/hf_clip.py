"""CLIP checkpoints in Hugging Face's layout, computed by transformers."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import (
    AutoImageProcessor,
    AutoTokenizer,
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModel,
    CLIPVisionModelWithProjection,
)

import clip_tokenizer_files as tokens
from clip_tokenizer_files import write_json
from expected import Tensors, record, write_expected
from pictures import as_palette, picture, with_alpha, write_png
from weights import randomise

VOCABULARY = len(tokens.vocabulary())
END_ID = tokens.vocabulary()[tokens.END]

TEXTS = [
    "a photo of a red circle",
    "Two DOGS: it's 37!",
    "the picture shows a green triangle on the left of a big yellow circle and it is not the same",
]

MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]


@dataclass(frozen=True)
class HfCase:
    name: str
    model: type
    seed: int
    vision: dict[str, Any] = field(default_factory=dict)
    text: dict[str, Any] = field(default_factory=dict)
    projection: int = 24
    dtype: torch.dtype = torch.float32
    file: str = "model.safetensors"
    # names and buffers as published files have them (older transformers), not as 5.x writes them
    published_names: bool = False
    old_config: bool = False
    config_dicts: bool = False
    tokenizer: str = "old"
    pad_token: str = tokens.END
    extra_tokens: tuple[str, ...] = ()
    texts: tuple[str, ...] = tuple(TEXTS)
    attentions: bool = False


def vision(image: int, patch: int, **changes: Any) -> dict[str, Any]:
    base = dict(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=image,
        patch_size=patch,
        projection_dim=24,
    )
    return {**base, **changes}


def text(**changes: Any) -> dict[str, Any]:
    base = dict(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=tokens.CONTEXT,
        projection_dim=24,
        bos_token_id=END_ID - 1,
        eos_token_id=END_ID,
        pad_token_id=1,
    )
    return {**base, **changes}


CASES = [
    HfCase(
        "hf_vit_p16_quickgelu",
        CLIPModel,
        11,
        vision(48, 16, num_hidden_layers=3),
        text(bos_token_id=0, eos_token_id=2),
        published_names=True,
        old_config=True,
        attentions=True,
    ),
    HfCase(
        "hf_vit_p14_gelu",
        CLIPModel,
        12,
        vision(42, 14, num_attention_heads=2, hidden_act="gelu", layer_norm_eps=1e-4),
        text(hidden_act="gelu", layer_norm_eps=3e-4, vocab_size=VOCABULARY + 1, hidden_size=40),
        projection=48,
        tokenizer="new",
        pad_token="!",
        extra_tokens=("<photo>",),
        texts=(*TEXTS, "a photo of a dog <photo> in the square"),
    ),
    HfCase(
        "hf_f16",
        CLIPModel,
        13,
        vision(28, 14),
        text(eos_token_id=END_ID),
        dtype=torch.float16,
        published_names=True,
        old_config=True,
        config_dicts=True,
    ),
    HfCase("hf_vision_only", CLIPVisionModel, 14, vision(32, 16), published_names=True),
    HfCase(
        "hf_vision_projection",
        CLIPVisionModelWithProjection,
        15,
        vision(37, 12, hidden_act="gelu", projection_dim=20),
    ),
    HfCase(
        "hf_text_only",
        CLIPTextModel,
        16,
        text=text(bos_token_id=0, eos_token_id=2),
        published_names=True,
        file="pytorch_model.bin",
    ),
    HfCase(
        "hf_text_projection",
        CLIPTextModelWithProjection,
        17,
        text=text(hidden_act="gelu", projection_dim=40),
        pad_token="!",
        tokenizer="new",
    ),
]


# --------------------------------------------------------------------------- checkpoint


def build(case: HfCase) -> torch.nn.Module:
    if case.model is CLIPModel:
        config = CLIPConfig(
            text_config=case.text, vision_config=case.vision, projection_dim=case.projection
        )
    elif case.vision:
        config = CLIPVisionConfig(**case.vision)
    else:
        config = CLIPTextConfig(**case.text)
    model = case.model(config)
    randomise(model, case.seed)
    return model.to(case.dtype)


def write_checkpoint(folder: Path, case: HfCase) -> None:
    model = build(case)
    model.save_pretrained(folder)
    written = folder / "model.safetensors"
    state = load_file(written)
    if case.published_names:
        state = published(state, case)
        written.unlink()
        if case.file.endswith(".bin"):
            torch.save(state, folder / case.file)
        else:
            save_file(state, folder / case.file, metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    write_json(folder / "config.json", old_config(config, case) if case.old_config else config)


def published(state: Tensors, case: HfCase) -> Tensors:
    """The names of files on the hub: towers alone keep the prefix, position ids are stored."""
    prefix = {CLIPVisionModel: "vision_model.", CLIPTextModel: "text_model."}.get(case.model, "")
    state = {prefix + name: value for name, value in state.items()}
    for name in list(state):
        if name.endswith("position_embedding.weight"):
            ids = torch.arange(len(state[name])).expand(1, -1).contiguous()
            state[name.replace("position_embedding.weight", "position_ids")] = ids
    return dict(sorted(state.items()))


def old_config(config: dict[str, Any], case: HfCase) -> dict[str, Any]:
    """config.json as openai/clip-vit-* have it: `torch_dtype`, and the `…_config_dict` copies."""
    config.pop("dtype", None)
    config["torch_dtype"] = str(case.dtype).removeprefix("torch.")
    config["transformers_version"] = None
    config["initializer_factor"] = 1.0
    for key in ("text_config", "vision_config"):
        config[f"{key}_dict"] = None
        if case.config_dicts:
            config[f"{key}_dict"] = dict(config[key])
            # the copy wins, so these values must not be used
            config[key].update(layer_norm_eps=0.5, hidden_act="relu", num_attention_heads=1)
    return config


def write_processors(folder: Path, case: HfCase) -> None:
    if case.text:
        if case.tokenizer == "old":
            tokens.write_old_style(folder)
        else:
            tokens.write_new_style(folder, case.pad_token, case.extra_tokens)
    if case.vision:
        size = case.vision["image_size"]
        old = {
            "crop_size": size,
            "do_center_crop": True,
            "do_normalize": True,
            "do_resize": True,
            "feature_extractor_type": "CLIPFeatureExtractor",
            "image_mean": MEAN,
            "image_std": STD,
            "resample": 3,
            "size": size,
        }
        new = {
            "crop_size": {"height": size, "width": size},
            "do_center_crop": True,
            "do_convert_rgb": True,
            "do_normalize": True,
            "do_rescale": True,
            "do_resize": True,
            "image_mean": MEAN,
            "image_processor_type": "CLIPImageProcessor",
            "image_std": STD,
            "resample": 3,
            "rescale_factor": 0.00392156862745098,
            "size": {"shortest_edge": size},
        }
        write_json(folder / "preprocessor_config.json", old if case.published_names else new)


# --------------------------------------------------------------------------- inputs


def write_pictures(folder: Path, seed: int) -> list[str]:
    """Sides whose resized length is truncated and whose centre crop is not at a whole pixel."""
    pictures = {
        "photo.png": picture(40, 43, seed),
        "cutout.png": with_alpha(picture(60, 51, seed + 1)),
        "stamp.png": as_palette(picture(33, 71, seed + 2)),
    }
    for name, image in pictures.items():
        write_png(image, folder / name)
    return list(pictures)


def read_inputs(folder: Path, case: HfCase, pictures: list[str]) -> Tensors:
    inputs: Tensors = {}
    if case.vision:
        processor = AutoImageProcessor.from_pretrained(folder)
        images = [Image.open(folder / name) for name in pictures]
        inputs["pixel_values"] = processor(images=images, return_tensors="pt")["pixel_values"]
    if case.text:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        batch = tokenizer(
            list(case.texts),
            padding="max_length",
            truncation=True,
            max_length=tokens.CONTEXT,
            return_tensors="pt",
        )
        inputs["input_ids"] = batch["input_ids"]
    return inputs


# --------------------------------------------------------------------------- reference run


def vision_tensors(out: Any, attentions: bool) -> Tensors:
    tensors = {f"vision.hidden_states.{k}": h for k, h in enumerate(out.hidden_states)}
    if attentions:
        tensors |= {f"vision.attentions.{k}": a for k, a in enumerate(out.attentions)}
    tensors["vision.last_hidden_state"] = out.last_hidden_state
    return tensors


def text_tensors(out: Any, attentions: bool) -> Tensors:
    tensors = {f"text.hidden_states.{k}": h for k, h in enumerate(out.hidden_states)}
    if attentions:
        tensors |= {f"text.attentions.{k}": a for k, a in enumerate(out.attentions)}
    tensors["text.last_hidden_state"] = out.last_hidden_state
    return tensors


def run_towers(case: HfCase) -> Callable[[Any, Tensors], Tensors]:
    ask = dict(output_hidden_states=True, output_attentions=case.attentions)

    def run(model: Any, inputs: Tensors) -> Tensors:
        tensors: Tensors = {}
        if case.vision:
            pixels = inputs["pixel_values"]
            tower = model if case.model is CLIPVisionModel else model.vision_model
            out = tower(pixel_values=pixels, **ask)
            tensors |= vision_tensors(out, case.attentions)
            tensors["vision.pooled"] = out.pooler_output
            if case.model is CLIPModel:
                tensors["image_features"] = model.get_image_features(pixels).pooler_output
            elif case.model is CLIPVisionModelWithProjection:
                tensors["image_features"] = model(pixels).image_embeds
        if case.text:
            ids = inputs["input_ids"]
            tower = model if case.model is CLIPTextModel else model.text_model
            out = tower(input_ids=ids, **ask)
            tensors |= text_tensors(out, case.attentions)
            tensors["text.pooled"] = out.pooler_output
            if case.model is CLIPModel:
                tensors["text_features"] = model.get_text_features(ids).pooler_output
            elif case.model is CLIPTextModelWithProjection:
                tensors["text_features"] = model(ids).text_embeds
        if case.model is CLIPModel:
            both = model(**inputs)
            tensors["logits_per_image"] = both.logits_per_image
            tensors["probabilities"] = both.logits_per_image.softmax(dim=1)
            square = {name: value[:3] for name, value in inputs.items()}
            tensors["loss.contrastive"] = model(**square, return_loss=True).loss.reshape(1)
        return tensors

    return run


def make(folder: Path, case: HfCase) -> None:
    write_checkpoint(folder, case)
    write_processors(folder, case)
    pictures = write_pictures(folder, case.seed) if case.vision else []
    model = case.model.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    inputs = read_inputs(folder, case, pictures)
    tensors = record(model, inputs, run_towers(case))
    facts: dict[str, Any] = {
        "reference": f"transformers {transformers.__version__} {case.model.__name__}",
        "weights": case.file,
    }
    if case.vision:
        facts["pictures"] = pictures
        facts["pictureModes"] = [Image.open(folder / name).mode for name in pictures]
        facts["imageSize"] = case.vision["image_size"]
        facts["patchSize"] = case.vision["patch_size"]
        tensors["pixel_values"] = inputs["pixel_values"]
    if case.text:
        facts |= text_facts(folder, case, model, inputs["input_ids"])
    if case.model is CLIPModel:
        facts["logitScale"] = model.logit_scale.exp().item()
    write_expected(folder, tensors, facts)


def text_facts(folder: Path, case: HfCase, model: Any, ids: torch.Tensor) -> dict[str, Any]:
    tower = model if case.model is CLIPTextModel else model.text_model
    by_argmax = tower.config.eos_token_id == 2
    pooled = ids.argmax(dim=1) if by_argmax else (ids == tower.config.eos_token_id).int().argmax(1)
    return {
        "texts": list(case.texts),
        "contextLength": tokens.CONTEXT,
        "inputIds": ids.tolist(),
        "endTokenRule": "argmax" if by_argmax else f"first {tower.config.eos_token_id}",
        "pooledPositions": pooled.tolist(),
        # rows after the end token depend on whether padding is masked: compare rows up to it
        "textLengths": [row.index(END_ID) + 1 for row in ids.tolist()],
    }


def cases() -> dict[str, Callable[[Path], None]]:
    return {case.name: (lambda folder, case=case: make(folder, case)) for case in CASES}
