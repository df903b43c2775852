"""Writes the small MATLAB files in Fixtures, in the structure of the official ones: MAT v5, compressed, 1x1 matrices of the
smallest integer type that holds a number, rows of structures, cells of text.

    python record_matlab.py        (needs numpy and scipy)
"""

import pathlib

import numpy as np
from scipy.io import savemat
from scipy.sparse import csc_matrix

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Fixtures"


def smallest(number):
    """A 1x1 matrix as MATLAB keeps it."""
    if isinstance(number, float):
        return np.array([[number]])
    for kind in (np.uint8, np.uint16, np.uint32):
        if 0 <= number <= np.iinfo(kind).max:
            return np.array([[number]], dtype=kind)
    return np.array([[number]], dtype=np.int16)


def structures(rows, column=False):
    """An array of structures from dictionaries, 1 x n (or n x 1)."""
    kind = [(name, object) for name in rows[0]]
    array = np.empty((len(rows), 1) if column else (1, len(rows)), dtype=kind)
    for index, row in enumerate(rows):
        for name, value in row.items():
            array.reshape(-1)[index][name] = value if isinstance(value, str) else smallest(value)
    return array


def cells(texts, column=False):
    array = np.empty((len(texts), 1) if column else (1, len(texts)), dtype=object)
    for index, text in enumerate(texts):
        array.reshape(-1)[index] = text
    return array


def save(name, compressed=True, **variables):
    path = FIXTURES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, variables, do_compression=compressed)
    # Without the time in the header the same script writes the same bytes.
    data = bytearray(path.read_bytes())
    data[:116] = b"MATLAB 5.0 MAT-file, written by record_matlab.py".ljust(116)
    path.write_bytes(data)


# Stanford Cars. The official order of classes is not that of the alphabet, and a name has a slash.
CARS = ["AM General Hummer SUV 2000", "Acura Integra Type R 2001", "Ram C/V Cargo Van Minivan 2012"]


def car(name, label, box=(39, 116, 569, 375), **fields):
    row = dict(zip(["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2"], box))
    return row | ({"class": label} if label else {}) | {"fname": name} | fields


TRAIN = [car("00001.jpg", 3), car("00002.jpg", 1, (1, 1, 40, 30)), car("00003.jpg", 2), car("00004.jpg", 3),
         car("00005.jpg", 1), car("00006.jpg", 2)]
TEST = [car("00001.jpg", 2, (30, 52, 246, 147)), car("00002.jpg", 3), car("00003.jpg", 1)]

save("cars/cars_meta.mat", class_names=cells(CARS))
save("cars/cars_train_annos.mat", annotations=structures(TRAIN))
save("cars/uncompressed.mat", compressed=False, annotations=structures(TRAIN))
save("cars/cars_test_annos_withlabels.mat", annotations=structures(TEST))
save("cars/cars_test_annos.mat", annotations=structures([{k: v for k, v in row.items() if k != "class"} for row in TEST]))
save("cars/cars_annos.mat", class_names=cells(CARS), annotations=structures(
    [{"relative_im_path": f"car_ims/00000{index + 1}.jpg", "bbox_x1": 112, "bbox_y1": 7, "bbox_x2": 853, "bbox_y2": 717,
      "class": index % 3 + 1, "test": int(index >= 6)} for index in range(9)]))
for name, rows in {
    "label": [car("00001.jpg", 4)],
    "label-zero": [car("00001.jpg", 1), dict(car("00002.jpg", 1), **{"class": 0})],
    "twice": [car("00001.jpg", 1), car("00001.jpg", 2)],
    "box": [car("00001.jpg", 1, (50, 10, 20, 30))],
    "path": [car("../00001.jpg", 1)],
    "not-a-number": [dict(car("00001.jpg", 1), bbox_x1=float("nan"))],
    "fraction": [dict(car("00001.jpg", 1), **{"class": 1.5})],
    "text-label": [dict(car("00001.jpg", 1), **{"class": "1"})],
}.items():
    save(f"malformed/cars-{name}.mat", annotations=structures(rows))
save("malformed/cars-no-structures.mat", annotations=np.arange(6.0))
save("malformed/cars-other-variable.mat", something=structures(TRAIN))
save("malformed/cars-same-names.mat", class_names=cells([CARS[0], CARS[0], CARS[2]]))

# What no data set has, or has so much of.
save("malformed/mat-complex.mat", annotations=np.array([1 + 2j]))
save("malformed/mat-sparse.mat", annotations=csc_matrix(np.eye(3)))
save("malformed/mat-elements.mat", annotations=np.zeros((1, (1 << 20) + 1), dtype=np.uint8))
save("malformed/mat-bomb.mat", annotations=np.zeros((1, 65 << 20), dtype=np.uint8))
nested = "x"
for _ in range(20):
    nested = cells([nested])
save("malformed/mat-nested.mat", annotations=nested)

# Stanford Dogs: columns, labels as doubles.
DOGS = ["n02085620-Chihuahua", "n02085782-Japanese_spaniel", "n02105855-Shetland_sheepdog"]


def dog(breed, number):
    return f"{DOGS[breed]}/{DOGS[breed].split('-')[0]}_{number}.jpg", breed + 1


def dogs(path, images, **changes):
    variables = {
        "file_list": cells([name for name, _ in images], column=True),
        "annotation_list": cells([name[:-4] for name, _ in images], column=True),
        "labels": np.array([[float(label)] for _, label in images]),
    }
    save(path, **(variables | changes))


DOG_TRAIN = [dog(0, 5927), dog(0, 10074), dog(1, 2500), dog(2, 2933), dog(2, 77)]
DOG_TEST = [dog(0, 2650), dog(1, 2874), dog(2, 100)]
dogs("dogs/train_list.mat", DOG_TRAIN)
dogs("dogs/test_list.mat", DOG_TEST)
dogs("dogs/file_list.mat", DOG_TRAIN + DOG_TEST)
dogs("malformed/dogs-lengths.mat", DOG_TRAIN, labels=np.array([[1.0], [2.0]]))
dogs("malformed/dogs-twice.mat", DOG_TRAIN + DOG_TRAIN[:1])
dogs("malformed/dogs-label.mat", DOG_TRAIN[:-1] + [(DOG_TRAIN[-1][0], 0)])
dogs("malformed/dogs-folder.mat", DOG_TRAIN[:-1] + [(DOG_TRAIN[-1][0], 1)])
dogs("malformed/dogs-gap.mat", DOG_TRAIN[:3] + [(name, 4) for name, _ in DOG_TRAIN[3:]])
dogs("malformed/dogs-path.mat", DOG_TRAIN[:-1] + [("77.jpg", 3)])

# ImageNet's devkit: the number of a class (ILSVRC2012_ID) is not its rank among the sorted ids; groups have children.
SYNSETS = [
    (1, "n02119789", "kit fox, Vulpes macrotis", 0), (2, "n02100735", "English setter", 0),
    (3, "n02110185", "Siberian husky", 0), (4, "n01440764", "tench, Tinca tinca", 0), (5, "n02012849", "crane", 0),
    (6, "n03126707", "crane", 0), (7, "n00001740", "entity", 3), (8, "n02084071", "dog, domestic dog", 2),
]


def synsets(path, rows):
    save(path, synsets=structures([
        {"ILSVRC2012_ID": number, "WNID": wnid, "words": words, "gloss": "a thing", "num_children": children,
         "children": 0, "wordnet_height": 0, "num_train_images": 1300} for number, wnid, words, children in rows],
        column=True))


synsets("imagenet/meta.mat", SYNSETS)
synsets("malformed/imagenet-id.mat", SYNSETS[:1] + [(1, "n02100735", "English setter", 0)])
synsets("malformed/imagenet-wnid.mat", [(1, "kit fox", "kit fox", 0)])
synsets("malformed/imagenet-no-leaves.mat", SYNSETS[6:])
