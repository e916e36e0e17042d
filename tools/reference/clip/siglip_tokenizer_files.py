"""Tiny tokenisers of SigLIP (sentencepiece) and SigLIP 2 (Gemma's BPE with byte fallback)."""

import io
import json
from functools import lru_cache
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import trainers
from transformers import Siglip2Tokenizer

from clip_tokenizer_files import CORPUS, write_json

# SigLIP's real rules are NFKC's some ten thousand; these few keep the file small.
NORMALISATION = {
    "\uff21": "A",
    "\uff41": "a",
    "\uff42": "b",
    "\uff11": "1",
    "\uff01": "!",
    "\ufb01": "fi",
    "\u00bd": "1\u20442",
    "\u2026": "...",
    "\u00a0": " ",
    "\u3000": " ",
    "e\u0301": "\u00e9",
}
# What SigLIP's tokenizer.json removes: ASCII punctuation without "/", "<" and ">".
PUNCTUATION = r"""[!"\#\$%\&'\(\)\*\+,\-\.:;=\?@\[\\\]\^_`\{\|\}\~]"""

SENTENCES = [
    *CORPUS,
    "three cats and 24 dogs play in the caf\u00e9 near the harbour in the evening",
    "an old red car stands before a white house with a green door",
]


@lru_cache
def sentencepiece_model(folder: Path) -> bytes:
    rules = folder / "rules.tsv"
    rows = [
        " ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target)
        for source, target in NORMALISATION.items()
    ]
    rules.write_text("\n".join(rows) + "\n", encoding="utf-8")
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(s.lower().replace(".", "").replace(",", "") for s in SENTENCES * 3),
        model_writer=written,
        model_type="unigram",
        vocab_size=325,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        pad_piece="<pad>",
        byte_fallback=True,
        normalization_rule_tsv=str(rules),
        num_threads=1,
        minloglevel=2,
    )
    rules.unlink()
    proto = sentencepiece_model_pb2.ModelProto.FromString(written.getvalue())
    proto.normalizer_spec.ClearField("normalization_rule_tsv")  # a path of the machine it ran on
    return proto.SerializeToString(deterministic=True)


def write_siglip(folder: Path, context: int) -> None:
    """spiece.model and tokenizer.json, as google/siglip-* have both."""
    model = sentencepiece_model(folder)
    (folder / "spiece.model").write_bytes(model)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.Replace(Regex(PUNCTUATION), ""),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
            normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["$A", "</s>"], pair=["$A", "</s>", "$B", "</s>"], special_tokens=[("</s>", 1)]
    )
    tokenizer.add_special_tokens(["</s>", "<unk>"])
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    token = {"lstrip": True, "normalized": False, "rstrip": True, "single_word": False}
    write_json(
        folder / "tokenizer_config.json",
        {
            "added_tokens_decoder": {
                "1": {"content": "</s>", **token, "special": True},
                "2": {"content": "<unk>", **token, "special": True},
            },
            "additional_special_tokens": [],
            "clean_up_tokenization_spaces": True,
            "do_lower_case": True,
            "eos_token": "</s>",
            "model_input_names": ["input_ids"],
            "model_max_length": context,
            "pad_token": "</s>",
            "processor_class": "SiglipProcessor",
            "sp_model_kwargs": {},
            "tokenizer_class": "SiglipTokenizer",
            "unk_token": "<unk>",
        },
    )
    special = {
        key: {"content": content, **token}
        for key, content in (("eos_token", "</s>"), ("pad_token", "</s>"), ("unk_token", "<unk>"))
    }
    write_json(folder / "special_tokens_map.json", special)


@lru_cache
def gemma_bpe() -> tuple[dict[str, int], list[tuple[str, str]]]:
    trainer = trainers.BpeTrainer(vocab_size=260, show_progress=False)
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="never")
    text = SENTENCES + [s.upper() for s in SENTENCES[:2]]
    learner.train_from_iterator(text, trainer)
    learnt = json.loads(learner.to_str())["model"]["merges"]
    characters = sorted({c for s in text for c in s.replace(" ", "▁")})
    entries = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    entries += [f"<0x{byte:02X}>" for byte in range(256)]
    entries += characters
    merges = []
    for first, second in learnt:
        if first in entries and second in entries and first + second not in entries:
            entries.append(first + second)
            merges.append((first, second))
    return {entry: index for index, entry in enumerate(entries)}, merges


def write_siglip2(folder: Path, context: int, published: bool) -> None:
    """As google/siglip2-* have it (Gemma's class, no lower-casing in the file), or as transformers
    5.18 writes it from its own class (which lower-cases)."""
    vocabulary, merges = gemma_bpe()
    tokenizer = Siglip2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        add_bos_token=False,
        add_eos_token=True,
        padding_side="right",
        model_input_names=["input_ids"],
        model_max_length=context,
    )
    tokenizer.save_pretrained(folder)
    if not published:
        return
    backend = tokenizer.backend_tokenizer
    backend.normalizer = normalizers.Replace(" ", "▁")
    backend.save(str(folder / "tokenizer.json"), pretty=False)
    write_json(
        folder / "tokenizer_config.json",
        {
            "add_bos_token": False,
            "add_eos_token": True,
            "bos_token": "<bos>",
            "clean_up_tokenization_spaces": False,
            "do_lower_case": True,
            "eos_token": "<eos>",
            "mask_token": "<mask>",
            "model_input_names": ["input_ids"],
            "model_max_length": context,
            "pad_token": "<pad>",
            "padding_side": "right",
            "processor_class": "SiglipProcessor",
            "tokenizer_class": "GemmaTokenizer",
            "unk_token": "<unk>",
        },
    )
