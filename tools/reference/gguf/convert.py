"""Runs llama.cpp's convert_hf_to_gguf.py on tiny checkpoints, whose tokenizers it does not know by their hashes.

    python convert.py LLAMA_CPP PRE [arguments of convert_hf_to_gguf.py]

PRE is what the file is to say for tokenizer.ggml.pre. A tokenizer of SentencePiece's kind gets the scores that
it has where it is trained, minus the place in the list of merges, and as many tokens as there are embeddings.
"""

import json
import runpy
import sys

llama_cpp, pre = sys.argv[1:3]
sys.argv = [llama_cpp + "/convert_hf_to_gguf.py"] + sys.argv[3:]
sys.path[:0] = [llama_cpp, llama_cpp + "/gguf-py"]

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: E402, F401
except ImportError:
    pass

import gguf.vocab  # noqa: E402
from conversion.base import TextModel  # noqa: E402

TextModel.get_vocab_base_pre = lambda self, tokenizer: pre


def score(self, token_id):
    if not hasattr(self, "places"):
        stored = json.loads(self.fname_tokenizer.read_text(encoding="utf-8"))["model"]["merges"]
        pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in stored]
        vocabulary = self.tokenizer.get_vocab()
        self.places = {}
        for place, pair in enumerate(pairs):
            self.places.setdefault(vocabulary["".join(pair)], place)
    return -float(self.places.get(token_id, 1_000_000))


class PaddedVocabulary(gguf.vocab.LlamaHfVocab):
    get_token_score = score

    def __init__(self, folder):
        super().__init__(folder)
        self.own = self.vocab_size
        self.vocab_size = json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"]

    def all_tokens(self):
        yield from super().all_tokens()
        for token_id in range(self.own, self.vocab_size):
            yield f"[PAD{token_id}]".encode(), -1000.0, gguf.TokenType.UNUSED


gguf.LlamaHfVocab = PaddedVocabulary
runpy.run_path(sys.argv[0], run_name="__main__")
