"""How fast infodisent is beside others on the same cores; prints Markdown tables. Both sides of a comparison take turns, and medians are
compared.

usage: compare_peers.py INFODISENT forward [--compute f32|bf16] [NETWORK...]
                                                              forward pass, 224 x 224, float32: PyTorch, ONNX Runtime, OpenVINO; with
                                                              bf16, PyTorch under autocast and OpenVINO with its hint, ONNX Runtime as
                                                              before
       compare_peers.py INFODISENT step [CHANNELS]            a training step of the head: torch.matrix_exp, torch's Cayley
       compare_peers.py INFODISENT training CONFIG MAPS PIXELS CHANNELS CLASSES EPOCHS (4 or more)
                                                              epochs over cached features of CONFIG, beside PyTorch on random ones of
                                                              that many maps, held in memory
       compare_peers.py INFODISENT cub FOLDER [MAPS (5994) EPOCHS (5, 4 or more)]
                                                              30 epochs of the head on features of the size of CUB-200 with ResNet-50,
                                                              MAPS x 7 x 7 x 2048 and 200 classes, from the median epoch of each side;
                                                              FOLDER gets random images and the features of random weights (1.3 GB),
                                                              which are taken from there the next time
       compare_peers.py INFODISENT reading CONFIG GROUP       an epoch over cached features of CONFIG that the memory does not hold,
                                                              beside dd of the same files; GROUP is a control group with a limit of memory
       compare_peers.py INFODISENT photographs FOLDER         files to cached features of ResNet-50 (whole process), beside a DataLoader

Environment: THREADS (2), ROUNDS (5). Needs torch, torchvision, and for forward onnx, onnxruntime and openvino (pip), for photographs Pillow.
"""
import json, os, re, shutil, statistics, subprocess, sys, tempfile, time, warnings

warnings.filterwarnings("ignore")
import torch

operators = torch.library.Library("torchvision", "DEF")  # torchvision without its compiled operators
operators.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
operators.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import torchvision

threads = int(os.environ.get("THREADS", "2"))
rounds = int(os.environ.get("ROUNDS", "5"))
torch.set_num_threads(threads)
program = sys.argv[1] if len(sys.argv) > 1 else sys.exit(__doc__)


group = None  # a control group, for processes that share its memory


def run(*arguments):
    enter = ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', group] if group else []
    result = subprocess.run([*enter, program, *arguments], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"infodisent {' '.join(arguments)}: {result.stderr}")
    return result.stdout


def seconds(body):
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def in_turn(sides):
    """Of each side the median of ROUNDS numbers; all sides once in each round."""
    found = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            found[name].append(measure())
    return {name: statistics.median(values) for name, values in found.items()}


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


def forward(names):
    import contextlib, onnxruntime, openvino

    compute = "f32"
    if names[:1] == ["--compute"]:
        compute, names = names[1], names[2:]
    autocast = (lambda: torch.autocast("cpu", dtype=torch.bfloat16)) if compute == "bf16" else contextlib.nullcontext
    names = names or ["resnet50", "densenet121", "convnext_tiny", "vit_b_16", "swin_t"]
    batch, folder, core, results = 8, tempfile.mkdtemp(), openvino.Core(), {}
    torch.set_grad_enabled(False)
    for name in names:
        model, images = getattr(torchvision.models, name)(weights=None).eval(), torch.randn(batch, 3, 224, 224)
        path = f"{folder}/{name}.onnx"
        torch.backends.mha.set_fastpath_enabled(False)
        torch.onnx.export(model, images, path, dynamo=False, opset_version=17)
        torch.backends.mha.set_fastpath_enabled(True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        request = core.compile_model(
            core.read_model(path), "CPU",
            {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": compute},
        ).create_infer_request()
        array, place = images.numpy(), session.get_inputs()[0].name
        if name not in ("vit_b_16", "swin_t"):
            model, images = model.to(memory_format=torch.channels_last), images.contiguous(memory_format=torch.channels_last)

        def rate(pass_once, count=3):
            pass_once()
            return count * batch / seconds(lambda: [pass_once() for _ in range(count)])

        def ours():
            out = run("bench", "forward", "--backbone", name, "--threads", str(threads), "--repetitions", "5",
                      "--compute", compute, "--json")
            return json.loads(out)[0]["imagesPerSecond"]

        def torchs():
            with autocast():
                return rate(lambda: model(images))

        results[name] = in_turn({
            "`infodisent bench forward`": ours,
            "PyTorch": torchs,
            "ONNX Runtime": lambda: rate(lambda: session.run(None, {place: array})),
            "OpenVINO": lambda: rate(lambda: request.infer({0: array})),
        })
        print(name, results[name], file=sys.stderr)
    sides = list(next(iter(results.values())))
    rows = [[side] + [f"{results[name][side]:.1f}" for name in names] for side in sides]
    rows.append(["ratio to the fastest other"] + [
        f"{results[name][sides[0]] / max(results[name][side] for side in sides[1:]):.2f}" for name in names])
    table(["images/s"] + names, rows)


class Head(torch.nn.Module):
    """The head in PyTorch, as its authors' code has it: U of a parameter, largest and smallest activation, A >= 0."""

    def __init__(self, channels, classes, map):
        super().__init__()
        self.map = map
        self.weight = torch.nn.Parameter(torch.randn(channels, channels) * 0.01)
        self.classifier = torch.nn.Parameter(torch.rand(classes, channels))

    def forward(self, features):
        skew = self.weight - self.weight.T
        if self.map == "exponential":
            matrix = torch.matrix_exp(skew)
        else:
            identity = torch.eye(len(skew))
            matrix = torch.linalg.solve(identity + skew / 2, identity - skew / 2)
        activations = features @ matrix.T
        pooled = activations.amax(1).relu() - (-activations.amin(1)).relu()
        return pooled @ self.classifier.relu().T


class OrthogonalHead(torch.nn.Module):
    """The same with PyTorch's own parametrization of orthogonal matrices."""

    def __init__(self, channels, classes):
        super().__init__()
        self.turn = torch.nn.utils.parametrizations.orthogonal(
            torch.nn.Linear(channels, channels, bias=False), orthogonal_map="cayley")
        self.classifier = torch.nn.Parameter(torch.rand(classes, channels))

    def forward(self, features):
        activations = self.turn(features)
        pooled = activations.amax(1).relu() - (-activations.amin(1)).relu()
        return pooled @ self.classifier.relu().T


def torch_step(head, optimizer, features, labels):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(head(features), labels).backward()
    optimizer.step()


def step(channels):
    features, labels = torch.randn(64, 49, channels), torch.randint(200, (64,))
    sides = {}
    for map in ("exponential", "cayley"):
        head = Head(channels, 200, map)
        optimizer = torch.optim.Adam(head.parameters())
        torch_step(head, optimizer, features, labels)
        sides[f"PyTorch {map}"] = lambda head=head, optimizer=optimizer: 1000 * seconds(
            lambda: torch_step(head, optimizer, features, labels))
    ours = {}

    def bench():
        out = run("bench", "head", "--channels", str(channels), "--threads", str(threads), "--repetitions", "9")
        for line in out.splitlines()[2:]:
            ours.setdefault(line.split(",")[0], []).append(float(line.split()[4]))
        return 0.0

    found = in_turn({"": bench, **sides})
    found = {name: value for name, value in found.items() if name} | {
        map: statistics.median(values) for map, values in ours.items()}
    table(["step of D = %d, ms" % channels, "ours", "PyTorch", "ratio"], [
        [map, f"{found[map]:.0f}", f"{found['PyTorch ' + other]:.0f} ({other})", f"{found['PyTorch ' + other] / found[map]:.2f}"]
        for map, other in (("exponential", "exponential"), ("cayley", "cayley"), ("riemannian", "cayley"))])


def our_epoch(config, epochs, batch, *settings):
    """The median seconds of an epoch of ours, all but the first, which holds the start, and the last, which holds the evaluation."""
    folder = tempfile.mkdtemp()
    settings = [f"run.directory={folder}/run", f"training.epochs={epochs}", f"training.batch_size={batch}",
                "evaluation.every=1000000", *settings]
    run("train", "--config", config, "--quiet", "--threads", str(threads), *(part for text in settings for part in ("--set", text)))
    ends = [record["seconds"] for record in map(json.loads, open(f"{folder}/run/metrics.jsonl")) if record["kind"] == "epoch"]
    shutil.rmtree(folder)
    return statistics.median(end - start for start, end in zip(ends, ends[1:-1]))


def torch_epoch(head, optimizer, features, labels, batch):
    for rows in torch.randperm(len(features)).split(batch):
        torch_step(head, optimizer, features[rows].float(), labels[rows])


def training(config, maps, pixels, channels, classes, epochs):
    batch = 128
    features = torch.randn(maps, pixels, channels).half()
    labels = torch.randint(classes, (maps,))
    sides = {"ours": lambda: our_epoch(config, epochs, batch)}
    for map in ("exponential", "cayley"):
        head = Head(channels, classes, map)
        optimizer = torch.optim.Adam(head.parameters())
        sides[f"PyTorch, {map}"] = lambda head=head, optimizer=optimizer: seconds(
            lambda: torch_epoch(head, optimizer, features, labels, batch))
    found = in_turn(sides)
    table(["seconds an epoch", "", "ratio"], [[name, f"{value:.2f}", f"{value / found['ours']:.2f}"] for name, value in found.items()])


def cub(folder, maps=5994, epochs=5):
    batch, channels, classes, whole = 128, 2048, 200, 30
    if maps < classes or epochs < 4:
        sys.exit(f"cub: at least {classes} MAPS, one for each class, and 4 EPOCHS, of which the first and the last do not count")
    place = f"{os.path.abspath(folder)}/{maps}"
    if not os.path.exists(f"{place}/train.yaml"):
        shutil.rmtree(place, ignore_errors=True)
        torch.manual_seed(1)
        for split, count in (("train", maps), ("test", classes)):
            for number in range(count):
                name = f"{place}/images/{split}/{number % classes:03}"
                os.makedirs(name, exist_ok=True)
                with open(f"{name}/{number}.ppm", "wb") as file:
                    file.write(b"P6 16 16 255\n" + torch.randint(256, (768,), dtype=torch.uint8).numpy().tobytes())
        # Residual branches that begin at zero: numbers that half precision can hold, although nothing is trained.
        torch.save(torchvision.models.resnet50(weights=None, zero_init_residual=True).state_dict(), f"{place}/resnet50.pth")
        with open(f"{place}/train.yaml", "w") as file:
            file.write(f"""run: {{directory: {place}/run}}
backbone: {{name: resnet50, weights: {place}/resnet50.pth}}
dataset: {{kind: class_folders, root: {place}/images}}
cache: {{directory: {place}/features}}
head: {{map_rank: all}}
evaluation: {{black_box: false, every: 1000}}
""")
    run("extract", "--config", f"{place}/train.yaml", "--quiet", "--threads", str(threads))
    features, labels = torch.randn(maps, 49, channels).half(), torch.arange(maps) % classes
    head = OrthogonalHead(channels, classes)
    optimizer = torch.optim.Adam(head.parameters())
    found = in_turn({
        "ours, riemannian": lambda: our_epoch(f"{place}/train.yaml", epochs, batch),
        "PyTorch, orthogonal by cayley": lambda: seconds(lambda: torch_epoch(head, optimizer, features, labels, batch)),
    })
    print({name: f"{value:.2f} s an epoch" for name, value in found.items()}, file=sys.stderr)
    ours = next(iter(found.values()))
    table([f"seconds for {whole} epochs of {maps} maps, 7 x 7 x {channels}, C = {classes}", "", "ratio"], [
        [name, f"{whole * value:.0f}", f"{value / ours:.2f}"] for name, value in found.items()])


def reading(config, place):
    global group
    group = place
    cache = re.search(r"^cache:\s*\n\s+directory:\s*(\S+)", open(config).read(), re.M).group(1)
    index = json.load(open(f"{cache}/index.json"))
    files = [f"{cache}/shard-{number:05}.safetensors" for number, shard in enumerate(index["shards"]) if shard["split"] == "train"]
    size = sum(map(os.path.getsize, files)) / 2**20
    copy = f"echo $$ > {place}/cgroup.procs; for file in {' '.join(files)}; do dd if=$file of=/dev/null bs=1M status=none; done"
    found = in_turn({
        "dd": lambda: seconds(lambda: subprocess.run(["sh", "-c", copy], check=True)),
        "an epoch": lambda: our_epoch(config, 5, 256)})
    table([f"{size:.0f} MiB of features", "seconds", "MiB/s", "ratio"], [
        [name, f"{value:.2f}", f"{size / value:.0f}", f"{found['dd'] / value:.2f}"] for name, value in found.items()])


def photographs(folder):
    loader = f"""
import torch, sys
operators = torch.library.Library("torchvision", "DEF")
operators.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
operators.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import torchvision, torchvision.transforms as T
torch.set_num_threads({threads}); torch.set_grad_enabled(False)
model = torchvision.models.resnet50(weights=None)
model.load_state_dict(torch.load(sys.argv[2])); model.eval().to(memory_format=torch.channels_last)
trunk = torch.nn.Sequential(*list(model.children())[:-2])
steps = T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor(), T.Normalize([.485, .456, .406], [.229, .224, .225])])
data = torch.utils.data.DataLoader(torchvision.datasets.ImageFolder(sys.argv[1], steps), batch_size=16)
found = torch.cat([trunk(images.to(memory_format=torch.channels_last)).half() for images, _ in data])
torch.save(found, sys.argv[3])
"""
    work = tempfile.mkdtemp()
    weights = f"{work}/resnet50.pth"
    torch.save(torchvision.models.resnet50(weights=None).state_dict(), weights)
    count = sum(len(files) for _, _, files in os.walk(folder))

    def theirs():
        return count / seconds(lambda: subprocess.run(
            [sys.executable, "-c", loader, folder, weights, f"{work}/features.pt"], check=True, capture_output=True))

    def ours():
        cache = tempfile.mkdtemp(dir=work)
        return count / seconds(lambda: run(
            "extract", "--backbone", "resnet50", "--weights", weights, "--dataset", folder, "--output", f"{cache}/features",
            "--threads", str(threads), "--quiet"))

    found = in_turn({"ours": ours, "PyTorch": theirs})
    table(["images/s", "", "ratio"], [[name, f"{value:.2f}", f"{found['ours'] / value:.2f}"] for name, value in found.items()])


what, rest = (sys.argv[2:3] or [""])[0], sys.argv[3:]
if what == "forward":
    forward(rest)
elif what == "step":
    step(int(rest[0]) if rest else 2048)
elif what == "training" and len(rest) == 6:
    training(rest[0], *map(int, rest[1:]))
elif what == "cub" and len(rest) in (1, 3):
    cub(rest[0], *map(int, rest[1:]))
elif what == "reading" and len(rest) == 2:
    reading(*rest)
elif what == "photographs" and len(rest) == 1:
    photographs(rest[0])
else:
    sys.exit(__doc__)
