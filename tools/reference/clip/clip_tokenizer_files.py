"""A CLIP byte-level BPE vocabulary of a few hundred entries, in the formats of the real one."""

import gzip
import json
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
MERGES = 44
CONTEXT = 20

CORPUS = [
    "a photo of a red circle. a photo of a blue square. a photo of two small dogs.",
    "a picture of a green triangle and a yellow line on the left of a big circle.",
    "the photo shows a circle, the picture shows a square; it's not the same photo.",
]


def byte_characters() -> list[str]:
    """The 256 printable stand-ins for bytes in the order of CLIP's vocabulary."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    return [chr(b) for b in plain] + [chr(0x100 + n) for n in range(256 - len(plain))]


@lru_cache
def merges() -> tuple[tuple[str, str], ...]:
    """Merges learnt from the corpus, with `</w>` at word ends."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Punctuation(),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=4000, end_of_word_suffix="</w>", show_progress=False, min_frequency=2
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    learnt = json.loads(tokenizer.to_str())["model"]["merges"]
    return tuple((first, second) for first, second in learnt[:MERGES])


def vocabulary() -> dict[str, int]:
    characters = byte_characters()
    entries = [
        *characters,
        *(c + "</w>" for c in characters),
        *(first + second for first, second in merges()),
        START,
        END,
    ]
    return {entry: index for index, entry in enumerate(entries)}


def tokenizer(pad_token: str = END, extra: tuple[str, ...] = ()) -> CLIPTokenizer:
    result = CLIPTokenizer(
        vocab=vocabulary(),
        merges=[tuple(pair) for pair in merges()],
        pad_token=pad_token,
        model_max_length=CONTEXT,
    )
    if extra:
        result.add_tokens(list(extra))
    return result


def write_old_style(folder: Path, context: int = CONTEXT) -> None:
    """vocab.json and merges.txt with their settings, as OpenAI's checkpoints have them."""
    write_json(folder / "vocab.json", vocabulary(), indent=None)
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges())]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    special = {
        "bos_token": added(START, normalized=True),
        "eos_token": added(END, normalized=True),
        "pad_token": END,
        "unk_token": added(END, normalized=True),
    }
    write_json(folder / "special_tokens_map.json", special)
    write_json(
        folder / "tokenizer_config.json",
        {
            "unk_token": {"__type": "AddedToken", **added(END, normalized=True)},
            "bos_token": {"__type": "AddedToken", **added(START, normalized=True)},
            "eos_token": {"__type": "AddedToken", **added(END, normalized=True)},
            "pad_token": END,
            "add_prefix_space": False,
            "errors": "replace",
            "do_lower_case": True,
            "model_max_length": context,
            "tokenizer_class": "CLIPTokenizer",
        },
    )


def write_new_style(folder: Path, pad_token: str = END, extra: tuple[str, ...] = ()) -> None:
    """tokenizer.json and tokenizer_config.json, as transformers 5 writes them."""
    tokenizer(pad_token, extra).save_pretrained(folder)


def write_gzip(folder: Path) -> None:
    """The vocabulary as OpenAI's package and open_clip ship it."""
    lines = ['"bpe_simple_vocab_16e6.txt#version: 0.2', *(" ".join(pair) for pair in merges())]
    # no line feed at the end: open_clip would read an empty merge and shift the last two ids
    data = gzip.compress("\n".join(lines).encode("utf-8"), compresslevel=9, mtime=0)
    (folder / "bpe_simple_vocab_16e6.txt.gz").write_bytes(data)


def added(content: str, normalized: bool) -> dict[str, object]:
    return {
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": normalized,
    }


def write_json(path: Path, value: object, indent: int | None = 2) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
