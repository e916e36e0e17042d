"""What is made of each layout, and how it differs from the published models' defaults."""

from dataclasses import dataclass, field
from typing import Any

DESCRIBE = "Describe this picture."
COMPARE = "比较一下两张图像的异同点。"

WIDE = {"wide.png": (52, 30)}
BOTH = {"first.png": (40, 43), "second.png": (61, 34)}


@dataclass(frozen=True)
class Case:
    name: str
    layout: str
    prompt: str = DESCRIBE
    pictures: dict[str, tuple[int, int]] = field(default_factory=lambda: dict(WIDE))
    # instead of what the template says where there is none
    system: str | None = None
    # pth: as the trainers save it, without the vision encoder; folder: converted for transformers
    form: str = "pth"
    # whether config.json says what the tensors do not: written beside a pth as model-config.json
    configured: bool = False
    text_only: bool = False
    # in the words of layouts b to e; make_fixtures.py translates them for layout a
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def vision(self) -> str:
        return {"a": "clip", "b": "clip", "c": "naflex"}.get(self.layout[0], "siglip")


MOE = {"use_moe": True}

CASES = [
    Case("a_dense", "a", COMPARE, BOTH, "AI"),
    Case("a_moe", "a", config=MOE),
    Case("a_folder", "a", form="folder", config={"num_key_value_heads": 4, "rope_theta": 10000.0}),
    Case("a_text", "a", "你好！", {}, text_only=True),
    Case("b_dense", "b", "仔细看一下这张图：描述一下这个图像的内容。"),
    Case(
        "b_moe",
        "b",
        COMPARE,
        BOTH,
        "AI",
        configured=True,
        config={
            **MOE,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "n_routed_experts": 3,
            "num_experts_per_tok": 1,
            "n_shared_experts": 2,
            "rope_theta": 10000.0,
            "rms_norm_eps": 1e-3,
        },
    ),
    Case("b_folder", "b2", form="folder", config={**MOE, "inference_rope_scaling": True}),
    Case("c_dense", "c"),
    Case("d_dense", "d", COMPARE, BOTH, "AI"),
    Case("e_dense", "e", COMPARE, BOTH),
    Case("e_moe", "e", config=MOE),
    Case("e_folder", "e", form="folder", config={**MOE, "num_experts_per_tok": 2, "head_dim": 6}),
    Case("e_text", "e", "What is 1 + 1?", {}, form="folder", text_only=True),
]
