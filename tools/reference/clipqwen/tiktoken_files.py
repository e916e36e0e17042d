"""Small vocabularies in the format of qwen.tiktoken, learned from given texts."""

import base64
from collections import Counter
from pathlib import Path

import regex

# As tokenization_qwen.py splits words before it joins bytes.
WORDS = regex.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_order() -> list[bytes]:
    """The bytes as tiktoken numbers them: the printable ones first."""
    printable = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
    others = [b for b in range(256) if b not in printable]
    return [bytes([b]) for b in printable + others]


def learn(texts: list[str], merges: int, extra: list[bytes] = []) -> list[bytes]:
    """The 256 bytes, so many joined tokens, and tokens that no joining leads to."""
    words = Counter(w.encode() for text in texts for w in WORDS.findall(text))
    parts = {word: [bytes([b]) for b in word] for word in words}
    tokens = byte_order()
    while merges > 0:
        pairs: Counter[tuple[bytes, bytes]] = Counter()
        for word, pieces in parts.items():
            for pair in zip(pieces, pieces[1:]):
                pairs[pair] += words[word]
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        joined = best[0] + best[1]
        if joined not in tokens:
            tokens.append(joined)
            merges -= 1
        for pieces in parts.values():
            i = 0
            while i + 1 < len(pieces):
                if (pieces[i], pieces[i + 1]) == best:
                    pieces[i : i + 2] = [joined]
                i += 1
    return tokens + [token for token in extra if token not in tokens]


def write(path: Path, tokens: list[bytes]) -> None:
    lines = [f"{base64.b64encode(token).decode()} {rank}\n" for rank, token in enumerate(tokens)]
    path.write_text("".join(lines))
