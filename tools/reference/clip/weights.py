"""Random weights that leave nothing neutral: no norm is 1, no bias 0, no softmax flat."""

import math

import torch

NORMS = ("norm", "ln_", "bn", "downsample.1")
QUERIES_AND_KEYS = ("q_proj.weight", "k_proj.weight", "in_proj_weight")


def randomise(model: torch.nn.Module, seed: int, logit_scale: float = 2.9) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            value = random_like(name, weight, generator)
            weight.copy_(value)
        for name, buffer in sorted(model.named_buffers()):
            noise = torch.randn(buffer.shape, generator=generator)
            if name.endswith("running_mean"):
                buffer.copy_(coarse(0.3 * noise))
            elif name.endswith("running_var"):
                buffer.copy_(coarse(torch.exp(0.6 * noise)))
            elif name.endswith("num_batches_tracked"):
                buffer.fill_(1234)
        for name, weight in model.named_parameters():
            if name.endswith("logit_scale"):
                weight.fill_(logit_scale)
            elif name.endswith("logit_bias"):
                weight.fill_(-1.75)


def random_like(name: str, weight: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    noise = torch.randn(weight.shape, generator=generator)
    if name.endswith("bias"):
        return coarse(0.2 * noise)
    if weight.ndim == 1 and any(mark in name for mark in NORMS):
        return coarse(1 + 0.25 * noise)
    if "position" in name or "embedding" in name and "patch_embedding" not in name:
        return coarse(0.6 * noise)
    if name.endswith("probe"):
        return coarse(noise)
    if name.endswith(("visual.proj", "text_projection")):  # used as x @ W
        return coarse(noise * 1.2 / math.sqrt(weight.shape[0]))
    fan_in = max(weight[0].numel(), 1) if weight.ndim > 1 else 1
    gain = 1.8 if name.endswith(QUERIES_AND_KEYS) else 1.2
    if weight.ndim == 4 and weight.shape[-1] <= 3:  # followed by a ReLU
        gain = 1.6
    if "attnpool" in name:  # the feature map has a large spread
        gain = 0.5
    return coarse(noise * gain / math.sqrt(fan_in))


def coarse(values: torch.Tensor) -> torch.Tensor:
    """Rounds to a few steps per standard deviation: exact in half precision, and files compress."""
    spread = float(values.std()) if values.numel() > 1 else float(values.abs())
    step = 2.0 ** math.floor(math.log2(max(spread, 1e-3) / 4))
    return torch.round(values / step) * step
