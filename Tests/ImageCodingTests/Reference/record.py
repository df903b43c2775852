"""Records what Pillow and torchvision make of small images, for the tests to compare with.

    python Tests/ImageCodingTests/Reference/record.py

writes Tests/ImageCodingTests/Fixtures (recorded with Pillow 13.0, torch 2.13, torchvision 0.28, and cjpeg of
Debian's libjpeg-turbo-progs). Nothing is random:
a second run writes the same bytes.
"""

import io
import json
import pathlib
import struct
import subprocess
import zlib

import numpy as np
import torch
from PIL import Image, ImageOps

import record_support

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Fixtures"


transforms = record_support.import_transforms()


def scene(width, height):
    """A picture with gradients, edges, saturated colours and fine texture, [height, width, 3] uint8."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    picture = np.stack(
        [
            127 + 120 * np.sin(x / 7 + y / 11),
            255 * x / max(width - 1, 1),
            127 + 100 * np.cos(y / 5) * np.sin(x * y / 97),
        ],
        axis=2,
    )
    picture[(x - width * 0.3) ** 2 + (y - height * 0.4) ** 2 < (0.2 * min(width, height)) ** 2] = (255, 30, 0)
    picture[int(height * 0.6) : int(height * 0.8), int(width * 0.5) :: 3] = (0, 0, 255)
    picture += 25 * ((x * 7919 + y * 104729) % 17 / 16 - 0.5)[:, :, None]
    return np.clip(picture, 0, 255).astype(np.uint8)


# --- Encoded files -------------------------------------------------------------------------------------------------


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, depth, colour_type, samples, interlaced=False, before_data=b""):
    """A PNG of any kind; samples [height, width, channels] of integers."""

    def rows(part):
        if part.shape[0] == 0 or part.shape[1] == 0:
            return b""
        out = b""
        for row in part.reshape(part.shape[0], -1):
            if depth == 16:
                packed = row.astype(">u2").tobytes()
            else:
                bits = "".join(format(int(value), f"0{depth}b") for value in row)
                bits += "0" * (-len(bits) % 8)
                packed = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
            out += b"\0" + packed
        return out

    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
        data = b"".join(rows(samples[y::dy, x::dx]) for x, y, dx, dy in passes)
    else:
        data = rows(samples)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before_data + chunk(b"IDAT", zlib.compress(data, 9))
        + chunk(b"IEND", b"")
    )


def with_segment(jpeg, marker, data):
    """The JPEG with one more marker segment at its start."""
    return jpeg[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data + jpeg[2:]


def files(width=37, height=29):
    pixels = scene(width, height)
    rgb = Image.fromarray(pixels)
    grey = rgb.convert("L")
    cmyk = Image.fromarray(np.dstack([pixels, 255 - pixels[:, :, 1] // 2]), "CMYK")
    alpha = ((np.mgrid[0:height, 0:width][1] * 9) % 256).astype(np.uint8)
    rgba = np.dstack([pixels, alpha])
    wide = pixels.astype(np.int64) * 257 - 97 * (pixels > 0)  # 16 bits, low byte unlike the high one
    indexed = rgb.quantize(23)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a viewer
    yield "rgb-444.jpg", encoded(rgb, "JPEG", quality=90, subsampling=0)
    yield "rgb-422.jpg", encoded(rgb, "JPEG", quality=80, subsampling=1)
    yield "rgb-420.jpg", encoded(rgb, "JPEG", quality=75, subsampling=2)
    yield "progressive.jpg", encoded(rgb, "JPEG", quality=85, progressive=True)
    yield "restarts.jpg", encoded(rgb, "JPEG", quality=85, restart_marker_rows=1)
    yield "stored-as-rgb.jpg", encoded(rgb, "JPEG", quality=85, keep_rgb=True)
    yield "grey.jpg", encoded(grey, "JPEG", quality=85)
    yield "rotated-by-exif.jpg", encoded(rgb, "JPEG", quality=85, exif=exif)
    yield "broken-exif.jpg", with_segment(encoded(rgb, "JPEG", quality=85), 0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff\1")
    stored_cmyk = encoded(cmyk, "JPEG", quality=90)
    yield "cmyk.jpg", stored_cmyk
    # The same four components declared to be Y, Cb, Cr, K: the last byte of Adobe's marker says so.
    adobe = stored_cmyk.index(b"Adobe")
    yield "ycck.jpg", stored_cmyk[: adobe + 11] + b"\2" + stored_cmyk[adobe + 12 :]
    # Without Adobe's marker at all.
    yield "cmyk-plain.jpg", stored_cmyk[: adobe - 4] + stored_cmyk[adobe + 12 :]
    garbage = encoded(rgb, "JPEG", quality=85)
    yield "extraneous-bytes.jpg", garbage[:-2] + b"\x12\x34\x56\x78" + garbage[-2:] + b"trailing bytes"
    # Damage inside a file that ends as it should: filled with what libjpeg makes of it, as in Pillow.
    scan = garbage.index(b"\xff\xda")
    yield "lost-data.jpg", garbage[: (scan + len(garbage)) // 2] + b"\xff\xd9"
    frame = garbage.index(b"\xff\xc0")
    yield "lying-height.jpg", garbage[: frame + 5] + struct.pack(">H", height + 20) + garbage[frame + 7 :]
    yield "jpeg-inside.png", encoded(rgb, "JPEG", quality=85)
    yield "png-inside.JPEG", encoded(Image.fromarray(rgba), "PNG")
    yield "rgb.png", encoded(rgb, "PNG")
    yield "rgba.png", encoded(Image.fromarray(rgba), "PNG")
    yield "grey-alpha.png", encoded(Image.fromarray(np.dstack([np.array(grey), alpha]), "LA"), "PNG")
    yield "palette.png", encoded(indexed, "PNG")
    yield "palette-transparent.png", encoded(indexed, "PNG", transparency=bytes(range(0, 230, 10)))
    yield "palette-2-bit.png", encoded(rgb.quantize(4), "PNG", bits=2)
    yield "black-and-white.png", encoded(rgb.convert("1"), "PNG")
    for depth in (2, 4, 8):
        samples = np.array(grey)[:, :, None] >> (8 - depth)
        yield f"grey-{depth}-bit.png", png(width, height, depth, 0, samples)
    key = chunk(b"tRNS", struct.pack(">H", int(np.array(grey)[3, 3])))
    yield "grey-transparent.png", png(width, height, 8, 0, np.array(grey)[:, :, None], before_data=key)
    yield "rgb-16-bit.png", png(width, height, 16, 2, wide)
    yield "rgba-16-bit.png", png(width, height, 16, 6, np.dstack([wide, alpha.astype(np.int64) * 257]))
    yield "grey-alpha-16-bit.png", png(width, height, 16, 4, np.dstack([wide[:, :, 0], alpha.astype(np.int64) * 257]))
    yield "interlaced.png", png(width, height, 8, 2, pixels, interlaced=True)
    profile = chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"iCCP", b"broken\0\0not deflated")
    yield "broken-profile.png", png(width, height, 8, 2, pixels, before_data=profile)
    yield "one-pixel.png", encoded(Image.fromarray(pixels[:1, :1]), "PNG")
    yield "one-pixel.jpg", encoded(Image.fromarray(pixels[:1, :1]), "JPEG")


def record_files():
    cases = []
    for name, contents in files():
        (FIXTURES / name).write_bytes(contents)
        decoded = Image.open(io.BytesIO(contents)).convert("RGB")
        (FIXTURES / (name + ".rgb")).write_bytes(decoded.tobytes())
        cases.append({"name": name, "width": decoded.width, "height": decoded.height})
    # Pillow makes white of all values above 255 here; the high byte is what the other 16-bit kinds get.
    grey = (scene(37, 29)[:, :, 0].astype(np.int64) * 257)[:, :, None]
    (FIXTURES / "grey-16-bit.png").write_bytes(png(37, 29, 16, 0, grey))
    (FIXTURES / "grey-16-bit.png.rgb").write_bytes(np.repeat(grey >> 8, 3, axis=2).astype(np.uint8).tobytes())
    cases.append({"name": "grey-16-bit.png", "width": 37, "height": 29})
    return cases


def record_orientations():
    """What ImageOps.exif_transpose makes of rgb-444.jpg with each orientation."""
    cases = []
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        contents = with_segment((FIXTURES / "rgb-444.jpg").read_bytes(), 0xE1, exif.tobytes())
        turned = ImageOps.exif_transpose(Image.open(io.BytesIO(contents))).convert("RGB")
        cases.append({"orientation": orientation, "width": turned.width, "height": turned.height,
                      "crc": zlib.crc32(turned.tobytes())})
    return cases


# --- Parts of images -------------------------------------------------------------------------------------------------

# Options of libjpeg's cjpeg for one file of each way to store chroma and scans.
PART_KINDS = {
    "444": ["-sample", "1x1"], "422": ["-sample", "2x1"], "440": ["-sample", "1x2"], "420": ["-sample", "2x2"],
    "411": ["-sample", "4x1"], "420-progressive": ["-sample", "2x2", "-progressive"],
    "420-restarts": ["-sample", "2x2", "-restart", "1"], "422-arithmetic": ["-sample", "2x1", "-arithmetic"],
    "grey": ["-grayscale"],
}


def record_parts(width=75, height=83):
    """JPEG files of which the tests decode parts; each is compared with the whole, so that nothing else is recorded."""
    pixels = scene(width, height)
    portable = b"P6 %d %d 255\n" % (width, height) + pixels.tobytes()
    for name, options in PART_KINDS.items():
        command = ["cjpeg", "-quality", "80", *options]
        contents = subprocess.run(command, input=portable, stdout=subprocess.PIPE, check=True).stdout
        (FIXTURES / f"part-{name}.jpg").write_bytes(contents)
    # A progressive file whose last three scans never came: libjpeg smooths its blocks.
    contents = (FIXTURES / "part-420-progressive.jpg").read_bytes()
    scans = [place for place in range(len(contents) - 1) if contents[place : place + 2] == b"\xff\xda"]
    (FIXTURES / "part-420-unfinished.jpg").write_bytes(contents[: scans[-3]] + b"\xff\xd9")
    cmyk = Image.fromarray(np.dstack([pixels, 255 - pixels[:, :, 1] // 2]), "CMYK")
    cmyk.save(FIXTURES / "part-cmyk.jpg", quality=80)


# --- Resizing ------------------------------------------------------------------------------------------------------

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def record_resizing():
    source = Image.fromarray(scene(83, 59))
    source.save(FIXTURES / "scene-83x59.png")
    sizes = [(83, 59), (83, 20), (20, 59), (41, 29), (42, 30), (7, 5), (1, 1), (2, 90), (166, 118), (200, 131),
             (84, 58), (90, 3), (33, 59), (83, 61), (300, 301),
             (80, 53), (80, 52)]  # the last two on both sides of the rule which pass comes first
    cases = []
    for width, height in sizes:
        for name, resampling in FILTERS.items():
            data = source.resize((width, height), resampling).tobytes()
            cases.append({"width": width, "height": height, "interpolation": name, "crc": zlib.crc32(data)})
    # One small case in full, for a picture of what went wrong.
    (FIXTURES / "scene-41x29-bicubic.rgb").write_bytes(source.resize((41, 29), FILTERS["bicubic"]).tobytes())
    return cases


# (resize, crop, interpolation, mean, std): torchvision's presets, timm's for ViT augreg, and crops larger than the image.
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
HALF = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
PRESETS = [
    (256, 224, "bilinear", *IMAGENET), (232, 224, "bilinear", *IMAGENET), (236, 224, "bilinear", *IMAGENET),
    (230, 224, "bilinear", *IMAGENET), (242, 224, "bilinear", *IMAGENET), (384, 384, "bicubic", *IMAGENET),
    (512, 512, "bicubic", *IMAGENET), (518, 518, "bicubic", *IMAGENET), (232, 224, "bicubic", *IMAGENET),
    (246, 224, "bicubic", *IMAGENET), (238, 224, "bicubic", *IMAGENET), (260, 256, "bicubic", *IMAGENET),
    (272, 256, "bicubic", *IMAGENET), (235, 224, "bicubic", *HALF), (59, 59, "bilinear", *HALF),
    (59, 48, "bilinear", *HALF), (40, 51, "bilinear", *HALF), (31, 64, "bicubic", *HALF), (33, 64, "bicubic", *HALF),
]

SQUASHED = [(224, 224, "bilinear", *IMAGENET), (256, 224, "bicubic", *IMAGENET), (48, 64, "bilinear", *HALF)]

# One of each way to store colour.
COLOUR_MODELS = ["rgb-420.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "ycck.jpg", "cmyk-plain.jpg",
                 "stored-as-rgb.jpg", "rgb.png", "rgba.png", "grey-8-bit.png", "grey-alpha.png", "palette.png",
                 "palette-transparent.png", "black-and-white.png", "rgb-16-bit.png", "interlaced.png"]


def record_transforms():
    Image.fromarray(scene(613, 407)).save(FIXTURES / "scene-613x407.jpg", quality=55)
    Image.fromarray(scene(59, 84)).save(FIXTURES / "scene-59x84.png")
    Image.fromarray(scene(5, 300)).save(FIXTURES / "scene-5x300.png")
    Image.fromarray(scene(260, 611)).save(FIXTURES / "scene-260x611.jpg", quality=40)
    cases = []

    def record(source, resize, crop, interpolation, mean, deviation, squash=False):
        image = Image.open(FIXTURES / source).convert("RGB")
        mode = transforms.InterpolationMode[interpolation.upper()]
        size = (resize, resize) if squash else resize
        see = transforms.Compose([transforms.Resize(size, mode), transforms.CenterCrop(crop)])
        pixels = see(image)
        tensor = transforms.Normalize(mean, deviation)(transforms.ToTensor()(pixels))
        floats = tensor.permute(1, 2, 0).contiguous().numpy()
        cases.append(
            {
                "source": source,
                "transform": {"resize": resize, "crop": crop, "interpolation": interpolation, "mean": mean,
                              "std": deviation} | ({"squash": True} if squash else {}),
                "pixelsCRC": zlib.crc32(pixels.tobytes()),
                "floatsCRC": zlib.crc32(floats.tobytes()),
            }
        )

    for source in ["scene-613x407.jpg", "scene-83x59.png", "scene-59x84.png", "scene-5x300.png", "scene-260x611.jpg"]:
        for preset in PRESETS:
            record(source, *preset)
        for preset in SQUASHED:
            record(source, *preset, squash=True)
    for source in COLOUR_MODELS:
        record(source, 256, 224, "bilinear", *IMAGENET)
        record(source, 232, 224, "bicubic", *IMAGENET)
        record(source, 224, 224, "bilinear", *IMAGENET, squash=True)
        record(source, 24, 32, "bicubic", *HALF)
    return cases


# --- Augmented views -------------------------------------------------------------------------------------------------


def record_views():
    """What torchvision's functions make of a picture with given parameters, step by step as Augmentation has them."""
    from torchvision.transforms import functional

    Image.fromarray(scene(61, 47)).save(FIXTURES / "scene-61x47.png")
    source = Image.open(FIXTURES / "scene-61x47.png").convert("RGB")
    cases = []

    def record(crop, part=None, mirrored=False, angle=0.0, shear=0.0, changes=(), interpolation="bilinear"):
        mode = transforms.InterpolationMode[interpolation.upper()]
        if part:
            x, y, width, height = part
            image = functional.resized_crop(source, y, x, height, width, [crop, crop], mode)
        else:
            image = transforms.CenterCrop(crop)(transforms.Resize(crop, mode)(source))
        if mirrored:
            image = functional.hflip(image)
        if angle or shear:
            image = functional.affine(image, angle, [0, 0], 1.0, [shear, 0.0], transforms.InterpolationMode.BILINEAR)
        for name, value in changes:
            image = getattr(functional, f"adjust_{name}")(image, value)
        cases.append({"crop": crop, "interpolation": interpolation, "part": part, "mirrored": mirrored, "angle": angle,
                      "shear": shear, "changes": [{"name": name, "value": value} for name, value in changes],
                      "crc": zlib.crc32(image.tobytes())})

    record(48, part=(3, 5, 40, 31))
    record(64, part=(0, 0, 61, 47), interpolation="bicubic")
    record(33, part=(60, 46, 1, 1))
    record(48, mirrored=True)
    for angle, shear in [(25.0, 0.0), (-25.0, 15.0), (0.0, -15.0), (90.0, 0.0), (7.3, 4.1), (180.0, 0.0)]:
        record(48, angle=angle, shear=shear)
        record(47, angle=angle, shear=shear)
    for name, values in {"brightness": (0.0, 0.37, 1.0, 1.6, 9.0), "contrast": (0.0, 0.5, 1.4, 8.0),
                         "saturation": (0.0, 0.61, 1.9, 7.0), "hue": (-0.5, -0.13, 0.0, 0.004, 0.2, 0.5)}.items():
        for value in values:
            record(48, changes=[(name, value)])
    record(48, part=(8, 2, 45, 40), mirrored=True, angle=-11.7, shear=6.5,
           changes=[("hue", 0.07), ("contrast", 1.3), ("brightness", 0.8), ("saturation", 1.25)])

    # All colours on a grid through the hues: a picture of 216^2 = 36^3 colours.
    steps = np.arange(36) * 255 // 35
    colours = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(216, 216, 3).astype(np.uint8)
    grid = []
    for value in (-0.37, 0.0, 0.11):
        grid.append({"hue": value, "crc": zlib.crc32(functional.adjust_hue(Image.fromarray(colours), value).tobytes())})
    return {"cases": cases, "colourGrid": grid}


# --- Heat maps -----------------------------------------------------------------------------------------------------


def record_heat_maps():
    cases = []
    for height, width, to_height, to_width in [(7, 7, 19, 23), (3, 5, 12, 5), (1, 1, 4, 3), (4, 6, 33, 47)]:
        y, x = np.mgrid[0:height, 0:width]
        values = torch.tensor(((x * 5 + y * y * 3) % 11) / 4.0, dtype=torch.float32)
        for name in FILTERS:
            scaled = torch.nn.functional.interpolate(
                values[None, None], size=(to_height, to_width), mode=name, align_corners=False
            )[0, 0].clamp(min=0)
            cases.append(
                {
                    "width": width, "height": height, "values": values.flatten().tolist(), "interpolation": name,
                    "toWidth": to_width, "toHeight": to_height, "expected": [round(v, 6) for v in scaled.flatten().tolist()],
                }
            )
    return cases


def main():
    for old in FIXTURES.iterdir():
        # The folder formats is record_formats.py's.
        if old.is_file() and old.name != ".gitkeep":
            old.unlink()
    record_parts()
    recorded = {"files": record_files(), "orientations": record_orientations(), "resizing": record_resizing(), "transforms": record_transforms(),
                "heatMaps": record_heat_maps(), "views": record_views()}
    (FIXTURES / "recorded.json").write_text(json.dumps(recorded))


main()
