"""Writes the safetensors fixtures of vlm-core's tests with the reference library.

    pip install torch safetensors
    python tools/reference/safetensors/make_fixtures.py

Values are chosen so that a test can state them: element i of a tensor is i / 2 - 1 where the type
can hold that, else i - 1 (or i for unsigned types).
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / "vlm-core/src/test/resources/io/github/vlm4j/core/checkpoint"


def ramp(dtype: torch.dtype, *shape: int) -> torch.Tensor:
    count = torch.Size(shape).numel()
    index = torch.arange(count)
    if dtype.is_floating_point:
        values = index.to(torch.float32) / 2 - 1
    else:
        values = index if dtype in (torch.uint8, torch.bool) else index - 1
    return values.to(dtype).reshape(shape)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    types = {
        "f32": ramp(torch.float32, 2, 3),
        "f16": ramp(torch.float16, 5),
        "bf16": ramp(torch.bfloat16, 3, 1, 2),
        "i8": ramp(torch.int8, 7),
        "i32": ramp(torch.int32, 4),
        "i64": ramp(torch.int64, 3),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4),
        "f64": ramp(torch.float64, 2),
        "u8": ramp(torch.uint8, 3),
        "bool": ramp(torch.bool, 3),
        "f8_e4m3": ramp(torch.float8_e4m3fn, 4),
        "名前 \"quoted\"": ramp(torch.float32, 1),
    }
    save_file(types, OUT / "types.safetensors", metadata={"note": "é"})
    save_file({}, OUT / "nothing.safetensors")

    sharded = OUT / "sharded"
    sharded.mkdir(exist_ok=True)
    shards = {
        "model-00001-of-00002.safetensors": {
            "model.embed_tokens.weight": ramp(torch.bfloat16, 4, 2),
            "model.layers.0.norm.weight": ramp(torch.float32, 2),
        },
        "model-00002-of-00002.safetensors": {"lm_head.weight": ramp(torch.float16, 4, 2)},
    }
    weight_map = {}
    total = 0
    for name, tensors in shards.items():
        save_file(tensors, sharded / name, metadata={"format": "pt"})
        weight_map |= {tensor: name for tensor in tensors}
        total += sum(t.numel() * t.element_size() for t in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    (sharded / "model.safetensors.index.json").write_text(
        json.dumps(index, indent=2) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
