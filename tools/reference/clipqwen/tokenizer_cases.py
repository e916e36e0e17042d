"""Writes the fixtures of vlm-text's test of Qwen's tiktoken vocabulary.

Usage: python tokenizer_cases.py --vlm-learning FOLDER --out FOLDER [--vocabulary qwen.tiktoken]

The ids are those of the published ``tokenization_qwen.py``. Checked in is a small vocabulary of our
own in the same format; with ``--vocabulary`` the real one takes its place, for a check where that is
at hand.
"""

import argparse
import json
import random
import shutil
import sys
from pathlib import Path

from published import vlm_learning
from tiktoken_files import learn, write

sys.path.insert(0, str(Path(__file__).parent.parent / "clip"))
from tokenizer_strings import strings  # noqa: E402

MERGES = 700

# Not to be had by joining bytes: they stand for a whole word only.
UNREACHABLE = [b"zqxjk", b" zqxjkw", b"\xe9\xbe\x98\xe9\xbe\x98"]

MORE = [
    "<|im_start|>user\nWhat is this?<|im_end|>\n<|im_start|>assistant\n",
    "<|endoftext|><|extra_0|>这幅图像中有什么？<|extra_204|>",
    "<|extra_205|> <extra_0> <|im_start |> <|IM_END|>",
    "你是一位图像理解助手。",
    "用中文回答：使用语言描述一下图中出现了那些颜色<|extra_0|>",
    "zqxjk zqxjkw zqxjkz azqxjk 龘龘 龘龘龘",
    "    four\n\n\n  lines \t\n",
    "abababababab aaaaaaaaa mississippi",
]


def texts() -> list[str]:
    return MORE + [text for _, text in strings()][: 200 - len(MORE)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vlm-learning", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path)
    options = parser.parse_args()
    module = vlm_learning(options.vlm_learning, "qwen.tokenization_qwen")
    options.out.mkdir(parents=True, exist_ok=True)

    # The published code knows its special tokens by number.
    names = [name for _, name in module.SPECIAL_TOKENS]
    if options.vocabulary is not None:
        shutil.copy(options.vocabulary, options.out / "qwen.tiktoken")
    else:
        tokens = learn(texts(), MERGES, UNREACHABLE)
        # Ranks out of the order in which tokens were learned make it hard to say what joins what.
        joined = tokens[256:]
        random.Random(11).shuffle(joined)
        tokens = tokens[:256] + joined
        write(options.out / "qwen.tiktoken", tokens)
        module.SPECIAL_TOKENS = tuple(enumerate(names, start=len(tokens)))
    tokenizer = module.QWenTokenizer(str(options.out / "qwen.tiktoken"))
    cases = []
    for text in texts():
        ids = tokenizer(text)["input_ids"]
        cases.append(json.dumps({"text": text, "ids": ids, "decoded": tokenizer.decode(ids)}))
    lines = ",\n".join(cases)
    (options.out / "cases.json").write_text(
        f'{{"specialTokens": {json.dumps(names)}, "cases": [\n{lines}\n]}}\n'
    )
    print(len(tokenizer), "tokens,", len(cases), "strings")


if __name__ == "__main__":
    main()
