"""Writes the fixtures of vlm-text's tests of CLIP's tokeniser.

Usage: python tokenizer_cases.py --out vlm-text/src/test/resources/clip-tokenizer

The whole vocabulary is open_clip's own copy. Checked in is an excerpt with the merges that the
strings need, in their order; with it every string splits into the same pieces.
"""

import argparse
import gzip
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: F401
except ImportError:
    pass

import ftfy
import open_clip
import tokenizers
import transformers
from open_clip.tokenizer import SimpleTokenizer, default_bpe
from transformers import AutoTokenizer

from clip_tokenizer_files import END, START, byte_characters, write_json
from tokenizer_strings import strings

CONTEXT = 77
HEADER = '"bpe_simple_vocab_16e6.txt#version: 0.2'
MERGES = 49152 - 256 - 2

NOTICE = """bpe_simple_vocab_16e6.txt.gz, hf/vocab.json and hf/merges.txt are excerpts of the
vocabulary of CLIP, https://github.com/openai/CLIP, which is under this licence:

MIT License

Copyright (c) 2021 OpenAI

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""

Merge = tuple[str, str]


def whole_merges() -> list[Merge]:
    with gzip.open(default_bpe()) as file:
        lines = file.read().decode("utf-8").split("\n")
    return [tuple(line.split()) for line in lines[1 : MERGES + 1]]


def write_gzip(path: Path, merges: list[Merge]) -> None:
    # no line feed at the end: open_clip would read an empty merge and shift the last two ids
    text = "\n".join([HEADER, *(" ".join(merge) for merge in merges)])
    path.write_bytes(gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0))


def write_hugging_face(folder: Path, merges: list[Merge]) -> None:
    folder.mkdir()
    characters = byte_characters()
    entries = [*characters, *(c + "</w>" for c in characters), *map("".join, merges), START, END]
    write_json(folder / "vocab.json", {e: i for i, e in enumerate(entries)}, indent=None)
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_json(
        folder / "tokenizer_config.json",
        {
            "bos_token": START,
            "eos_token": END,
            "unk_token": END,
            "pad_token": END,
            "model_max_length": CONTEXT,
            "tokenizer_class": "CLIPTokenizer",
        },
    )


def open_clip_ids(vocabulary: Path | str, texts: list[str]) -> list[list[int]]:
    """open_clip.tokenize without the zeros that fill up to the context length."""
    tokenizer = SimpleTokenizer(bpe_path=str(vocabulary), context_length=CONTEXT)
    rows = tokenizer(texts).tolist()
    ends = [len(row) - row[::-1].index(tokenizer.eot_token_id) for row in rows]
    assert all(not any(row[end:]) for row, end in zip(rows, ends))
    return [row[:end] for row, end in zip(rows, ends)]


def hugging_face_ids(folder: Path, texts: list[str]) -> list[list[int]]:
    """As padding="max_length" would give them, without that padding."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [tokenizer(text, truncation=True, max_length=CONTEXT)["input_ids"] for text in texts]


def needed(merges: list[Merge], pieces: set[str]) -> list[Merge]:
    """The merges that build the given pieces, each piece's and those of its parts."""
    by_result = {"".join(merge): merge for merge in reversed(merges)}
    kept: set[Merge] = set()
    todo = list(pieces)
    while todo:
        merge = by_result.get(todo.pop())
        if merge is not None and merge not in kept:
            kept.add(merge)
            todo.extend(merge)
    return [merge for merge in merges if merge in kept]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    texts = [text for _, text in strings()]

    merges = whole_merges()
    whole = SimpleTokenizer()
    assert len(merges) == MERGES and whole.vocab_size == MERGES + 514
    with tempfile.TemporaryDirectory() as scratch:
        write_hugging_face(Path(scratch) / "hf", merges)
        openai_full = open_clip_ids(default_bpe(), texts)
        hf_full = hugging_face_ids(Path(scratch) / "hf", texts)
        untruncated = AutoTokenizer.from_pretrained(Path(scratch) / "hf")(texts)["input_ids"]

    # of whole strings: a word that is cut at the end of the context needs its merges too
    every = {i for text in texts for i in whole.encode(text)}
    every |= {i for ids in untruncated for i in ids}
    excerpt = needed(merges, {whole.decoder[i] for i in every})
    write_gzip(out / "bpe_simple_vocab_16e6.txt.gz", excerpt)
    write_hugging_face(out / "hf", excerpt)
    (out / "LICENSE-CLIP.txt").write_text(NOTICE, encoding="utf-8")
    openai = open_clip_ids(out / "bpe_simple_vocab_16e6.txt.gz", texts)
    hf = hugging_face_ids(out / "hf", texts)

    kept = {512 + merges.index(merge): 512 + k for k, merge in enumerate(excerpt)}
    kept |= {i: i for i in range(512)}
    kept |= {512 + MERGES: 512 + len(excerpt), 513 + MERGES: 513 + len(excerpt)}
    assert [[kept[i] for i in ids] for ids in openai_full] == openai
    assert [[kept[i] for i in ids] for ids in hf_full] == hf

    rows: list[dict[str, Any]] = []
    for (category, text), *ids in zip(strings(), openai, hf, openai_full, hf_full):
        names = ("openClip", "huggingFace", "openClipWhole", "huggingFaceWhole")
        rows.append({"category": category, "text": text, **dict(zip(names, ids))})
    head = {
        "reference": f"open_clip {open_clip.__version__}, ftfy {ftfy.__version__}, "
        f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}",
        "contextLength": CONTEXT,
        "merges": len(excerpt),
        "startId": 512 + len(excerpt),
        "endId": 513 + len(excerpt),
        "mergesWhole": MERGES,
        "startIdWhole": 512 + MERGES,
        "endIdWhole": 513 + MERGES,
    }
    lines = ",\n".join(json.dumps(row) for row in rows)
    opening = json.dumps(head, indent=1)[:-2]
    (out / "cases.json").write_text(f'{opening},\n "cases": [\n{lines}\n]}}\n', encoding="utf-8")
    same = sum(a == b for a, b in zip(openai, hf))
    print(f"{len(rows)} strings, {len(excerpt)} merges; {same} with equal ids in both")


if __name__ == "__main__":
    main()
