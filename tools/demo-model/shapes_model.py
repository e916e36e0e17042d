"""The model: its configuration, its initial weights and a fast forward pass for training.

The weights live in transformers' own Qwen3VLForConditionalGeneration, so a saved checkpoint is an
ordinary one. The forward pass here computes the same function for many questions at once: the
picture and what stands before it are computed one time, and every question sees them but not the
other questions.
"""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import nn

try:
    import torchvision_shim  # noqa: F401  a stand-in where torchvision is not installed
except ImportError:
    pass
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration
from transformers.models.qwen3_vl import modeling_qwen3_vl as reference

PATCH, MERGE = 8, 2
CELL = PATCH * MERGE


def configuration(tokenizer):
    token = tokenizer.token_to_id
    return Qwen3VLConfig(
        text_config=dict(
            vocab_size=tokenizer.get_vocab_size(), hidden_size=128, intermediate_size=320,
            num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, head_dim=32,
            max_position_embeddings=2048, rms_norm_eps=1e-6, tie_word_embeddings=True,
            bos_token_id=token("<|endoftext|>"), eos_token_id=token("<|im_end|>"),
            rope_parameters=dict(rope_type="default", rope_theta=10000.0,
                                 mrope_section=[6, 5, 5], mrope_interleaved=True)),
        vision_config=dict(
            depth=5, hidden_size=64, intermediate_size=256, num_heads=2, in_channels=3,
            patch_size=PATCH, spatial_merge_size=MERGE, temporal_patch_size=2, out_hidden_size=128,
            num_position_embeddings=256, deepstack_visual_indexes=[1, 3]),
        image_token_id=token("<|image_pad|>"), video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"), vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=True)


def new_model(tokenizer, seed):
    torch.manual_seed(seed)
    model = Qwen3VLForConditionalGeneration(configuration(tokenizer)).float()
    # Fan-in scaling; the usual constant 0.02 is meant for layers ten times wider.
    for name, p in model.named_parameters():
        if name.endswith("embed_tokens.weight") or name.endswith("pos_embed.weight"):
            nn.init.normal_(p, std=0.05)
        elif p.dim() >= 2:
            std = 1 / math.sqrt(p[0].numel())
            if name.endswith(("o_proj.weight", "down_proj.weight", "attn.proj.weight",
                              "mlp.linear_fc2.weight")):
                std /= 3
            nn.init.normal_(p, std=std)
        elif name.endswith("bias"):
            nn.init.zeros_(p)
    return model


def patches(images):
    """[B, H, W, 3] bytes to [B, patches, 3 * 8 * 8] in merge-block order, scaled to -1..1."""
    x = images.float().div_(127.5).sub_(1)
    b, h, w, _ = x.shape
    x = x.reshape(b, h // CELL, MERGE, PATCH, w // CELL, MERGE, PATCH, 3)
    return x.permute(0, 1, 4, 2, 5, 7, 3, 6).reshape(b, -1, 3 * PATCH * PATCH)


@lru_cache(maxsize=64)
def _vision_positions(rows, columns):
    """Bilinear table indices and weights and rotary angles of a grid of merged cells."""
    grid = torch.tensor([[1, rows * MERGE, columns * MERGE]])
    indices, weights = reference.get_vision_interpolation_indices_and_weights(
        grid, num_grid_per_side=16, mode="bilinear", align_corners=True,
        spatial_merge_size=MERGE, kwargs={})
    positions = reference.get_vision_position_ids(grid, MERGE, kwargs={})
    frequencies = 1.0 / (10000.0 ** (torch.arange(0, 16, 2, dtype=torch.float) / 16))
    angles = (positions[..., None].float() * frequencies).flatten(1)
    angles = torch.cat([angles, angles], -1)
    return indices, weights[:, :, None], angles.cos(), angles.sin()


def _rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


def _merge(merger, x):
    b = x.shape[0]
    if merger.use_postshuffle_norm:
        x = merger.norm(x.reshape(b, -1, merger.hidden_size))
    else:
        x = merger.norm(x).reshape(b, -1, merger.hidden_size)
    return merger.linear_fc2(F.gelu(merger.linear_fc1(x)))


def encode_images(visual, pixels, rows, columns):
    """[B, patches, 192] to the merged features [B, cells, 128] and the DeepStack features."""
    indices, weights, cos, sin = _vision_positions(rows, columns)
    # The still picture is shown to both frames of the temporal patch: add their weights up.
    kernel = visual.patch_embed.proj.weight.sum(2).flatten(1)
    x = F.linear(pixels, kernel, visual.patch_embed.proj.bias)
    x = x + (visual.pos_embed(indices) * weights).sum(1)
    b, n, d = x.shape
    deep = []
    for i, block in enumerate(visual.blocks):
        qkv = block.attn.qkv(block.norm1(x)).view(b, n, 3, 2, 32).permute(2, 0, 3, 1, 4)
        q, k = _rotate(qkv[0], cos, sin), _rotate(qkv[1], cos, sin)
        a = F.scaled_dot_product_attention(q, k, qkv[2]).transpose(1, 2).reshape(b, n, d)
        x = x + block.attn.proj(a)
        h = F.gelu(block.mlp.linear_fc1(block.norm2(x)), approximate="tanh")
        x = x + block.mlp.linear_fc2(h)
        if i in visual.deepstack_visual_indexes:
            merger = visual.deepstack_merger_list[visual.deepstack_visual_indexes.index(i)]
            deep.append(_merge(merger, x))
    return _merge(visual.merger, x), deep


def text_angles(position_ids):
    """[3, B, L] positions to interleaved M-RoPE cos and sin [B, 1, L, 32]."""
    frequencies = 1.0 / (10000.0 ** (torch.arange(0, 32, 2, dtype=torch.float) / 32))
    axis = torch.zeros(16, dtype=torch.long)
    axis[1:15:3] = 1
    axis[2:15:3] = 2
    angles = position_ids.permute(1, 2, 0).float()[..., axis] * frequencies
    angles = torch.cat([angles, angles], -1)[:, None]
    return angles.cos(), angles.sin()


def decode(language, ids, positions, mask, features, deep, image_start):
    """Hidden states [B, L, 128]; the picture's cells stand at image_start in every row."""
    x = language.embed_tokens(ids)
    end = image_start + features.shape[1]
    x = torch.cat([x[:, :image_start], features, x[:, end:]], 1)
    b, n, d = x.shape
    cos, sin = text_angles(positions)
    for i, layer in enumerate(language.layers):
        attention = layer.self_attn
        h = F.rms_norm(x, (d,), layer.input_layernorm.weight, 1e-6)
        q = F.rms_norm(attention.q_proj(h).view(b, n, 4, 32), (32,), attention.q_norm.weight, 1e-6)
        k = F.rms_norm(attention.k_proj(h).view(b, n, 2, 32), (32,), attention.k_norm.weight, 1e-6)
        v = attention.v_proj(h).view(b, n, 2, 32).transpose(1, 2)
        q, k = _rotate(q.transpose(1, 2), cos, sin), _rotate(k.transpose(1, 2), cos, sin)
        k, v = k.repeat_interleave(2, 1), v.repeat_interleave(2, 1)
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2)
        x = x + attention.o_proj(a.reshape(b, n, -1))
        h = F.rms_norm(x, (d,), layer.post_attention_layernorm.weight, 1e-6)
        mlp = layer.mlp
        x = x + mlp.down_proj(F.silu(mlp.gate_proj(h)) * mlp.up_proj(h))
        if i < len(deep):
            x = torch.cat([x[:, :image_start], x[:, image_start:end] + deep[i], x[:, end:]], 1)
    return F.rms_norm(x, (d,), language.norm.weight, 1e-6)
