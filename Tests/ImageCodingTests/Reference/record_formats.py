"""Records what Pillow makes of small WebP, TIFF, BMP, GIF and PPM files, for the tests to compare with.

    python Tests/ImageCodingTests/Reference/record_formats.py

writes Tests/ImageCodingTests/Fixtures/formats (recorded with Pillow 13.0, and tiffcp of Debian's libtiff-tools for tiles, planes
and predictors, which Pillow does not write). Nothing is random.
Files that Pillow reads in another way on purpose are not compared with it, but with what is said beside them.
"""

import io
import json
import pathlib
import struct
import subprocess
import tempfile
import zlib

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Fixtures" / "formats"
WIDTH, HEIGHT = 37, 29


def scene(width=WIDTH, height=HEIGHT):
    """The scene of record.py: gradients, edges, saturated colours and fine texture, [height, width, 3] uint8."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    picture = np.stack(
        [127 + 120 * np.sin(x / 7 + y / 11), 255 * x / max(width - 1, 1), 127 + 100 * np.cos(y / 5) * np.sin(x * y / 97)],
        axis=2,
    )
    picture[(x - width * 0.3) ** 2 + (y - height * 0.4) ** 2 < (0.2 * min(width, height)) ** 2] = (255, 30, 0)
    picture[int(height * 0.6) : int(height * 0.8), int(width * 0.5) :: 3] = (0, 0, 255)
    picture += 25 * ((x * 7919 + y * 104729) % 17 / 16 - 0.5)[:, :, None]
    return np.clip(picture, 0, 255).astype(np.uint8)


PIXELS = scene()
RGB = Image.fromarray(PIXELS)
GREY = RGB.convert("L")
ALPHA = ((np.mgrid[0:HEIGHT, 0:WIDTH][1] * 9 + np.mgrid[0:HEIGHT, 0:WIDTH][0]) % 256).astype(np.uint8)
RGBA = Image.fromarray(np.dstack([PIXELS, ALPHA]))
LA = Image.merge("LA", (GREY, Image.fromarray(ALPHA)))
CMYK = Image.fromarray(np.dstack([PIXELS, 255 - PIXELS[:, :, 1] // 2]), "CMYK")
INDEXED = RGB.quantize(23)
BILEVEL = RGB.convert("1")
WIDE = PIXELS.astype(np.uint16) * 257 - 97 * (PIXELS > 0).astype(np.uint16)


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


# --- WebP ----------------------------------------------------------------------------------------------------------


def webp_files():
    for quality in (10, 75, 100):
        yield f"lossy-{quality}.webp", encoded(RGB, "WEBP", quality=quality)
    yield "lossy-odd.webp", encoded(Image.fromarray(scene(3, 5)), "WEBP", quality=60)
    yield "lossless.webp", encoded(RGB, "WEBP", lossless=True)
    yield "lossless-alpha.webp", encoded(RGBA, "WEBP", lossless=True, exact=True)
    yield "lossless-palette.webp", encoded(INDEXED.convert("RGB"), "WEBP", lossless=True)
    yield "lossy-alpha.webp", encoded(RGBA, "WEBP", quality=80, exact=True)
    yield "lossy-alpha-coded.webp", encoded(RGBA, "WEBP", quality=50, alpha_quality=40)
    yield "grey.webp", encoded(GREY, "WEBP", quality=80)
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "exif.webp", encoded(RGB, "WEBP", quality=80, exif=exif)
    yield "profile.webp", encoded(RGB, "WEBP", quality=80, icc_profile=b"not a profile" * 9)
    frames = [Image.fromarray(np.roll(np.array(RGBA), 5 * n, axis=1)) for n in range(3)]
    yield "animated.webp", encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    yield "animated-lossy.webp", encoded(
        frames[0].convert("RGB"), "WEBP", save_all=True, append_images=[f.convert("RGB") for f in frames[1:]], quality=70)
    # A first frame that covers a part of the canvas: 12 x 10 pixels at 6, 8 of 40 x 30.
    small = encoded(Image.fromarray(scene(12, 10)), "WEBP", lossless=True)
    body = small[12:]
    frame = struct.pack("<I", 6 // 2)[:3] + struct.pack("<I", 8 // 2)[:3] + struct.pack("<I", 11)[:3]
    frame += struct.pack("<I", 9)[:3] + struct.pack("<I", 100)[:3] + b"\0" + body
    chunks = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + struct.pack("<I", 39)[:3] + struct.pack("<I", 29)[:3]
    chunks += b"ANIM" + struct.pack("<IIH", 6, 0xFF00FF00, 0)
    chunks += b"ANMF" + struct.pack("<I", len(frame)) + frame + b"\0" * (len(frame) % 2)
    yield "animated-part.webp", b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


# --- TIFF ----------------------------------------------------------------------------------------------------------


def tiff(width, height, tags, data, big_endian=False):
    """A TIFF with one strip; tags {number: (type, values)}."""
    order = ">" if big_endian else "<"
    tags = dict(tags)
    sizes = {3: ("H", 2), 4: ("I", 4)}
    tags.setdefault(256, (3, [width]))
    tags.setdefault(257, (3, [height]))
    tags.setdefault(259, (3, [1]))
    tags.setdefault(273, (4, [8]))
    tags.setdefault(278, (3, [height]))
    tags.setdefault(279, (4, [len(data)]))
    directory = 8 + len(data) + len(data) % 2
    extra = directory + 2 + 12 * len(tags) + 4
    entries, outside = b"", b""
    for number in sorted(tags):
        kind, values = tags[number]
        code, size = sizes[kind]
        packed = struct.pack(order + code * len(values), *values)
        if len(packed) <= 4:
            entries += struct.pack(order + "HHI", number, kind, len(values)) + packed.ljust(4, b"\0")
        else:
            entries += struct.pack(order + "HHII", number, kind, len(values), extra + len(outside))
            outside += packed + b"\0" * (len(packed) % 2)
    head = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "I", directory)
    return head + data + b"\0" * (len(data) % 2) + struct.pack(order + "H", len(tags)) + entries + b"\0" * 4 + outside


def packed_rows(samples, bits, reversed_bits=False):
    rows = b""
    for row in samples.reshape(samples.shape[0], -1):
        text = "".join(format(int(v), f"0{bits}b") for v in row)
        text += "0" * (-len(text) % 8)
        octets = [text[i : i + 8] for i in range(0, len(text), 8)]
        rows += bytes(int(o[::-1] if reversed_bits else o, 2) for o in octets)
    return rows


def tiffcp(contents, *options):
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "in.tif"), pathlib.Path(folder, "out.tif")
        source.write_bytes(contents)
        subprocess.run(["tiffcp", *options, str(source), str(target)], check=True, stderr=subprocess.DEVNULL)
        return target.read_bytes()


def tiff_files():
    plain = {"rgb": RGB, "grey": GREY, "rgba": RGBA, "cmyk": CMYK, "palette": INDEXED, "bilevel": BILEVEL, "la": LA}
    for name, image in plain.items():
        yield f"{name}.tif", encoded(image, "TIFF")
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "lzma", "zstd"):
        for name in ("rgb", "palette", "bilevel"):
            yield f"{name}-{compression.removeprefix('tiff_')}.tif", encoded(plain[name], "TIFF", compression=compression)
    yield "rgba-lzw.tif", encoded(RGBA, "TIFF", compression="tiff_lzw")
    yield "cmyk-lzw.tif", encoded(CMYK, "TIFF", compression="tiff_lzw")
    yield "rgb-deflate-old.tif", encoded(RGB, "TIFF", compression="tiff_deflate")
    for compression in ("group3", "group4", "tiff_ccitt"):
        yield f"bilevel-{compression.removeprefix('tiff_')}.tif", encoded(BILEVEL, "TIFF", compression=compression)
    for name in ("rgb", "grey", "cmyk"):
        yield f"{name}-jpeg.tif", encoded(plain[name], "TIFF", compression="jpeg", quality=80)
    ycbcr = RGB.convert("YCbCr")
    yield "ycbcr-jpeg.tif", encoded(ycbcr, "TIFF", compression="jpeg", quality=80)
    # Tiles, planes and predictors.
    rgb, rgba, grey = encoded(RGB, "TIFF"), encoded(RGBA, "TIFF"), encoded(GREY, "TIFF")
    tiles = ("-t", "-w", "16", "-l", "16")
    yield "rgb-tiles.tif", tiffcp(rgb, *tiles)
    yield "rgb-tiles-lzw.tif", tiffcp(rgb, *tiles, "-c", "lzw:2")
    yield "rgb-tiles-planes.tif", tiffcp(rgb, *tiles, "-p", "separate", "-c", "zip:2")
    yield "rgb-tiles-jpeg.tif", tiffcp(rgb, *tiles, "-c", "jpeg:80")
    yield "rgb-strips-jpeg.tif", tiffcp(rgb, "-r", "8", "-c", "jpeg:r:75")
    yield "rgb-planes.tif", tiffcp(rgb, "-p", "separate")
    yield "rgb-planes-lzw.tif", tiffcp(rgb, "-p", "separate", "-r", "5", "-c", "lzw:2")
    yield "rgba-planes.tif", tiffcp(rgba, "-p", "separate", "-c", "packbits")
    yield "rgba-tiles.tif", tiffcp(rgba, *tiles, "-c", "zip")
    yield "cmyk-planes.tif", tiffcp(encoded(CMYK, "TIFF"), "-p", "separate", "-c", "lzw")
    yield "grey-tiles.tif", tiffcp(grey, *tiles, "-c", "lzw")
    yield "grey-predictor.tif", tiffcp(grey, "-r", "3", "-c", "zip:2")
    yield "bilevel-tiles.tif", tiffcp(encoded(BILEVEL, "TIFF"), *tiles, "-c", "g4")
    yield "palette-tiles.tif", tiffcp(encoded(INDEXED, "TIFF"), *tiles)
    yield "rgb-rows.tif", tiffcp(rgb, "-r", "1")
    yield "rgb-big-endian.tif", tiffcp(rgb, "-B", "-c", "lzw")
    yield "rgb-big-tiff.tif", tiffcp(rgb, "-8")
    yield "rgb-fill-order.tif", tiffcp(rgb, "-f", "lsb2msb", "-c", "lzw")
    yield "two-pages.tif", encoded(RGB, "TIFF", save_all=True, append_images=[GREY.convert("RGB")])
    # Depths and orders that Pillow does not write.
    one = {277: (3, [1])}
    level = np.array(GREY)
    for bits in (1, 2, 4, 8):
        for photometric, name in ((0, "white"), (1, "black")):
            data = packed_rows(level >> (8 - bits), bits)
            yield f"{name}-is-zero-{bits}.tif", tiff(
                WIDTH, HEIGHT, {**one, 258: (3, [bits]), 262: (3, [photometric])}, data)
        data = packed_rows(level >> (8 - bits), bits, reversed_bits=True)
        yield f"reversed-{bits}.tif", tiff(
            WIDTH, HEIGHT, {**one, 258: (3, [bits]), 262: (3, [1]), 266: (3, [2])}, data)
    for bits in (1, 2, 4):
        colours = [int(v) * 257 for channel in range(3) for v in PIXELS[1, : 1 << bits, channel]]
        yield f"palette-{bits}.tif", tiff(
            WIDTH, HEIGHT, {**one, 258: (3, [bits]), 262: (3, [3]), 320: (3, colours)}, packed_rows(level >> (8 - bits), bits))
    yield "no-photometric.tif", tiff(WIDTH, HEIGHT, {**one, 258: (3, [8])}, level.tobytes())
    for big in (False, True):
        order = ">u2" if big else "<u2"
        name = "big" if big else "little"
        yield f"rgb-16-{name}.tif", tiff(
            WIDTH, HEIGHT, {277: (3, [3]), 258: (3, [16] * 3), 262: (3, [2])}, WIDE.astype(order).tobytes(), big)
        wide = np.dstack([WIDE, ALPHA.astype(np.uint16) * 257])
        for kind, text in ((1, "associated"), (2, "alpha"), (0, "other")):
            yield f"rgba-16-{text}-{name}.tif", tiff(
                WIDTH, HEIGHT, {277: (3, [4]), 258: (3, [16] * 4), 262: (3, [2]), 338: (3, [kind])},
                wide.astype(order).tobytes(), big)
        yield f"cmyk-16-{name}.tif", tiff(
            WIDTH, HEIGHT, {277: (3, [4]), 258: (3, [16] * 4), 262: (3, [5])}, wide.astype(order).tobytes(), big)
    yield "rgb-16-lzw.tif", tiffcp(
        tiff(WIDTH, HEIGHT, {277: (3, [3]), 258: (3, [16] * 3), 262: (3, [2])}, WIDE.astype("<u2").tobytes()), "-c", "lzw:2")
    # (Of planes that are not compressed Pillow takes bytes for samples.)
    strips = [zlib.compress(WIDE[:, :, channel].astype("<u2").tobytes()) for channel in range(3)]
    places = [8 + sum(len(s) for s in strips[:n]) for n in range(3)]
    planes = {284: (3, [2]), 273: (4, places), 279: (4, [len(s) for s in strips]), 259: (3, [8])}
    yield "rgb-16-planes.tif", tiff(
        WIDTH, HEIGHT, {277: (3, [3]), 258: (3, [16] * 3), 262: (3, [2]), **planes}, b"".join(strips))
    four = np.dstack([PIXELS, ALPHA])
    for kind, text in ((0, "other"), (1, "associated"), (2, "alpha")):
        yield f"rgba-{text}.tif", tiff(
            WIDTH, HEIGHT, {277: (3, [4]), 258: (3, [8] * 4), 262: (3, [2]), 338: (3, [kind])}, four.tobytes())
    yield "rgba-unsaid.tif", tiff(WIDTH, HEIGHT, {277: (3, [4]), 258: (3, [8] * 4), 262: (3, [2])}, four.tobytes())
    five = np.dstack([four, ALPHA[:, ::-1]])
    yield "rgbax.tif", tiff(
        WIDTH, HEIGHT, {277: (3, [5]), 258: (3, [8] * 5), 262: (3, [2]), 338: (3, [1, 0])}, five.tobytes())
    yield "cmykx.tif", tiff(
        WIDTH, HEIGHT, {277: (3, [5]), 258: (3, [8] * 5), 262: (3, [5]), 338: (3, [0])}, five.tobytes())
    two = np.dstack([level, ALPHA])
    for kind in (0, 2):
        yield f"grey-alpha-{kind}.tif", tiff(
            WIDTH, HEIGHT, {277: (3, [2]), 258: (3, [8] * 2), 262: (3, [1]), 338: (3, [kind])}, two.tobytes())
        colours = [int(v) * 257 for channel in range(3) for v in np.resize(PIXELS[:, :, channel], 256)]
        yield f"palette-alpha-{kind}.tif", tiff(
            WIDTH, HEIGHT,
            {277: (3, [2]), 258: (3, [8] * 2), 262: (3, [3]), 338: (3, [kind]), 320: (3, colours)}, two.tobytes())
    for orientation in range(1, 9):
        info = TiffImagePlugin.ImageFileDirectory_v2()
        info[274] = orientation
        yield f"orientation-{orientation}.tif", encoded(RGB, "TIFF", tiffinfo=info, compression="tiff_lzw")
    # Y, Cb and Cr without JPEG, subsampled by two both ways: blocks of four Y, Cb, Cr.
    y, cb, cr = (np.array(band) for band in Image.fromarray(scene(36, 28)).convert("YCbCr").split())
    blocks = b""
    for row in range(0, 28, 2):
        for column in range(0, 36, 2):
            blocks += bytes(y[row : row + 2, column : column + 2].flatten()) + bytes([cb[row, column], cr[row, column]])
    yield "ycbcr-subsampled.tif", tiff(
        36, 28, {277: (3, [3]), 258: (3, [8] * 3), 262: (3, [6]), 530: (3, [2, 2]), 259: (3, [8])}, zlib.compress(blocks))
    full = np.dstack([y, cb, cr]).tobytes()
    yield "ycbcr-full.tif", tiff(
        36, 28, {277: (3, [3]), 258: (3, [8] * 3), 262: (3, [6]), 530: (3, [1, 1]), 259: (3, [8])}, zlib.compress(full))


# --- BMP -----------------------------------------------------------------------------------------------------------


def bmp(bits, data, width=WIDTH, height=HEIGHT, compression=0, palette=b"", masks=(), header=40, top_down=False,
        colours=None):
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        count = len(palette) // 4 if colours is None else colours
        info = struct.pack("<IiiHHIIiiII", header, width, -height if top_down else height, 1, bits, compression, len(data),
                           2835, 2835, count, 0)
        if header > 40:
            info += struct.pack("<4I", *(tuple(masks) + (0,) * 4)[:4])
            info = info.ljust(header, b"\0")[:header]
        else:
            info += struct.pack(f"<{len(masks)}I", *masks)
    offset = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + info + palette + data


def bmp_rows(rows):
    return b"".join(bytes(row) + b"\0" * (-len(row) % 4) for row in rows[::-1])


def run_lengths(indices, nibbles):
    """Runs, literals, a jump and ends of lines."""
    out = b""
    for number, row in enumerate(indices[::-1]):
        x = 0
        if number == 3:
            out += bytes([0, 2, 5, 0])  # five pixels of colour 0
            x = 5
        while x < len(row):
            run = 1
            while x + run < len(row) and row[x + run] == row[x] and run < 255:
                run += 1
            if run > 2 or len(row) - x < 3:
                run = min(run, len(row) - x)
                out += bytes([run, row[x] << 4 | row[x] if nibbles else row[x]])
                x += run
                continue
            count = min(7, len(row) - x)
            values = [int(v) for v in row[x : x + count]]
            if nibbles:
                values += [0] * (count % 2)
                body = bytes(values[i] << 4 | values[i + 1] for i in range(0, len(values), 2))
            else:
                body = bytes(values)
            out += bytes([0, count]) + body + b"\0" * (len(body) % 2)
            x += count
        out += b"\0\0"
    return out + b"\0\1"


def bmp_files():
    for name, image in {"rgb": RGB, "grey": GREY, "palette": INDEXED, "bilevel": BILEVEL}.items():
        yield f"{name}.bmp", encoded(image, "BMP")
    level = np.array(GREY)
    colours = [bytes(PIXELS[5, i % WIDTH][::-1]) + b"\0" for i in range(256)]
    for bits in (1, 4, 8):
        rows = [packed_rows(row[None], bits) for row in level >> (8 - bits)]
        yield f"palette-{bits}.bmp", bmp(bits, bmp_rows(rows), palette=b"".join(colours[: 1 << bits]))
        yield f"palette-{bits}-os2.bmp", bmp(
            bits, bmp_rows(rows), palette=b"".join(c[:3] for c in colours[: 1 << bits]), header=12)
    rows = [packed_rows(row[None], 8) for row in level]
    yield "palette-short.bmp", bmp(8, bmp_rows(rows), palette=b"".join(colours[:100]))
    yield "rgb-os2.bmp", bmp(24, bmp_rows([row[:, ::-1].tobytes() for row in PIXELS]), header=12)
    yield "rgb-top-down.bmp", bmp(24, bmp_rows([row[:, ::-1].tobytes() for row in PIXELS[::-1]]), top_down=True)
    wide = PIXELS.astype(np.uint32)
    five = (wide[:, :, 0] >> 3 << 10 | wide[:, :, 1] >> 3 << 5 | wide[:, :, 2] >> 3).astype("<u2")
    six = (wide[:, :, 0] >> 3 << 11 | wide[:, :, 1] >> 2 << 5 | wide[:, :, 2] >> 3).astype("<u2")
    yield "rgb-15.bmp", bmp(16, bmp_rows([row.tobytes() for row in five]))
    yield "rgb-15-masks.bmp", bmp(16, bmp_rows([row.tobytes() for row in five]), compression=3, masks=(0x7C00, 0x3E0, 0x1F))
    yield "rgb-16-masks.bmp", bmp(16, bmp_rows([row.tobytes() for row in six]), compression=3, masks=(0xF800, 0x7E0, 0x1F))
    yield "rgb-24-masks.bmp", bmp(
        24, bmp_rows([row[:, ::-1].tobytes() for row in PIXELS]), compression=3, masks=(0xFF0000, 0xFF00, 0xFF))
    four = np.dstack([PIXELS[:, :, ::-1], ALPHA])
    data = bmp_rows([row.tobytes() for row in four])
    yield "rgb-32.bmp", bmp(32, data)
    for number, masks in enumerate([
        (0xFF0000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0), (0xFF000000, 0xFF00, 0xFF, 0),
        (0xFF000000, 0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000, 0xFF000000), (0xFF0000, 0xFF00, 0xFF, 0xFF000000),
        (0xFF000000, 0xFF00, 0xFF, 0xFF0000), (0, 0, 0, 0),
    ]):
        for header in (56, 108, 124):
            yield f"rgb-32-masks-{number}-{header}.bmp", bmp(32, data, compression=3, masks=masks, header=header)
    yield "rgb-32-masks-40.bmp", bmp(32, data, compression=3, masks=(0xFF0000, 0xFF00, 0xFF))
    steps = np.array(INDEXED) % 16
    flat = np.repeat(np.repeat(steps[::4, ::6], 4, axis=0), 6, axis=1)[:HEIGHT, :WIDTH]
    mixed = np.where(np.mgrid[0:HEIGHT, 0:WIDTH][1] < 20, flat, steps)
    yield "runs-8.bmp", bmp(8, run_lengths(mixed, False), compression=1, palette=b"".join(colours[:16]))
    yield "runs-4.bmp", bmp(4, run_lengths(mixed, True), compression=2, palette=b"".join(colours[:16]))


# --- GIF -----------------------------------------------------------------------------------------------------------


def gif_files():
    yield "palette.gif", encoded(INDEXED, "GIF")
    yield "colours-256.gif", encoded(RGB.quantize(256), "GIF")
    yield "colours-2.gif", encoded(RGB.quantize(2), "GIF")
    yield "grey.gif", encoded(GREY, "GIF")
    yield "bilevel.gif", encoded(BILEVEL, "GIF")
    yield "plain-order.gif", encoded(INDEXED, "GIF", interlace=0)
    yield "interlaced.gif", encoded(INDEXED, "GIF", interlace=1)
    yield "transparent.gif", encoded(INDEXED, "GIF", transparency=3)
    yield "large.gif", encoded(Image.fromarray(scene(300, 211)).quantize(256), "GIF", interlace=1)
    frames = [Image.fromarray(np.roll(PIXELS, 5 * n, axis=1)).quantize(23) for n in range(3)]
    yield "animated.gif", encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50, loop=0)
    yield "animated-transparent.gif", encoded(
        frames[0], "GIF", save_all=True, append_images=frames[1:], transparency=2, disposal=2)
    whole = encoded(INDEXED, "GIF", interlace=0)
    start = whole.index(b",\0\0\0\0") + 1
    screen = struct.pack("<HH", 50, 40)
    # A frame that leaves parts of its screen open, with and without a transparent colour, and one that reaches out of it.
    moved = whole[:6] + screen + whole[10:start] + struct.pack("<HH", 6, 9) + whole[start + 4 :]
    yield "part.gif", moved
    control = b"!\xf9\x04\x01\0\0\x07\0"
    yield "part-transparent.gif", moved[: start - 1] + control + moved[start - 1 :]
    yield "beyond.gif", whole[:6] + struct.pack("<HH", 10, 10) + whole[10:]
    # Indices that the palette does not have: the first 4 colours of 32 are said to be all.
    flags = whole[10]
    size = 3 << ((flags & 7) + 1)
    yield "palette-short.gif", whole[:10] + bytes([flags & 0xF8 | 1]) + whole[11:13] + whole[13 : 13 + 12] + whole[13 + size :]
    # No palette at all.
    yield "palette-none.gif", whole[:10] + bytes([flags & 0x7F]) + whole[11:13] + whole[13 + size :]


# --- PPM -----------------------------------------------------------------------------------------------------------


def ppm_files():
    for name, image in {"rgb.ppm": RGB, "grey.pgm": GREY, "bilevel.pbm": BILEVEL}.items():
        yield name, encoded(image, "PPM")
    level = np.array(GREY)
    words = lambda array: " ".join(str(int(v)) for v in array.flatten())
    yield "text.ppm", f"P3\n# a comment\n{WIDTH} {HEIGHT}\n255\n{words(PIXELS)}\n".encode()
    yield "text.pgm", f"P2 {WIDTH} {HEIGHT} 100\n{words(level.astype(int) * 100 // 255)}".encode()
    bits = "".join(str(v) for v in (level < 99).astype(int).flatten())
    yield "text.pbm", f"P1\n{WIDTH} {HEIGHT}\n{bits}\n".encode()
    yield "comments.ppm", b"P6 # one\n# two\r%d\n#three\n%d 255\n" % (WIDTH, HEIGHT) + PIXELS.tobytes()
    yield "range-100.ppm", b"P6\n%d %d\n100\n" % (WIDTH, HEIGHT) + (PIXELS.astype(int) * 100 // 255).astype(np.uint8).tobytes()
    yield "range-beyond.pgm", b"P5\n%d %d\n200\n" % (WIDTH, HEIGHT) + level.tobytes()
    yield "range-1000.ppm", b"P6\n%d %d\n1000\n" % (WIDTH, HEIGHT) + (PIXELS.astype(int) * 1000 // 255).astype(">u2").tobytes()
    yield "range-65535.ppm", b"P6\n%d %d\n65535\n" % (WIDTH, HEIGHT) + WIDE.astype(">u2").tobytes()


# --- Recording -----------------------------------------------------------------------------------------------------


def high_bytes():
    """Grey of 16 bits, of which Pillow makes white above 255: the high byte, as for colours."""
    wide = WIDE[:, :, 0]
    high = np.repeat((wide >> 8)[:, :, None], 3, axis=2).astype(np.uint8)
    one = {277: (3, [1]), 258: (3, [16])}
    yield "grey-16-little.tif", tiff(WIDTH, HEIGHT, {**one, 262: (3, [1])}, wide.astype("<u2").tobytes()), high
    yield "grey-16-big.tif", tiff(WIDTH, HEIGHT, {**one, 262: (3, [1])}, wide.astype(">u2").tobytes(), True), high
    yield "grey-16-white.tif", tiff(WIDTH, HEIGHT, {**one, 262: (3, [0])}, wide.astype("<u2").tobytes()), 255 - high
    yield "grey-16.pgm", b"P5\n%d %d\n65535\n" % (WIDTH, HEIGHT) + wide.astype(">u2").tobytes(), high


def main():
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for old in FIXTURES.iterdir():
        old.unlink()
    cases = []

    def record(name, contents, pixels):
        (FIXTURES / name).write_bytes(contents)
        cases.append({"name": name, "width": pixels.shape[1], "height": pixels.shape[0], "crc": zlib.crc32(pixels.tobytes())})

    for files in (webp_files, tiff_files, bmp_files, gif_files, ppm_files):
        for name, contents in files():
            try:
                decoded = np.array(Image.open(io.BytesIO(contents)).convert("RGB"))
            except Exception as problem:
                print(f"Pillow does not read {name}: {problem}")
                continue
            record(name, contents, decoded)
    for name, contents, pixels in high_bytes():
        record(name, contents, pixels)
    turned = ImageOps.exif_transpose(Image.open(FIXTURES / "exif.webp")).convert("RGB")
    recorded = {"files": cases, "turned": {"name": "exif.webp", "width": turned.width, "height": turned.height,
                                           "crc": zlib.crc32(turned.tobytes())}}
    (FIXTURES / "recorded.json").write_text(json.dumps(recorded, indent=0))
    print(f"{len(cases)} files")


main()
