"""Writes what the reference computes, after checking that single precision is enough for it."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

# No recorded value may move by more than this when the reference runs in double precision: what
# remains of the tests' 1e-4 is for the implementation under test.
MAX_NOISE = 2.5e-5

Tensors = dict[str, torch.Tensor]


def record(
    model: torch.nn.Module, inputs: Tensors, run: Callable[[Any, Tensors], Tensors]
) -> Tensors:
    """Runs the reference in f32 and in f64; returns the f32 values."""
    with torch.no_grad():
        single = run(model.eval(), inputs)
        double = run(
            copy.deepcopy(model).double(),
            {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()},
        )
    for name, value in single.items():
        noise = float((value.double() - double[name]).abs().max())
        if not noise <= MAX_NOISE:
            raise ValueError(f"{name}: single precision is off by {noise:.2g}")
    return single


def write_expected(folder: Path, tensors: Tensors, facts: dict[str, Any]) -> None:
    tensors = {name: t.to(torch.float32).clone().contiguous() for name, t in tensors.items()}
    save_file(tensors, folder / "expected.safetensors")
    shapes = {name: list(t.shape) for name, t in sorted(tensors.items())}
    text = {"case": folder.name, **facts, "shapes": shapes}
    lines = json.dumps(text, indent=1, ensure_ascii=False)
    lines = re.sub(r"\[\s+([-\d.,\s]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", lines)
    (folder / "expected.json").write_text(lines + "\n", encoding="utf-8")
