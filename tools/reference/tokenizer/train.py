"""Trains a tiny byte-level BPE tokenizer in the layout of Qwen's, and writes what it gives for varied texts.

Usage: python train.py [OUT_FOLDER]     (needs the tokenizers package)

The folder (default vlm-text/src/test/resources/tokenizer/tiny) gets tokenizer.json,
tokenizer_config.json and expected.json.
"""

import json
import random
import sys
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

OUT = Path(__file__).resolve().parents[3] / "vlm-text/src/test/resources/tokenizer/tiny"

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
]  # fmt: skip
PLAIN_ADDED = ["<tool_call>", "</tool_call>", "<think>", "</think>"]

CORPUS = """The picture shows a red circle left of a blue square on a green background.
How many triangles are there? There are three small yellow triangles and one large one.
user assistant system tool image video vision start end pad im think call text role content name arguments
Is there a circle? Yes, there is. No, there is none. What colour is it? It is grey, not gray.
import java.util.List; public static void main(String[] args) { return x + 1; } // 0123456789
图片里有一个红色的圆形和一个蓝色的正方形。有几个三角形？有三个。
L'été, à Noël, où est-ce? Straße, größer, weiß. Привет, мир! """.split("\n")

TEXTS = [
    "Hello, world!", "  leading", "trailing  ", "a\n\nb\r\n c\t\td", "图片里有一个红色的圆形。天气怎么样？", "안녕 こんにちは",
    "\U0001f600\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f3f4\u200d\u2620\ufe0f", "na\u00efve cafe\u0301 e\u0301",
    "def f(x):\n    return x**2  # ok\n", "1234567 3.14e-5", "don't I'LL we've", "\u00a0\u3000\u200b", "",
    " ", "   ", "\n", "x" * 200, "!?" * 50, "a\0b", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u0939\u093f\u0928\u094d\u0926\u0940",
    "<|im_start|>user\nHow many?<|im_end|>\n<|im_start|>assistant\n",
    "<|vision_start|><|image_pad|><|image_pad|><|vision_end|>What colour is it?",
    "<tool_call>{\"a\": 1}</tool_call><think>\n\n</think>", "<|im_start", "|im_start|>", "< |im_start|>",
    "<|im_start|><|im_start|>", "x<|im_end|>y", "\ufffd", "a\ufffdb",
]  # fmt: skip


def random_texts(count):
    chooser = random.Random(7)
    ranges = [(32, 126), (0xA0, 0x7FF), (0x4E00, 0x9FFF), (0x1F300, 0x1FAFF), (9, 10)]
    for _ in range(count):
        length = chooser.randint(1, 30)
        yield "".join(chr(chooser.randint(*chooser.choice(ranges))) for _ in range(length))


def train():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    trainer = trainers.BpeTrainer(
        vocab_size=600, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=True) for t in SPECIAL])
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=False) for t in PLAIN_ADDED])
    return tokenizer


def main():
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = train()
    (out / "tokenizer.json").write_text(
        json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")), encoding="utf-8"
    )
    config = {
        "add_bos_token": False,
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": {"content": "<|endoftext|>", "special": True},
        "model_max_length": 4096,
        "chat_template": "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + eos_token }}\n{% endfor %}",
        "tokenizer_class": "Qwen2Tokenizer",
    }
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    expected = []
    for text in TEXTS + list(random_texts(60)):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        expected.append(
            {
                "text": text,
                "ids": ids,
                "decoded": tokenizer.decode(ids, skip_special_tokens=False),
                "withoutSpecial": tokenizer.decode(ids, skip_special_tokens=True),
            }
        )
    (out / "expected.json").write_text(
        "[\n" + ",\n".join(json.dumps(e, ensure_ascii=False, separators=(",", ":")) for e in expected) + "\n]\n",
        encoding="utf-8",
    )
    print(f"{out}: {tokenizer.get_vocab_size()} tokens, {len(expected)} texts")


if __name__ == "__main__":
    main()
