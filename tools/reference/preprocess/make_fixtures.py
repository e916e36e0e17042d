"""Makes the fixtures of vlm-vision's tests of image decoding and preprocessing.

    python tools/reference/preprocess/make_fixtures.py

Needs transformers 5.18, torch, torchvision and Pillow 12.3.  Writes `image/` and `preprocess/` below
`vlm-vision/src/test/resources`, replacing what is there.  Deterministic: all content comes from seeds.

Arrays are stored as zlib-compressed raw bytes, each once, named by their hash (`data/<hash>.z`).
"""

import base64
import hashlib
import io
import json
import shutil
import warnings
import zlib
from pathlib import Path

try:
    import torchvision_shim  # noqa: F401  (only needed where torchvision's C++ ops do not load)
except ImportError:
    pass
import numpy as np
import torch
from PIL import Image
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as tvF
from transformers.models.qwen2_vl.image_processing_qwen2_vl import (
    Qwen2VLImageProcessor,
    smart_resize,
)
from transformers.models.qwen3_vl.processing_qwen3_vl import Qwen3VLProcessor
from transformers.models.qwen3_vl.video_processing_qwen3_vl import (
    Qwen3VLVideoProcessor,
    smart_resize as smart_resize_video,
)

import images

warnings.filterwarnings("ignore")
RESOURCES = Path(__file__).resolve().parents[3] / "vlm-vision/src/test/resources"

CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]
HALF = [0.5, 0.5, 0.5]


def fresh(name):
    folder = RESOURCES / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    return folder


def store(folder, array):
    raw = np.ascontiguousarray(array).tobytes()
    name = hashlib.sha256(raw).hexdigest()[:16] + ".z"
    (folder / "data" / name).write_bytes(zlib.compress(raw, 9))
    return name


def write_json(path, value):
    rows = ",\n".join(json.dumps(row) for row in value)
    path.write_text("[\n" + rows + "\n]\n")


def make_pictures():
    folder = fresh("image")
    (folder / "pictures").mkdir()
    table = []
    for name, data in images.pictures():
        rgb, mode = images.reference_rgb(data)
        (folder / "pictures" / name).write_bytes(data)
        table.append(
            {
                "file": name,
                "mode": mode,
                "width": rgb.shape[1],
                "height": rgb.shape[0],
                "rgb": store(folder, rgb),
            }
        )
    write_json(folder / "expected.json", table)
    return folder


def make_smart_resize(folder):
    rng = np.random.default_rng(3)
    still, video = [], []
    limits = [
        (28, 56 * 56, 14 * 14 * 4 * 1280),
        (32, 65536, 16777216),
        (16, 4096, 65536),
        (28, 3136, 12845056),
    ]
    sides = [1, 2, 7, 14, 16, 27, 28, 41, 42, 43, 48, 80, 112, 176, 199, 200, 224, 640, 1080, 4000]
    pairs = [(h, w) for h in sides for w in sides]
    pairs += [tuple(int(s) for s in np.exp(rng.uniform(0, 9, 2))) for _ in range(400)]
    for index, (h, w) in enumerate(pairs):
        factor, low, high = limits[index % len(limits)]
        try:
            expected = list(smart_resize(h, w, factor, low, high))
        except ValueError:
            expected = None
        still.append([w, h, factor, low, high, expected and expected[::-1]])
    video_limits = [(32, 131072, 786432), (28, 12544, 25165824 // 4), (16, 4096, 300000)]
    for index in range(400):
        h, w = (int(s) for s in np.exp(rng.uniform(0.5, 8, 2)))
        frames = int(rng.integers(1, 40))
        factor, low, high = video_limits[index % len(video_limits)]
        try:
            expected = list(smart_resize_video(frames, h, w, 2, factor, low, high))
        except ValueError:
            expected = None
        video.append([frames, w, h, 2, factor, low, high, expected and expected[::-1]])
    write_json(folder / "smart-resize-image.json", still)
    write_json(folder / "smart-resize-video.json", video)


def make_resampling(folder):
    filters = {
        "BOX": (Image.Resampling.BOX, None),
        "BILINEAR": (Image.Resampling.BILINEAR, InterpolationMode.BILINEAR),
        "BICUBIC": (Image.Resampling.BICUBIC, InterpolationMode.BICUBIC),
        "LANCZOS": (Image.Resampling.LANCZOS, InterpolationMode.LANCZOS),
    }
    rng = np.random.default_rng(5)
    sources = {
        "photo": images.photo(97, 61),
        # Every level next to every other: the worst case for rounding and clipping.
        "noise": rng.integers(0, 256, (40, 53, 3), dtype=np.uint8),
        "edges": ((np.indices((33, 47)).sum(0) // 3 % 2)[..., None] * np.array([255, 128, 255])).astype(
            np.uint8
        ),
        "point": images.photo(1, 1),
        "column": images.photo(1, 30),
    }
    sizes = {
        "photo": [(64, 32), (97, 32), (64, 61), (200, 128), (13, 7), (1, 1), (96, 60)],
        "noise": [(32, 32), (64, 64), (17, 90), (5, 3)],
        "edges": [(32, 32), (96, 64), (48, 16)],
        "point": [(32, 32)],
        "column": [(32, 96), (1, 7)],
    }
    table = []
    apart = {"max": 0, "differing": 0, "values": 0}
    for name, source in sources.items():
        stored = store(folder, source)
        picture = Image.fromarray(source)
        tensor = torch.from_numpy(source).permute(2, 0, 1).contiguous()
        for width, height in sizes[name]:
            for filter_name, (pillow, torchvision) in filters.items():
                case = {
                    "source": stored,
                    "width": source.shape[1],
                    "height": source.shape[0],
                    "targetWidth": width,
                    "targetHeight": height,
                    "filter": filter_name,
                }
                by_pillow = np.asarray(picture.resize((width, height), pillow))
                table.append(case | {"arithmetic": "PILLOW", "expected": store(folder, by_pillow)})
                # torch cannot resize from or to one column (an assertion about memory formats).
                if torchvision is None or 1 in (source.shape[1], width):
                    continue
                resized = tvF.resize(tensor, [height, width], interpolation=torchvision, antialias=True)
                by_torch = resized.permute(1, 2, 0).numpy()
                table.append(case | {"arithmetic": "TORCH", "expected": store(folder, by_torch)})
                if filter_name == "BICUBIC":
                    difference = np.abs(by_pillow.astype(int) - by_torch)
                    apart["max"] = max(apart["max"], int(difference.max()))
                    apart["differing"] += int((difference > 0).sum())
                    apart["values"] += difference.size
    write_json(folder / "resampling.json", table)
    print("Pillow and torchvision, bicubic, are apart by", apart)


def levels(processor_values, config):
    """The level 0..255 of every value, checked to give back exactly the same f32 values."""
    table = reference_levels(config)
    flat = processor_values.reshape(processor_values.shape[0], 3, -1)
    found = np.empty(flat.shape, np.uint8)
    for channel in range(3):
        found[:, channel] = np.searchsorted(table[channel], flat[:, channel])
        assert np.array_equal(table[channel][found[:, channel]], flat[:, channel])
    return found


def reference_levels(config):
    """The reference's normalised value of every level, `[3, 256]` f32."""
    processor = Qwen2VLImageProcessor(**config)
    ramp = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 256).expand(3, 1, 256).contiguous()
    values = processor.rescale_and_normalize(
        ramp[None],
        processor.do_rescale,
        processor.rescale_factor,
        processor.do_normalize,
        tuple(processor.image_mean),
        tuple(processor.image_std),
    )
    return values[0, :, 0].to(torch.float32).numpy()


def make_patches(folder, pictures):
    qwen3 = {
        "size": {"longest_edge": 16777216, "shortest_edge": 65536},
        "patch_size": 16,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": HALF,
        "image_std": HALF,
        "image_processor_type": "Qwen2VLImageProcessorFast",
    }
    small = qwen3 | {"size": {"shortest_edge": 64 * 64, "longest_edge": 96 * 96}}
    qwen2 = {
        "min_pixels": 56 * 56,
        "max_pixels": 84 * 112,
        "patch_size": 14,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": CLIP_MEAN,
        "image_std": CLIP_STD,
        "rescale_factor": 1 / 255,
        "resample": 3,
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "do_convert_rgb": True,
    }
    cases = [(path.name, small) for path in sorted((pictures / "pictures").iterdir())]
    cases += [(name, qwen2) for name in ("rgb.png", "portrait.png", "yuv420-large.jpg", "one-pixel.png")]
    cases += [("landscape.png", qwen3), ("lossy-large.webp", qwen3)]
    cases += [
        ("rgb.png", small | {"do_normalize": False}),
        ("rgb.png", small | {"do_rescale": False}),
        ("rgb.png", small | {"do_rescale": False, "do_normalize": False}),
        ("rgb.png", small | {"temporal_patch_size": 1, "merge_size": 1, "resample": 2}),
        ("rgb.png", small | {"temporal_patch_size": 3, "patch_size": 4, "merge_size": 3, "resample": 1}),
    ]
    table = []
    for name, config in cases:
        data = (pictures / "pictures" / name).read_bytes()
        rgb, _ = images.reference_rgb(data)
        try:
            result = Qwen2VLImageProcessor(**config)(images=Image.fromarray(rgb), return_tensors="np")
        except (RuntimeError, ValueError) as e:
            print("The reference refuses", name, "with", str(e)[:80])
            continue
        values = result["pixel_values"].astype(np.float32)
        table.append(
            {
                "file": name,
                "config": config,
                "grid": result["image_grid_thw"][0].tolist(),
                "patchLength": values.shape[1],
                "normalised": base64.b64encode(reference_levels(config).astype("<f4").tobytes()).decode(),
                "levels": store(folder, levels(values, config)),
            }
        )
    write_json(folder / "patches.json", table)


def make_video(folder):
    config = {
        "size": {"shortest_edge": 4096, "longest_edge": 20000},
        "patch_size": 16,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": HALF,
        "image_std": HALF,
    }
    table = []
    for count, width, height, rate in ((2, 40, 30, 2.0), (5, 40, 30, 4.0), (4, 90, 50, 30.0), (3, 20, 12, 1.0)):
        frames = [images.photo(width, height, seed) for seed in range(count)]
        processor = Qwen3VLVideoProcessor(**config, cap_pixels_per_frame=False)
        video = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
        result = processor(videos=[video], do_sample_frames=False, return_tensors="np")
        values = np.asarray(result["pixel_values_videos"], np.float32)
        stamps = Qwen3VLProcessor._calculate_timestamps(None, list(range(count)), rate, 2)
        table.append(
            {
                "config": config,
                "frames": store(folder, np.stack(frames)),
                "count": count,
                "width": width,
                "height": height,
                "framesPerSecond": rate,
                "timestamps": stamps,
                "grid": np.asarray(result["video_grid_thw"])[0].tolist(),
                "patchLength": values.shape[1],
                "levels": store(folder, levels(values, config)),
            }
        )
    write_json(folder / "video.json", table)


if __name__ == "__main__":
    torch.set_num_threads(1)
    pictures = make_pictures()
    folder = fresh("preprocess")
    make_smart_resize(folder)
    make_resampling(folder)
    make_patches(folder, pictures)
    make_video(folder)
