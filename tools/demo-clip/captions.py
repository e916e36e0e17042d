"""Pictures cut as CLIP's processor cuts them, captions for them, and which caption is true of which."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "demo-model"))
import scenes

SIDE, PATCH = 64, 8
CLASSES = [(c, s) for c in scenes.COLOURS for s in scenes.SHAPES]
# What can be told apart about one shape: size x colour x kind, flattened.
_FACTS = (len(scenes.SIZES), len(scenes.COLOURS), len(scenes.SHAPES))

_LEADS = ["a photo of ", "a picture of ", "an image of ", "a drawing of ", "there is ", "this is "]
_SIZE_WORDS = {"small": ["small", "small", "small", "little", "tiny"],
               "large": ["large", "large", "large", "big"]}


@dataclass(frozen=True)
class Caption:
    text: str
    shapes: frozenset  # of (size, colour, kind), None where the caption does not say
    background: str | None


def with_article(words):
    return ("an " if words[0] in "aeiou" else "a ") + words


def class_prompt(colour, kind):
    return with_article(f"{colour} {kind}")


def _word(rng, name):
    if name == "gray" and rng.random() < 0.5:
        return "grey"
    words = _SIZE_WORDS.get(name, [name])
    return words[rng.integers(len(words))]


def _phrase(rng, shape, article):
    u = rng.random()
    size = shape.size if u < 0.3 else None
    colour, kind = shape.colour, shape.kind
    if 0.3 <= u < 0.37:
        colour = None
    elif 0.37 <= u < 0.44:
        kind = None
    words = [_word(rng, w) for w in (size, colour, kind or "shape") if w]
    if colour and rng.random() < 0.04:
        words.insert(len(words) - 1, "coloured" if rng.random() < 0.5 else "colored")
    text = " ".join(words)
    text = {"a": with_article(text), "the": f"the {text}", "one": f"one {text}", "": text}[article]
    return text, (size, colour, kind)


def caption(rng, scene):
    """A true caption of the scene, which may leave things out."""
    told = [scene.shapes[i] for i in rng.permutation(len(scene.shapes))]
    if len(told) > 1 and rng.random() < 0.45:
        told = told[:rng.integers(1, len(told))]
    u = rng.random()
    article = "a" if u < 0.68 else "" if u < 0.88 else "the" if u < 0.95 else "one"
    phrases = dict(_phrase(rng, shape, article) for shape in told)
    texts = list(phrases)
    background = scene.background if not texts or rng.random() < 0.2 else None
    if background and (not texts or rng.random() < 0.1):
        texts, phrases = [], {}
        text = with_article(f"{_word(rng, background)} background")
    else:
        text = " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
        if background:
            text += " on " + with_article(f"{_word(rng, background)} background")
    if rng.random() < 0.4:
        text = _LEADS[rng.integers(len(_LEADS))] + text
    if rng.random() < 0.25:
        text += "."
    return Caption(text, frozenset(phrases.values()), background)


def truth(pictured, captions):
    """[scenes, captions]: whether the caption is true of the scene."""
    present = np.zeros((len(pictured), *_FACTS), dtype=np.int32)
    for row, scene in zip(present, pictured):
        for s in scene.shapes:
            row[scenes.SIZES.index(s.size), scenes.COLOURS.index(s.colour), scenes.SHAPES.index(s.kind)] = 1
    present = present.reshape(len(pictured), -1)
    known = {}
    backgrounds = np.array([s.background for s in pictured])
    result = np.ones((len(pictured), len(captions)), dtype=bool)
    for column, said in enumerate(captions):
        for spec in said.shapes:
            if spec not in known:
                mask = np.zeros(_FACTS, dtype=np.int32)
                mask[tuple(slice(None) if name is None else names.index(name) for name, names
                           in zip(spec, (scenes.SIZES, scenes.COLOURS, scenes.SHAPES)))] = 1
                known[spec] = present @ mask.ravel() > 0
            result[:, column] &= known[spec]
        if said.background:
            result[:, column] &= backgrounds == said.background
    return result


def cut_scene(rng, count=None, max_shapes=3):
    """A scene of some format, how far the square at its centre is shifted, and none of its shapes cut."""
    while True:
        longer = SIDE if rng.random() < 0.6 else int(rng.integers(SIDE + 2, SIDE * 3 // 2, endpoint=True))
        width, height = (longer, SIDE) if rng.random() < 0.5 else (SIDE, longer)
        scene = scenes.random_scene(rng, width, height, max_shapes, count)
        left, top = (width - SIDE) // 2, (height - SIDE) // 2
        reach = [1.25 * s.radius for s in scene.shapes]
        if all(r < s.x - left < SIDE - r and r < s.y - top < SIDE - r for s, r in zip(scene.shapes, reach)) \
                and (count is None or len(scene.shapes) == count):
            return scene, left, top


def training_picture(rng, max_shapes):
    """(pixels [64, 64, 3], scene, patch labels [64]) as after the processor's resize and crop."""
    single = rng.random() < 0.55
    scene, left, top = cut_scene(rng, 1 if single else None, max_shapes)
    pixels = scenes.render_for_training(rng, scene)[top:top + SIDE, left:left + SIDE]
    for s in scene.shapes:
        s.x, s.y = s.x - left, s.y - top
    scene.width = scene.height = SIDE
    return pixels, scene, scenes.cell_labels(scene, PATCH)
