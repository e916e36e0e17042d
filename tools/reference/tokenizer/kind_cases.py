"""Writes small tokenizers of published layouts, and what the tokenizers library makes of texts.

Usage: python kind_cases.py [OUT_FOLDER]          (needs the tokenizers package)
       python kind_cases.py --real TOKENIZER_JSON OUT_FILE

The folder (default vlm-text/src/test/resources/tokenizer) gets a folder of each kind but qwen,
which is like tiny: tokenizer.json and expected.json. The second form writes the ids of a published
tokenizer, for a check where one is at hand.
"""

import json
import random
import sys
from pathlib import Path

from tokenizers import Tokenizer

from kinds import KINDS, file_of
from train import TEXTS

OUT = Path(__file__).resolve().parents[3] / "vlm-text/src/test/resources/tokenizer"

MORE = [
    "The old library stands at the end of the street.", "platform platforms Platform zzzz zzzzz", "1000000 100 000",
    "<s>", "</s>", "<s> a", "a <s>", "a<s>b", "<s></s><unk>", "<s>[INST] How many? [/INST] Seven.</s>",
    "[INST]hello[/INST]", "[TOOL_CALLS]", "<0x41><0x0A>", "▁", "▁▁a", "a ▁ b", "  two", "   three", "\n", "\n\n  x",
    "\ta\t\tb", "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>", "<|eot_id|> x",
    "\U0001f600\U0001f44d\U0001f3fd\U0001f1eb\U0001f1f7", "Привет, мир! Δοκιμή", "桌子上有七本书。 图书馆", "שלום עולם",
    "HELLO World hELLO ÉCOLE", "a/b//c\n/d", "x" * 70, " " * 17 + "x", "CamelCaseWord anotherONE", "２０２４ ½ Ⅷ",
    "e\u0301 \u00e9 \u1e9b\u0323", "\u200d\u200b\ufeff", "\x00\x01\x7f", "it's IT'S we'Ll",
]  # fmt: skip


def texts(count):
    chooser = random.Random(11)
    ranges = [(32, 126), (32, 126), (0xA0, 0x17F), (0x370, 0x5FF), (0x4E00, 0x4EFF), (0x1F300, 0x1F6FF), (9, 13)]
    words = "the library <s> </s> [INST] user <|eot_id|> 123 Straße, \n \t  ▁ é".split(" ")
    found = TEXTS + MORE
    for i in range(count):
        if i % 2:
            found.append(
                "".join(chr(chooser.randint(*chooser.choice(ranges))) for _ in range(chooser.randint(1, 20)))
            )
        else:
            found.append(chooser.choice(["", " ", "  "]).join(chooser.choices(words, k=chooser.randint(1, 8))))
    return list(dict.fromkeys(found))


def expected(tokenizer, found):
    entries = []
    for text in found:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        framed = tokenizer.encode(text, add_special_tokens=True).ids
        assert framed[len(framed) - len(ids) :] == ids
        entries.append(
            {
                "text": text,
                "ids": ids,
                "before": framed[: len(framed) - len(ids)],
                "decoded": tokenizer.decode(ids, skip_special_tokens=False),
                "withoutSpecial": tokenizer.decode(ids, skip_special_tokens=True),
            }
        )
    lines = [json.dumps(e, ensure_ascii=False, separators=(",", ":")) for e in entries]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main():
    if sys.argv[1:2] == ["--real"]:
        tokenizer = Tokenizer.from_file(sys.argv[2])
        Path(sys.argv[3]).write_text(expected(tokenizer, texts(140)), encoding="utf-8")
        return
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    for kind in KINDS:
        if kind == "qwen":
            continue
        folder = out / kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(file_of(kind), encoding="utf-8")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        (folder / "expected.json").write_text(expected(tokenizer, texts(40)), encoding="utf-8")
        print(kind, tokenizer.get_vocab_size())


if __name__ == "__main__":
    main()
