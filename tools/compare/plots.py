"""Draws how speed grows, from documents that `vlm bench --limits --json` printed.

    python tools/compare/plots.py --out docs/growth.svg bench-*.json

Four plots: decoding against context, reading against the prompt's length, encoding against the picture's
size, and all three against threads. Dots are medians with their spread; lines are what the machine's limits
allow, as measured in the same processes (their median): bandwidth ÷ (weights + keys and values), peak f32 arithmetic ÷
multiplications and additions, attention's square included. Documents of one backend and weight type and
number of threads are one series; those with most threads are drawn in the first three plots. Needs nothing
but Python.
"""

import argparse
import collections
import json
import math
import pathlib
import re

COLOURS = ["#0b6e99", "#c25700", "#3f7d20", "#8c2d76", "#555555", "#b08900"]
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 560, 380, 66, 44, 16, 56


class Panel:
    """A plot with logarithmic axes, as growth is a slope on them."""

    def __init__(self, title, x_name, y_name, x_ticks=None):
        self.title, self.x_name, self.y_name, self.x_ticks = title, x_name, y_name, x_ticks
        self.series = []

    def add(self, name, points, theory):
        """Points are (x, median, least, most); theory is (x, y)."""
        if points:
            self.series.append((name, sorted(points), sorted(theory)))

    def svg(self, left, top):
        xs = [p[0] for _, points, _ in self.series for p in points]
        ys = [y for _, points, theory in self.series
              for y in [*(p[1] for p in points), *(t[1] for t in theory)]]
        if not xs:
            return ""
        x = scale(min(xs), max(xs), LEFT, WIDTH - RIGHT)
        low, high = 0.8 * min(ys), 1.25 * max(ys)
        y = scale(low, high, HEIGHT - BOTTOM, TOP)
        parts = [f'<g transform="translate({left},{top})">', text(LEFT, 22, self.title, "start", 15)]
        for tick in self.x_ticks or sorted(set(xs)):
            parts.append(line(x(tick), TOP, x(tick), HEIGHT - BOTTOM, "#e4e4e4"))
            parts.append(text(x(tick), HEIGHT - BOTTOM + 16, label(tick), "middle"))
        for tick in ticks(low, high):
            parts.append(line(LEFT, y(tick), WIDTH - RIGHT, y(tick), "#e4e4e4"))
            parts.append(text(LEFT - 6, y(tick) + 4, label(tick), "end"))
        parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 18, self.x_name, "middle"))
        parts.append(text(LEFT, TOP - 8, self.y_name, "start"))
        for i, (name, points, theory) in enumerate(self.series):
            colour = COLOURS[i % len(COLOURS)]
            path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in theory)
            parts.append(
                f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-dasharray="5 4"/>')
            path = " ".join(f"{x(p[0]):.1f},{y(p[1]):.1f}" for p in points)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            for a, middle, least, most in points:
                parts.append(line(x(a), y(least), x(a), y(most), colour))
                parts.append(f'<circle cx="{x(a):.1f}" cy="{y(middle):.1f}" r="3.5" fill="{colour}"/>')
            parts.append(f'<circle cx="{LEFT + 12}" cy="{HEIGHT - BOTTOM - 14 - 16 * i}" r="4" '
                         f'fill="{colour}"/>')
            parts.append(text(LEFT + 22, HEIGHT - BOTTOM - 10 - 16 * i, name, "start"))
        return "\n".join([*parts, "</g>"])


def scale(low, high, start, end):
    span = math.log(high / low) or 1
    return lambda value: start + (end - start) * math.log(value / low) / span


def ticks(low, high):
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), range(1, 10)):
        inside = [digit * 10.0 ** power for power in powers for digit in digits]
        inside = [tick for tick in inside if low <= tick <= high]
        if len(inside) > 2:
            return inside
    return [low, *inside, high]


def label(value):
    if value >= 2048 and value % 1024 == 0:
        return f"{value // 1024:.0f} k"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def line(x1, y1, x2, y2, colour):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def text(x, y, words, anchor, size=12):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{words}</text>'


def threads(document):
    return int(re.search(r"(\d+) threads?", document["backend"]).group(1))


def merged(documents):
    """Parts of the documents by series, with the medians of the limits that its documents measured."""
    series = collections.defaultdict(lambda: collections.defaultdict(list))
    measured = collections.defaultdict(list)
    for document in documents:
        name = document["weights"] + document.get("series", "")
        measured[name, threads(document)].append(document["limits"])
        for part in ("prefill", "decode", "image"):
            series[name, threads(document)][part] += document[part]
    for key, parts in series.items():
        limits = {limit: sorted(each[limit] for each in measured[key])[len(measured[key]) // 2]
                  for limit in measured[key][0]}
        for part, all in parts.items():
            parts[part] = [(each, limits) for each in all]
    return series


def points(parts, place, value):
    found = collections.defaultdict(list)
    for each, _ in parts:
        found[place(each)] += [value(each, sample) for sample in each["repetitions"]]
    return [(x, sorted(all)[len(all) // 2], min(all), max(all)) for x, all in found.items()]


def theory(parts, place, limit):
    return sorted({place(each): limit(each, limits) for each, limits in parts}.items())


def rate(each, sample):
    return sample


def seconds(each, ms):
    return ms / 1000


def prefill_limit(each, limits):
    return limits["flopsPerSecond"] / (each["flops"] / each["promptTokens"])


def decode_limit(each, limits):
    return limits["bytesPerSecond"] / each["bytesPerToken"]


def image_limit(each, limits):
    return each["flops"] / limits["flopsPerSecond"]


def panels(documents):
    series = merged(documents)
    most = max(count for _, count in series)
    decode = Panel("Decode", "tokens of context", "tokens/s")
    prefill = Panel("Prefill", "tokens of the prompt", "tokens/s")
    image = Panel("Image encode", "side of the picture, pixels", "seconds")
    growth = Panel("Threads", "threads", "times as fast as with one (dashed: ideal)")
    for (name, count), parts in series.items():
        if count == most:
            context = lambda each: each["context"]  # noqa: E731
            # A logarithmic axis has no place for an empty context.
            written = [part for part in parts["decode"] if context(part[0]) > 0]
            decode.add(name, points(written, context, rate), theory(written, context, decode_limit))
            prompt = lambda each: each["promptTokens"]  # noqa: E731
            prefill.add(
                name, points(parts["prefill"], prompt, rate),
                theory(parts["prefill"], prompt, prefill_limit))
            side = lambda each: math.sqrt(each["height"] * each["width"])  # noqa: E731
            image.add(
                name, points(parts["image"], side, seconds), theory(parts["image"], side, image_limit))
    for name in sorted({name for name, _ in series}):
        for title, part, value in (
                ("prefill", "prefill", lambda each, sample: sample),
                ("decode", "decode", lambda each, sample: sample),
                ("image", "image", lambda each, ms: 1 / ms)):
            against_threads(growth, series, f"{name}: {title}", name, part, value)
    return [decode, prefill, image, growth]


def against_threads(panel, series, title, name, part, value):
    """Only what was measured at the same place with each number of threads can be compared."""
    by_count = {}
    for (other, count), parts in series.items():
        if other == name and parts[part]:
            by_count[count] = {
                json.dumps([each.get(key) for key in ("promptTokens", "context", "height", "width")]):
                [value(each, sample) for sample in each["repetitions"]] for each, _ in parts[part]}
    if len(by_count) < 2:
        return
    shared = set.intersection(*(set(places) for places in by_count.values()))
    if not shared:
        return
    place = sorted(shared)[0]
    middle = {count: sorted(all[place])[len(all[place]) // 2] for count, all in by_count.items()}
    base = middle[min(middle)]
    panel.add(
        title,
        [(count, middle[count] / base, min(all[place]) / base, max(all[place]) / base)
         for count, all in by_count.items()],
        [(count, count / min(middle)) for count in by_count])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("documents", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    documents = [json.loads(file.read_text()) for file in arguments.documents]
    drawn = [panel for panel in panels(documents) if panel.series]
    rows = math.ceil(len(drawn) / 2)
    body = "\n".join(
        panel.svg(WIDTH * (i % 2), HEIGHT * (i // 2)) for i, panel in enumerate(drawn))
    arguments.out.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {rows * HEIGHT}" '
        f'font-family="sans-serif" fill="#222">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        f"{body}\n</svg>\n")


if __name__ == "__main__":
    main()
