"""Writes a small GGUF file with every type of value and tensor that gguf-py can write, and what is in it.

    python make_format.py --llama-cpp LLAMA_CPP --out ../../../vlm-core/src/test/resources/io/github/vlm4j/core/checkpoint/gguf
"""

import argparse
import pathlib
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--llama-cpp", type=pathlib.Path, required=True, help="a checkout of llama.cpp")
parser.add_argument("--out", type=pathlib.Path, required=True)
arguments = parser.parse_args()
sys.path.insert(0, str(arguments.llama_cpp / "gguf-py"))

import gguf  # noqa: E402
import numpy  # noqa: E402

T = gguf.GGMLQuantizationType
V = gguf.GGUFValueType

writer = gguf.GGUFWriter(arguments.out / "types.gguf", "test")
for kind, value in [
    (V.UINT8, 255), (V.INT8, -128), (V.UINT16, 65535), (V.INT16, -32768), (V.UINT32, 2**32 - 1),
    (V.INT32, -2**31), (V.UINT64, 2**63 - 1), (V.INT64, -2**63), (V.FLOAT32, 1.5), (V.FLOAT64, 0.1),
    (V.BOOL, True), (V.STRING, "é 名前")]:
    writer.add_key_value("one." + kind.name, value, kind)
for kind, values in [
    (V.UINT8, [0, 255]), (V.INT8, [-128, 127]), (V.UINT16, [0, 65535]), (V.INT16, [-32768, 5]),
    (V.UINT32, [1, 2**32 - 1]), (V.INT32, [-1, 2]), (V.UINT64, [1, 2**40]), (V.INT64, [-1, 2**40]),
    (V.FLOAT32, [1.5, -2]), (V.FLOAT64, [0.1]), (V.BOOL, [True, False, True]),
    (V.STRING, ["", "a", "\u0120b"])]:
    writer.add_key_value("list." + kind.name, values, V.ARRAY, sub_type=kind)

random = numpy.random.default_rng(3)
floats = lambda *shape: random.integers(-8, 9, shape).astype(numpy.float32) / 8  # noqa: E731
writer.add_tensor("f32", floats(2, 3))
writer.add_tensor("f16", floats(3, 1, 5).astype(numpy.float16))
writer.add_tensor("i8", numpy.array([-1, 0, 7], numpy.int8))
writer.add_tensor("i32", numpy.array([[1], [-2]], numpy.int32))
writer.add_tensor("i64", numpy.array([2**40], numpy.int64))
writer.add_tensor("f64", numpy.array([0.5]))
bf16 = gguf.quants.quantize(floats(2, 4), T.BF16)
writer.add_tensor("bf16", bf16, raw_dtype=T.BF16)
for kind in T.Q8_0, T.Q4_0, T.Q5_0:
    writer.add_tensor(kind.name.lower(), gguf.quants.quantize(floats(2, 64), kind), raw_dtype=kind)
for kind, rows in (T.Q4_K, 2), (T.Q6_K, 1):
    _, size = gguf.GGML_QUANT_SIZES[kind]
    writer.add_tensor(kind.name.lower(), random.integers(0, 200, (rows, size)).astype(numpy.uint8), raw_dtype=kind)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
