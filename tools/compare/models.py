"""Makes the comparison's models: random weights in the shapes of a configuration, as GGUF files.

    python tools/compare/models.py --config CONFIG --llama-cpp DIR --out DIR
        [--types bf16 q8_0 q4_0 q4_k_m] [--architecture qwen3|qwen3vl|llama] [--vision] [--folder]

CONFIG is a config.json of Qwen3 or Qwen3-VL. What the numbers are does not matter for speed; they are
normal with deviation 0.02, seeded by tensor. The bf16 file is written here; the quantised ones are made
from it by llama.cpp's own llama-quantize with its default mixture of types, so that every engine reads the
same bytes. The vocabulary has the configuration's size: bytes, all pairs and some triples of them with the
merges that make them, and Qwen's special tokens. For engines that do not know Qwen3, --architecture llama
writes the same shapes without the norms of queries and keys. --vision also writes the picture encoder, with
llama.cpp's converter, as mmproj-f16.gguf, and needs --architecture qwen3vl for a text model that takes it. --folder writes the same
Llama as a Hugging Face folder, for engines that read no GGUF.

Needs numpy, gguf and, with --vision or --folder, safetensors, tokenizers and torch. 2 B parameters take 4 GB in bf16 and 5 GB in
the others. Files that exist are kept.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import zlib

import gguf
import numpy

SPECIAL = (
    "<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|> "
    "<|box_end|> <|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|> "
    "<|image_pad|> <|video_pad|>").split()
FIRST_SPECIAL = 151643

# What a configuration may leave out, as Qwen3's own have it.
DEFAULTS = {
    "rms_norm_eps": 1e-6, "hidden_act": "silu", "bos_token_id": 151643, "eos_token_id": 151645}
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}"
    "{% else %}{% for part in message.content %}{% if part.type == 'text' %}{{ part.text }}"
    "{% else %}<|vision_start|><|image_pad|><|vision_end|>{% endif %}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


def normal(name, *shape):
    """Seeded by the name, so that any file with a tensor of this name holds the same numbers."""
    random = numpy.random.Generator(numpy.random.SFC64(zlib.crc32(name.encode())))
    values = random.standard_normal(shape, dtype=numpy.float32)
    values *= 0.02
    return values


def bf16(values):
    bits = values.view(numpy.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16)


def byte_alphabet():
    """The printable characters that byte-level tokenizers write bytes as, in order of the bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    table = {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}
    return [table[b] for b in range(256)]


def vocabulary(size):
    letters = byte_alphabet()
    plain = min(size, FIRST_SPECIAL)
    tokens, merges = list(letters), []
    for a in letters:
        tokens += [a + b for b in letters]
        merges += [f"{a} {b}" for b in letters]
    pairs = tokens[256:]
    for pair in pairs:
        if len(tokens) >= plain:
            break
        tokens += [pair + b for b in letters]
        merges += [f"{pair} {b}" for b in letters]
    del tokens[plain:]
    del merges[plain - 256:]
    types = [gguf.TokenType.NORMAL] * len(tokens)
    specials = SPECIAL[:max(0, size - plain)]
    tokens += specials
    types += [gguf.TokenType.CONTROL] * len(specials)
    types += [gguf.TokenType.UNUSED] * (size - len(tokens))
    tokens += [f"[PAD{i}]" for i in range(len(tokens), size)]
    return tokens, types, merges


def text_tensors(config, architecture):
    """Name, shape and whether it is a norm, of every tensor."""
    hidden, intermediate = config["hidden_size"], config["intermediate_size"]
    head = config["head_dim"]
    q, kv = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    yield "token_embd.weight", (config["vocab_size"], hidden), False
    for i in range(config["num_hidden_layers"]):
        layer = f"blk.{i}."
        yield layer + "attn_norm.weight", (hidden,), True
        yield layer + "attn_q.weight", (q, hidden), False
        yield layer + "attn_k.weight", (kv, hidden), False
        yield layer + "attn_v.weight", (kv, hidden), False
        if architecture != "llama":
            yield layer + "attn_q_norm.weight", (head,), True
            yield layer + "attn_k_norm.weight", (head,), True
        yield layer + "attn_output.weight", (hidden, q), False
        yield layer + "ffn_norm.weight", (hidden,), True
        yield layer + "ffn_gate.weight", (intermediate, hidden), False
        yield layer + "ffn_up.weight", (intermediate, hidden), False
        yield layer + "ffn_down.weight", (hidden, intermediate), False
    yield "output_norm.weight", (hidden,), True
    if not config.get("tie_word_embeddings", True):
        yield "output.weight", (config["vocab_size"], hidden), False


def write_text(config, whole, architecture, file):
    writer = gguf.GGUFWriter(str(file), architecture)
    writer.add_name("random")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(float(config["rope_theta"]))
    if architecture == "llama":
        writer.add_rope_dimension_count(config["head_dim"])
        writer.add_vocab_size(config["vocab_size"])
    if architecture == "qwen3vl":
        sections = config["rope_scaling"]["mrope_section"]
        writer.add_rope_dimension_sections([*sections, 0][:4])
        writer.add_num_deepstack_layers(len(whole["vision_config"]["deepstack_visual_indexes"]))
    tokens, types, merges = vocabulary(config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe" if architecture == "llama" else "qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_pad_token_id(config["bos_token_id"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    for name, shape, norm in text_tensors(config, architecture):
        elements = int(numpy.prod(shape))
        if norm:
            writer.add_tensor_info(name, shape, numpy.dtype(numpy.float32), 4 * elements)
        else:
            writer.add_tensor_info(
                name, shape, numpy.dtype(numpy.float16), 2 * elements,
                raw_dtype=gguf.GGMLQuantizationType.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for name, shape, norm in text_tensors(config, architecture):
        values = normal(name, *shape)
        writer.write_tensor_data(1 + values if norm else bf16(values))
    writer.close()


def write_vision(config_file, llama_cpp, file):
    """A folder with the encoder's tensors alone, which is all that llama.cpp's converter reads of it."""
    import tempfile

    import torch
    from safetensors.torch import save_file

    try:
        import torchvision_shim  # noqa: F401  where torchvision itself is not installed
    except ImportError:
        pass
    from transformers import Qwen3VLConfig, Qwen3VLVisionModel

    config = Qwen3VLConfig.from_json_file(config_file)
    with torch.device("meta"):
        shapes = Qwen3VLVisionModel(config.vision_config).state_dict()
    tensors = {}
    for name, value in shapes.items():
        centre = 1 if value.dim() == 1 and name.endswith("norm.weight") else 0
        values = torch.from_numpy(normal(name, *value.shape)) + centre
        tensors["model.visual." + name] = values.to(torch.bfloat16)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        written = json.loads(pathlib.Path(config_file).read_text())
        written.setdefault("architectures", ["Qwen3VLForConditionalGeneration"])
        (folder / "config.json").write_text(json.dumps(written))
        size = {"shortest_edge": 65536, "longest_edge": 16777216}
        (folder / "preprocessor_config.json").write_text(json.dumps({
            "size": size, "patch_size": 16, "temporal_patch_size": 2, "merge_size": 2,
            "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
            "image_processor_type": "Qwen2VLImageProcessorFast"}))
        subprocess.run(
            [sys.executable, str(llama_cpp / "convert_hf_to_gguf.py"), str(folder), "--mmproj",
             "--outtype", "f16", "--outfile", str(file)],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def write_folder(config, folder):
    """A Llama of the same shapes as transformers would save it, with the head tied to the embeddings."""
    import tokenizers
    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    names = {
        "token_embd": "embed_tokens", "output_norm": "norm", "attn_norm": "input_layernorm",
        "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
        "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
    tensors = {}
    for name, shape, norm in text_tensors(config, "llama"):
        *layer, part, weight = name.split(".")
        path = ["model", *(["layers", layer[1]] if layer else []), names[part], weight]
        values = torch.from_numpy(normal(name, *shape)) + (1 if norm else 0)
        tensors[".".join(path)] = values.to(torch.bfloat16)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    tokens, _, merges = vocabulary(config["vocab_size"])
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(
        {token: i for i, token in enumerate(tokens)}, [tuple(merge.split(" ")) for merge in merges]))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "bos_token": tokens[config["bos_token_id"]], "eos_token": tokens[config["eos_token_id"]],
        "chat_template": TEMPLATE}))
    kept = (
        "hidden_size intermediate_size num_attention_heads num_key_value_heads num_hidden_layers "
        "rms_norm_eps vocab_size bos_token_id eos_token_id rope_theta head_dim hidden_act").split()
    (folder / "config.json").write_text(json.dumps({
        **{key: config[key] for key in kept}, "architectures": ["LlamaForCausalLM"],
        "model_type": "llama", "max_position_embeddings": 32768, "tie_word_embeddings": True,
        "torch_dtype": "bfloat16"}))
    (folder / "README.md").write_text("Random weights.\n")


def quantize(llama_cpp, source, target, kind):
    subprocess.run(
        [str(llama_cpp / "build/bin/llama-quantize"), str(source), str(target), kind.upper()],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def forget(file):
    """Has Linux forget what it holds of a file.

    What has just been written is held in small pieces, whose pages are mapped more slowly than those of a
    file that is read from the disk; users mostly have the latter.
    """
    if hasattr(os, "posix_fadvise"):
        with open(file, "rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", required=True)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--llama-cpp", required=True, type=pathlib.Path, help="source, built in build/")
    parser.add_argument("--types", nargs="+", default=["bf16", "q8_0", "q4_0", "q4_k_m"])
    parser.add_argument("--architecture", choices=["qwen3", "qwen3vl", "llama"], default="qwen3")
    parser.add_argument("--vision", action="store_true")
    parser.add_argument("--folder", action="store_true")
    arguments = parser.parse_args()
    whole = json.loads(pathlib.Path(arguments.config).read_text())
    config = DEFAULTS | whole.get("text_config", whole)
    arguments.out.mkdir(parents=True, exist_ok=True)
    source = arguments.out / f"{arguments.architecture}-bf16.gguf"
    if not source.exists():
        write_text(config, whole, arguments.architecture, source)
    for kind in arguments.types:
        target = arguments.out / f"{arguments.architecture}-{kind}.gguf"
        if not target.exists():
            quantize(arguments.llama_cpp, source, target, kind)
    encoder = arguments.out / "mmproj-f16.gguf"
    if arguments.vision and not encoder.exists():
        write_vision(arguments.config, arguments.llama_cpp, encoder)
    folder = arguments.out / "llama-folder"
    if arguments.folder and not folder.exists():
        write_folder(config, folder)
    for file in sorted(arguments.out.glob("*.gguf")):
        forget(file)
        print(f"{file.name:24} {file.stat().st_size / 2 ** 30:6.2f} GiB")


if __name__ == "__main__":
    main()
