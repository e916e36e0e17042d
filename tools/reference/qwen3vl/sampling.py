"""What transformers' logits processors make of fixed logits, in the order generate() uses."""

from typing import Any

import torch
from transformers import GenerationConfig
from transformers.generation.utils import GenerationMixin


class _Bare(GenerationMixin):
    """Just enough of a model for GenerationMixin to build its list of processors."""

    class config:  # noqa: N801
        is_encoder_decoder = False


def processed(
    logits: list[float], history: list[int], options: dict[str, Any]
) -> list[float | None]:
    settings = GenerationConfig(
        do_sample=True,
        temperature=options.get("temperature", 1.0),
        top_k=options.get("topK", 0),
        top_p=options.get("topP", 1.0),
        min_p=options.get("minP"),
        repetition_penalty=options.get("repetitionPenalty", 1.0),
        num_beams=1,
    )
    chain = GenerationMixin._get_logits_processor(
        _Bare(), generation_config=settings, input_ids_seq_length=len(history)
    )
    scores = chain(torch.tensor([history]), torch.tensor([logits], dtype=torch.float32))[0]
    return [None if v == float("-inf") else float(v) for v in scores]


def sampling_cases() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(20)

    def rounded(count: int, scale: float) -> list[float]:
        return [round(float(v), 3) for v in torch.randn(count, generator=generator) * scale]

    vectors = {
        "plain": (rounded(16, 2.0), [3, 5, 5, 11]),
        "flat": (rounded(16, 0.3), [0, 15]),
        "sharp": (rounded(16, 6.0), [7]),
        "ties": ([1.0, 2.0, 2.0, 2.0, 0.5, 2.0, -1.0, -1.0], [1, 6]),
        "negative": ([-0.5, -3.0, -1.25, -0.75, -2.0, -0.625, -4.0, -1.0], [0, 2, 3, 0]),
    }
    settings = [
        {},
        {"temperature": 0.7},
        {"temperature": 1.8},
        {"topK": 1},
        {"topK": 3},
        {"topK": 100},
        {"topP": 0.8},
        {"topP": 0.05},
        {"minP": 0.1},
        {"minP": 0.9},
        {"repetitionPenalty": 1.3},
        {"repetitionPenalty": 0.8},
        {"temperature": 0.7, "topK": 5, "topP": 0.8},
        {"temperature": 0.7, "topK": 20, "topP": 0.8},
        {"temperature": 1.5, "topK": 6, "topP": 0.9, "minP": 0.15},
        {"repetitionPenalty": 1.4, "temperature": 0.6, "topK": 7, "topP": 0.7, "minP": 0.05},
        {"repetitionPenalty": 1.2, "temperature": 2.0, "minP": 0.3},
    ]
    return {
        "order": ["repetitionPenalty", "temperature", "topK", "topP", "minP"],
        "removed": "null stands for a removed token (minus infinity)",
        "cases": [
            {
                "vector": name,
                "logits": logits,
                "history": history,
                "options": options,
                "expected": processed(logits, history, options),
            }
            for name, (logits, history) in vectors.items()
            for options in settings
            # Which of several equal logits top-p drops first is left open by the reference's sort.
            if not (name == "ties" and "topP" in options)
        ],
    }
