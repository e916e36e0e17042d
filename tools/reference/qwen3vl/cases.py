"""The fixture cases: geometry, weights' dtype, files' layout, pictures and messages of each.

Sizes differ from case to case on purpose, so that a dimension taken from the wrong key cannot pass
unnoticed everywhere.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Vision:
    hidden: int = 16
    heads: int = 2
    depth: int = 4
    intermediate: int = 24
    patch: int = 4
    positions: int = 36
    deepstack: tuple[int, ...] = (0, 2)


@dataclass(frozen=True)
class Text:
    hidden: int = 32
    intermediate: int = 56
    layers: int = 3
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 8
    section: tuple[int, int, int] = (2, 1, 1)
    theta: float = 500000.0
    vocabulary: int = 400
    eps: float = 1e-6
    bias: bool = False


@dataclass(frozen=True)
class Case:
    name: str
    messages: list[dict[str, Any]]
    pictures: dict[str, tuple[int, int]] = field(default_factory=dict)  # file -> width, height
    vision: Vision = field(default_factory=Vision)
    text: Text = field(default_factory=Text)
    tied: bool = True
    dtype: str = "float32"
    min_pixels: int = 256
    max_pixels: int = 4096
    shard_size: str | None = None
    old_config: bool = False
    # preprocessor: preprocessor_config.json (+ video_...); processor: one processor_config.json
    processor_file: str = "preprocessor"
    # jinja: chat_template.jinja; json: chat_template.json; tokenizer: inside tokenizer_config.json
    template_file: str = "jinja"
    every_block: bool = False
    attention: bool = False
    all_logits: bool = False
    eos_in_the_way: bool = False


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def image(name: str) -> dict[str, Any]:
    return {"type": "image", "image": name}


def user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


VIDEO_FPS = 2.0
VIDEO_FRAMES = [f"frame_{i}.png" for i in range(5)]

CASES = [
    Case(
        name="tied_one_image",
        messages=[user(image("picture.png"), text("What is in the picture?"))],
        pictures={"picture.png": (40, 33)},
        every_block=True,
        attention=True,
    ),
    Case(
        name="untied_two_images",
        messages=[user(image("wide.png"), image("tall.png"), text("Compare both images."))],
        # 40 / 16 = 2.5 and 24 / 16 = 1.5: rounding half to even gives 2 and 2.
        pictures={"wide.png": (61, 40), "tall.png": (24, 66)},
        vision=Vision(
            hidden=20,
            heads=5,
            depth=4,
            intermediate=36,
            patch=8,
            positions=49,
            deepstack=(1, 3),
        ),
        text=Text(
            hidden=40,
            intermediate=64,
            layers=3,
            heads=4,
            kv_heads=2,
            head_dim=10,
            section=(2, 2, 1),
            theta=1000000.0,
            vocabulary=404,
        ),
        tied=False,
        processor_file="processor",
    ),
    Case(
        name="head_dim_differs",
        messages=[user(text("How many shapes are there in "), image("picture.png"), text("?"))],
        pictures={"picture.png": (45, 70)},
        vision=Vision(
            hidden=24,
            heads=2,
            depth=3,
            intermediate=36,
            patch=4,
            positions=64,
            deepstack=(1,),
        ),
        text=Text(
            hidden=36,
            intermediate=60,
            layers=3,
            heads=6,
            kv_heads=2,
            head_dim=14,
            section=(3, 1, 3),
            theta=10000.0,
            vocabulary=396,
            eps=1e-5,
        ),
    ),
    Case(
        name="multi_turn",
        messages=[
            {"role": "system", "content": "You answer briefly."},
            user(image("first.png"), text("What is in the picture?")),
            {"role": "assistant", "content": [text("There is a small red square.")]},
            user(
                text("And in "), image("second.png"), text(" and "), image("third.png"), text("?")
            ),
            {"role": "assistant", "content": "Two of them 图片."},
            {"role": "user", "content": "Which one is darker?"},
        ],
        pictures={"first.png": (32, 24), "second.png": (18, 41), "third.png": (57, 22)},
        vision=Vision(deepstack=(0, 1, 3), positions=25),
        text=Text(section=(2, 1, 1), theta=5000000.0),
        eos_in_the_way=True,
    ),
    Case(
        name="text_only",
        messages=[
            {"role": "system", "content": [text("You answer briefly.")]},
            user(text("In 2024 the café sold 135 éclairs.")),
        ],
        text=Text(layers=3, heads=4, kv_heads=1, head_dim=12, section=(2, 2, 2)),
        tied=False,
        attention=True,
        all_logits=True,
    ),
    Case(
        name="sharded_bf16",
        messages=[user(image("picture.png"), text("Describe the image in one sentence."))],
        pictures={"picture.png": (50, 44)},
        vision=Vision(
            hidden=32,
            heads=4,
            depth=4,
            intermediate=48,
            patch=4,
            positions=64,
            deepstack=(1, 2),
        ),
        text=Text(
            hidden=48,
            intermediate=80,
            layers=4,
            heads=6,
            kv_heads=3,
            head_dim=16,
            section=(4, 2, 2),
            theta=5000000.0,
        ),
        tied=False,
        dtype="bfloat16",
        shard_size="120KB",
    ),
    Case(
        name="old_config_style",
        messages=[user(image("picture.png"), text("What can be seen?"))],
        pictures={"picture.png": (33, 47)},
        text=Text(hidden=32, heads=4, kv_heads=2, head_dim=16, section=(3, 3, 2), theta=20000.0),
        dtype="bfloat16",
        old_config=True,
        template_file="json",
    ),
    Case(
        name="f16_attention_bias",
        messages=[user(image("picture.png"), text("Two of them?"))],
        pictures={"picture.png": (48, 40)},
        vision=Vision(
            hidden=16,
            heads=4,
            depth=3,
            intermediate=32,
            patch=8,
            positions=16,
            deepstack=(0, 1),
        ),
        text=Text(
            hidden=32,
            heads=2,
            kv_heads=2,
            head_dim=16,
            section=(4, 3, 1),
            theta=100000.0,
            bias=True,
        ),
        tied=False,
        dtype="float16",
        template_file="tokenizer",
    ),
    Case(
        name="video",
        messages=[
            user(
                image("picture.png"),
                {"type": "video", "video": VIDEO_FRAMES, "fps": VIDEO_FPS},
                text("Does the shape move to the right?"),
            )
        ],
        pictures={"picture.png": (30, 26), **{f: (34, 25) for f in VIDEO_FRAMES}},
        text=Text(hidden=32, heads=4, kv_heads=2, head_dim=16, section=(4, 2, 2), theta=5000000.0),
    ),
    Case(
        name="resized",
        messages=[
            user(image("tiny.png"), image("large.png"), text("The first or the second one?"))
        ],
        pictures={"tiny.png": (5, 9), "large.png": (211, 130)},
        text=Text(hidden=32, heads=4, kv_heads=4, head_dim=8, section=(1, 1, 2), theta=500000.0),
        min_pixels=900,
        max_pixels=1900,
    ),
]
