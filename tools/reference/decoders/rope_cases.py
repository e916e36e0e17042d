"""Writes what transformers makes of rotary settings: frequencies, attention factor, tables.

Usage: python rope_cases.py [OUT_FOLDER]

The folder (default vlm-text/src/test/resources/rope) gets cases.json (name, config, attention
factor) and expected.safetensors with NAME.frequencies [half],
NAME.cos and NAME.sin [positions, half], all f32.
"""

import json
import sys
from pathlib import Path

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: F401
except ImportError:
    pass

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

OUT = Path(__file__).resolve().parents[3] / "vlm-text/src/test/resources/rope"
POSITIONS = [0, 1, 2, 77, 511, 4095, 8192, 32767, 100000]


def config(head_dim=128, context=4096, **fields):
    return {"head_dim": head_dim, "max_position_embeddings": context, **fields}


LLAMA31 = {
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
    "rope_type": "llama3",
}
YARN = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}

CASES = {
    "nothing_said": config(),
    "integer_theta": config(rope_theta=10000),
    "llama3_theta": config(rope_theta=500000.0, rope_scaling=None),
    "large_theta": config(rope_theta=1000000000.0, head_dim=96),
    "odd_theta": config(rope_theta=10001.7, head_dim=80),
    "default_by_name": config(rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}),
    "linear_by_type": config(rope_theta=10000.0, rope_scaling={"type": "linear", "factor": 4.0}),
    "linear_odd": config(rope_parameters={"rope_type": "linear", "factor": 2.7, "rope_theta": 10000}),
    "llama31": config(128, 131072, rope_theta=500000.0, rope_scaling=LLAMA31),
    "llama32": config(64, 131072, rope_theta=500000.0, rope_scaling=LLAMA31 | {"factor": 32.0}),
    "llama3_parameters": config(
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 10000.0,
            "factor": 3.3,
            "low_freq_factor": 1.1,
            "high_freq_factor": 3.7,
        }
    ),
    "qwen25_yarn": config(128, 131072, rope_theta=1000000.0, rope_scaling=YARN),
    "yarn_attention_factor": config(
        64, rope_scaling={"rope_type": "yarn", "factor": 8.0, "attention_factor": 0.8317},
    ),
    "yarn_mscale": config(
        64,
        163840,
        rope_theta=10000,
        rope_scaling={
            "type": "yarn",
            "factor": 40,
            "beta_fast": 32,
            "beta_slow": 1,
            "mscale": 0.707,
            "mscale_all_dim": 1.0,
            "original_max_position_embeddings": 4096,
        },
    ),
    "yarn_mscale_alone": config(
        64, rope_scaling={"type": "yarn", "factor": 2.5, "mscale": 1.4, "mscale_all_dim": 0.0},
    ),
    "yarn_not_truncated": config(
        128,
        131072,
        rope_parameters={
            "rope_type": "yarn",
            "rope_theta": 150000.0,
            "factor": 32.0,
            "beta_fast": 24.5,
            "beta_slow": 1.5,
            "truncate": False,
            "original_max_position_embeddings": 4096,
        },
    ),
    "yarn_factor_from_lengths": config(
        64,
        65536,
        rope_scaling={"type": "yarn", "factor": None, "original_max_position_embeddings": 8192},
    ),
    "yarn_length_beside": config(
        64,
        65536,
        original_max_position_embeddings=2048,
        rope_scaling=YARN | {"original_max_position_embeddings": 8192},
    ),
    "yarn_short": config(8, 64, rope_scaling={"type": "yarn", "factor": 4.0}),
    "yarn_below_one": config(32, rope_scaling={"type": "yarn", "factor": 1.0}),
    "scaling_over_parameters": config(
        rope_theta=20000.0,
        rope_scaling={"type": "linear", "factor": 2.0},
        rope_parameters={"rope_type": "linear", "factor": 5.0, "rope_theta": 10000.0},
    ),
    "empty_scaling": config(
        rope_scaling={}, rope_parameters={"rope_type": "linear", "factor": 5.0, "rope_theta": 7e4},
    ),
}  # fmt: skip


def main():
    torch.set_num_threads(1)
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.mkdir(parents=True, exist_ok=True)
    cases, tensors = [], {}
    for name, fields in CASES.items():
        settings = LlamaConfig.from_dict(json.loads(json.dumps(fields)) | {"num_attention_heads": 1})
        rotary = LlamaRotaryEmbedding(settings)
        cos, sin = rotary(torch.zeros(1), torch.tensor([POSITIONS]))
        half = fields["head_dim"] // 2
        tensors[f"{name}.frequencies"] = rotary.inv_freq.clone()
        tensors[f"{name}.cos"] = cos[0, :, :half].contiguous()
        tensors[f"{name}.sin"] = sin[0, :, :half].contiguous()
        cases.append(
            {"name": name, "config": fields, "attentionFactor": float(rotary.attention_scaling)}
        )
        expected = 1 / float(settings.rope_parameters["rope_theta"]) ** (
            torch.arange(0, 2 * half, 2, dtype=torch.float32).div(2 * half).double()
        )
        if settings.rope_parameters["rope_type"] == "default":
            power = (1 / expected).float()
            print(name, "equal to the last bit:", int((1 / power == rotary.inv_freq).sum()), "/", half)
    (out / "cases.json").write_text(
        json.dumps({"positions": POSITIONS, "cases": cases}, indent=1) + "\n", encoding="utf-8"
    )
    save_file(tensors, out / "expected.safetensors")


if __name__ == "__main__":
    main()
