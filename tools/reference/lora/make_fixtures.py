"""Writes the LoRA fixtures: a few linear maps, adapters by PEFT, and what PEFT computes.

Usage: python make_fixtures.py --out FOLDER
"""

import argparse
import json
import shutil
from pathlib import Path

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: F401
except ImportError:
    pass

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from torch import nn

HIDDEN, MIDDLE, TOKENS = 12, 20, 5


class Block(nn.Module):
    """One block's maps under the names of Qwen's first generation."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.ModuleDict(
            {
                "c_attn": nn.Linear(HIDDEN, 3 * HIDDEN),
                "c_proj": nn.Linear(HIDDEN, HIDDEN, bias=False),
            }
        )
        self.mlp = nn.ModuleDict(
            {
                "w1": nn.Linear(HIDDEN, MIDDLE, bias=False),
                "w2": nn.Linear(HIDDEN, MIDDLE, bias=False),
            }
        )

    def maps(self) -> dict[str, nn.Module]:
        return {
            f"{part}.{name}": module
            for part in ("attn", "mlp")
            for name, module in getattr(self, part).items()
        }

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {name: module(x) for name, module in self.maps().items()}


def randomise(tensors: dict[str, torch.Tensor], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for name in sorted(tensors):
        tensor = tensors[name]
        noise = torch.randn(tensor.shape, generator=generator)
        tensor.copy_(torch.round(noise * 32) / 64)  # exact in half precision


def sort_targets(path: Path) -> None:
    """PEFT writes a set, in another order each time."""
    config = json.loads(path.read_text())
    config["target_modules"].sort()
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def write(folder: Path, config: LoraConfig, seed: int, full_names: bool, dtype: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    block = Block().eval()
    randomise(dict(block.named_parameters()), 1)
    model = get_peft_model(block, config).eval()
    lora = {name: p for name, p in model.named_parameters() if "lora_" in name}
    randomise(lora, seed)
    config.inference_mode = True
    config.save_pretrained(folder)
    sort_targets(folder / "adapter_config.json")

    state = lora if full_names else get_peft_model_state_dict(model)
    stored = {name: p.detach().to(getattr(torch, dtype)).clone() for name, p in state.items()}
    if full_names:
        save_file(stored, folder / "adapter_model.safetensors")
    else:
        torch.save(stored, folder / "adapter_model.bin")

    x = torch.randn(TOKENS, HIDDEN, generator=torch.Generator().manual_seed(9))
    found = {"x": x, **model(x)}
    merged = model.merge_and_unload()
    found |= {f"merged.{name}": value for name, value in merged(x).items()}
    for name in block.maps():
        assert torch.allclose(found[name], found[f"merged.{name}"], atol=1e-5)
    save_file({k: v.contiguous() for k, v in found.items()}, folder / "expected.safetensors")


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    block = Block()
    randomise(dict(block.named_parameters()), 1)
    save_file(block.state_dict(), out / "model.safetensors")
    # As a Trainer of VLM-learning saves it.
    write(
        out / "plain",
        LoraConfig(r=4, lora_alpha=32, target_modules=["c_attn", "w1", "w2"]),
        seed=2,
        full_names=False,
        dtype="float32",
    )
    # Everything that changes a rank or a scale, names as the wrapped model has them.
    write(
        out / "patterns",
        LoraConfig(
            r=3,
            lora_alpha=5,
            use_rslora=True,
            target_modules=["c_attn", "c_proj", "w1", "w2"],
            rank_pattern={"mlp.w1": 2, "c_attn": 6},
            alpha_pattern={"^attn.c_attn": 7, "w2": 11},
        ),
        seed=3,
        full_names=True,
        dtype="bfloat16",
    )
    for file in out.rglob("*"):
        if file.is_file():
            file.chmod(0o644)


if __name__ == "__main__":
    main()
