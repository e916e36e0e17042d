"""What the scripts for Qwen's vision-language models share: their inputs and the reference's runs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image
from transformers import AutoProcessor, GenerationConfig
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from pictures import picture, write_png
from tokenizer_files import build_tokenizer

NEW_TOKENS = 24
TOP = 5


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_generation_config(folder: Path, eos: list[int]) -> None:
    write_json(
        folder / "generation_config.json",
        {
            "bos_token_id": build_tokenizer().token_to_id("<|endoftext|>"),
            "pad_token_id": build_tokenizer().token_to_id("<|endoftext|>"),
            "do_sample": True,
            "eos_token_id": eos,
            "top_p": 0.8,
            "top_k": 20,
            "temperature": 0.7,
            "repetition_penalty": 1.0,
            "transformers_version": transformers.__version__,
        },
    )


def default_eos() -> list[int]:
    tokenizer = build_tokenizer()
    return [tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")]


def write_expected(path: Path, expected: dict[str, Any]) -> None:
    """One line per key: readable, and a list of ids stays on one line."""
    lines = [
        f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in expected.items()
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


@dataclass
class Inputs:
    prompt: str
    prompt_with_vision_id: str
    batch: dict[str, torch.Tensor]


def write_pictures(folder: Path, case: Any) -> None:
    for index, (name, (width, height)) in enumerate(case.pictures.items()):
        if name.startswith("frame_"):
            step = int(name.split("_")[1].split(".")[0])
            write_png(picture(width, height, seed=77, shift=0.09 * step), folder / name)
        else:
            write_png(picture(width, height, seed=1000 + 31 * index + width), folder / name)


def read_inputs(folder: Path, case: Any, fps: float | None, pillow: bool = False) -> Inputs:
    processor = AutoProcessor.from_pretrained(folder)
    if pillow:
        processor.image_processor = Qwen2VLImageProcessorPil(
            **{
                key: getattr(processor.image_processor, key)
                for key in (
                    "patch_size",
                    "temporal_patch_size",
                    "merge_size",
                    "image_mean",
                    "image_std",
                )
            },
            size=dict(processor.image_processor.size),
        )

    def render(**options: Any) -> str:
        return processor.apply_chat_template(
            case.messages,
            chat_template=processor.chat_template or processor.tokenizer.chat_template,
            add_generation_prompt=True,
            tokenize=False,
            **options,
        )

    content = [m["content"] for m in case.messages if isinstance(m["content"], list)]
    items = [item for parts in content for item in parts]
    images = [Image.open(folder / i["image"]) for i in items if i["type"] == "image"]
    videos = [
        np.stack([np.asarray(Image.open(folder / f)) for f in i["video"]])
        for i in items
        if i["type"] == "video"
    ]
    options: dict[str, Any] = {}
    if videos:
        options["do_sample_frames"] = False
        if fps is not None:
            options["video_metadata"] = [
                {"total_num_frames": len(v), "fps": fps, "frames_indices": list(range(len(v)))}
                for v in videos
            ]
    prompt = render()
    batch = processor(
        text=[prompt], images=images or None, videos=videos or None, return_tensors="pt", **options
    )
    return Inputs(prompt, render(add_vision_id=True), dict(batch))


def greedy(
    model: Any, batch: dict[str, torch.Tensor], **options: Any
) -> tuple[list[int], torch.Tensor]:
    """Greedy tokens and the raw logits of each step; no eos unless given."""
    model.generation_config = GenerationConfig(pad_token_id=0)
    model.model.rope_deltas = None
    out = model.generate(
        **batch,
        do_sample=False,
        max_new_tokens=NEW_TOKENS,
        output_logits=True,
        return_dict_in_generate=True,
        **options,
    )
    tokens = out.sequences[0, batch["input_ids"].shape[1] :].tolist()
    return tokens, torch.stack([step[0] for step in out.logits])


def margins(logits: torch.Tensor) -> torch.Tensor:
    top = logits.topk(2, dim=-1).values
    return top[:, 0] - top[:, 1]


def stands_firm(model: Any, inputs: Inputs, tokens: list[int], pillow: Inputs) -> bool:
    """Whether pixel differences within the allowed tolerance leave the greedy tokens alone."""
    if "pixel_values" not in inputs.batch:
        return True
    if greedy(model, pillow.batch)[0] != tokens:
        return False
    rng = torch.Generator().manual_seed(5)
    for _ in range(3):
        batch = dict(inputs.batch)
        for key in ("pixel_values", "pixel_values_videos"):
            if key in batch:
                chance = torch.rand(batch[key].shape, generator=rng)
                sign = torch.randint(0, 2, batch[key].shape, generator=rng) * 2 - 1
                levels = (chance < 0.05).float() + (chance < 0.01).float()
                batch[key] = batch[key] + sign * levels / 127.5
        if greedy(model, batch)[0] != tokens:
            return False
    return True


def depends_on_pictures(model: Any, inputs: Inputs, tokens: list[int]) -> bool:
    for key in ("pixel_values", "pixel_values_videos"):
        if key in inputs.batch:
            changed = greedy(model, {**inputs.batch, key: -inputs.batch[key]})[0]
            if changed == tokens:
                return False
    return True


def split_by_item(
    prefix: str, grids: torch.Tensor, pixels: torch.Tensor, stages: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    rows = grids.prod(-1).tolist()
    found = {}
    for name, value in {"pixel_values": pixels, **stages}.items():
        merged = value.shape[0] != sum(rows)
        for i, part in enumerate(value.split([r // 4 if merged else r for r in rows])):
            found[f"{prefix}.{i}.{name}"] = part
    return found


@dataclass
class Answer:
    tokens: list[int]
    logits: torch.Tensor
    eos: list[int]
    until_eos: list[int]


def positions_of(model: Any, batch: dict[str, torch.Tensor]) -> tuple[list[list[int]], int]:
    """The positions of a prompt on three axes, and how far they lag behind the tokens' indexes."""
    keys = ("image_grid_thw", "video_grid_thw", "second_per_grid_ts", "mm_token_type_ids")
    known = {key: batch[key] for key in keys if key in batch}
    if "image_grid_thw" in batch or "video_grid_thw" in batch:
        positions, delta = model.model.get_rope_index(batch["input_ids"], **known)
        return positions[:, 0].tolist(), int(delta)
    return [list(range(batch["input_ids"].shape[1]))] * 3, 0


def describe(
    folder: Path,
    case: Any,
    inputs: Inputs,
    positions: tuple[list[list[int]], int],
    answer: Answer,
    tensors: dict[str, torch.Tensor],
    seed: int,
    noise: float,
) -> dict[str, Any]:
    """What goes into expected.json."""
    batch, tokens, logits = inputs.batch, answer.tokens, answer.logits
    tokenizer = AutoProcessor.from_pretrained(folder).tokenizer
    logprobs = torch.log_softmax(logits.double(), dim=-1)
    return {
        "case": case.name,
        "transformers": transformers.__version__,
        "torch": torch.__version__.split("+")[0],
        "seed": seed,
        "weights": case.dtype,
        "tied": case.tied,
        "prompt": inputs.prompt,
        "promptWithVisionId": inputs.prompt_with_vision_id,
        "promptTokenIds": batch["input_ids"][0].tolist(),
        "mmTokenTypeIds": batch["mm_token_type_ids"][0].tolist(),
        "imageGridThw": batch["image_grid_thw"].tolist() if "image_grid_thw" in batch else [],
        "videoGridThw": batch["video_grid_thw"].tolist() if "video_grid_thw" in batch else [],
        "positionIds": positions[0],
        "ropeDelta": positions[1],
        "greedyTokens": tokens,
        "greedyText": tokenizer.decode(tokens, skip_special_tokens=True),
        "smallestMargin": round(float(margins(logits).min()), 4),
        "singlePrecisionNoise": float(f"{noise:.1e}"),
        "logprobs": [
            {
                "token": token,
                "logprob": round(float(row[token]), 6),
                "top": [
                    {"token": int(i), "logprob": round(float(v), 6)}
                    for v, i in zip(*row.topk(TOP), strict=True)
                ],
            }
            for token, row in zip(tokens, logprobs, strict=True)
        ],
        "eosTokenIds": answer.eos,
        "tokensUntilEos": answer.until_eos,
        "finishReason": "stop" if answer.until_eos[-1] in answer.eos else "length",
        "shapes": {name: list(value.shape) for name, value in tensors.items()},
    }
