"""Trains the demo backbone, and measures what its frozen features are worth on classes it has never seen.

    infodisent generate --output /tmp/parts-pretraining --first-class 50 --classes 400 --train 40 --test 3
    infodisent generate --output /tmp/parts
    python train_demo_backbone.py train --data /tmp/parts-pretraining \
        --output Sources/Backbones/Resources/DemoBackbone/demo-backbone.safetensors
    python train_demo_backbone.py evaluate --data /tmp/parts \
        --weights Sources/Backbones/Resources/DemoBackbone/demo-backbone.safetensors

Needs torch, numpy, pillow, safetensors. Training took 16.5 minutes on two busy cores (AVX-512 BF16). Seeds are fixed, but
the sums of a multi-threaded bfloat16 run may differ in their last bits from one machine to another.

The network is torchvision's ResNet of BasicBlocks with the same keys, 3/8 as wide as ResNet-18, and with stride 1 in
layer4, so that a 128 x 128 image gives an 8 x 8 map. Loss: cross-entropy of the class (linear, on the average-pooled
map), plus cross-entropy of each part's variant (linear, on the max-pooled map: parts are small, and a part that shows
anywhere should be read off one pixel). Both linear layers are dropped from the file.
"""

import argparse
import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image
from safetensors import safe_open

from residual_network import BasicBlock, add_stages, describe, save_described

WIDTHS = (24, 48, 96, 192)
BLOCKS = (2, 2, 2, 2)
STRIDES = (1, 2, 2, 1)
SIDE = 128
MEAN = (0.485, 0.456, 0.406)
STANDARD_DEVIATION = (0.229, 0.224, 0.225)


# The network


class Backbone(nn.Module):
    """[N, 3, H, W] -> [N, 192, H / 16, W / 16], not negative."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        add_stages(self, WIDTHS, BLOCKS, STRIDES)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(module, BasicBlock):
                nn.init.zeros_(module.bn2.weight)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class Trained(nn.Module):
    """The backbone with the two linear layers it is trained through."""

    def __init__(self, class_count, variant_count):
        super().__init__()
        self.backbone = Backbone()
        self.fc = nn.Linear(WIDTHS[-1], class_count)
        self.parts = nn.Linear(WIDTHS[-1], variant_count)

    def forward(self, x):
        features = self.backbone(x).float()
        return self.fc(features.mean((2, 3))), self.parts(features.amax((2, 3)))


def save(backbone, path):
    save_described(backbone, Path(path), describe(WIDTHS, BLOCKS, STRIDES, SIDE, MEAN, STANDARD_DEVIATION))


def load(path):
    backbone = Backbone()
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name).float() for name in file.keys()}
    result = backbone.load_state_dict(tensors, strict=False)
    assert not result.unexpected_keys and all(k.endswith("num_batches_tracked") for k in result.missing_keys), result
    return backbone.eval().to(memory_format=torch.channels_last)


# Data


def read(root, split, side=None):
    """uint8 images [N, 3, H, W], class labels [N], variants [N, parts], number of variants of each part."""
    root = Path(root)
    parts = [(p["part"], p["variants"]) for p in json.loads((root / "dataset.json").read_text())["parts"]]
    lines = [json.loads(line) for line in (root / "annotations.jsonl").open()]
    lines = [line for line in lines if line["split"] == split]

    def pixels(line):
        image = Image.open(root / line["path"]).convert("RGB")
        if side:
            image = image.resize((side, side), Image.BILINEAR)
        return np.asarray(image).transpose(2, 0, 1)

    with ThreadPoolExecutor(2) as pool:
        images = torch.from_numpy(np.stack(list(pool.map(pixels, lines))))
    labels = torch.tensor([line["label"] for line in lines])
    variants = torch.tensor(
        [[names.index(line["bird"]["variants"][part]) for part, names in parts] for line in lines]
    )
    return images, labels, variants, [len(names) for _, names in parts]


def normalised(images):
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    deviation = torch.tensor(STANDARD_DEVIATION).view(1, 3, 1, 1)
    return ((images - mean) / deviation).contiguous(memory_format=torch.channels_last)


def augmented(images, side, generator):
    """Random zoom, shift, turn and flip in one resampling; brightness, contrast, saturation, tint; [0, 1] -> normalised."""
    count = images.shape[0]

    def uniform(low, high, *shape):
        return torch.rand(count, *shape, generator=generator) * (high - low) + low

    zoom = uniform(0.78, 1.05)
    stretch = torch.exp(uniform(-0.08, 0.08))
    angle = uniform(-0.14, 0.14)
    flip = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    slack = (1 - zoom).abs()
    rows = torch.stack(
        [
            torch.stack([flip * zoom * stretch * angle.cos(), -zoom * angle.sin(), uniform(-1, 1) * slack], 1),
            torch.stack([flip * zoom * angle.sin(), zoom / stretch * angle.cos(), uniform(-1, 1) * slack], 1),
        ],
        1,
    )
    grid = F.affine_grid(rows, (count, 3, side, side), align_corners=False)
    x = F.grid_sample(images.float() / 255, grid, padding_mode="reflection", align_corners=False)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * uniform(0.75, 1.25, 1, 1, 1)
    level = x.mean((1, 2, 3), keepdim=True)
    x = level + (x - level) * uniform(0.8, 1.2, 1, 1, 1)
    x = x * uniform(0.82, 1.18, 1, 1, 1) * uniform(0.94, 1.06, 3, 1, 1)
    return normalised(x.clamp(0, 1))


# Training


def train(options):
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    generator = torch.Generator().manual_seed(1)
    images, labels, variants, counts = read(options.data, "train")
    held_images, _, held_variants, _ = read(options.data, "test", SIDE)
    print(f"{len(images)} training images, {int(labels.max()) + 1} classes", flush=True)

    model = Trained(int(labels.max()) + 1, sum(counts)).to(memory_format=torch.channels_last)
    average = Trained(int(labels.max()) + 1, sum(counts)).to(memory_format=torch.channels_last)
    average.load_state_dict(model.state_dict())
    print(f"{sum(p.numel() for p in model.backbone.parameters())} backbone parameters", flush=True)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0}], lr=options.learning_rate
    )
    per_epoch = len(images) // options.batch
    total = options.epochs * per_epoch
    start = time.time()
    step = 0
    for epoch in range(options.epochs):
        side = 96 if epoch < options.small_epochs else SIDE
        sums = torch.zeros(3)
        order = torch.randperm(len(images), generator=generator)
        for batch in order[: per_epoch * options.batch].view(per_epoch, -1):
            progress = step / total
            rate = min(1, step / 300) * 0.5 * (1 + math.cos(math.pi * progress))
            for group in optimizer.param_groups:
                group["lr"] = options.learning_rate * max(rate, 1e-3)
            model.train()
            x = augmented(images[batch], side, generator)
            with torch.autocast("cpu", torch.bfloat16):
                classes, parts = model(x)
            class_loss = F.cross_entropy(classes.float(), labels[batch], label_smoothing=0.05)
            part_loss = sum(
                F.cross_entropy(logits, variants[batch, part])
                for part, logits in enumerate(parts.float().split(counts, 1))
            )
            optimizer.zero_grad()
            (class_loss + part_loss).backward()
            optimizer.step()
            step += 1
            decay = min(0.998, (1 + step) / (10 + step))
            with torch.no_grad():
                for mean, value in zip(average.state_dict().values(), model.state_dict().values()):
                    if mean.is_floating_point():
                        mean.lerp_(value, 1 - decay)
            sums += torch.tensor([class_loss.item(), part_loss.item(), 1])
            if step % 100 == 0:
                rate = step * options.batch / (time.time() - start)
                print(f"  step {step}/{total}  {sums[0] / sums[2]:.3f} {sums[1] / sums[2]:.3f}  {rate:.0f} images/s", flush=True)
        average.eval()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            parts = torch.cat([average(normalised(chunk.float() / 255))[1] for chunk in held_images.split(100)])
        right = torch.stack(
            [logits.argmax(1) == held_variants[:, part] for part, logits in enumerate(parts.split(counts, 1))], 1
        )
        print(
            f"epoch {epoch + 1}: class {sums[0] / sums[2]:.3f}, parts {sums[1] / sums[2]:.3f}; held out parts "
            f"{[round(v, 3) for v in right.float().mean(0).tolist()]}, all {right.all(1).float().mean():.3f}; "
            f"{(time.time() - start) / 60:.1f} min",
            flush=True,
        )
        save(average.backbone, options.output)


# Evaluation on unseen classes


@torch.no_grad()
def feature_maps(backbone, images):
    """uint8 [N, 3, H, W] -> [N, P, D]."""
    maps = [backbone(normalised(chunk.float() / 255)).flatten(2).transpose(1, 2) for chunk in images.split(100)]
    return torch.cat(maps).contiguous()


def linear_probe(train_x, train_y, test_x, test_y):
    mean, deviation = train_x.mean(0), train_x.std(0) + 1e-6
    train_x, test_x = (train_x - mean) / deviation, (test_x - mean) / deviation
    layer = nn.Linear(train_x.shape[1], int(train_y.max()) + 1)
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=300, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(layer(train_x), train_y) + 1e-3 * layer.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return (layer(test_x).argmax(1) == test_y).float().mean().item()


def pooled(maps, channel_map):
    """v_k = max over pixels of relu(J_k) - max over pixels of relu(-J_k), J = x U^T."""
    scores = maps @ channel_map.T
    return scores.amax(1).relu() - (-scores).amax(1).relu()


def disentangled_head(train_x, train_y, test_x, test_y, epochs):
    """U = exp(W - W^T) and A >= 0 by Adam and projection."""
    width, class_count = train_x.shape[2], int(train_y.max()) + 1
    train_x, test_x = train_x / train_x.std(), test_x / train_x.std()
    generator = torch.Generator().manual_seed(2)
    skew = nn.Parameter(torch.zeros(width, width))
    classifier = nn.Parameter(torch.rand(class_count, width, generator=generator) * 0.05)
    optimizer = torch.optim.Adam([{"params": [skew], "lr": 3e-3}, {"params": [classifier], "lr": 1e-2}])
    steps = len(train_x) // 100
    for epoch in range(epochs):
        for batch in torch.randperm(len(train_x), generator=generator)[: steps * 100].view(steps, -1):
            rate = 0.5 * (1 + math.cos(math.pi * epoch / epochs))
            for group, base in zip(optimizer.param_groups, (3e-3, 1e-2)):
                group["lr"] = base * rate
            channel_map = torch.matrix_exp(skew - skew.T)
            loss = F.cross_entropy(pooled(train_x[batch], channel_map) @ classifier.T, train_y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                classifier.clamp_(min=0)
        if (epoch + 1) % 10 == 0:
            with torch.no_grad():
                channel_map = torch.matrix_exp(skew - skew.T)
                right = (pooled(test_x, channel_map) @ classifier.T).argmax(1) == test_y
            print(f"  epoch {epoch + 1}: loss {loss.item():.4f}, test accuracy {right.float().mean():.4f}", flush=True)
    return right.float().mean().item()


def evaluate(options):
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    backbone = load(options.weights)
    train_images, train_y, _, _ = read(options.data, "train", SIDE)
    test_images, test_y, _, _ = read(options.data, "test", SIDE)
    train_x, test_x = feature_maps(backbone, train_images), feature_maps(backbone, test_images)
    average = linear_probe(train_x.mean(1), train_y, test_x.mean(1), test_y)
    print(f"linear probe on average-pooled features: {average:.4f}", flush=True)
    maximum = linear_probe(train_x.amax(1), train_y, test_x.amax(1), test_y)
    print(f"linear probe on max-pooled features:     {maximum:.4f}", flush=True)
    head = disentangled_head(train_x, train_y, test_x, test_y, options.epochs)
    print(f"InfoDisent head on the same features:    {head:.4f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("train")
    command.set_defaults(run=train)
    command.add_argument("--data", required=True)
    command.add_argument("--output", required=True)
    command.add_argument("--epochs", type=int, default=6)
    command.add_argument("--small-epochs", type=int, default=3, help="first epochs, on 96 x 96 pixels")
    command.add_argument("--batch", type=int, default=96)
    command.add_argument("--learning-rate", type=float, default=3e-3)
    command.add_argument("--threads", type=int, default=2)
    command = commands.add_parser("evaluate")
    command.set_defaults(run=evaluate)
    command.add_argument("--data", required=True)
    command.add_argument("--weights", required=True)
    command.add_argument("--epochs", type=int, default=20)
    command.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.run(options)
