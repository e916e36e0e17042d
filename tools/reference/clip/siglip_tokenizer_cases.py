"""Writes the fixtures of vlm-text's tests of the SigLIP and SigLIP 2 tokenisers.

Usage: python siglip_tokenizer_cases.py --out vlm-text/src/test/resources/siglip-tokenizer
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: F401
except ImportError:
    pass

import tokenizers
import transformers
from tokenizers import Tokenizer
from transformers import AutoTokenizer, Siglip2Tokenizer

from siglip_tokenizer_files import write_siglip, write_siglip2

CONTEXT = 64

STRINGS = [
    "a photo of a cat",
    "A Photo Of A CAT",
    "A photo of a red circle.",
    "it's a dog!",
    "two, three; four: five?",
    "(brackets) [and] {more}",
    "snake_case and kebab-case",
    "50% off & free @ home #1 $5",
    "a/b and c\\d",
    "<tag> a < b > c",
    "3.14 * 2 + 1 = 7.28 ^ 2 ~ 53 | x",
    '"double" and `back` quotes',
    "",
    "   ",
    "!!!",
    "x",
    "  two   blanks  ",
    "tab\tand\nline\r\nbreak",
    "no\u00a0break and ideographic\u3000space",
    "caf\u00e9 and cafe\u0301",
    "\u00dcBER STRASSE \u00c9T\u00c9",
    "\uff21\uff41\uff42 \uff11\uff01",
    "\ufb01ne \u00bd",
    "wait\u2026 what",
    "\u201ccurly\u201d \u2018quotes\u2019 it\u2019s",
    "em\u2014dash",
    "\u732b\u306e\u5199\u771f",
    "\u041f\u0440\u0438\u0432\u0435\u0442 \u041c\u0418\u0420",
    "\u0633\u0644\u0627\u0645 \u05e9\u05dc\u05d5\u05dd",
    "I \u2764\ufe0f \U0001f431",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "null\x00and bell\x07",
    "\u0130stanbul \u03a3\u0391\u03a3",
    "already \u2581marked \u2581",
    "a </s> b",
    "<unk> and <pad>",
    "<eos> and <bos> and <0x41>",
    "word " * 70,
    "a" * 200,
    "The QUICK brown fox, in 1999, jumped over 13 lazy dogs -- didn't it?",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    for name in ("siglip", "siglip2", "siglip2-published"):
        (out / name).mkdir(parents=True)
    write_siglip(out / "siglip", CONTEXT)
    write_siglip2(out / "siglip2", CONTEXT, published=False)
    write_siglip2(out / "siglip2-published", CONTEXT, published=True)

    siglip = AutoTokenizer.from_pretrained(out / "siglip")
    siglip_json = Tokenizer.from_file(str(out / "siglip" / "tokenizer.json"))
    siglip_json.enable_truncation(CONTEXT)
    siglip2 = Siglip2Tokenizer.from_pretrained(out / "siglip2")
    published = Siglip2Tokenizer.from_pretrained(out / "siglip2-published")
    gemma = AutoTokenizer.from_pretrained(out / "siglip2-published")

    def ids(tokenizer: Any, text: str) -> list[int]:
        return tokenizer(text, truncation=True, max_length=CONTEXT)["input_ids"]

    rows = []
    for text in STRINGS:
        row = {
            "text": text,
            "siglip": ids(siglip, text),
            "siglipTokenizerJson": siglip_json.encode(text).ids,
            "siglip2": ids(siglip2, text),
            "siglip2WithoutLowercase": ids(gemma, text),
        }
        assert ids(published, text) == row["siglip2"]
        rows.append(row)
    head = {
        "reference": f"transformers {transformers.__version__}, "
        f"tokenizers {tokenizers.__version__}",
        "contextLength": CONTEXT,
        "siglipPadId": siglip.pad_token_id,
        "siglip2PadId": siglip2.pad_token_id,
    }
    lines = ",\n".join(json.dumps(row) for row in rows)
    opening = json.dumps(head, indent=1)[:-2]
    (out / "cases.json").write_text(f'{opening},\n "cases": [\n{lines}\n]}}\n', encoding="utf-8")
    same = sum(row["siglip"] == row["siglipTokenizerJson"] for row in rows)
    lower = sum(row["siglip2"] == row["siglip2WithoutLowercase"] for row in rows)
    print(f"{len(rows)} strings; tokenizer.json alone agrees with SiglipTokenizer in {same}")
    print(f"lower-casing changes {len(rows) - lower}")


if __name__ == "__main__":
    main()
