"""The exported folder run by stock transformers: load once, answer batches of conversations."""

import torch

try:
    import torchvision_shim  # noqa: F401  a stand-in where torchvision is not installed
except ImportError:
    pass
from transformers import AutoProcessor, Qwen3VLForConditionalGeneration


class ReferenceChat:
    def __init__(self, folder):
        self.processor = AutoProcessor.from_pretrained(folder)
        self.processor.tokenizer.padding_side = "left"
        # The bf16 weights, computed with in f32.
        self.model = Qwen3VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()

    def answers(self, conversations, max_new_tokens=96):
        """Greedy answers; a conversation is a list of (role, text, picture or None)."""
        prompts, pictures = [], []
        for conversation in conversations:
            messages = []
            for role, text, picture in conversation:
                content = [{"type": "text", "text": text}]
                if picture is not None:
                    content.insert(0, {"type": "image"})
                    pictures.append(picture)
                messages.append({"role": role, "content": content})
            prompts.append(self.processor.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True))
        inputs = self.processor(text=prompts, images=pictures or None, padding=True, return_tensors="pt")
        with torch.no_grad():
            out = self.model.generate(**inputs, max_new_tokens=max_new_tokens)
        new = out[:, inputs["input_ids"].shape[1]:]
        return self.processor.batch_decode(new, skip_special_tokens=True)
