"""Trains a small residual network on the photographs of CIFAR-100, for Configs/cifar100.yaml.

    python train_cifar100.py --data CIFAR100 --output weights/cifar100-resnet.safetensors
    python train_cifar100.py --data CIFAR100 --output /tmp/trial.safetensors --epochs 1 --images-per-class 10

CIFAR100 is a folder with train/ and test/, and a folder of 32 x 32 images for each class below both. Needs torch, numpy, pillow,
safetensors. Seeds are fixed, but the sums of a multi-threaded run may differ in their last bits from one machine to another.

The network is torchvision's ResNet of BasicBlocks with the same keys, for small images: a stem of 3 x 3 without stride and pooling,
blocks 1, 2, 2, 1 of widths 32, 64, 128, 256, and stride 1 in layer4, so that a 32 x 32 image gives an 8 x 8 map. The file (f16) holds
its last layer, fc, and the metadata by which the program reads it as `resnet_described`.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

from residual_network import add_stages, describe, save_described

WIDTHS = (32, 64, 128, 256)
BLOCKS = (1, 2, 2, 1)
STRIDES = (1, 2, 2, 1)
SIDE = 32
PADDING = 4
MEAN = (0.485, 0.456, 0.406)
STANDARD_DEVIATION = (0.229, 0.224, 0.225)


# The network


class Network(nn.Module):
    """[N, 3, 32, 32] -> logits [N, C]."""

    def __init__(self, class_count):
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        add_stages(self, WIDTHS, BLOCKS, STRIDES)
        self.fc = nn.Linear(WIDTHS[-1], class_count)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def save(network, path):
    stem = {"stem_width": str(WIDTHS[0]), "stem_kernel": "3", "stem_stride": "1", "stem_pooling": "false"}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_described(network, path, describe(WIDTHS, BLOCKS, STRIDES, SIDE, MEAN, STANDARD_DEVIATION) | stem)


# Data


def read(folder, images_per_class):
    """uint8 images [N, 3, 32, 32], labels [N], number of classes; classes and images in the order of their names."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    paths = [sorted(path for path in name.iterdir() if path.is_file())[:images_per_class] for name in classes]

    def pixels(path):
        image = Image.open(path).convert("RGB")
        if image.size != (SIDE, SIDE):
            raise SystemExit(f"{path} has {image.size} pixels, not {SIDE} x {SIDE}")
        return np.asarray(image).transpose(2, 0, 1)

    with ThreadPoolExecutor(2) as pool:
        images = torch.from_numpy(np.stack(list(pool.map(pixels, sum(paths, [])))))
    labels = torch.tensor([label for label, members in enumerate(paths) for _ in members])
    return images, labels, len(classes)


def normalised(images):
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    deviation = torch.tensor(STANDARD_DEVIATION).view(1, 3, 1, 1)
    return ((images.float() / 255 - mean) / deviation).contiguous(memory_format=torch.channels_last)


def augmented(images):
    """A shift of the whole batch by up to four pixels, mirrored at the edges, and a flip of half of the images."""
    x = F.pad(normalised(images), (PADDING,) * 4, mode="reflect")
    across, down = torch.randint(0, 2 * PADDING + 1, (2,)).tolist()
    x = x[:, :, down : down + SIDE, across : across + SIDE]
    flipped = torch.rand(len(x)) < 0.5
    return torch.where(flipped.view(-1, 1, 1, 1), x.flip(3), x).contiguous(memory_format=torch.channels_last)


# Training


@torch.no_grad()
def accuracy(network, images, labels):
    network.eval()
    predicted = torch.cat([network(normalised(chunk)).argmax(1) for chunk in images.split(500)])
    return (predicted == labels).float().mean().item()


def train(options):
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    images, labels, class_count = read(options.data / "train", options.images_per_class)
    test_images, test_labels, test_class_count = read(options.data / "test", options.images_per_class)
    if test_class_count != class_count:
        raise SystemExit(f"{class_count} classes in train/ and {test_class_count} in test/")
    print(f"{len(images)} training and {len(test_images)} test images of {class_count} classes", flush=True)

    network = Network(class_count).to(memory_format=torch.channels_last)
    batch_length = min(options.batch, len(images))
    steps = len(images) // batch_length
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.2, total_steps=max(2, options.epochs * steps), pct_start=0.2, anneal_strategy="linear"
    )
    start = time.time()
    for epoch in range(options.epochs):
        network.train()
        total = 0.0
        for batch in torch.randperm(len(images))[: steps * batch_length].view(steps, -1):
            loss = F.cross_entropy(network(augmented(images[batch])), labels[batch], label_smoothing=0.05)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(
            f"epoch {epoch + 1}: loss {total / steps:.3f}, test {accuracy(network, test_images, test_labels):.4f}; "
            f"{(time.time() - start) / 60:.1f} min",
            flush=True,
        )
        save(network, options.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--images-per-class", type=int, help="for a trial; all if not given")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())
