"""Tokenizers of a few hundred entries: Llama's kind, with byte fallback, and Qwen's, byte-level."""

import json
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

IMAGE = "<image>"

CORPUS = [
    "What is in the picture? There is a small red square on the left and a blue circle on the right.",
    "USER: ASSISTANT: [INST] [/INST] user assistant system",
    "Describe the image in one sentence. Compare both images and say which one is darker.",
    "The second picture shows a green triangle above a yellow line; the first one is almost empty.",
    "How many shapes are there? Two of them, and they do not touch each other.",
    "You answer briefly and only about what can be seen in the pictures.",
]

# ids 0 to 2, as in Llama's vocabulary; bytes come next
UNKNOWN, BEGIN, END = LLAMA_SPECIAL = ["<unk>", "<s>", "</s>"]
BYTES = [f"<0x{value:02X}>" for value in range(256)]
LLAMA_ENTRIES = 350

QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
QWEN_ENTRIES = 320


def llama() -> Tokenizer:
    """Spaces are U+2581, one before each text; what is not in the vocabulary is spelled in bytes."""
    trained = Tokenizer(models.BPE(unk_token=UNKNOWN))
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=LLAMA_ENTRIES, special_tokens=LLAMA_SPECIAL + BYTES, show_progress=False
    )
    trained.train_from_iterator(CORPUS, trainer)
    model = json.loads(trained.to_str())["model"]
    merges = [tuple(pair) for pair in model["merges"]]
    tokenizer = Tokenizer(
        models.BPE(model["vocab"], merges, unk_token=UNKNOWN, fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("\u2581", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.add_special_tokens([special(token) for token in (*LLAMA_SPECIAL, IMAGE, "<pad>")])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A",
        pair=f"{BEGIN} $A {BEGIN}:1 $B:1",
        special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))],
    )
    return tokenizer


def qwen() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_SPLIT), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(
        add_prefix_space=False, trim_offsets=False, use_regex=False
    )
    trainer = trainers.BpeTrainer(
        vocab_size=QWEN_ENTRIES,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([special(token) for token in (*QWEN_SPECIAL, IMAGE)])
    return tokenizer


def special(token: str) -> AddedToken:
    return AddedToken(token, special=True, normalized=False)


def build(kind: str) -> Tokenizer:
    return llama() if kind == "llama" else qwen()


def write(folder: Path, kind: str, extra: dict[str, Any]) -> None:
    """`tokenizer.json` and `tokenizer_config.json`, the latter as the families publish it."""
    tokenizer = build(kind)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    added = json.loads(tokenizer.to_str())["added_tokens"]
    config = {
        "added_tokens_decoder": {
            str(token["id"]): {key: value for key, value in token.items() if key != "id"}
            for token in added
        },
        "clean_up_tokenization_spaces": False,
        "model_max_length": 4096,
    }
    if kind == "llama":
        config |= {
            "add_bos_token": True,
            "add_eos_token": False,
            "bos_token": BEGIN,
            "eos_token": END,
            "legacy": True,
            "pad_token": "<pad>",
            "tokenizer_class": "LlamaTokenizer",
            "unk_token": UNKNOWN,
        }
    else:
        config |= {
            "add_prefix_space": False,
            "bos_token": None,
            "eos_token": "<|im_end|>",
            "errors": "replace",
            "pad_token": "<|endoftext|>",
            "split_special_tokens": False,
            "tokenizer_class": "Qwen2Tokenizer",
            "unk_token": None,
        }
    config |= extra
    (folder / "tokenizer_config.json").write_text(
        json.dumps(config, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8"
    )
