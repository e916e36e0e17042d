"""Encodes pictures with VLM4J, PyTorch and ONNX Runtime on this machine, in turns, in one run.

    python tools/compare/compare.py [--models vit rn50 qwen512 qwen1024] [--batches 1 8] [--rounds 5]
        [--types f32 bf16]

The models are CLIP's picture encoders at their published shapes, ViT-L/14 at 336 pixels and RN50, and
Qwen3-VL-2B's encoder with its mergers at 512 and 1,024 pixels, one picture at a time, with random
weights; what the numbers are does not matter for speed. In f32, VLM4J and PyTorch keep and compute in
f32; in bf16, PyTorch computes in bf16 and VLM4J keeps its weights in bf16, with whatever arithmetic its
backend has for them. All sides use the same number of threads. Within a round each side encodes for a few seconds, then the next; the figures are
medians over all rounds, and the ratios are medians of the ratios within a round, so that what
disturbs a shared machine for longer than a round disturbs all sides alike.

PyTorch gets its convolutions with the batch norms folded in, as VLM4J and ONNX Runtime fold them by
themselves, in the faster of its two memory formats. Needs torch, transformers and onnx; VLM4J as
`mvn package` leaves it; Maven for ONNX Runtime's Java package (see pom.xml).
"""

import argparse
import copy
import os
import pathlib
import random
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import torch

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CONFIGS = ROOT / "vlm-bench/src/main/resources/io/github/vlm4j/bench"
MODELS = {
    "vit": ("ViT-L/14-336", CONFIGS / "clip-vit-large-patch14-336.json", 336),
    "rn50": ("RN50", CONFIGS / "clip-rn50.json", 224),
    "qwen512": ("Qwen3-VL-2B's encoder", CONFIGS / "qwen3-vl-2b.json", 512),
    "qwen1024": ("Qwen3-VL-2B's encoder", CONFIGS / "qwen3-vl-2b.json", 1024),
}


class Bottleneck(torch.nn.Module):
    """A 1x1, a 3x3 and a 1x1 convolution beside a shortcut, with the norms folded in."""

    def __init__(self, channels, planes, stride):
        super().__init__()
        nn = torch.nn
        pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.path = nn.Sequential(
            nn.Conv2d(channels, planes, 1), nn.ReLU(inplace=True),
            nn.Conv2d(planes, planes, 3, padding=1), nn.ReLU(inplace=True),
            pool, nn.Conv2d(planes, 4 * planes, 1))
        same = stride == 1 and channels == 4 * planes
        self.shortcut = (
            nn.Identity() if same else nn.Sequential(pool, nn.Conv2d(channels, 4 * planes, 1)))

    def forward(self, x):
        return torch.relu(self.path(x) + self.shortcut(x))


class ModifiedResNet(torch.nn.Module):
    """CLIP's ResNet: a stem of three convolutions, average pooling, attention over the last map."""

    def __init__(self, layers=(3, 4, 6, 3), width=64, dimension=1024):
        super().__init__()
        nn = torch.nn
        blocks = [
            nn.Conv2d(3, width // 2, 3, stride=2, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(width // 2, width // 2, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(width // 2, width, 3, padding=1), nn.ReLU(inplace=True),
            nn.AvgPool2d(2)]
        channels = width
        for stage, count in enumerate(layers):
            for i in range(count):
                stride = 2 if stage > 0 and i == 0 else 1
                blocks.append(Bottleneck(channels, width << stage, stride))
                channels = 4 * (width << stage)
        self.features = nn.Sequential(*blocks)
        self.heads = channels // 64
        self.positions = nn.Parameter(torch.randn(50, channels) / channels ** 0.5)
        self.query, self.key, self.value = (nn.Linear(channels, channels) for _ in range(3))
        self.out = nn.Linear(channels, dimension)

    def forward(self, pixels):
        rows = self.features(pixels).flatten(2).transpose(1, 2)
        rows = torch.cat([rows.mean(1, keepdim=True), rows], 1) + self.positions
        q, k, v = (
            layer(x).unflatten(2, (self.heads, 64)).transpose(1, 2)
            for layer, x in ((self.query, rows[:, :1]), (self.key, rows), (self.value, rows)))
        mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).flatten(1))


class VisionTransformer(torch.nn.Module):
    """The picture encoder of transformers' CLIP."""

    def __init__(self, config):
        super().__init__()
        try:
            import torchvision_shim  # noqa: F401  where torchvision itself is not installed
        except ImportError:
            pass
        from transformers import CLIPConfig, CLIPVisionModelWithProjection

        vision = CLIPConfig.from_json_file(config).vision_config
        vision._attn_implementation = "sdpa"
        self.model = CLIPVisionModelWithProjection(vision)

    def forward(self, pixels):
        return self.model(pixel_values=pixels).image_embeds


class QwenEncoder(torch.nn.Module):
    """The picture encoder of transformers' Qwen3-VL with its mergers, for one picture."""

    def __init__(self, config, side):
        super().__init__()
        try:
            import torchvision_shim  # noqa: F401  where torchvision itself is not installed
        except ImportError:
            pass
        from transformers import Qwen3VLConfig, Qwen3VLVisionModel

        vision = Qwen3VLConfig.from_json_file(config).vision_config
        vision._attn_implementation = "sdpa"
        self.model = Qwen3VLVisionModel(vision)
        self.grid = torch.tensor([[1, side // vision.patch_size, side // vision.patch_size]])

    def forward(self, patches):
        return self.model(patches, grid_thw=self.grid)


def torch_model(kind, config, side):
    if kind == "vit":
        return VisionTransformer(config)
    return ModifiedResNet() if kind == "rn50" else QwenEncoder(config, side)


def torch_pixels(kind, batch, side):
    if kind.startswith("qwen"):
        return torch.randn((side // 16) ** 2, 3 * 2 * 16 * 16)
    return torch.randn(batch, 3, side, side)


class TorchSide:

    def __init__(self, model, pixels, dtype):
        self.name = f"PyTorch {dtype}"
        self.dtype = dtype
        of = torch.bfloat16 if dtype == "bf16" else torch.float32
        self.model = copy.deepcopy(model).to(of)
        self.pixels = pixels.to(of)
        self.version = torch.__version__

    def times(self, runs):
        times = []
        with torch.inference_mode():
            for _ in range(runs):
                start = time.perf_counter()
                self.model(self.pixels)
                times.append(1000 * (time.perf_counter() - start))
        return times

    def in_faster_format(self):
        if self.pixels.dim() != 4:
            return self
        self.times(2)
        contiguous = min(self.times(3))
        self.model = self.model.to(memory_format=torch.channels_last)
        self.pixels = self.pixels.to(memory_format=torch.channels_last)
        self.times(2)
        if min(self.times(3)) > contiguous:
            self.model = self.model.to(memory_format=torch.contiguous_format)
            self.pixels = self.pixels.contiguous()
        return self


class JavaSide:
    """A program that encodes as many batches as it is told and answers with the times."""

    def __init__(self, name, dtype, command):
        self.name = name
        self.dtype = dtype
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline().split(" ", 1)
        if ready[0] != "ready":
            raise SystemExit(f"{name} did not start; see the error above.")
        self.version = ready[1].strip()

    def ask(self, question):
        self.process.stdin.write(f"{question}\n")
        self.process.stdin.flush()
        return [float(word) for word in self.process.stdout.readline().split()]

    def times(self, runs):
        return self.ask(runs)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class LlamaCppSide:
    """llama.cpp's encoder of Qwen3-VL, as `llama-mtmd-cli` tells its time; each run is a process of its own."""

    def __init__(self, side, folder, dtype, arguments):
        self.name = "llama.cpp f16"
        self.dtype = dtype
        self.version = str(arguments.llama_cpp.name)
        picture = pathlib.Path(folder) / "picture.png"
        picture.write_bytes(png(side))
        self.command = [
            str(arguments.llama_cpp / "build/bin/llama-mtmd-cli"), "-m",
            str(arguments.models_folder / "qwen3vl-q4_0.gguf"), "--mmproj",
            str(arguments.models_folder / "mmproj-f16.gguf"), "--image", str(picture), "-p", "x",
            "-n", "1", "-c", "4096", "-t", str(arguments.threads)]

    def times(self, runs):
        times = []
        for _ in range(runs):
            result = subprocess.run(self.command, capture_output=True, text=True, errors="replace")
            found = re.search(r"encod\w+ (?:done )?in (\d+) ms", result.stdout + result.stderr)
            if not found:
                raise SystemExit(f"llama-mtmd-cli did not tell a time:\n{result.stderr[-2000:]}")
            times.append(float(found.group(1)))
        return times


def png(side):
    """A square of noise."""
    rows = b"".join(b"\0" + random.Random(y).randbytes(3 * side) for y in range(side))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks)


def java():
    home = os.environ.get("JAVA_HOME")
    return str(pathlib.Path(home) / "bin/java") if home else "java"


def vlm_side(config, batch, side, dtype, arguments):
    return JavaSide(f"VLM4J {dtype}", dtype, [
        java(), "-Xmx8g", *arguments.vlm_options.split(), "--add-modules", "jdk.incubator.vector",
        "--enable-native-access=ALL-UNNAMED", "-cp", arguments.vlm_path, str(HERE / "VlmSide.java"),
        str(config), str(batch), str(side), str(arguments.threads), dtype])


def onnx_side(model, side, batch, folder, arguments):
    file = pathlib.Path(folder) / "model.onnx"
    torch.onnx.export(
        model, torch.zeros(batch, 3, side, side), str(file), input_names=["pixels"],
        output_names=["embedding"], opset_version=17, dynamo=False)
    return JavaSide("ONNX Runtime", "f32", [
        java(), "--enable-native-access=ALL-UNNAMED", "-cp", str(HERE / "target/lib/*"),
        str(HERE / "OnnxSide.java"), str(file), str(batch), str(side), str(arguments.threads)])


def runs_for(side, seconds):
    """As many runs as fill the time, after as many that let compilers and caches settle."""
    if isinstance(side, LlamaCppSide):
        return 1
    first = side.times(1)[0]
    if first > 1000 * seconds:
        return 1
    side.times(1)
    runs = max(1, round(1000 * seconds / min(side.times(1))))
    side.times(runs)
    return max(1, round(1000 * seconds / statistics.median(side.times(runs))))


def compare(kind, batch, arguments):
    title, config, side = MODELS[kind]
    torch.manual_seed(0)
    model = torch_model(kind, config, side).eval()
    with tempfile.TemporaryDirectory() as folder:
        own = {
            dtype: vlm_side(config, batch, side, dtype, arguments) for dtype in arguments.types}
        first = next(iter(own.values()))
        limits = [first.ask("limits")]
        pixels = torch_pixels(kind, batch, side)
        sides = [*own.values(), *(
            TorchSide(model, pixels, dtype).in_faster_format() for dtype in arguments.types)]
        if "f32" in own and not kind.startswith("qwen") and not arguments.no_onnx:
            sides.append(onnx_side(model, side, batch, folder, arguments))
        if kind.startswith("qwen") and arguments.llama_cpp:
            sides.append(LlamaCppSide(side, folder, arguments.types[-1], arguments))
        runs = {each: runs_for(each, arguments.seconds) for each in sides}
        rounds = []
        for _ in range(arguments.rounds):
            medians = {}
            for each in sides:
                # Threads that still spin after their last work would slow the next side down.
                time.sleep(0.3)
                medians[each] = statistics.median(each.times(runs[each]))
            rounds.append(medians)
            told = ", ".join(f"{each.name} {ms:.1f}" for each, ms in medians.items())
            print(f"round {len(rounds)} in ms: {told}", file=sys.stderr, flush=True)
        limits.append(first.ask("limits"))
        flops, bandwidth = (max(figures) for figures in zip(*limits))
        print(
            f"\n{title}, {side}², batch {batch}; the machine's limits: {flops:.0f} GFLOP/s f32, "
            f"{bandwidth:.0f} GB/s")
        for each in sides:
            times = [medians[each] for medians in rounds]
            milliseconds = statistics.median(times)
            vlm = own[each.dtype]
            ratio = statistics.median(medians[each] / medians[vlm] for medians in rounds)
            print(
                f"  {each.name:13} {1000 * batch / milliseconds:8.2f} images/s "
                f"{milliseconds:10.1f} ms ({min(times):.1f} to {max(times):.1f})   "
                f"{vlm.name} is {ratio:.2f} times as fast   ({each.version})",
                flush=True)
        for each in sides:
            if isinstance(each, JavaSide):
                each.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--types", nargs="+", choices=["f32", "bf16"], default=["f32", "bf16"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="of each side in a round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument(
        "--vlm-path", default=str(ROOT / "vlm-cli/target/dist/lib/*"), help="VLM4J's class path")
    parser.add_argument("--vlm-options", default="", help="further options of VLM4J's JVM")
    parser.add_argument("--no-onnx", action="store_true", help="leaves ONNX Runtime out")
    parser.add_argument("--llama-cpp", type=pathlib.Path, help="llama.cpp's source, built in build/")
    parser.add_argument("--models-folder", type=pathlib.Path, help="what models.py filled, for llama.cpp")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if not arguments.no_onnx and not (HERE / "target/lib").exists():
        subprocess.run(["mvn", "-q", "-f", str(HERE / "pom.xml"), "package"], check=True)
    for kind in arguments.models:
        for batch in [1] if kind.startswith("qwen") else arguments.batches:
            compare(kind, batch, arguments)


if __name__ == "__main__":
    main()
