"""Numbers, what ggml makes of them in blocks, and what blocks mean.

python tools/reference/quant/generate.py --ggml .../libggml-base.so

Blocks come from ggml's own reference quantisers (libggml-base of a llama.cpp build, called through
ctypes); what blocks mean comes from the Python package gguf. Where that package can quantise too
(Q8_0, Q4_0) the two are held against each other here.
"""

import argparse
import ctypes
import pathlib

import numpy
from gguf import GGMLQuantizationType as Type, quants
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGET = ROOT / "vlm-core/src/test/resources/io/github/vlm4j/core/quant/blocks.safetensors"
TYPES = {
    Type.Q8_0: (32, 34, [0]),
    Type.Q4_0: (32, 18, [0]),
    Type.Q4_K: (256, 144, [0, 2]),
    Type.Q6_K: (256, 210, [208]),
}
SIZE = 256


def numbers(random):
    rows = [random.standard_normal(SIZE) * 0.02 for _ in range(10)]
    rows += [random.standard_t(2, SIZE) for _ in range(8)]
    rows += [random.standard_normal(SIZE) * random.choice([1e-4, 1, 300], SIZE) for _ in range(6)]
    rows += [numpy.repeat(random.standard_normal(8), 32) for _ in range(2)]
    rows += [numpy.abs(random.standard_normal(SIZE)), -numpy.abs(random.standard_normal(SIZE))]
    rows += [random.integers(-8, 8, SIZE) / 4.0 for _ in range(4)]  # many ties
    mixed = random.standard_normal(SIZE)
    mixed[:96] = 0
    mixed[128:144] = 3
    rows += [numpy.zeros(SIZE), numpy.full(SIZE, 0.7), numpy.full(SIZE, -1.3), mixed]
    rows += [random.standard_normal(SIZE) * s for s in (1e-7, 1e-12, 1e-17, 1e-39, 3e4, 1e6)]
    return numpy.stack(rows).astype(numpy.float32)


def quantise(library, kind, x):
    elements, size, _ = TYPES[kind]
    blocks = numpy.zeros(x.size // elements * size, numpy.uint8)
    name = "quantize_row_" + {"Q4_K": "q4_K", "Q6_K": "q6_K"}.get(kind.name, kind.name.lower()) + "_ref"
    call = getattr(library, name)
    call.restype = None
    call.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    call(x.ctypes.data, blocks.ctypes.data, x.size)
    return blocks


def anything(random, kind):
    """Random bytes, but for scales that are finite."""
    elements, size, scales = TYPES[kind]
    blocks = random.integers(0, 256, (6 * SIZE // elements, size), dtype=numpy.uint8)
    for at in scales:
        d = (random.standard_normal(len(blocks)) * 0.1).astype(numpy.float16)
        blocks[:, at : at + 2] = d.view(numpy.uint8).reshape(-1, 2)
    return blocks.reshape(-1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ggml", required=True)
    library = ctypes.CDLL(parser.parse_args().ggml)
    random = numpy.random.default_rng(7)
    x = numbers(random)
    tensors = {"numbers": x.reshape(-1)}
    for kind in TYPES:
        blocks = quantise(library, kind, x.reshape(-1))
        if kind in (Type.Q8_0, Type.Q4_0):
            usual = x[:36]
            theirs = quants.quantize(usual, kind).reshape(-1)
            same = (theirs == blocks[: theirs.size]).all()
            assert same, kind
        rest = anything(random, kind)
        tensors[kind.name + ".blocks"] = blocks.view(numpy.int8)
        tensors[kind.name + ".anything"] = rest.view(numpy.int8)
        tensors[kind.name + ".meaning"] = quants.dequantize(rest, kind).astype(numpy.float32)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, TARGET)
    print(TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
