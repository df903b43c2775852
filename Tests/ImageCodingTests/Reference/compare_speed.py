"""Compares the time that one core needs to turn photographs into network input with Pillow's and NumPy's.

    python Tests/ImageCodingTests/Reference/compare_speed.py FOLDER [PROGRAM]

FOLDER has a folder of JPEG files for each class; PROGRAM is .build/release/infodisent unless given. Both decode the same files
from memory, resize the shorter side to 256 pixels, cut out 224 x 224 and normalise; the shortest of five rounds on each side,
the two sides in turn, three times.
"""

import io
import pathlib
import re
import subprocess
import sys
import time

import numpy
from PIL import Image

MEAN = numpy.array([0.485, 0.456, 0.406], numpy.float32)
DEVIATION = numpy.array([0.229, 0.224, 0.225], numpy.float32)


def network_input(data):
    image = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = image.size
    size = (256, int(256 * height / width)) if width <= height else (int(256 * width / height), 256)
    image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
    pixels = numpy.asarray(image.crop((left, top, left + 224, top + 224)), numpy.float32)
    return (pixels / 255 - MEAN) / DEVIATION


def pillow(files):
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for data in files:
            network_input(data)
        best = min(best, time.perf_counter() - start)
    return best / len(files) * 1000


def main():
    folder = sys.argv[1]
    program = sys.argv[2] if len(sys.argv) > 2 else ".build/release/infodisent"
    files = [path.read_bytes() for path in sorted(pathlib.Path(folder).glob("*/**/*")) if path.is_file()]
    for _ in range(3):
        theirs = pillow(files)
        text = subprocess.run([program, "bench", "decode", "--images", folder], check=True, capture_output=True,
                              text=True).stdout
        count, ours = re.match(r"(\d+) images, ([0-9.]+) ms", text).groups()
        assert int(count) == len(files), f"{count} images here, {len(files)} there"
        print(f"Pillow {theirs:.2f} ms, infodisent {float(ours):.2f} ms an image: {theirs / float(ours):.2f} times as fast")


main()
