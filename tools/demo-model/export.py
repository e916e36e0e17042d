"""Writes a trained checkpoint as an ordinary Qwen3-VL model folder, weights in bf16."""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from shapes_model import configuration, new_model
from vocabulary import SPECIAL

HERE = Path(__file__).parent
# Pictures are resized to between 25 and 36 merged cells of 16 x 16 pixels, the trained range.
MIN_PIXELS, MAX_PIXELS = 25 * 256, 36 * 256


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def config_json(tokenizer):
    config = configuration(tokenizer)
    text, vision = config.text_config, config.vision_config
    rope = text.rope_parameters
    return {
        "architectures": ["Qwen3VLForConditionalGeneration"],
        "image_token_id": config.image_token_id,
        "model_type": "qwen3_vl",
        "text_config": {
            "attention_bias": False,
            "attention_dropout": 0.0,
            "bos_token_id": text.bos_token_id,
            "dtype": "bfloat16",
            "eos_token_id": text.eos_token_id,
            "head_dim": text.head_dim,
            "hidden_act": "silu",
            "hidden_size": text.hidden_size,
            "initializer_range": 0.02,
            "intermediate_size": text.intermediate_size,
            "max_position_embeddings": text.max_position_embeddings,
            "model_type": "qwen3_vl_text",
            "num_attention_heads": text.num_attention_heads,
            "num_hidden_layers": text.num_hidden_layers,
            "num_key_value_heads": text.num_key_value_heads,
            "rms_norm_eps": text.rms_norm_eps,
            "rope_scaling": {
                "mrope_interleaved": True,
                "mrope_section": rope["mrope_section"],
                "rope_type": "default",
            },
            "rope_theta": rope["rope_theta"],
            "tie_word_embeddings": True,
            "use_cache": True,
            "vocab_size": text.vocab_size,
        },
        "tie_word_embeddings": True,
        "transformers_version": "4.57.0",
        "video_token_id": config.video_token_id,
        "vision_config": {
            "deepstack_visual_indexes": list(vision.deepstack_visual_indexes),
            "depth": vision.depth,
            "hidden_act": "gelu_pytorch_tanh",
            "hidden_size": vision.hidden_size,
            "in_channels": 3,
            "initializer_range": 0.02,
            "intermediate_size": vision.intermediate_size,
            "model_type": "qwen3_vl",
            "num_heads": vision.num_heads,
            "num_position_embeddings": vision.num_position_embeddings,
            "out_hidden_size": vision.out_hidden_size,
            "patch_size": vision.patch_size,
            "spatial_merge_size": vision.spatial_merge_size,
            "temporal_patch_size": vision.temporal_patch_size,
        },
        "vision_end_token_id": config.vision_end_token_id,
        "vision_start_token_id": config.vision_start_token_id,
    }


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--checkpoint", type=Path, required=True)
    p.add_argument("--tokenizer", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    args = p.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    token = tokenizer.token_to_id

    weights = load_file(args.checkpoint)
    new_model(tokenizer, 0).load_state_dict({**weights, "lm_head.weight": weights[
        "model.language_model.embed_tokens.weight"]})  # refuses missing, unexpected or misshapen tensors
    save_file({k: v.to(torch.bfloat16).contiguous() for k, v in weights.items()},
              args.out / "model.safetensors", metadata={"format": "pt"})

    shutil.copy(args.tokenizer, args.out / "tokenizer.json")
    shutil.copy(HERE / "chat_template.jinja", args.out / "chat_template.jinja")
    template = (HERE / "chat_template.jinja").read_text(encoding="utf-8")
    write_json(args.out / "config.json", config_json(tokenizer))
    write_json(args.out / "generation_config.json", {
        "bos_token_id": token("<|endoftext|>"),
        "pad_token_id": token("<|endoftext|>"),
        "do_sample": False,
        "eos_token_id": [token("<|im_end|>"), token("<|endoftext|>")],
    })
    processor = {
        "size": {"longest_edge": MAX_PIXELS, "shortest_edge": MIN_PIXELS},
        "patch_size": 8,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "processor_class": "Qwen3VLProcessor",
    }
    write_json(args.out / "preprocessor_config.json",
               {**processor, "image_processor_type": "Qwen2VLImageProcessorFast"})
    write_json(args.out / "video_preprocessor_config.json",
               {**processor, "video_processor_type": "Qwen3VLVideoProcessor"})
    write_json(args.out / "tokenizer_config.json", {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": {
            str(token(t)): {"content": t, "lstrip": False, "normalized": False, "rstrip": False,
                            "single_word": False, "special": True} for t in SPECIAL},
        "additional_special_tokens": SPECIAL[1:],
        "bos_token": None,
        "chat_template": template,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 2048,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    })
    size = sum(f.stat().st_size for f in args.out.iterdir())
    print(f"{args.out}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
