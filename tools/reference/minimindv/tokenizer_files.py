"""MiniMind's tokenizers, whole and cut down to their first tokens, which keep their ids."""

import copy
import json
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from published import Published, tokenizer

NOTICE = """\
tokenizer.json and tokenizer_config.json in the folders beside this file are those of MiniMind-V,
https://github.com/jingyaogong/minimind-v, Copyright Jingyao Gong, licensed under the Apache License,
Version 2.0, https://www.apache.org/licenses/LICENSE-2.0.

Changed by tools/reference/minimindv: white space is left out, and in the folders whose names begin
with cut- the vocabulary ends after the first few hundred tokens, with the merges that make them.
"""

# How many tokens are kept: the special ones, the 256 bytes, and some that are merged.
CUT = {"a": 320, "b": 320, "b2": 320, "c": 352, "d": 352, "e": 352}
# These layouts came with the same files.
SAME = {"c": "e", "d": "e"}

STRINGS = [
    "Describe this picture in one sentence.",
    "请描述这张图中的主要物体和场景。",
    "@@@@@@@@ someone@example.org",
    "  two  spaces,\n\nnew lines\tand tabs\r\n",
    "naïve café – “quotes” … 1234567890 3.14",
    "日本語と한국어, русский, العربية",
    "😀👩‍👩‍👧 emoji \u200b zero width",
    "<|im_start|>user\nhi<|im_end|>\n<s>assistant</s><|image_pad|><think>\n\n</think>",
    "def f(x):\n    return x ** 2  # code",
    "",
]


def cut(whole: dict[str, Any], size: int) -> dict[str, Any]:
    small = copy.deepcopy(whole)
    model = small["model"]
    model["vocab"] = {token: i for token, i in model["vocab"].items() if i < size}

    def kept(merge: str | list[str]) -> bool:
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        return left + right in model["vocab"]

    model["merges"] = [merge for merge in model["merges"] if kept(merge)]
    return small


def write(folder: Path, files: dict[str, Any], config: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("tokenizer.json", files), ("tokenizer_config.json", config)):
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        (folder / name).write_text(text + "\n", encoding="utf-8")


def write_cut(out: Path, published: Published) -> Path:
    files, config = tokenizer(published)
    folder = out / f"cut-{SAME.get(published.layout, published.layout)}"
    write(folder, cut(files, CUT[published.layout]), config)
    return folder


def write_whole(out: Path, published: Published) -> None:
    """The whole tokenizer with the ids of some strings."""
    files, config = tokenizer(published)
    folder = out / f"whole-{published.layout}"
    write(folder, files, config)
    reference = AutoTokenizer.from_pretrained(folder)
    cases = [
        {
            "text": text,
            "ids": reference(text).input_ids,
            "decoded": reference.decode(reference(text).input_ids),
        }
        for text in STRINGS
    ]
    text = json.dumps(cases, ensure_ascii=False, indent=1)
    (folder / "cases.json").write_text(text + "\n", encoding="utf-8")
