"""The fixture cases: which files each puts together, and the conversation."""

from dataclasses import dataclass

# What VLM-learning trains with and asks with.
SYSTEM = "你是一位图像理解助手。"
HELPFUL = "You are a helpful assistant."
PICTURE = "<|extra_0|>"


@dataclass(frozen=True)
class Case:
    name: str
    query: str
    system: str = HELPFUL
    history: tuple[tuple[str, str], ...] = ()
    model: str = "qwen"
    vision: str | None = None
    picture: str | None = None
    adapter: bool = False


CASES = [
    Case("text", "Hello!"),
    Case(
        "text_long",
        "这幅图像中有什么？ And what is 3 + 4?",
        history=(
            ("What is a lighthouse?", "An old tower above the sea."),
            ("Who lives there?", "Nobody, only dozens of seagulls circle around it."),
        ),
    ),
    Case("text_adapter", "What is a lighthouse? Tell me about it.", adapter=True),
    Case(
        "early_text_long",
        "这幅图像中有什么？ And what is 3 + 4? Say it again.",
        model="qwen-2023-08",
    ),
    Case(
        "picture",
        f"{PICTURE}这幅图像中有什么？",
        system=SYSTEM,
        vision="clip",
        picture="wide.png",
    ),
    Case(
        "picture_adapter",
        f"使用语言描述一下图中出现了那些颜色{PICTURE}",
        system=SYSTEM,
        vision="clip",
        picture="tall.png",
        adapter=True,
    ),
    Case(
        "siglip_adapter",
        f"What is this?{PICTURE} Look at it.",
        system=SYSTEM,
        vision="siglip",
        picture="wide.png",
        adapter=True,
    ),
]
