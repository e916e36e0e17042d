"""Encodes pictures with VLM4J, PyTorch and ONNX Runtime on this machine, in turns, in one run.

    python tools/compare/compare.py [--models vit rn50] [--batches 1 8] [--rounds 5]

The models are CLIP's picture encoders at their published shapes, ViT-L/14 at 336 pixels and RN50,
with random f32 weights; what the numbers are does not matter for speed. All sides use the same
number of threads. Within a round each side encodes for a few seconds, then the next; the figures are
medians over all rounds, and the ratios are medians of the ratios within a round, so that what
disturbs a shared machine for longer than a round disturbs all sides alike.

PyTorch gets its convolutions with the batch norms folded in, as VLM4J and ONNX Runtime fold them by
themselves, in the faster of its two memory formats. Needs torch, transformers and onnx; VLM4J as
`mvn package` leaves it; Maven for ONNX Runtime's Java package (see pom.xml).
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import torch

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CONFIGS = ROOT / "vlm-bench/src/main/resources/io/github/vlm4j/bench"
MODELS = {
    "vit": ("ViT-L/14-336", CONFIGS / "clip-vit-large-patch14-336.json", 336),
    "rn50": ("RN50", CONFIGS / "clip-rn50.json", 224),
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


class TorchSide:
    name = "PyTorch"

    def __init__(self, model, pixels):
        self.model = model
        self.pixels = pixels
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

    def __init__(self, name, command):
        self.name = name
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


def java():
    home = os.environ.get("JAVA_HOME")
    return str(pathlib.Path(home) / "bin/java") if home else "java"


def vlm_side(config, batch, arguments):
    return JavaSide("VLM4J", [
        java(), "-Xmx8g", "--add-modules", "jdk.incubator.vector",
        "--enable-native-access=ALL-UNNAMED", "-cp", arguments.vlm_path, str(HERE / "VlmSide.java"),
        str(config), str(batch), str(arguments.threads)])


def onnx_side(model, side, batch, folder, arguments):
    file = pathlib.Path(folder) / "model.onnx"
    torch.onnx.export(
        model, torch.zeros(batch, 3, side, side), str(file), input_names=["pixels"],
        output_names=["embedding"], opset_version=17, dynamo=False)
    return JavaSide("ONNX Runtime", [
        java(), "--enable-native-access=ALL-UNNAMED", "-cp", str(HERE / "target/lib/*"),
        str(HERE / "OnnxSide.java"), str(file), str(batch), str(side), str(arguments.threads)])


def runs_for(side, seconds):
    """As many runs as fill the time, after as many that let compilers and caches settle."""
    side.times(2)
    runs = max(1, round(1000 * seconds / min(side.times(1))))
    side.times(runs)
    return max(1, round(1000 * seconds / statistics.median(side.times(runs))))


def compare(kind, batch, arguments):
    title, config, side = MODELS[kind]
    torch.manual_seed(0)
    model = (VisionTransformer(config) if kind == "vit" else ModifiedResNet()).eval()
    with tempfile.TemporaryDirectory() as folder:
        sides = [vlm_side(config, batch, arguments), onnx_side(model, side, batch, folder, arguments)]
        vlm = sides[0]
        limits = [vlm.ask("limits")]
        sides.insert(1, TorchSide(model, torch.randn(batch, 3, side, side)).in_faster_format())
        runs = {each: runs_for(each, arguments.seconds) for each in sides}
        rounds = []
        for _ in range(arguments.rounds):
            medians = {}
            for each in sides:
                # Threads that still spin after their last work would slow the next side down.
                time.sleep(0.3)
                medians[each] = statistics.median(each.times(runs[each]))
            rounds.append(medians)
        limits.append(vlm.ask("limits"))
        flops, bandwidth = (max(figures) for figures in zip(*limits))
        print(
            f"\n{title}, batch {batch}; the machine's limits: {flops:.0f} GFLOP/s f32, "
            f"{bandwidth:.0f} GB/s")
        for each in sides:
            milliseconds = statistics.median(medians[each] for medians in rounds)
            ratio = statistics.median(medians[each] / medians[vlm] for medians in rounds)
            print(
                f"  {each.name:13} {1000 * batch / milliseconds:8.2f} images/s "
                f"{milliseconds:10.1f} ms   VLM4J is {ratio:.2f} times as fast   ({each.version})",
                flush=True)
        for each in sides:
            if isinstance(each, JavaSide):
                each.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="of each side in a round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument(
        "--vlm-path", default=str(ROOT / "vlm-cli/target/dist/lib/*"), help="VLM4J's class path")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if not (HERE / "target/lib").exists():
        subprocess.run(["mvn", "-q", "-f", str(HERE / "pom.xml"), "package"], check=True)
    for kind in arguments.models:
        for batch in arguments.batches:
            compare(kind, batch, arguments)


if __name__ == "__main__":
    main()
