"""Exact-match accuracy per question type on fresh scenes, through stock transformers."""

import argparse
import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

import questions
import scenes
from reference_chat import ReferenceChat

NAMES = {
    "caption": "caption", "count": "how many shapes", "count_by": "how many red shapes / circles",
    "colour": "colour of a shape", "shape": "which shape", "side": "left or right, top or bottom",
    "exists": "is there a …", "check": "is the … red", "size": "small or large", "where": "where is …",
    "absent": "asked about a shape that is not there", "background": "colour of the background",
    "zh_caption": "Chinese: caption", "zh_count": "Chinese: how many", "zh_colour": "Chinese: colour",
    "other": "not about shapes (refusal)", "follow_up": "second question of a conversation",
    "no_picture": "no picture given",
}
# Sides of the pictures as files; the processor resizes them to about 96 x 96.
SHAPES = [(6, 6), (6, 6), (6, 6), (5, 6), (6, 5), (5, 7), (4, 8), (8, 4), (5, 5)]


def natural_picture(rng, scene, largest=640):
    """The scene as a picture file might hold it: any size, soft edges."""
    scale = rng.uniform(0.8, largest / max(scene.width, scene.height))
    width, height = round(scene.width * scale), round(scene.height * scale)
    return scenes.render(rng, scene, width, height, smooth=2 if rng.random() < 0.7 else 1)


def fresh_scene(rng):
    rows, columns = SHAPES[rng.integers(len(SHAPES))]
    return scenes.random_scene(rng, columns * 16, rows * 16)


def ask(rng, kind):
    """A random (conversation, expected answer) of a type."""
    while True:
        scene = fresh_scene(rng)
        if kind == "follow_up":
            first = questions.question(rng, scene, "caption")
            second = questions.question(rng, scene, ["colour", "where", "count", "exists"][rng.integers(4)])
            if second is None:
                continue
            picture = natural_picture(rng, scene)
            return [("user", first[0], picture), ("assistant", first[1], None),
                    ("user", second[0], None)], second[1]
        if kind == "no_picture":
            pair = questions.question(rng, scene, list(questions.KINDS)[rng.integers(len(questions.KINDS))])
            if pair is None:
                continue
            return [("user", questions.as_typed(rng, pair[0]), None)], questions.NO_PICTURE
        pair = questions.question(rng, scene, kind)
        if pair is not None:
            picture = natural_picture(rng, scene)
            return [("user", questions.as_typed(rng, pair[0]), picture)], pair[1]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--per-type", type=int, default=200)
    p.add_argument("--seed", type=int, default=90210)
    p.add_argument("--batch", type=int, default=40)
    p.add_argument("--types", nargs="*", default=list(NAMES))
    p.add_argument("--card", type=Path, help="model card whose accuracy table is to be replaced")
    p.add_argument("--mistakes", type=Path, help="file for the wrong answers")
    args = p.parse_args()
    torch.set_num_threads(2)
    chat = ReferenceChat(args.model)
    right, mistakes = {}, defaultdict(list)
    for number, kind in enumerate(args.types):
        rng = np.random.default_rng([args.seed, number])
        right[kind] = 0
        cases = [ask(rng, kind) for _ in range(args.per_type)]
        for i in range(0, len(cases), args.batch):
            part = cases[i:i + args.batch]
            for (conversation, expected), answer in zip(part, chat.answers([c for c, _ in part])):
                right[kind] += answer == expected
                if answer != expected:
                    mistakes[kind].append((conversation[-1][1], expected, answer))
        print(f"{kind:12} {right[kind] / args.per_type:.1%}", flush=True)
    table = "| Question | Right |\n| --- | ---: |\n" + "".join(
        f"| {NAMES[k]} | {n / args.per_type:.1%} |\n" for k, n in right.items())
    print(table)
    if args.mistakes:
        args.mistakes.write_text(json.dumps(mistakes, indent=1, ensure_ascii=False), encoding="utf-8")
    if args.card:
        text = args.card.read_text(encoding="utf-8")
        text = re.sub(r"(?s)(<!-- accuracy -->\n).*?(<!-- end -->)",
                      lambda m: m[1] + "\n" + table + "\n" + m[2], text)
        args.card.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
