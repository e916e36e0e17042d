"""Trains the tokenizer: CLIP's byte-level BPE with `</w>` at word ends, on drawn captions."""

import json
import sys
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from captions import caption, cut_scene
from clip_model import CONTEXT

START, END = "<|startoftext|>", "<|endoftext|>"
SIZE = 768


def learned_merges(texts):
    pieces = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    shape = CLIPTokenizer()._tokenizer
    pieces.normalizer, pieces.pre_tokenizer = shape.normalizer, shape.pre_tokenizer
    pieces.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=SIZE - 2, end_of_word_suffix="</w>", show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return [tuple(m) for m in json.loads(pieces.to_str())["model"]["merges"]]


def main():
    rng = np.random.default_rng(1)
    merges = learned_merges([caption(rng, cut_scene(rng)[0]).text for _ in range(20_000)])
    # CLIP's order: the bytes, the bytes at word ends, what the merges make, the two special tokens.
    single = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = single + [b + "</w>" for b in single]
    tokens += [t for t in dict.fromkeys(a + b for a, b in merges) if t not in set(tokens)]
    tokens += [START, END]
    tokenizer = CLIPTokenizer(vocab={t: i for i, t in enumerate(tokens)}, merges=merges,
                              model_max_length=CONTEXT)
    folder = Path(sys.argv[1])
    tokenizer.save_pretrained(folder)
    print(len(tokens), "tokens,", len(merges), "merges")


if __name__ == "__main__":
    main()
