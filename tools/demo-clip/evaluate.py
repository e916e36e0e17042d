"""Zero-shot accuracy on fresh pictures, through stock transformers."""

import argparse
import re
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from captions import CLASSES, PATCH, SIDE, class_prompt, cut_scene, scenes
from reference_clip import ReferenceClip

PROMPTS = {
    "a red circle": class_prompt,
    "red circle": lambda colour, kind: f"{colour} {kind}",
    "a photo of a red circle.": lambda colour, kind: f"a photo of {class_prompt(colour, kind)}.",
}


def natural_picture(rng, scene, largest=640):
    """The scene as a picture file might hold it: any size, hard or soft edges."""
    scale = rng.uniform(0.8, largest / max(scene.width, scene.height))
    width, height = round(scene.width * scale), round(scene.height * scale)
    return scenes.render(rng, scene, width, height, smooth=2 if rng.random() < 0.7 else 1)


def picture_of(rng, colour, kind, largest=640):
    """A picture of one shape of that class."""
    while True:
        scene = cut_scene(rng, count=1)[0]
        if (scene.shapes[0].colour, scene.shapes[0].kind) == (colour, kind):
            return natural_picture(rng, scene, largest)


def several(reference, seed, count):
    """On pictures of two or three shapes: the best class is there, and each shape's best patch is on it."""
    rng = np.random.default_rng(seed)
    texts = [class_prompt(*pair) for pair in CLASSES]
    cut = [cut_scene(rng, count=int(rng.integers(2, 4))) for _ in range(count)]
    pictures = [natural_picture(rng, scene) for scene, _, _ in cut]
    named = pointed = asked = 0
    for start in range(0, count, 50):
        part = pictures[start:start + 50]
        best = reference.logits(part, texts).argmax(-1)
        maps = reference.patch_similarities(part, texts)
        for (scene, left, top), found, similarity in zip(cut[start:start + 50], best, maps):
            present = {(s.colour, s.kind) for s in scene.shapes}
            named += CLASSES[found] in present
            for pair in sorted(present):
                y, x = divmod(int(similarity[CLASSES.index(pair)].argmax()), SIDE // PATCH)
                x, y = (x + 0.5) * PATCH + left, (y + 0.5) * PATCH + top
                pointed += any((s.colour, s.kind) == pair and max(abs(s.x - x), abs(s.y - y)) < s.radius + PATCH / 2
                               for s in scene.shapes)
                asked += 1
    return named / count, pointed / asked


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--per-class", type=int, default=60)
    p.add_argument("--several", type=int, default=500, help="pictures of two or three shapes")
    p.add_argument("--seed", type=int, default=90210)
    p.add_argument("--card", type=Path, help="model card whose accuracy table is to be replaced")
    args = p.parse_args()
    torch.set_num_threads(1)
    reference = ReferenceClip(args.model)
    rng = np.random.default_rng(args.seed)
    right, mistakes = {name: [] for name in PROMPTS}, Counter()
    for pair in CLASSES:
        pictures = [picture_of(rng, *pair) for _ in range(args.per_class)]
        logits = reference.logits(pictures, [prompt(*p) for prompt in PROMPTS.values() for p in CLASSES])
        for name, part in zip(PROMPTS, logits.split(len(CLASSES), 1)):
            best = part.argmax(-1)
            right[name].append((best == CLASSES.index(pair)).float().mean().item())
            if name == "a red circle":
                mistakes.update((" ".join(pair), " ".join(CLASSES[b])) for b in best if CLASSES[b] != pair)
        print(f"{' '.join(pair):16} {right['a red circle'][-1]:.1%}", flush=True)
    named, pointed = several(reference, args.seed + 1, args.several)
    table = "| Measured | Right |\n| --- | ---: |\n"
    for name, shares in right.items():
        worst = int(np.argmin(shares))
        table += f"| one shape, \"{name}\", all classes | {np.mean(shares):.1%} |\n"
        table += f"| … its worst class ({' '.join(CLASSES[worst])}) | {shares[worst]:.1%} |\n"
    table += f"| two or three shapes: the best class is one of them | {named:.1%} |\n"
    table += f"| two or three shapes: the patch most like a shape's text is on it | {pointed:.1%} |\n"
    print(f"{len(CLASSES) * args.per_class} pictures of one shape, {args.several} of two or three\n{table}")
    print(mistakes.most_common(20))
    if args.card:
        text = args.card.read_text(encoding="utf-8")
        text = re.sub(r"(?s)(<!-- accuracy -->\n).*?(<!-- end -->)",
                      lambda m: m[1] + "\n" + table + "\n" + m[2], text)
        args.card.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
