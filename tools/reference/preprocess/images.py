"""Writes the table of test pictures and the RGB pixels the reference sees in each.

Every picture is drawn from a seeded generator, so a rerun gives the same files.  "What the reference
sees" is Pillow's decoder, then `exif_transpose`, then `convert("RGB")`, which is what transformers'
`load_image` does.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

PHOTO_SIZE = (75, 53)


def photo(width, height, seed=7):
    """A picture with the statistics that matter to codecs and resampling: ramps, edges and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    u, v = x / max(width - 1, 1), y / max(height - 1, 1)
    rgb = np.stack(
        [255 * u, 255 * v, 127 + 120 * np.sin(9 * u + 5 * v)],
        axis=-1,
    )
    inside = (u - 0.6) ** 2 + (v - 0.45) ** 2 < 0.06
    rgb[inside] = (230, 40, 30)
    stripe = (np.abs(u + v - 0.8) < 0.05) & ~inside
    rgb[stripe] = (20, 60, 220)
    rgb += rng.normal(0, 6, rgb.shape)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def encoded(image, fmt, **options):
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, rows, before_data=b""):
    """A PNG from its already packed rows, for the kinds that Pillow does not write."""
    raw = b"".join(b"\0" + bytes(row) for row in rows)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
        + before_data
        + png_chunk(b"IDAT", zlib.compress(raw, 9))
        + png_chunk(b"IEND", b"")
    )


def exif_with_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def gif_with_offset_frame(transparent):
    """A 24×18 canvas whose first frame covers only a part of it."""
    frame = Image.fromarray((photo(13, 9)[..., 0] // 64).astype(np.uint8), "P")
    palette = [(250, 10, 20), (10, 240, 30), (20, 30, 230), (90, 80, 70)]
    frame.putpalette([c for entry in palette for c in entry])
    data = encoded(frame, "GIF", optimize=False)
    flags = data[10]
    table = data[13 : 13 + 3 * (2 << (flags & 7))]
    block = data[data.index(b",", 13 + len(table)) + 10 :]
    out = b"GIF89a" + struct.pack("<HHBBB", 24, 18, flags, 1, 0) + table
    if transparent is not None:
        out += b"\x21\xf9\x04\x01\0\0" + bytes([transparent]) + b"\0"
    return out + b"," + struct.pack("<HHHHB", 7, 5, 13, 9, 0) + block


def bmp(bits, masks, rows, width, height):
    """A bottom-up BMP with BI_BITFIELDS."""
    body = b"".join(row + b"\0" * (-len(row) % 4) for row in reversed(rows))
    offset = 14 + 40 + 12
    return (
        b"BM"
        + struct.pack("<IHHI", offset + len(body), 0, 0, offset)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 3, len(body), 2835, 2835, 0, 0)
        + struct.pack("<III", *masks)
        + body
    )


def pictures():
    """Yields (file name, bytes)."""
    width, height = PHOTO_SIZE
    rgb = photo(width, height)
    picture = Image.fromarray(rgb)
    grey = picture.convert("L")
    rng = np.random.default_rng(11)
    alpha = rng.integers(0, 256, (height, width), dtype=np.uint8)
    rgba = Image.fromarray(np.dstack([rgb, alpha]))
    paletted = picture.quantize(32)
    sixteen = (rgb.astype(np.uint16) << 8) | rng.integers(0, 256, rgb.shape, dtype=np.uint16)
    sixteen_alpha = np.dstack([sixteen, rng.integers(0, 65536, (height, width), dtype=np.uint16)])
    sixteen_grey = sixteen[..., 0]
    dark_grey = (sixteen_grey >> 7).astype(np.uint16)

    yield "one-pixel.png", encoded(Image.fromarray(photo(1, 1)), "PNG")
    yield "one-row.png", encoded(Image.fromarray(photo(40, 1)), "PNG")
    yield "portrait.png", encoded(Image.fromarray(photo(31, 87)), "PNG")
    yield "landscape.png", encoded(Image.fromarray(photo(120, 45)), "PNG")
    yield "rgb.png", encoded(picture, "PNG")
    yield "palette.png", encoded(paletted, "PNG")
    yield "palette-2bit.png", encoded(picture.quantize(4), "PNG", bits=2)
    yield "palette-transparent.png", encoded(paletted, "PNG", transparency=bytes(range(0, 256, 8)))
    yield "palette-transparent-index.png", encoded(paletted, "PNG", transparency=3)
    yield "rgb-transparent-colour.png", encoded(picture, "PNG", transparency=tuple(int(c) for c in rgb[5, 5]))
    yield "rgba.png", encoded(rgba, "PNG")
    yield "grey.png", encoded(grey, "PNG")
    yield "grey-alpha.png", encoded(Image.merge("LA", [grey, Image.fromarray(alpha)]), "PNG")
    yield "one-bit.png", encoded(grey.convert("1"), "PNG")
    two_bit = np.asarray(grey) >> 6
    padded = np.pad(two_bit, ((0, 0), (0, -width % 4))).reshape(height, -1, 4)
    packed = (padded[..., 0] << 6) | (padded[..., 1] << 4) | (padded[..., 2] << 2) | padded[..., 3]
    yield "grey-2bit.png", png(width, height, 2, 0, packed.astype(np.uint8))
    four_bit = np.pad(np.asarray(grey) >> 4, ((0, 0), (0, -width % 2))).reshape(height, -1, 2)
    yield "grey-4bit.png", png(
        width, height, 4, 0, ((four_bit[..., 0] << 4) | four_bit[..., 1]).astype(np.uint8)
    )
    one = np.packbits(np.asarray(grey) > 120, axis=1)
    yield "one-bit-transparent.png", png(
        width, height, 1, 0, one, png_chunk(b"tRNS", struct.pack(">H", 1))
    )
    yield "grey-16bit.png", png(width, height, 16, 0, sixteen_grey.astype(">u2").view(np.uint8))
    yield "grey-16bit-dark.png", png(width, height, 16, 0, dark_grey.astype(">u2").view(np.uint8))
    yield "rgb-16bit.png", png(
        width, height, 16, 2, sixteen.astype(">u2").reshape(height, -1).view(np.uint8)
    )
    yield "rgba-16bit.png", png(
        width, height, 16, 6, sixteen_alpha.astype(">u2").reshape(height, -1).view(np.uint8)
    )
    yield "grey-alpha-16bit.png", png(
        width, height, 16, 4, sixteen_alpha[..., 2:].astype(">u2").reshape(height, -1).view(np.uint8)
    )
    gamma = PngImagePlugin.PngInfo()
    gamma.add(b"gAMA", struct.pack(">I", 100000))
    yield "grey-gamma.png", encoded(grey, "PNG", pnginfo=gamma)
    beyond = png(width, height, 8, 3, np.asarray(paletted), png_chunk(b"PLTE", bytes(range(60))))
    yield "palette-short.png", beyond
    yield "exif-6.png", encoded(picture, "PNG", exif=exif_with_orientation(6))

    yield "yuv444.jpg", encoded(picture, "JPEG", quality=90, subsampling=0)
    yield "yuv422.jpg", encoded(picture, "JPEG", quality=90, subsampling=1)
    yield "yuv420.jpg", encoded(picture, "JPEG", quality=90, subsampling=2)
    large = Image.fromarray(photo(333, 217))
    yield "yuv420-large.jpg", encoded(large, "JPEG", quality=60, subsampling=2)
    yield "progressive.jpg", encoded(picture, "JPEG", quality=80, progressive=True)
    yield "restart.jpg", encoded(picture, "JPEG", quality=80, restart_marker_blocks=3)
    yield "grey.jpg", encoded(grey, "JPEG", quality=85)
    yield "rgb-components.jpg", encoded(picture, "JPEG", quality=90, keep_rgb=True)
    yield "cmyk.jpg", encoded(picture.convert("CMYK"), "JPEG", quality=90)
    ink = Image.fromarray(np.dstack([255 - rgb, np.asarray(grey) // 3]), "CMYK")
    yield "cmyk-black.jpg", encoded(ink, "JPEG", quality=90)
    cmyk = encoded(ink, "JPEG", quality=90)
    at = cmyk.index(b"Adobe") + 11
    yield "ycck.jpg", cmyk[:at] + b"\x02" + cmyk[at + 1 :]
    segment = cmyk.index(b"\xff\xee")
    yield "cmyk-without-adobe.jpg", cmyk[:segment] + cmyk[segment + 16 :]
    for orientation in range(1, 9):
        yield f"exif-{orientation}.jpg", encoded(
            picture, "JPEG", quality=90, subsampling=0, exif=exif_with_orientation(orientation)
        )
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="8"/></x:xmpmeta>'
    yield "xmp-8.jpg", encoded(picture, "JPEG", quality=90, subsampling=0, xmp=xmp)
    profile = b"\0" * 200
    yield "broken-profile.jpg", encoded(picture, "JPEG", quality=90, subsampling=0, icc_profile=profile)

    yield "frame.gif", encoded(picture, "GIF")
    yield "grey.gif", encoded(grey, "GIF")
    yield "interlaced.gif", encoded(picture, "GIF", interlace=1)
    frames = [Image.fromarray(photo(40, 30, seed)) for seed in (1, 2, 3)]
    yield "animated.gif", encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    yield "offset-frame.gif", gif_with_offset_frame(None)
    yield "offset-frame-transparent.gif", gif_with_offset_frame(2)

    yield "rgb.bmp", encoded(picture, "BMP")
    yield "rgba.bmp", encoded(rgba, "BMP")
    yield "palette.bmp", encoded(paletted, "BMP")
    yield "one-bit.bmp", encoded(grey.convert("1"), "BMP")
    yield "grey.bmp", encoded(grey, "BMP")
    fives = (rgb >> 3).astype(np.uint16)
    rows565 = (fives[..., 0] << 11) | ((rgb[..., 1] >> 2).astype(np.uint16) << 5) | fives[..., 2]
    yield "rgb565.bmp", bmp(16, (0xF800, 0x07E0, 0x001F), [r.tobytes() for r in rows565], width, height)
    rows555 = (fives[..., 0] << 10) | (fives[..., 1] << 5) | fives[..., 2]
    yield "rgb555.bmp", bmp(16, (0x7C00, 0x03E0, 0x001F), [r.tobytes() for r in rows555], width, height)

    yield "rgb.tif", encoded(picture, "TIFF")
    yield "lzw.tif", encoded(picture, "TIFF", compression="tiff_lzw")
    yield "deflate.tif", encoded(picture, "TIFF", compression="tiff_adobe_deflate")
    yield "packbits.tif", encoded(picture, "TIFF", compression="packbits")
    yield "predictor.tif", encoded(picture, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    yield "jpeg.tif", encoded(picture, "TIFF", compression="jpeg", quality=90)
    yield "grey.tif", encoded(grey, "TIFF")
    yield "palette.tif", encoded(paletted, "TIFF")
    yield "rgba.tif", encoded(rgba, "TIFF")
    yield "one-bit.tif", encoded(grey.convert("1"), "TIFF")
    yield "group4.tif", encoded(grey.convert("1"), "TIFF", compression="group4")
    yield "cmyk.tif", encoded(ink, "TIFF")
    yield "grey-16bit.tif", encoded(Image.fromarray(sixteen_grey), "TIFF")
    yield "float.tif", encoded(Image.fromarray(np.asarray(grey, np.float32) * 1.3 - 20), "TIFF")
    yield "white-is-zero.tif", grey_tiff(np.asarray(grey), white_is_zero=True)
    yield "orientation-5.tif", encoded(picture, "TIFF", tiffinfo={274: 5})
    yield "rgb-16bit.tif", sixteen_bit_tiff(sixteen)

    yield "lossy.webp", encoded(picture, "WEBP", quality=80)
    yield "lossy-large.webp", encoded(large, "WEBP", quality=60)
    yield "lossless.webp", encoded(picture, "WEBP", lossless=True)
    yield "lossless-alpha.webp", encoded(rgba, "WEBP", lossless=True, exact=True)
    yield "lossy-alpha.webp", encoded(rgba, "WEBP", quality=80, exact=True)
    yield "exif-6.webp", encoded(picture, "WEBP", lossless=True, exif=exif_with_orientation(6))
    yield "animated.webp", encoded(
        frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True
    )


def sixteen_bit_tiff(samples):
    """An uncompressed little-endian TIFF of 16-bit RGB, which Pillow reads but does not write."""
    height, width, _ = samples.shape
    body = samples.astype("<u2").tobytes()
    bits_at = 8 + len(body)
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, bits_at),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, len(body)),
        (284, 3, 1, 1),
    ]
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", *tag) for tag in tags) + struct.pack("<I", 0)
    return (
        b"II*\0" + struct.pack("<I", bits_at + 6) + body + struct.pack("<HHH", 16, 16, 16) + directory
    )


def grey_tiff(samples, white_is_zero):
    """An uncompressed little-endian TIFF of 8-bit grey."""
    height, width = samples.shape
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 0 if white_is_zero else 1),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, samples.size),
    ]
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", *tag) for tag in tags) + struct.pack("<I", 0)
    padding = b"\0" * (samples.size % 2)
    return b"II*\0" + struct.pack("<I", 8 + samples.size + len(padding)) + samples.tobytes() + padding + directory


def reference_rgb(data):
    """The pixels transformers' `load_image` hands to the processor, `[height, width, 3]`."""
    image = Image.open(io.BytesIO(data))
    mode = image.mode
    image = ImageOps.exif_transpose(image).convert("RGB")
    return np.asarray(image), mode
