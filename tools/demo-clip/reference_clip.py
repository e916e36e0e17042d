"""The exported folder run by stock transformers: its own tokenizer, image processor and model, in f32."""

import torch

from clip_model import CLIPModel
from transformers import AutoTokenizer, CLIPImageProcessor


class ReferenceClip:
    def __init__(self, folder, image_processor=CLIPImageProcessor):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.image_processor = image_processor.from_pretrained(folder)
        self.model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()

    @torch.no_grad()
    def _outputs(self, pictures, texts):
        ids = self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        pixels = self.image_processor([p.convert("RGB") for p in pictures], return_tensors="pt").pixel_values
        return self.model(input_ids=ids, pixel_values=pixels)

    def logits(self, pictures, texts, batch=60):
        """logits_per_image: [pictures, texts]."""
        return torch.cat([self._outputs(pictures[i:i + batch], texts).logits_per_image
                          for i in range(0, len(pictures), batch)])

    @torch.no_grad()
    def patch_similarities(self, pictures, texts):
        """[pictures, texts, rows, columns]: cosine of every projected patch with every text."""
        out = self._outputs(pictures, texts)
        patches = self.model.visual_projection(
            self.model.vision_model.post_layernorm(out.vision_model_output.last_hidden_state[:, 1:]))
        side = round(patches.shape[1] ** 0.5)
        found = torch.nn.functional.normalize(patches, dim=-1) @ out.text_embeds.T
        return found.mT.reshape(len(pictures), len(texts), side, side)
