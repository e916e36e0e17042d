"""Records what transformers makes of answers: their loss and each token's log-probability.

The checkpoints are those of tools/reference/qwen3vl. An answer is tokenised on its own and put after
the rendered prompt; prompt and pictures have the label -100, which the loss ignores.

Usage: python make_fixtures.py --models FOLDER --out FOLDER
"""

import argparse
import json
from pathlib import Path
from typing import Any

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: F401
except ImportError:
    pass

import torch
import transformers
from PIL import Image
from transformers import AutoProcessor, Qwen3VLForConditionalGeneration

IGNORED = -100
END = "<|im_end|>"
LONG = " ".join(f"the {n} red and {n + 3} green boxes" for n in range(40))
CASES = {
    "tied_one_image": [
        ("A red circle.", None),
        ("A red circle.", END),
        ("x", None),
        # What looks like a control token is text here, as in all that a user writes.
        (" \u00fcber 7 \u732b\n", None),
        (LONG, END),  # longer than what is read at once
    ],
    "untied_two_images": [("The second one, because it is taller.", END), ("", END)],
}


def score(model: Any, processor: Any, folder: Path, answer: str, end: str | None) -> dict[str, Any]:
    messages = json.loads((folder / "messages.json").read_text(encoding="utf-8"))
    parts = [part for message in messages for part in message["content"] if part["type"] == "image"]
    prompt = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    images = [Image.open(folder / part["image"]) for part in parts]
    batch = dict(processor(text=[prompt], images=images, return_tensors="pt"))
    tokenizer = processor.tokenizer
    ids = tokenizer.encode(answer, add_special_tokens=False)
    if end is not None:
        ids.append(tokenizer.convert_tokens_to_ids(end))
    prompt_ids = batch["input_ids"]
    answer_ids = torch.tensor([ids])
    batch["input_ids"] = torch.cat([prompt_ids, answer_ids], dim=1)
    batch["attention_mask"] = torch.ones_like(batch["input_ids"])
    batch["mm_token_type_ids"] = torch.cat(
        [batch["mm_token_type_ids"], torch.zeros_like(answer_ids)], dim=1
    )
    labels = torch.cat([torch.full_like(prompt_ids, IGNORED), answer_ids], dim=1)
    model.model.rope_deltas = None
    out = model(**batch, labels=labels)
    first = prompt_ids.shape[1] - 1
    logprobs = torch.log_softmax(out.logits[0, first:-1].double(), dim=-1)
    chosen = logprobs.gather(1, answer_ids[0].unsqueeze(1))[:, 0]
    return {
        "answer": answer,
        "end": end,
        "tokens": ids,
        "logprobs": [round(float(value), 6) for value in chosen],
        "logLikelihood": round(float(chosen.sum()), 6),
        "loss": round(float(out.loss), 6),
        "promptTokens": prompt_ids.shape[1],
        "imageTokens": int((prompt_ids == model.config.image_token_id).sum()),
    }


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, answers in CASES.items():
        folder = options.models / name
        model = Qwen3VLForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        ).eval()
        processor = AutoProcessor.from_pretrained(folder)
        scores = [score(model, processor, folder, answer, end) for answer, end in answers]
        lines = ",\n".join("  " + json.dumps(one, ensure_ascii=False) for one in scores)
        (options.out / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        print(name, [(one["promptTokens"], len(one["tokens"]), one["loss"]) for one in scores])


if __name__ == "__main__":
    main()
