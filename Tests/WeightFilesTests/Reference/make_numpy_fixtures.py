"""Writes the fixtures of NumpyArchiveTests.swift with NumPy.

python3 Tests/WeightFilesTests/Reference/make_numpy_fixtures.py Tests/WeightFilesTests/Fixtures/Numpy

(numpy 2.4)
"""

import pathlib
import sys

import numpy

folder = pathlib.Path(sys.argv[1])
arrays = {
    "Transformer/block/kernel": numpy.arange(6, dtype=numpy.float32).reshape(2, 3),
    "columns": numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3)),
    "cube": numpy.asfortranarray(numpy.arange(24, dtype=numpy.float32).reshape(2, 3, 4)),
    "half": numpy.array([1, -2.5, 65504], numpy.float16),
    "scalar": numpy.array(7.5),
    "empty": numpy.zeros((0, 3), numpy.float32),
    "i64": numpy.array([-1, 2]),
    "i8": numpy.array([-1, 2], numpy.int8),
    "u16": numpy.array([0x1234], numpy.uint16),
    "bool": numpy.array([True, False]),
    "big_endian": numpy.array([1.0], ">f4"),
    "fields": numpy.zeros(1, [("a", "<f4"), ("b", "<i8", (2,))]),
    "objects": numpy.array([None], object),
    "text": numpy.array(["text"]),
}
numpy.savez(folder / "arrays.npz", **arrays)
numpy.savez_compressed(folder / "arrays-compressed.npz", **arrays)
