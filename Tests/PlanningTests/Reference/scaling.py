#!/usr/bin/env python3
"""How time, memory and traffic grow with images, classes, channels and ranks, measured and as `infodisent plan` says beforehand.

    scaling.py measure INFODISENT RESULTS.json [SERIES...]   measures, prints a table (Markdown), writes RESULTS.json
    scaling.py plan INFODISENT RESULTS.json                  makes the plans of what was measured anew, as after a change of the model
    scaling.py table RESULTS.json                            prints the table of what was measured
    scaling.py draw RESULTS.json PLOT.svg                    draws it
    scaling.py nodes INFODISENT                              prints what plan says of 2 to 256 nodes (ImageNet's size, ResNet-50)

Series: images, classes, channels, strong, weak (all). Each point is a training of the head on part datasets that the program draws
itself, with two ranks of one thread in the first three series. For each point the plan is made with the machine as busy as in the
run, once before and once after it, and the mean counts. Measured are:

    extraction    `extract` into a new folder, the mean of two, less `extract` when all is there, so that the start of the program is not in it
    evaluation    the medians of epochs with one less those without, at the end of the training, from metrics.jsonl
    epoch         the mean over all epochs, from metrics.jsonl, each with an evaluation
    memory        the peak of the rank that uses most, as the program says it (--cache-traffic)
    traffic       what a rank sends in a step, as Open MPI's monitoring counts it: the difference of two trainings with one and two
                  epochs, over the steps

Needs Python's library, mpirun, and a machine that has nothing else to do. Folders are made in TMPDIR and removed. With more ranks than
cores, ranks take turns, in the plan too (--cores).
"""
import array, json, math, os, pathlib, random, re, shutil, statistics, struct, subprocess, sys, tempfile, time

CORES = len(os.sched_getaffinity(0))
TITLES = {"images": "training images", "classes": "classes", "channels": "channels",
          "strong": "ranks, same work in all", "weak": "ranks, same work for each"}
# What is compared: key, title, unit, scale from the records to the unit.
QUANTITIES = [("extraction", "extraction", "s", 1), ("epoch", "epoch of training", "ms", 1000),
              ("evaluation", "evaluation in it", "ms", 1000), ("extraction_memory", "memory, extracting", "MB", 1e-6),
              ("training_memory", "memory, training", "MB", 1e-6), ("traffic", "sent in a step", "MB", 1e-6)]


class Point:
    def __init__(self, x, images, classes, ranks, network="demo", epochs=30):
        self.x, self.images, self.classes, self.ranks = x, images, classes, ranks
        self.network, self.epochs = network, epochs


# Half as many test images as training images. Where an epoch takes a moment, there are many: the first one or two take longer,
# since features are verified and the memory is new.
SERIES = {
    "images": [Point(n, n, 50, 2) for n in (1000, 2000, 4000)],
    "classes": [Point(n, 2000, n, 2) for n in (25, 50, 100, 200)],
    "channels": [Point(192, 400, 50, 2), Point(512, 400, 50, 2, "resnet18", 20),
                 Point(2048, 400, 50, 2, "resnet50", 6)],
    "strong": [Point(n, 2000, 50, n) for n in (1, 2, 4)],
    "weak": [Point(n, 1000 * n, 50, n) for n in (1, 2, 4)],
}


def run(arguments, ranks=1, environment=None, monitor=None):
    """The text that the program says beside its results, and its results."""
    command = [str(argument) for argument in arguments]
    if ranks > 1:
        launcher = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)]
        if monitor:
            for key, value in [("enable", 1), ("enable_output", 3), ("filename", monitor)]:
                launcher += ["--mca", f"pml_monitoring_{key}", str(value)]
            # The program would choose ob1 alone.
            environment = dict(os.environ, OMPI_MCA_pml="ob1,monitoring")
        command = launcher + command
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: {result.returncode}\n{result.stderr}{result.stdout}")
    return result.stderr, result.stdout


# Weights ------------------------------------------------------------------------------------------------------------------------


def convolutions(network):
    """Names and shapes of a residual network's convolutions, those that end a block with a mark, and the classifier's inputs."""
    deep = network == "resnet50"
    yield "conv1", "bn1", (64, 3, 7, 7), False
    width = 64
    for stage, blocks in enumerate((3, 4, 6, 3) if deep else (2, 2, 2, 2)):
        inner = 64 << stage
        outer = inner * (4 if deep else 1)
        for block in range(blocks):
            name = f"layer{stage + 1}.{block}"
            kernels = [(1, width, inner), (3, inner, inner), (1, inner, outer)] if deep else [
                (3, width, inner), (3, inner, outer)]
            for number, (side, inputs, outputs) in enumerate(kernels, 1):
                yield f"{name}.conv{number}", f"{name}.bn{number}", (outputs, inputs, side, side), number == len(kernels)
            if block == 0 and (stage > 0 or width != outer):
                yield f"{name}.downsample.0", f"{name}.downsample.1", (outer, width, 1, 1), False
            width = outer


def write_weights(path, network):
    """A safetensors file of random weights; the last scale of a block is small, so that features stay small."""
    source = random.Random(0)
    # A prime, so that rows of a tensor differ.
    noise = [source.gauss(0, 1) for _ in range(4099)]

    def filled(count, scale=1.0):
        table = array.array("f", [scale * value for value in noise]).tobytes()
        return (table * (count // len(noise) + 1))[: 4 * count]

    def constant(count, value):
        return array.array("f", [value]).tobytes() * count

    tensors = []
    for convolution, norm, shape, ends in convolutions(network):
        tensors.append((f"{convolution}.weight", shape,
                        filled(math.prod(shape), math.sqrt(2 / math.prod(shape[1:])))))
        for key, value in [("weight", 0.3 if ends else 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)]:
            tensors.append((f"{norm}.{key}", shape[:1], constant(shape[0], value)))
    width = 2048 if network == "resnet50" else 512
    tensors += [("fc.weight", (1000, width), filled(1000 * width, 0.01)), ("fc.bias", (1000,), constant(1000, 0))]
    header, offset = {}, 0
    for name, shape, data in tensors:
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors))


# Measuring ----------------------------------------------------------------------------------------------------------------------


class Bench:
    def __init__(self, program, folder):
        self.program, self.folder, self.known = program, folder, {}

    def once(self, point):
        """What was measured of a point, which may be in several series."""
        key = (point.images, point.classes, point.ranks, point.network, point.epochs)
        if key not in self.known:
            self.known[key] = self.measure(point)
        return dict(self.known[key], x=point.x)

    def dataset(self, point):
        path = self.folder / f"birds-{point.images}-{point.classes}"
        if not path.exists():
            per_class = point.images // point.classes
            run([self.program, "generate", "--output", path, "--classes", point.classes, "--train", per_class,
                 "--test", per_class // 2, "--quiet"])
        return path

    def configuration(self, point):
        network = f"name: {point.network}"
        if point.network != "demo":
            weights = self.folder / f"{point.network}.safetensors"
            if not weights.exists():
                write_weights(weights, point.network)
            network += f", weights: {weights}"
        path = self.folder / "config.yaml"
        path.write_text(
            f"run: {{directory: {self.folder}/run}}\n"
            f"dataset: {{root: {self.dataset(point)}, kind: class_folders}}\n"
            f"backbone: {{{network}}}\n"
            f"cache: {{directory: {self.folder}/features}}\n"
            "head: {map_rank: all}\n"
            f"training: {{epochs: {point.epochs}}}\n"
            "evaluation: {every: 2}\n"
            "checkpoint: {every: 1000000}\n")
        return path

    def plan(self, point, configuration):
        cores = min(point.ranks, CORES)
        _, text = run([self.program, "plan", "--config", configuration, "--cores", cores, "--ranks-per-node", point.ranks,
                       "--threads", cores, "--json"])
        whole = json.loads(text)
        plan = whole["plan"]
        return {"steps": whole["steps_per_epoch"], "extraction": plan["extraction_seconds"], "epoch": plan["epoch_seconds"],
                "evaluation": plan["evaluation_seconds"], "extraction_memory": plan["extraction_bytes_per_rank"],
                "training_memory": max(
                    plan["training_bytes_with_cache_in_memory"] + plan["held_bytes_per_rank"], plan["fit_bytes_per_rank"]),
                "traffic": plan["bytes_sent_per_step_and_rank"]}

    def train(self, point, configuration, *settings, monitor=None):
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        return run([self.program, "train", "--config", configuration, "--threads", 1, "--cache-traffic", *settings],
                   point.ranks, monitor=monitor)[0]

    def measure(self, point):
        configuration = self.configuration(point)
        before = self.plan(point, configuration)
        found = {}
        seconds = []
        for isNew in (True, True, False):
            if isNew:
                shutil.rmtree(self.folder / "features", ignore_errors=True)
            start = time.perf_counter()
            text, _ = run([self.program, "extract", "--config", configuration, "--threads", 1, "--cache-traffic"], point.ranks)
            seconds.append(time.perf_counter() - start)
            found.setdefault("extraction_memory", peak(text))
        found["extraction"] = (seconds[0] + seconds[1]) / 2 - seconds[2]
        time.sleep(2.5)  # files that were written a moment ago are verified whenever they are read
        found["training_memory"] = peak(self.train(point, configuration))
        records = [json.loads(line) for line in (self.folder / "run/metrics.jsonl").read_text().splitlines()]
        ends = [0] + [record["seconds"] for record in records if record["kind"] == "epoch"]
        epochs = [end - start for start, end in zip(ends, ends[1:])]
        # Without those of the annealed pooling, which are the first 30 %.
        late = range(math.ceil(0.3 * len(epochs)), len(epochs))
        # Epochs become shorter as the learning rate falls; where that is more than an evaluation takes, none can be told (0).
        found["evaluation"] = max(0, statistics.median(epochs[i] for i in late if i % 2 == 1) - statistics.median(
            epochs[i] for i in late if i % 2 == 0))
        found["epoch"] = sum(epochs) / len(epochs) + found["evaluation"] / 2
        found["traffic"] = self.traffic(point, configuration, before["steps"]) if point.ranks > 1 else 0
        after = self.plan(point, configuration)
        plan = {key: (before[key] + after[key]) / 2 for key in before}
        return {"x": point.x, "images": point.images, "classes": point.classes, "ranks": point.ranks,
                "network": point.network, "epochs": epochs, "measured": found, "plan": plan}

    def traffic(self, point, configuration, steps):
        """The mean over the ranks of what one sends in a step."""
        sent = []
        for epochs in (1, 2):
            monitor = self.folder / f"sent-{epochs}"
            for file in self.folder.glob(f"sent-{epochs}.*"):
                file.unlink()
            self.train(point, configuration, "--set", f"training.epochs={epochs}", "--set", "evaluation.every=1000",
                       monitor=monitor)
            lines = [line.split("\t") for file in self.folder.glob(f"sent-{epochs}.*.prof")
                     for line in file.read_text().splitlines()]
            sent.append(sum(int(line[3].split()[0]) for line in lines if line[0] in ("E", "I")))
        return (sent[1] - sent[0]) / point.ranks / steps


def peak(text):
    found = [int(value) * 1_000_000 for value in re.findall(r"a peak of (\d+) MB", text)]
    return max(found) if found else sys.exit(f"no peak in: {text}")


# Telling ------------------------------------------------------------------------------------------------------------------------


def deviation(point, key):
    """(plan - measured) / measured; None where there is nothing."""
    measured = point["measured"][key]
    return (point["plan"][key] - measured) / measured if measured else None


def table(results):
    print(f"Measured / plan, on {results['cores']} cores of {results['processor']}:\n")
    print("| series | " + " | ".join(f"{title}, {unit}" for _, title, unit, _ in QUANTITIES) + " |")
    print("|---|" + "---|" * len(QUANTITIES))
    for series, points in results["series"].items():
        for point in points:
            cells = [f"{point['x']} {TITLES[series]}"]
            for key, _, _, scale in QUANTITIES:
                difference = deviation(point, key)
                cells.append("-" if difference is None else
                             f"{point['measured'][key] * scale:.3g} / {point['plan'][key] * scale:.3g} "
                             f"({100 * difference:+.0f} %)")
            print("| " + " | ".join(cells) + " |")
    print("\n| | largest deviation | median of the deviations without sign |\n|---|---|---|")
    for key, title, _, _ in QUANTITIES:
        found = [(deviation(point, key), series, point["x"]) for series, points in results["series"].items()
                 for point in points if deviation(point, key) is not None]
        if found:
            value, series, x = max(found, key=lambda item: abs(item[0]))
            middle = statistics.median(abs(item[0]) for item in found)
            print(f"| {title} | {100 * value:+.0f} % ({x} {TITLES[series]}) | {100 * middle:.0f} % |")


# Drawing ------------------------------------------------------------------------------------------------------------------------

ROWS = [("time, s", [("extraction", "a"), ("epoch", "b"), ("evaluation", "c")], 1),
        ("memory of a rank, MB", [("extraction_memory", "a"), ("training_memory", "b")], 1e-6),
        ("sent by a rank in a step, MB", [("traffic", "b")], 1e-6)]
LEGEND = [("a", "extraction"), ("b", "training (an epoch, a step)"), ("c", "evaluation in an epoch")]
WIDTH, LEFT, TOP, PANEL, HEIGHT, GAP, DOWN = 1000, 62, 52, 160, 140, 28, 40

STYLE = """text { font: 12px system-ui, sans-serif; fill: #24292f } .small { font-size: 11px; fill: #57606a }
.back { fill: #ffffff } .frame { fill: none; stroke: #d0d7de } .grid { stroke: #eaeef2 }
.a { fill: #0969da; stroke: #0969da } .b { fill: #bc4c00; stroke: #bc4c00 } .c { fill: #1a7f37; stroke: #1a7f37 }
polyline { fill: none !important; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #9198a1 } .back { fill: #0d1117 }
.frame { stroke: #3d444d } .grid { stroke: #21262d } .a { fill: #4493f8; stroke: #4493f8 } .b { fill: #f0883e; stroke: #f0883e }
.c { fill: #3fb950; stroke: #3fb950 } }"""


def number(value):
    return f"{value:g}"


def ticks(low, high):
    """1, 2, 5 times powers of ten in a range that is at most three decades wide; ones alone in a wider one."""
    decades = math.log10(high / low)
    steps = (1, 2, 5) if decades <= 1.6 else (1,) if decades > 2.2 else (1, 3)
    found = [step * 10.0**power for power in range(-4, 6) for step in steps]
    return [value for value in found if low <= value <= high]


def draw(results):
    names = list(results["series"])
    parts = []

    def text(x, y, content, kind="", anchor="start", turned=False):
        extra = f' transform="rotate(-90 {x:.0f} {y:.0f})"' if turned else ""
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
                     + (f' class="{kind}"' if kind else "") + f'{extra}>{content}</text>')

    x = LEFT
    for kind, title in LEGEND:
        parts.append(f'<circle class="{kind}" cx="{x + 4}" cy="22" r="3.5"/>')
        text(x + 14, 26, title)
        x += 30 + 7 * len(title)
    text(WIDTH - 20, 26, "points: measured; lines: infodisent plan; both axes logarithmic", "small", "end")

    for row, (title, quantities, scale) in enumerate(ROWS):
        top = TOP + row * (HEIGHT + DOWN)
        values = [point[side][key] * scale for name in names for point in results["series"][name]
                  for key, _ in quantities for side in ("measured", "plan") if point[side][key] > 0]
        low, high = min(values) / 1.25, max(values) * 1.25
        place = lambda value: top + HEIGHT * (1 - math.log(value / low) / math.log(high / low))
        text(14, top + HEIGHT / 2, title, "", "middle", True)
        for value in ticks(low, high):
            text(LEFT - 6, place(value) + 4, number(value), "small", "end")
        for column, name in enumerate(names):
            points = results["series"][name]
            left = LEFT + column * (PANEL + GAP)
            first, last = points[0]["x"], points[-1]["x"]
            across = lambda value: left + 14 + (PANEL - 28) * math.log(value / first) / math.log(last / first)
            for value in ticks(low, high):
                parts.append(f'<path class="grid" d="M{left} {place(value):.1f}h{PANEL}"/>')
            parts.append(f'<rect class="frame" x="{left}" y="{top}" width="{PANEL}" height="{HEIGHT}"/>')
            for point in points:
                text(across(point["x"]), top + HEIGHT + 14, number(point["x"]), "small", "middle")
            if row == len(ROWS) - 1:
                text(left + PANEL / 2, top + HEIGHT + 31, TITLES[name], "", "middle")
            for key, kind in quantities:
                shown = [point for point in points if point["plan"][key] > 0]
                line = " ".join(f"{across(p['x']):.1f},{place(p['plan'][key] * scale):.1f}" for p in shown)
                parts.append(f'<polyline class="{kind}" points="{line}"/>')
                for point in shown:
                    value = point["measured"][key]
                    if value <= 0:
                        continue
                    parts.append(f'<circle class="{kind}" cx="{across(point["x"]):.1f}" cy="{place(value * scale):.1f}" r="3.5"/>')
    height = TOP + len(ROWS) * (HEIGHT + DOWN) + 6
    width = LEFT + len(names) * (PANEL + GAP) - GAP + 14
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="Time, memory and traffic by images, classes, channels and ranks: measured and planned">\n'
            f'<style>{STYLE}</style>\n<rect class="back" width="{width}" height="{height}" rx="6"/>\n'
            + "\n".join(parts) + "\n</svg>\n")


# Nodes --------------------------------------------------------------------------------------------------------------------------


def nodes(program):
    """Of 16 cores and 10 Gbit/s each: a head for ImageNet's 1000 classes on ResNet-50, with one rank a node."""
    settings = ["training.logical_shards=256", "training.batch_size=2048", "training.epochs=30", "head.map_rank=all"]
    arguments = [program, "plan", "--backbone", "resnet50", "--images", 1281167, "--test-images", 50000, "--classes", 1000,
                 "--cores", 16, "--network-gbit", 10, "--threads", 1, "--json"]
    for setting in settings:
        arguments += ["--set", setting]
    plan = json.loads(run(arguments)[1])
    print("| nodes | extraction | step | its traffic | epoch | all added before the update: step, epoch | speed-up of an epoch "
          "| all before |\n|---|---|---|---|---|---|---|---|")
    one = plan["scaling"][0]
    for scale in plan["scaling"]:
        print(f"| {scale['nodes']} | {scale['extraction_seconds'] / 60:.1f} min | {scale['step_seconds'] * 1000:.0f} ms "
              f"| {scale['network_seconds'] * 1000:.0f} ms | {scale['epoch_seconds']:.1f} s "
              f"| {scale['in_turn_step_seconds'] * 1000:.0f} ms, {scale['in_turn_epoch_seconds']:.1f} s "
              f"| {one['epoch_seconds'] / scale['epoch_seconds']:.1f} "
              f"| {one['epoch_seconds'] / scale['in_turn_epoch_seconds']:.1f} |")


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return "an unknown processor"


def main(arguments):
    if len(arguments) >= 3 and arguments[0] == "measure":
        program, path = pathlib.Path(arguments[1]).resolve(), pathlib.Path(arguments[2])
        results = {"cores": CORES, "processor": processor(), "series": {}}
        with tempfile.TemporaryDirectory(prefix="scaling-") as folder:
            bench = Bench(program, pathlib.Path(folder))
            for name in arguments[3:] or SERIES:
                results["series"][name] = []
                for point in SERIES[name]:
                    results["series"][name].append(bench.once(point))
                    path.write_text(json.dumps(results, indent=1) + "\n")
                    print(f"{name} {point.x}", file=sys.stderr)
        table(results)
    elif len(arguments) == 3 and arguments[0] == "plan":
        program, path = pathlib.Path(arguments[1]).resolve(), pathlib.Path(arguments[2])
        results = json.loads(path.read_text())
        with tempfile.TemporaryDirectory(prefix="scaling-") as folder:
            bench = Bench(program, pathlib.Path(folder))
            for name, points in results["series"].items():
                for point, found in zip(SERIES[name], points):
                    found["plan"] = bench.plan(point, bench.configuration(point))
        path.write_text(json.dumps(results, indent=1) + "\n")
        table(results)
    elif len(arguments) == 2 and arguments[0] == "table":
        table(json.loads(pathlib.Path(arguments[1]).read_text()))
    elif len(arguments) == 3 and arguments[0] == "draw":
        pathlib.Path(arguments[2]).write_text(draw(json.loads(pathlib.Path(arguments[1]).read_text())))
    elif len(arguments) == 2 and arguments[0] == "nodes":
        nodes(pathlib.Path(arguments[1]).resolve())
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
