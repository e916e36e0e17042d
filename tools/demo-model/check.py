"""Compares the training forward pass and pixels with transformers' own."""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from tokenizers import Tokenizer

from export import MAX_PIXELS, MIN_PIXELS
from shapes_model import decode, encode_images, new_model, patches
from train import Packer
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor


def main():
    tokenizer = Tokenizer.from_file(sys.argv[1])
    model = new_model(tokenizer, 1).eval()
    packer = Packer(tokenizer)
    processor = Qwen2VLImageProcessor(
        patch_size=8, merge_size=2, temporal_patch_size=2, image_mean=[0.5] * 3, image_std=[0.5] * 3,
        size={"shortest_edge": MIN_PIXELS, "longest_edge": MAX_PIXELS})
    rng = np.random.default_rng(3)
    worst_logit = worst_pixel = 0.0
    for _ in range(8):
        batch = packer.batch(rng, 2, 4, 150)
        pixels = patches(batch["images"])
        twice = pixels.reshape(2, -1, 3, 1, 64).expand(-1, -1, -1, 2, -1).reshape(2, -1, 384)
        real = processor(images=[Image.fromarray(batch["images"][0].numpy())], return_tensors="pt")
        worst_pixel = max(worst_pixel, (real["pixel_values"] - twice[0]).abs().max().item())
        with torch.no_grad():
            features, deep = encode_images(model.model.visual, pixels, batch["rows"], batch["columns"])
            hidden = decode(model.model.language_model, batch["ids"], batch["position"],
                            batch["mask"], features, deep, batch["start"])
            packed = F.linear(hidden, model.model.language_model.embed_tokens.weight)[0]
        sees = batch["mask"][0, 0] == 0
        prefix = batch["start"] + batch["rows"] * batch["columns"] + 1
        at = prefix
        while at < sees.shape[0]:
            end = at
            while end < sees.shape[0] and sees[end, at]:
                end += 1
            if sees[at, 0] and batch["target"][0, at:end].max() >= 0:
                chosen = [*range(prefix), *range(at, end)]
                ids = batch["ids"][:1, chosen]
                with torch.no_grad():
                    alone = model(
                        input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=twice[0],
                        image_grid_thw=real["image_grid_thw"],
                        mm_token_type_ids=(ids == packer.image).int()).logits[0]
                worst_logit = max(worst_logit, (alone - packed[chosen]).abs().max().item())
            at = end
    print(f"largest difference: pixels {worst_pixel:.1e}, logits {worst_logit:.1e}")
    if worst_pixel > 1e-5 or worst_logit > 1e-4:
        sys.exit("the training forward pass differs from transformers")


if __name__ == "__main__":
    main()
