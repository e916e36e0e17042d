"""Reads prompts and writes tokens with VLM4J and other engines on this machine, in turns, in one run.

    python tools/compare/text.py --models DIR --out results.jsonl [--types bf16 q8_0 q4_0 q4_k_m]
        [--llama-cpp DIR] [--jinfer DIR] [--llama3-java DIR] [--rounds 3] [--prompt 512] [--context 512] [--new 32]
    python tools/compare/text.py --report results.jsonl

DIR has the files of models.py. In a round every engine runs once, as a process of its own, with the same
threads, on the same weights; each line that is added to the results is one engine's part of a round. Rounds
of several runs add up in the same file, so that a machine that must be given back can be measured in slices.
The report gives medians over rounds, the spread, and how VLM4J compares: the median of the ratios within a
round, so that what disturbs a shared machine for longer than a round falls on all alike.

An engine is a class with a name, what it takes (`available`), and `run`, which yields figures in tokens/s.
"""

import argparse
import collections
import datetime
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CONFIG = ROOT / "vlm-bench/src/main/resources/io/github/vlm4j/bench/qwen3-vl-2b.json"
VLM = "VLM4J"


def output(command, **environment):
    result = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True,
        env={**os.environ, **environment})
    if result.returncode != 0:
        lines = (result.stderr or result.stdout).strip().splitlines()
        raise RuntimeError(f"{command[0]} failed: {lines[-1] if lines else result.returncode}")
    return result.stdout + "\n" + result.stderr


def figure(work, tokens, samples, **more):
    return {"work": work, "tokens": tokens, "samples": samples, **more}


class Vlm4j:
    """`vlm bench`, on the same file, or on random weights of the same shapes and type."""

    name = VLM

    def __init__(self, arguments):
        self.arguments = arguments

    def available(self, kind):
        return True

    def run(self, kind):
        a = self.arguments
        weights = (
            ["--config", CONFIG, "--random-weights", kind] if a.vlm_weights == "random"
            else ["--model", a.models / f"qwen3-{kind}.gguf"])
        text = output([
            *a.vlm.split(), "bench", *weights, *a.vlm_options.split(), "--threads", a.threads,
            "--prompt-tokens", a.prompt, "--context", a.context, "--new-tokens", a.new,
            "--image-size", "0x0", "--repetitions", a.repetitions, "--limits", "--json"])
        found = json.loads(text[text.index("{"):text.rindex("}") + 1])
        limits = found["limits"]
        for each in found["prefill"]:
            yield figure(
                "prefill", each["promptTokens"], each["repetitions"], limits=limits,
                flops=each["flops"] / each["promptTokens"], backend=found["backend"],
                peakMemory=found.get("peakMemoryBytes"))
        for each in found["decode"]:
            yield figure(
                "decode", each["context"], each["repetitions"], limits=limits,
                bytes=each["bytesPerToken"], allocated=each["allocatedBytesPerToken"],
                backend=found["backend"])


class LlamaCpp:
    """`llama-bench`; its cache of keys and values is f16."""

    name = "llama.cpp"

    def __init__(self, arguments):
        self.arguments = arguments

    def available(self, kind):
        return self.arguments.llama_cpp is not None

    def bench(self, kind, *options):
        a = self.arguments
        text = output([
            a.llama_cpp / "build/bin/llama-bench", "-m", a.models / f"qwen3-{kind}.gguf", "-t",
            a.threads, "-r", a.repetitions, "-o", "jsonl", *options])
        lines = [line for line in text.splitlines() if line.startswith("{")]
        return json.loads(lines[-1])["samples_ts"]

    def run(self, kind):
        a = self.arguments
        yield figure("prefill", a.prompt, self.bench(kind, "-p", a.prompt, "-n", 0))
        yield figure("decode", a.context, self.bench(kind, "-p", 0, "-n", a.new, "-d", a.context))


class Jinfer:
    """jinfer's own bench, without or with its native library of kernels.

    It writes from an empty context on and knows Qwen3 for retrieval only, so it gets the same shapes
    as a Llama; both cost it nothing. Its first two times do not count.
    """

    def __init__(self, arguments, native):
        self.arguments = arguments
        self.native = native
        self.name = "jinfer + native" if native else "jinfer"

    def available(self, kind):
        return self.arguments.jinfer is not None

    def run(self, kind):
        a = self.arguments
        jars = [
            str(jar) for jar in a.jinfer.rglob("target/*.jar")
            if self.native or "jam-native" not in jar.name]
        text = output([
            java(), "-Xmx6g", "--enable-preview", "--add-modules",
            "jdk.incubator.vector,jdk.httpserver", "--enable-native-access=ALL-UNNAMED",
            f"-XX:CompileCommandFile={a.jinfer / 'jinfer/hotspot_compiler'}", "-cp",
            os.pathsep.join(jars), "com.qxotic.jinfer.bench.JinferBench", "-m",
            a.models / f"llama-{kind}.gguf", "-t", a.threads, "-p", a.prompt, "-n", a.new, "-r",
            a.repetitions + 2, "--no-warmup"], JAM_NUM_THREADS=str(a.threads))
        for work, tokens, test in (
                ("prefill", a.prompt, f"pp{a.prompt}"), ("decode", 0, f"tg{a.new}")):
            found = re.findall(rf"{test}\s+\[rep\s+\d+\]\s+([\d.]+) t/s", text)
            yield figure(work, tokens, [float(word) for word in found[2:]])


class Jlama:
    """Jlama from Maven Central (see pom.xml), with its native library where that loads, on a Llama of the same
    shapes in its own formats: bf16, or four-bit blocks of 32 with eight-bit activations for q4_0."""

    name = "Jlama"
    formats = {"bf16": "bf16", "q4_0": "q4"}

    def __init__(self, arguments):
        self.arguments = arguments
        self.folder = arguments.models / "llama-folder"

    def available(self, kind):
        return kind in self.formats and self.folder.exists() and (HERE / "target/lib").exists()

    def run(self, kind):
        a = self.arguments
        text = output([
            java(), "-Xmx8g", "--add-modules", "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED", "-cp", HERE / "target/lib/*",
            HERE / "JlamaSide.java", self.folder, self.formats[kind], a.threads, a.prompt, a.new,
            a.repetitions])
        for work, tokens in (("prefill", a.prompt), ("decode", a.prompt)):
            found = re.search(rf"^{work} (.*)$", text, re.MULTILINE)
            yield figure(work, tokens, [float(word) for word in found.group(1).split()])


class Llama3Java:
    """llama3.java's one file, compiled with Llama3Side.java, on the same shapes as a Llama.

    It gets the whole prompt at once, which is faster than its usual 16 tokens at a time, and writes behind
    that prompt. It asks for Graal's compiler and has here what `java` has.
    """

    name = "llama3.java"

    def __init__(self, arguments):
        self.arguments = arguments

    def available(self, kind):
        return self.arguments.llama3_java is not None

    def run(self, kind):
        a = self.arguments
        options = ["--enable-preview", "--add-modules", "jdk.incubator.vector"]
        classes = HERE / "target/llama3"
        output([
            java("javac"), *options, "--release", "25", "-d", classes, HERE / "Llama3Side.java",
            a.llama3_java / "Llama3.java"])
        text = output([
            java(), *options, "-Xmx8g",
            f"-Djava.util.concurrent.ForkJoinPool.common.parallelism={a.threads - 1}", "-cp", classes,
            "com.llama4j.Llama3Side", a.models / f"llama-{kind}.gguf", a.prompt, a.prompt, a.new,
            a.repetitions])
        for work, tokens in (("prefill", a.prompt), ("decode", a.prompt)):
            found = re.search(rf"^{work} (.*)$", text, re.MULTILINE)
            yield figure(work, tokens, [float(word) for word in found.group(1).split()])


def java(tool="java"):
    home = os.environ.get("JAVA_HOME")
    return pathlib.Path(home) / "bin" / tool if home else tool


def measure(arguments):
    engines = [
        Vlm4j(arguments), LlamaCpp(arguments), Jinfer(arguments, False), Jinfer(arguments, True),
        Jlama(arguments), Llama3Java(arguments)]
    if arguments.engines:
        engines = [engine for engine in engines if engine.name in arguments.engines]
    with open(arguments.out, "a") as results:
        for number in range(arguments.rounds):
            started = datetime.datetime.now().isoformat(timespec="seconds")
            for kind in arguments.types:
                for engine in engines:
                    if not engine.available(kind):
                        continue
                    time.sleep(0.3)
                    try:
                        for found in engine.run(kind):
                            line = {
                                "round": f"{started}#{number}", "type": kind, "engine": engine.name,
                                "threads": arguments.threads, **found}
                            results.write(json.dumps(line) + "\n")
                            results.flush()
                            median = statistics.median(found["samples"])
                            print(
                                f"{kind:7} {found['work']:8} {engine.name:16} {median:9.2f} tokens/s",
                                flush=True)
                    except RuntimeError as failure:
                        print(f"{kind:7} {engine.name:25} {failure}", file=sys.stderr, flush=True)


def report(file):
    lines = [json.loads(line) for line in open(file)]
    limits = [line["limits"] for line in lines if "limits" in line]
    if limits:
        flops = [limit["flopsPerSecond"] / 1e9 for limit in limits]
        read = [limit["bytesPerSecond"] / 1e9 for limit in limits]
        print(
            f"The machine's limits: {statistics.median(flops):.0f} GFLOP/s f32 "
            f"({min(flops):.0f} to {max(flops):.0f}), {statistics.median(read):.1f} GB/s read "
            f"({min(read):.1f} to {max(read):.1f})\n")
    groups = collections.defaultdict(lambda: collections.defaultdict(dict))
    for line in lines:
        groups[line["type"], line["work"]][line["engine"]][line["round"]] = line
    print("| weights | work | engine | tokens/s | spread | rounds | VLM4J is | of the limit |")
    print("|---|---|---|---|---|---|---|---|")
    for (kind, work), engines in groups.items():
        own = engines.get(VLM, {})
        for name, rounds in engines.items():
            medians = {key: statistics.median(line["samples"]) for key, line in rounds.items()}
            samples = [sample for line in rounds.values() for sample in line["samples"]]
            ratios = [
                statistics.median(own[key]["samples"]) / medians[key] for key in rounds if key in own]
            ratio = f"{statistics.median(ratios):.2f} ×" if ratios and name != VLM else ""
            print(
                f"| {kind} | {work} | {name} | {statistics.median(medians.values()):.1f} "
                f"| {min(samples):.1f} to {max(samples):.1f} | {len(rounds)} | {ratio} "
                f"| {share(own, rounds, medians)} |")


def share(own, rounds, medians):
    """Of what the machine's limits allow, as measured by VLM4J in the same round."""
    shares = []
    for key in rounds:
        if key in own:
            line = own[key]
            limits = line["limits"]
            shares.append(
                medians[key] * line["bytes"] / limits["bytesPerSecond"] if "bytes" in line
                else medians[key] * line["flops"] / limits["flopsPerSecond"])
    return f"{100 * statistics.median(shares):.0f} %" if shares else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--report", type=pathlib.Path, help="prints the table of a file of results")
    parser.add_argument("--models", type=pathlib.Path, help="the folder that models.py filled")
    parser.add_argument("--out", type=pathlib.Path, help="results are added here, a line each")
    parser.add_argument("--types", nargs="+", default=["bf16", "q8_0", "q4_0", "q4_k_m"])
    parser.add_argument("--engines", nargs="+", help="only these, by name")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repetitions", type=int, default=3, help="of each work in a round")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--new", type=int, default=32)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--vlm", default=str(ROOT / "vlm"), help="VLM4J's command")
    parser.add_argument("--vlm-weights", choices=["gguf", "random"], default="gguf")
    parser.add_argument("--vlm-options", default="", help="further options of vlm bench")
    parser.add_argument("--llama-cpp", type=pathlib.Path, help="llama.cpp's source, built in build/")
    parser.add_argument("--jinfer", type=pathlib.Path, help="qxotic's source, packaged by Maven")
    parser.add_argument("--llama3-java", type=pathlib.Path, help="llama3.java's source")
    arguments = parser.parse_args()
    if arguments.report:
        report(arguments.report)
    elif arguments.models and arguments.out:
        measure(arguments)
    else:
        parser.error("give --models and --out to measure, or --report to read")


if __name__ == "__main__":
    main()
