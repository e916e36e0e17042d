"""The sizes of the demo CLIP."""

import torch

try:
    import torchvision_shim  # noqa: F401  a stand-in where torchvision is not installed
except ImportError:
    pass
from transformers import CLIPConfig, CLIPModel

from captions import PATCH, SIDE

CONTEXT = 32


def configuration(tokenizer):
    special = dict(bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
                   pad_token_id=tokenizer.pad_token_id)
    return CLIPConfig(
        text_config=dict(vocab_size=len(tokenizer), hidden_size=64, intermediate_size=256,
                         num_hidden_layers=3, num_attention_heads=2, projection_dim=96,
                         max_position_embeddings=CONTEXT, hidden_act="quick_gelu", **special),
        vision_config=dict(hidden_size=96, intermediate_size=384, num_hidden_layers=5,
                           num_attention_heads=3, projection_dim=96, image_size=SIDE,
                           patch_size=PATCH, hidden_act="quick_gelu"),
        projection_dim=96)


def new_model(tokenizer, seed):
    torch.manual_seed(seed)
    model = CLIPModel(configuration(tokenizer))
    table = model.vision_model.embeddings.position_embedding.weight
    with torch.no_grad():
        table[1:] = 0.3 * waves(SIDE // PATCH, table.shape[1])
    return model


def waves(side, width):
    """Sines and cosines of a patch's row and column: [side * side, width], so that neighbours start alike."""
    at = torch.arange(side)[:, None] * torch.pi / side * (1 + torch.arange(width // 4)) / 3
    one = torch.cat([at.sin(), at.cos()], 1)
    rows, columns = one[:, None].expand(-1, side, -1), one[None].expand(side, -1, -1)
    return torch.cat([rows, columns], -1).reshape(side * side, width)
