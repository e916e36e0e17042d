"""The LLaVA cases: encoder, connector and decoder, names of tensors, layout of files, messages.

Sizes differ from case to case on purpose, so that a dimension taken from the wrong key cannot pass
unnoticed everywhere.
"""

from dataclasses import dataclass, field
from typing import Any

Messages = list[dict[str, Any]]


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def image(name: str) -> dict[str, Any]:
    return {"type": "image", "image": name}


def user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def assistant(value: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [text(value)]}


@dataclass(frozen=True)
class Case:
    name: str
    family: str = field(default="llava", kw_only=True)
    vision: dict[str, Any]
    text: dict[str, Any]
    messages: Messages
    # file -> width, height; in the order of the messages, or all of them outside
    pictures: dict[str, tuple[int, int]] = field(default_factory=dict)
    # what config.json says beside its two parts
    top: dict[str, Any] = field(default_factory=dict)
    # published: `language_model.model.…` and `vision_tower.vision_model.…`, as on the hub;
    # saved: as transformers 5 writes them; in_memory: `model.language_model.…`;
    # in_memory_4: likewise, with `model.vision_tower.vision_model.…`
    names: str = "saved"
    tokenizer: str = "llama"
    template: str = "llava"
    # preprocessor: preprocessor_config.json and a short processor_config.json; joined: one file
    processor: str = "preprocessor"
    dtype: str = "float16"
    eos_in_the_way: bool = False


def clip(**changes: Any) -> dict[str, Any]:
    base = dict(
        model_type="clip_vision_model",
        hidden_size=24,
        intermediate_size=40,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=28,
        patch_size=7,
        projection_dim=20,
    )
    return {**base, **changes}


def siglip(**changes: Any) -> dict[str, Any]:
    base = dict(
        model_type="siglip_vision_model",
        hidden_size=20,
        intermediate_size=36,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=24,
        patch_size=6,
    )
    return {**base, **changes}


def decoder(kind: str, **changes: Any) -> dict[str, Any]:
    base = dict(
        model_type=kind,
        hidden_size=32,
        intermediate_size=56,
        num_hidden_layers=3,
        num_attention_heads=4,
        vocab_size=368,
        max_position_embeddings=512,
        rms_norm_eps=1e-5,
    )
    return {**base, **changes}


CASES = [
    Case(
        name="clip_llama_published",
        vision=clip(),
        text=decoder("llama"),
        messages=[user(image("picture.png"), text("What is in the picture?"))],
        pictures={"picture.png": (40, 33)},
        names="published",
    ),
    Case(
        name="clip_llama_in_memory",
        vision=clip(hidden_act="gelu", layer_norm_eps=1e-4, image_size=30, patch_size=10),
        text=decoder(
            "llama",
            num_key_value_heads=2,
            attention_bias=True,
            rope_parameters={"rope_type": "default", "rope_theta": 50000.0},
        ),
        messages=[
            user(image("first.png"), text("What is in the picture?")),
            assistant("There is a small red square."),
            user(text("And in "), image("second.png"), text("Which one is darker?")),
        ],
        pictures={"first.png": (40, 43), "second.png": (61, 27)},
        names="in_memory",
        processor="joined",
        dtype="bfloat16",
        eos_in_the_way=True,
    ),
    Case(
        name="siglip_qwen2",
        vision=siglip(vision_use_head=False),
        text=decoder(
            "qwen2",
            hidden_size=36,
            num_attention_heads=6,
            num_key_value_heads=2,
            tie_word_embeddings=True,
            rms_norm_eps=1e-6,
            rope_parameters={"rope_type": "default", "rope_theta": 1000000.0},
        ),
        messages=[user(image("wide.png"), image("tall.png"), text("Compare both images."))],
        pictures={"wide.png": (61, 40), "tall.png": (24, 66)},
        top=dict(vision_feature_layer=-1, vision_feature_select_strategy="full"),
        tokenizer="qwen",
        template="chatml",
    ),
    Case(
        name="clip_mistral_window",
        vision=clip(hidden_size=16, num_hidden_layers=3, image_size=24, patch_size=8),
        text=decoder(
            "mistral", num_key_value_heads=2, head_dim=10, sliding_window=12, num_hidden_layers=4
        ),
        messages=[user(image("picture.png"), text("Describe the image in one sentence."))],
        pictures={"picture.png": (50, 44)},
        top=dict(
            vision_feature_layer=[-3, -1],
            vision_feature_select_strategy="full",
            projector_hidden_act="gelu_pytorch_tanh",
            multimodal_projector_bias=False,
        ),
        names="in_memory_4",
        template="instruct",
    ),
    Case(
        name="text_only",
        vision=siglip(num_hidden_layers=2),
        text=decoder("llama", num_key_value_heads=1, num_hidden_layers=2),
        messages=[user(text("How many caf\u00e9s are there?"))],
        # not in the messages; drops the first patch, as this encoder has no class token
        pictures={"aside.png": (31, 30)},
    ),
    Case(
        family="llava_next",
        name="next_clip_mistral",
        # 1×3, 3×1 and 2×2 tiles of 3×3 patches
        vision=clip(hidden_size=16, num_hidden_layers=2, image_size=24, patch_size=8),
        text=decoder("mistral", num_key_value_heads=2, num_hidden_layers=2, sliding_window=None),
        messages=[user(image("wide.png"), image("tall.png"), text("Compare both images."))],
        # rows are cut off again below and above the one, columns beside the other
        pictures={"wide.png": (61, 9), "tall.png": (33, 45)},
        top=dict(image_grid_pinpoints=[[24, 72], [72, 24], [48, 48]]),
        names="published",
        template="instruct",
    ),
    Case(
        family="llava_next",
        name="next_siglip_llama",
        vision=siglip(num_hidden_layers=2, image_size=18, vision_use_head=False),
        text=decoder("llama", num_key_value_heads=2, num_hidden_layers=2),
        messages=[user(image("small.png"), text("What is in the picture?"))],
        pictures={"small.png": (13, 14)},
        top=dict(
            image_grid_pinpoints=[[18, 36], [36, 18], [36, 36]],
            vision_feature_select_strategy="full",
        ),
        names="in_memory",
        processor="joined",
    ),
]
