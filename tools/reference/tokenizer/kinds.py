"""Small tokenizers in the layouts of published decoders' tokenizer.json."""

import json
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from tokenizers import normalizers, trainers

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
AFTER_WORDS = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN_SPLIT = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + AFTER_WORDS
LLAMA3_SPLIT = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + AFTER_WORDS
TEKKEN_SPLIT = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

CORPUS = """The old library stands at the end of the street, and its reading room is open until nine.
user assistant system tool name content arguments think answer question
She asked whether the train had left. It had, ten minutes earlier, from the other platform.
How many books are on the table? There are seven books and one small notebook on the table.
What is the capital of France? The capital of France is Paris. 2024, 1999, 3.14 and 100000
import java.util.List; public static void main(String[] args) { return x + 1; } // 0123456789
桌子上有七本书。图书馆九点关门。
L'été, à Noël, où est-ce? Straße, größer, weiß. Привет, мир! Δοκιμή""".split("\n")

PIECES = 90  # learnt merges of each


def sentencepiece(metaspace: bool) -> Tokenizer:
    """Llama 1 and 2, and Mistral before Nemo: sentencepiece's BPE with bytes as a way out.

    The older files prepend and replace blanks in a normalizer, the newer ones in Metaspace.
    """
    learnt = Tokenizer(models.BPE())
    learnt.pre_tokenizer = pre_tokenizers.Metaspace()
    characters = sorted({c for line in CORPUS for c in line if c.isascii() and c != " "} | {"▁"})
    trainer = trainers.BpeTrainer(
        vocab_size=len(characters) + PIECES,
        initial_alphabet=characters,
        limit_alphabet=len(characters),
        show_progress=False,
    )
    learnt.train_from_iterator(CORPUS * 4, trainer)
    model = json.loads(learnt.to_str())["model"]
    special = ["<unk>", "<s>", "</s>"]
    tokens = special + [f"<0x{b:02X}>" for b in range(256)]
    tokens += sorted(model["vocab"], key=model["vocab"].get)
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: i for i, token in enumerate(tokens)},
            merges=[tuple(merge) for merge in model["merges"]],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
            replacement="▁", prepend_scheme="first", split=False
        )
    else:
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in special]
    )
    if metaspace:  # as Mistral v0.3 does
        tokenizer.add_special_tokens(
            [
                AddedToken(token, special=True, normalized=False)
                for token in ("[INST]", "[/INST]", "[TOOL_CALLS]")
            ]
        )
    tokenizer.post_processor = beginning(tokenizer, "<s>")
    return tokenizer


def beginning(tokenizer: Tokenizer, token: str) -> processors.TemplateProcessing:
    return processors.TemplateProcessing(
        single=f"{token} $A",
        pair=f"{token} $A {token}:1 $B:1",
        special_tokens=[(token, tokenizer.token_to_id(token))],
    )


def byte_level(split: str, special: list[str], whole: list[str], ignore_merges: bool) -> Tokenizer:
    """GPT-4's way, of bytes; entries of whole have no merges that lead to them."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + PIECES,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    if whole:
        state = json.loads(tokenizer.to_str())
        vocabulary = state["model"]["vocab"]
        for token in whole:
            vocabulary[token] = len(vocabulary)
        tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in special])
    return tokenizer


def llama3() -> Tokenizer:
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>"]
    special += ["<|eom_id|>", "<|eot_id|>", "<|python_tag|>"]
    tokenizer = byte_level(LLAMA3_SPLIT, special, ["Ġplatform", "zzzz", "000"], True)
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(add_prefix_space=True, trim_offsets=False, use_regex=True),
            beginning(tokenizer, "<|begin_of_text|>"),
        ]
    )
    return tokenizer


def tekken() -> Tokenizer:
    """Mistral Nemo and later."""
    special = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[TOOL_CALLS]"]
    tokenizer = byte_level(TEKKEN_SPLIT, special, [], False)
    tokenizer.post_processor = beginning(tokenizer, "<s>")
    return tokenizer


def qwen() -> Tokenizer:
    """Qwen1.5 to Qwen3."""
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = byte_level(QWEN_SPLIT, special, [], False)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_tokens(
        [AddedToken(t, special=False, normalized=False) for t in ("<think>", "</think>")]
    )
    tokenizer.post_processor = processors.ByteLevel(
        add_prefix_space=False, trim_offsets=False, use_regex=False
    )
    return tokenizer


KINDS = {
    "llama2": lambda: sentencepiece(metaspace=False),
    "metaspace": lambda: sentencepiece(metaspace=True),
    "llama3": llama3,
    "tekken": tekken,
    "qwen": qwen,
}


def file_of(kind: str) -> str:
    """The tokenizer.json, with merges as strings where the published files of the kind have them."""
    state: dict[str, Any] = json.loads(KINDS[kind]().to_str())
    if kind in ("llama2", "llama3"):
        state["model"]["merges"] = [" ".join(merge) for merge in state["model"]["merges"]]
    return json.dumps(state, ensure_ascii=False, separators=(",", ":"))
