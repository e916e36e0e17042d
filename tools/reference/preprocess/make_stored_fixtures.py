"""Makes the fixtures of resizing pictures in the mode they were stored in, as open_clip does.

    python tools/reference/preprocess/make_stored_fixtures.py

Needs open_clip 3.3, torchvision and Pillow 12.3.  Reads the pictures that `make_fixtures.py` wrote and
writes `stored/` below `vlm-vision/src/test/resources`, replacing what is there.  Pictures are turned
upright first; the rest is open_clip's own transform, without mean and deviation.
"""

import hashlib
import json
import shutil
import zlib
from pathlib import Path

try:
    import torchvision_shim  # noqa: F401  (only needed where torchvision's C++ ops do not load)
except ImportError:
    pass
import numpy as np
from open_clip.transform import image_transform
from PIL import Image, ImageOps

RESOURCES = Path(__file__).resolve().parents[3] / "vlm-vision/src/test/resources"
SIZES = [("shortest", 24), ("squash", 33)]

# A picture of every mode and of every way to come by it.
STORED = """
animated.gif cmyk-without-adobe.jpg cmyk.jpg cmyk.tif exif-6.webp float.tif frame.gif grey-16bit-dark.png
grey-16bit.tif grey-2bit.png grey-alpha-16bit.png grey-alpha.png grey.bmp grey.gif lossless-alpha.webp
lossy-alpha.webp one-bit.bmp one-bit.png one-bit.tif one-bit-transparent.png orientation-5.tif
palette-transparent.png palette.bmp palette.tif rgb-transparent-colour.png rgba-16bit.png rgba.bmp rgba.tif
white-is-zero.tif ycck.jpg yuv420.jpg
""".split()


def elongated():
    """Pillow resizes the rows first where a picture is more than a hundred times taller than wide."""
    random = np.random.RandomState(3)
    yield "tall-rgba.png", Image.fromarray(random.randint(0, 256, (430, 4, 4), dtype=np.uint8), "RGBA")
    yield "tall-palette.png", Image.fromarray(random.randint(0, 256, (410, 4), dtype=np.uint8)).convert("P")
    deep = random.randint(0, 600, (420, 4)).astype(np.uint16)
    yield "tall-grey-16bit.png", Image.fromarray(deep)


def main():
    folder = RESOURCES / "stored"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    files = [RESOURCES / "image/pictures" / name for name in STORED]
    for name, picture in elongated():
        picture.save(folder / name)
        files.append(folder / name)
    rows = []
    for file in files:
        for resize, size in SIZES:
            picture = ImageOps.exif_transpose(Image.open(file))
            transform = image_transform(size, False, resize_mode=resize, mean=(0, 0, 0), std=(1, 1, 1))
            levels = (transform(picture).numpy() * 255).round().astype(np.uint8).tobytes()
            name = hashlib.sha256(levels).hexdigest()[:16] + ".z"
            (folder / "data" / name).write_bytes(zlib.compress(levels, 9))
            rows.append(
                {"file": file.name, "mode": picture.mode, "resize": resize, "size": size, "levels": name}
            )
    text = ",\n".join(json.dumps(row) for row in rows)
    (folder / "cases.json").write_text("[\n" + text + "\n]\n")


if __name__ == "__main__":
    main()
