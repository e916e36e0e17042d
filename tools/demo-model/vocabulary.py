"""Trains the tokenizer on the demo's own texts: byte-level BPE set up as Qwen's is."""

import re
import sys

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, \
    processors, trainers

import questions
from scenes import random_scene

SIZE = 760
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
           "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")


# Chinese has no spaces, so whole sentences would become single tokens; the training text is
# therefore cut at the words that vary.
_CUT = re.compile("(" + "|".join(
    [*questions.ZH_COLOURS.values(), *questions.ZH_SHAPES.values(), *questions.ZH_PLACES.values(),
     "大的", "小的", "有一个", "图形", "图中", "有", "没有", "背景", "颜色", "一", "两", "三", "四", "零", "个", "是", "的"]) + ")")


def corpus(seed=1):
    rng = np.random.default_rng(seed)
    for _ in range(4000):
        scene = random_scene(rng)
        for kind in questions.KINDS:
            pair = questions.question(rng, scene, kind)
            if pair:
                yield _CUT.sub(r"\n\1\n", questions.as_typed(rng, pair[0]))
                yield _CUT.sub(r"\n\1\n", pair[1])
        yield "user\nassistant\nsystem\nYou are a helpful assistant."
        yield questions.NO_PICTURE


def train():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.post_processor = processors.ByteLevel(
        add_prefix_space=False, use_regex=False, trim_offsets=False)
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=SIZE - len(SPECIAL), min_frequency=2, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in SPECIAL])
    return tokenizer


if __name__ == "__main__":
    tokenizer = train()
    tokenizer.save(sys.argv[1])
    print(tokenizer.get_vocab_size(), [(t, tokenizer.token_to_id(t)) for t in SPECIAL])
