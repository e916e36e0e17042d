"""Writes one file of connectors' weights, what they read and what the reference makes of it.

Usage: python make_fixtures.py --out FOLDER
"""

import argparse
from pathlib import Path

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: F401
except ImportError:
    pass

import torch
import transformers
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPVisionConfig, Idefics3Config, LlamaConfig, LlavaConfig
from transformers.models.idefics3.modeling_idefics3 import Idefics3Connector
from transformers.models.llava.modeling_llava import LlavaMultiModalProjector

Tensors = dict[str, torch.Tensor]


def llava(hidden: int, out: int, activation: str, bias: bool) -> nn.Module:
    return LlavaMultiModalProjector(
        LlavaConfig(
            vision_config=CLIPVisionConfig(hidden_size=hidden, num_attention_heads=1),
            text_config=LlamaConfig(hidden_size=out, num_attention_heads=1),
            projector_hidden_act=activation,
            multimodal_projector_bias=bias,
        )
    )


def idefics3(hidden: int, out: int, side: int) -> nn.Module:
    config = Idefics3Config(scale_factor=side)
    config.vision_config.hidden_size = hidden
    config.text_config.hidden_size = out
    return Idefics3Connector(config)


class PooledGrid(nn.Module):
    """Average pooling of patches that lie row by row, then a linear layer."""

    def __init__(self, height: int, width: int, side: int, hidden: int, out: int) -> None:
        super().__init__()
        self.grid = (height, width)
        self.pool = nn.AvgPool2d(side)
        self.proj = nn.Linear(hidden, out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = x.transpose(1, 2).unflatten(2, self.grid)
        return self.proj(self.pool(maps).flatten(2).transpose(1, 2))


class UnfoldedGrid(nn.Module):
    """Blocks of a grid that need not be square, by torch's own unfold."""

    def __init__(self, height: int, width: int, side: int) -> None:
        super().__init__()
        self.grid = (height, width)
        self.unfold = nn.Unfold(side, stride=side)
        self.side = side

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        blocks = self.unfold(x.transpose(1, 2).unflatten(2, self.grid)).transpose(1, 2)
        return blocks.unflatten(2, (x.shape[2], self.side**2)).transpose(2, 3).flatten(2)


class Consecutive(nn.Module):
    """Neighbours in the sequence joined, then an MLP with a norm before it."""

    def __init__(self, count: int, hidden: int, out: int) -> None:
        super().__init__()
        self.count = count
        self.mlp = nn.Sequential(
            nn.LayerNorm(count * hidden),
            nn.Linear(count * hidden, out),
            nn.GELU(),
            nn.Linear(out, out),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.mlp(x.reshape(len(x), -1, self.count * x.shape[2]))


# name: module, pictures, patches of each, length of a hidden state
CASES = {
    "linear": (nn.Sequential(nn.Linear(12, 20)), 1, 9, 12),
    "linear_without_bias": (nn.Sequential(nn.Linear(12, 20, bias=False)), 1, 9, 12),
    "llava_gelu": (llava(12, 20, "gelu", True), 1, 9, 12),
    "llava_gelu_tanh": (llava(12, 20, "gelu_pytorch_tanh", True), 1, 9, 12),
    "llava_silu_without_bias": (llava(12, 20, "silu", False), 1, 9, 12),
    "bare": (nn.Sequential(nn.Linear(10, 24), nn.GELU(), nn.Linear(24, 16)), 1, 8, 10),
    "three_layers": (
        nn.Sequential(
            nn.Linear(10, 24), nn.SiLU(), nn.Linear(24, 18), nn.SiLU(), nn.Linear(18, 16)
        ),
        1,
        8,
        10,
    ),
    "consecutive": (Consecutive(4, 6, 20), 2, 20, 6),
    "idefics3_2": (idefics3(6, 20, 2), 2, 36, 6),
    "idefics3_3": (idefics3(6, 20, 3), 1, 36, 6),
    "unfolded": (UnfoldedGrid(4, 6, 2), 2, 24, 6),
    "pooled": (PooledGrid(7, 5, 2, 6, 20), 2, 35, 6),
}


def randomise(module: nn.Module, generator: torch.Generator) -> None:
    for name, weight in sorted(module.named_parameters()):
        noise = torch.randn(weight.shape, generator=generator)
        if weight.ndim > 1:
            value = 1.2 * noise / weight.shape[1] ** 0.5
        else:
            value = 0.25 * noise + (1 if name == "mlp.0.weight" else 0)
        weight.copy_((value * 64).round() / 64)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    tensors: Tensors = {}
    for index, (name, (module, pictures, patches, hidden)) in enumerate(CASES.items()):
        generator = torch.Generator().manual_seed(400 + index)
        randomise(module, generator)
        x = (torch.randn(pictures, patches, hidden, generator=generator) * 32).round() / 32
        embeddings = module(x)
        exact = module.double()(x.double())
        assert float((embeddings - exact).abs().max()) < 1e-5
        module.float()
        tensors[f"{name}.features"] = x.flatten(0, 1)
        tensors[f"{name}.embeddings"] = embeddings.flatten(0, 1)
        tensors |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
    options.out.mkdir(parents=True, exist_ok=True)
    facts = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__}
    tensors = {name: value.contiguous().clone() for name, value in tensors.items()}
    path = options.out / "connectors.safetensors"
    save_file(tensors, path, metadata=facts)
    path.chmod(0o644)


if __name__ == "__main__":
    main()
