"""Runs a Python script as on a processor that has AVX2 and no AVX-512.

usage: only_avx2.py SCRIPT [ARGUMENTS...], such as only_avx2.py compare_peers.py INFODISENT forward

infodisent, PyTorch and oneDNN have switches for that. ONNX Runtime has none, and OpenVINO none for the kernels that it shares with it: they
ask the processor. So copies of both are made in which the instruction that asks is one that does not exist, and a handler of the
signal that it raises asks in its place and leaves AVX-512 and AMX out of the answer (without_avx512.c). Needs cc and objdump.
"""
import importlib.util, os, pathlib, shutil, struct, subprocess, sys, tempfile

CPUID, UNDEFINED = b"\x0f\xa2", b"\x0f\x0b"
LOADED = 1  # of a program header


def offsets(library, addresses):
    """Where in the file the bytes are that are loaded at some addresses."""
    data = library.read_bytes()
    start, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    headers = [struct.unpack_from("<IIQQQQQQ", data, start + 56 * index) for index in range(count)]
    for address in addresses:
        for kind, _, offset, first, _, length, _, _ in headers:
            if kind == LOADED and first <= address < first + length:
                yield offset + address - first


def mask(library):
    lines = subprocess.run(["objdump", "-d", "--no-show-raw-insn", library], capture_output=True, text=True, check=True).stdout
    addresses = [int(line.split(":")[0], 16) for line in lines.splitlines() if line.endswith("\tcpuid")]
    data = bytearray(library.read_bytes())
    for offset in offsets(library, addresses):
        assert data[offset:offset + 2] == CPUID, f"{library}: no cpuid at {offset}"
        data[offset:offset + 2] = UNDEFINED
    library.write_bytes(data)
    return len(addresses)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(tempfile.mkdtemp())
    for name, pattern in (("onnxruntime", "capi/*.so*"), ("openvino", "libs/libopenvino*.so*")):
        package = pathlib.Path(importlib.util.find_spec(name).origin).parent
        shutil.copytree(package, folder / name)
        libraries = [path for path in (folder / name).glob(pattern) if "gpu" not in path.name and "npu" not in path.name]
        if sum(map(mask, libraries)) == 0:
            sys.exit(f"{name}: nothing in {package} asks what the processor has; is {pattern} still where its libraries are?")
    shim = folder / "without_avx512.so"
    source = pathlib.Path(__file__).with_name("without_avx512.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", shim, source], check=True)
    environment = os.environ | {
        "INFODISENT_NO_AVX512": "1", "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}", "LD_PRELOAD": str(shim)}
    status = subprocess.run([sys.executable, *sys.argv[1:]], env=environment).returncode
    shutil.rmtree(folder)
    sys.exit(status)


main()
