"""The fixture cases: geometry, weights' dtype, files' layout, pictures and messages of each.

Sizes differ from case to case on purpose, so that a dimension taken from the wrong key cannot pass
unnoticed everywhere.
"""

from dataclasses import dataclass, field
from typing import Any

QWEN2 = "qwen2_vl"
QWEN2_5 = "qwen2_5_vl"
QWEN3_MOE = "qwen3_vl_moe"


@dataclass(frozen=True)
class Vision:
    hidden: int = 12
    heads: int = 3
    depth: int = 3
    patch: int = 4
    ratio: int = 2  # Qwen2-VL: the MLP's middle as a multiple of the hidden size
    intermediate: int = 20
    window: int = 16  # Qwen2.5-VL, in pixels
    full: tuple[int, ...] = (1,)
    tokens_per_second: int = 2
    positions: int = 16  # Qwen3-VL
    deepstack: tuple[int, ...] = (1,)


@dataclass(frozen=True)
class Experts:
    count: int = 4
    chosen: int = 2
    intermediate: int = 12
    sparse_step: int = 1
    dense_layers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Text:
    hidden: int = 24
    intermediate: int = 40
    layers: int = 3
    heads: int = 3
    kv_heads: int = 1
    head_dim: int = 8  # hidden / heads, but for Qwen3-VL
    section: tuple[int, int, int] = (2, 1, 1)
    theta: float = 1000000.0
    vocabulary: int = 396
    eps: float = 1e-6
    sliding_window: int = 0
    full_layers: int = 0  # as many first layers see everything, where there is a window
    experts: Experts = field(default_factory=Experts)


@dataclass(frozen=True)
class Case:
    name: str
    family: str
    messages: list[dict[str, Any]]
    pictures: dict[str, tuple[int, int]] = field(default_factory=dict)  # file -> width, height
    vision: Vision = field(default_factory=Vision)
    text: Text = field(default_factory=Text)
    tied: bool = True
    dtype: str = "bfloat16"
    min_pixels: int = 256
    max_pixels: int = 2048
    # published: as on the hub in 2024, text fields at the top, rope_scaling; nested: transformers 5
    config: str = "nested"
    # published: visual.*, model.layers.*; nested: model.visual.*, model.language_model.*;
    # bare: visual.*, language_model.*, of the model without its head
    names: str = "published"
    # published: preprocessor_config.json with min_pixels; size: with size;
    # processor: one processor_config.json
    processor_file: str = "published"
    template_file: str = "json"  # json: chat_template.json; jinja: chat_template.jinja
    experts_transposed: bool = False  # [experts, out, in], as transformers 5 saves them


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def image(name: str) -> dict[str, Any]:
    return {"type": "image", "image": name}


def video(frames: int, fps: float) -> dict[str, Any]:
    return {"type": "video", "video": [f"frame_{i}.png" for i in range(frames)], "fps": fps}


def frames(count: int, width: int, height: int) -> dict[str, tuple[int, int]]:
    return {f"frame_{i}.png": (width, height) for i in range(count)}


def user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


VIDEO_FPS = 4.0

CASES = [
    # ------------------------------------------------------------------ Qwen2-VL
    Case(
        name="qwen2_one_image",
        family=QWEN2,
        messages=[user(image("picture.png"), text("What is in the picture?"))],
        pictures={"picture.png": (37, 23)},
        vision=Vision(hidden=16, heads=2),
        config="published",
    ),
    Case(
        name="qwen2_two_images",
        family=QWEN2,
        messages=[
            {"role": "system", "content": "You answer briefly."},
            user(image("first.png"), text("What is in the picture?")),
            {"role": "assistant", "content": [text("There is a small red square.")]},
            user(text("And in "), image("second.png"), text("?")),
        ],
        # 30 / 12 = 2.5: rounding half to even gives 2.
        pictures={"first.png": (36, 30), "second.png": (13, 23)},
        vision=Vision(patch=6, ratio=3),
        text=Text(
            hidden=20, heads=5, kv_heads=5, head_dim=4, section=(0, 1, 1), theta=10000.0, eps=1e-5
        ),
        tied=False,
        names="nested",
        processor_file="size",
        template_file="jinja",
    ),
    Case(
        name="qwen2_text_only",
        family=QWEN2,
        messages=[user(text("In 2024 the café sold 135 éclairs."))],
        vision=Vision(hidden=8, heads=1, depth=1),
        text=Text(hidden=20, heads=2, kv_heads=2, head_dim=10, section=(1, 2, 2), layers=2),
        tied=False,
        dtype="float16",
        config="published",
    ),
    Case(
        name="qwen2_video",
        family=QWEN2,
        messages=[user(video(5, VIDEO_FPS), text("Does the shape move?"))],
        pictures=frames(5, 26, 17),
        text=Text(hidden=24, heads=2, kv_heads=1, head_dim=12, section=(2, 2, 2)),
        names="bare",
        processor_file="processor",
        template_file="jinja",
    ),
    # ------------------------------------------------------------------ Qwen2.5-VL
    Case(
        name="qwen2_5_one_image",
        family=QWEN2_5,
        # 5 × 7 blocks under windows of 2 × 2: cut at the right and at the bottom
        messages=[user(image("picture.png"), text("What can be seen?"))],
        pictures={"picture.png": (55, 41)},
        vision=Vision(full=(1,), window=20, intermediate=28, heads=1),
        max_pixels=4096,
        config="published",
    ),
    Case(
        name="qwen2_5_two_images",
        family=QWEN2_5,
        messages=[
            user(image("wide.png"), image("small.png"), text("Compare both images.")),
        ],
        # 6 × 3 blocks under windows of 3 × 3 fit exactly, 2 × 2 blocks do not fill one
        pictures={"wide.png": (49, 26), "small.png": (18, 15)},
        vision=Vision(depth=4, intermediate=18, window=24, full=(0, 3)),
        text=Text(hidden=24, heads=3, kv_heads=3, section=(1, 1, 2), theta=10000.0, layers=2),
        tied=False,
        names="nested",
        processor_file="size",
        template_file="jinja",
    ),
    Case(
        name="qwen2_5_video",
        family=QWEN2_5,
        messages=[
            user(image("picture.png"), video(6, VIDEO_FPS), text("Does the shape move?"))
        ],
        pictures={"picture.png": (18, 16), **frames(6, 15, 41)},
        # Three tokens a second and half a second a temporal patch: 0, 1, 3. The frames are high
        # enough that the text goes on after their last row, not after the last time.
        vision=Vision(full=(2,), tokens_per_second=3),
        text=Text(hidden=24, heads=2, kv_heads=1, head_dim=12, section=(2, 3, 1)),
        tied=False,
        config="published",
        processor_file="size",
    ),
    Case(
        name="qwen2_5_sliding_window",
        family=QWEN2_5,
        messages=[user(text("How many shapes are there in "), image("picture.png"), text("?"))],
        pictures={"picture.png": (17, 24)},
        vision=Vision(depth=2, full=()),
        text=Text(hidden=24, layers=3, sliding_window=12, full_layers=1),
        dtype="float16",
        processor_file="processor",
        template_file="jinja",
    ),
    # ------------------------------------------------------------------ Qwen3-VL-MoE
    Case(
        name="qwen3_moe_one_image",
        family=QWEN3_MOE,
        messages=[user(image("picture.png"), text("What is in the picture?"))],
        pictures={"picture.png": (33, 26)},
        text=Text(
            hidden=24,
            heads=2,
            kv_heads=1,
            head_dim=14,
            section=(3, 2, 2),
            theta=500000.0,
            experts=Experts(intermediate=10),
        ),
        tied=False,
        config="published",
        names="nested",
        processor_file="size",
        template_file="jinja",
    ),
    Case(
        name="qwen3_moe_dense_between",
        family=QWEN3_MOE,
        messages=[
            user(image("wide.png"), image("tall.png"), text("Two?")),
            {"role": "assistant", "content": "Two of them."},
            {"role": "user", "content": "Which one is darker?"},
        ],
        pictures={"wide.png": (30, 17), "tall.png": (14, 24)},
        vision=Vision(hidden=8, heads=2, depth=2, deepstack=(1, 0)),
        text=Text(
            hidden=20,
            intermediate=36,
            layers=5,
            heads=4,
            kv_heads=2,
            section=(2, 1, 1),
            theta=5000000.0,
            # of the layers 1 and 3, which the step leaves, 3 is dense by name
            experts=Experts(count=6, chosen=3, intermediate=10, sparse_step=2, dense_layers=(3,)),
        ),
        names="nested",
        dtype="float16",
        processor_file="processor",
        template_file="jinja",
        experts_transposed=True,
    ),
    Case(
        name="qwen3_moe_text_only",
        family=QWEN3_MOE,
        messages=[user(text("Which one is darker?"))],
        vision=Vision(hidden=8, heads=2, depth=1, deepstack=(0,)),
        text=Text(
            hidden=16,
            layers=2,
            heads=2,
            kv_heads=2,
            section=(2, 1, 1),
            experts=Experts(count=5, chosen=1, intermediate=12, dense_layers=(0,)),
        ),
        tied=False,
        dtype="float32",
        names="nested",
        processor_file="size",
        template_file="jinja",
    ),
]
