"""Writes a trained checkpoint as an ordinary CLIP model folder, weights in f16."""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from captions import SIDE
from clip_model import CONTEXT, new_model
from transformers import CLIPTokenizer
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def tower(config, model_type, names):
    return {"hidden_act": config.hidden_act, "layer_norm_eps": config.layer_norm_eps,
            "model_type": model_type, **{name: getattr(config, name) for name in names}}


def config_json(config):
    shared = ["hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers", "projection_dim"]
    return {
        "architectures": ["CLIPModel"],
        "dtype": "float16",
        "logit_scale_init_value": config.logit_scale_init_value,
        "model_type": "clip",
        "projection_dim": config.projection_dim,
        "text_config": tower(config.text_config, "clip_text_model", [
            *shared, "bos_token_id", "eos_token_id", "pad_token_id", "max_position_embeddings", "vocab_size"]),
        "transformers_version": "4.57.0",
        "vision_config": tower(config.vision_config, "clip_vision_model", [
            *shared, "image_size", "num_channels", "patch_size"]),
    }


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--checkpoint", type=Path, required=True)
    p.add_argument("--tokenizer", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    args = p.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer = CLIPTokenizer.from_pretrained(args.tokenizer)

    weights = load_file(args.checkpoint)
    model = new_model(tokenizer, 0)
    model.load_state_dict(weights)  # refuses missing, unexpected or misshapen tensors
    save_file({k: v.to(torch.float16).contiguous() for k, v in weights.items()},
              args.out / "model.safetensors", metadata={"format": "pt"})

    shutil.copy(args.tokenizer / "tokenizer.json", args.out / "tokenizer.json")
    write_json(args.out / "config.json", config_json(model.config))
    write_json(args.out / "preprocessor_config.json", {
        "crop_size": {"height": SIDE, "width": SIDE},
        "do_center_crop": True,
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": OPENAI_CLIP_MEAN,
        "image_processor_type": "CLIPImageProcessor",
        "image_std": OPENAI_CLIP_STD,
        "processor_class": "CLIPProcessor",
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"shortest_edge": SIDE},
    })
    write_json(args.out / "tokenizer_config.json", {
        "add_prefix_space": False,
        "bos_token": tokenizer.bos_token,
        "clean_up_tokenization_spaces": False,
        "do_lower_case": True,
        "eos_token": tokenizer.eos_token,
        "errors": "replace",
        "model_max_length": CONTEXT,
        "pad_token": tokenizer.pad_token,
        "tokenizer_class": "CLIPTokenizer",
        "unk_token": tokenizer.unk_token,
    })
    size = sum(f.stat().st_size for f in args.out.iterdir())
    print(f"{args.out}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
