"""How fast infodisent is beside others on the same cores; prints Markdown tables. Both sides of a comparison take turns, and medians are
compared.

usage: compare_peers.py INFODISENT forward [NETWORK...]       forward pass, 224 x 224, float32: PyTorch, ONNX Runtime, OpenVINO
       compare_peers.py INFODISENT step [CHANNELS]            a training step of the head: torch.matrix_exp, torch's Cayley
       compare_peers.py INFODISENT training CONFIG MAPS PIXELS CHANNELS CLASSES EPOCHS (4 or more)
                                                              epochs over cached features of CONFIG, beside PyTorch on random ones of
                                                              that many maps, held in memory
       compare_peers.py INFODISENT photographs FOLDER         files to cached features of ResNet-50 (whole process), beside a DataLoader

Environment: THREADS (2), ROUNDS (5). Needs torch, torchvision, and for forward onnx, onnxruntime and openvino (pip), for photographs Pillow.
"""
import json, os, statistics, subprocess, sys, tempfile, time, warnings

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


def run(*arguments):
    result = subprocess.run([program, *arguments], capture_output=True, text=True)
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
    import numpy, onnxruntime, openvino

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
            {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"},
        ).create_infer_request()
        array, place = images.numpy(), session.get_inputs()[0].name
        if name not in ("vit_b_16", "swin_t"):
            model, images = model.to(memory_format=torch.channels_last), images.contiguous(memory_format=torch.channels_last)

        def rate(pass_once, count=3):
            pass_once()
            return count * batch / seconds(lambda: [pass_once() for _ in range(count)])

        def ours():
            out = run("bench", "forward", "--backbone", name, "--threads", str(threads), "--repetitions", "5")
            return float(next(line for line in out.splitlines() if line.startswith(name + ",")).split()[4])

        results[name] = in_turn({
            "`infodisent bench forward`": ours,
            "PyTorch": lambda: rate(lambda: model(images)),
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


def training(config, maps, pixels, channels, classes, epochs):
    batch = 128
    features = torch.randn(maps, pixels, channels).half()
    labels = torch.randint(classes, (maps,))
    heads = {map: Head(channels, classes, map) for map in ("exponential", "cayley")}
    optimizers = {map: torch.optim.Adam(head.parameters()) for map, head in heads.items()}

    def torch_epoch(map):
        for rows in torch.randperm(maps).split(batch):
            torch_step(heads[map], optimizers[map], features[rows].float(), labels[rows])

    def ours():
        folder = tempfile.mkdtemp()
        run("train", "--config", config, "--quiet", "--set", f"run.directory={folder}/run", "--set", f"training.epochs={epochs}",
            "--set", f"training.batch_size={batch}")
        ends = [record["seconds"] for record in map(json.loads, open(f"{folder}/run/metrics.jsonl")) if record["kind"] == "epoch"]
        # The first epoch holds the start, the last the evaluation.
        return statistics.median(end - start for start, end in zip(ends, ends[1:-1]))

    found = in_turn({"ours": ours} | {
        f"PyTorch, {map}": lambda map=map: seconds(lambda: torch_epoch(map)) for map in heads})
    table(["seconds an epoch", "", "ratio"], [[name, f"{value:.2f}", f"{value / found['ours']:.2f}"] for name, value in found.items()])


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
elif what == "photographs" and len(rest) == 1:
    photographs(rest[0])
else:
    sys.exit(__doc__)
