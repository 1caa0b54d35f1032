"""How long joining an invoice's files takes and what memory it needs: 50 files of together 100 pages, a set of 200 MB, and
pictures that are small as files and large as pictures."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

from simulators.procore import files

TARGET_SECONDS, TARGET_MB = 2.0, 150
MB = 1024 * 1024


def run() -> dict[str, Any]:
    """Each set in a process of its own, whose highest memory is measured by the system."""
    many, large, wide = _child("many"), _child("large"), _child("wide")
    return {
        "name": "joining", "ours": many["seconds"], "anchor": TARGET_SECONDS, "ratio": round(many["seconds"] / TARGET_SECONDS, 3),
        "unit": "s for 50 files of together 100 pages",
        "detail": {"many": many, "large": large, "wide": wide, "target": {"seconds": TARGET_SECONDS, "megabytes": TARGET_MB}},
    }  # fmt: skip


def _child(name: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        _fill(name, Path(folder))
        command = [sys.executable, "-m", "tests.benchmarks.joining", folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _fill(name: str, folder: Path) -> None:
    """many: 30 PDFs of 1 to 4 pages, pictures, scans and text. large: ten PDFs of 20 MB and 20 pages.
    wide: pictures of many points."""
    if name == "wide":
        Image.new("RGBA", (6000, 6000), (255, 0, 0, 90)).save(folder / "clear.png")
        Image.new("RGB", (4200, 4200), "red").save(folder / "scan.tif", compression="tiff_lzw")
        Image.new("L", (8400, 8400), 90).save(folder / "grey.tif", compression="tiff_lzw")
        Image.new("RGB", (9000, 9000), "red").save(folder / "photo.jpg")
        Image.new("RGB", (4800, 4800), "red").save(folder / "progressive.jpg", progressive=True)
        return
    if name == "large":
        specs = [("pdf", 20, 20 * MB)] * 10
    else:
        specs = [("pdf", 1, 0)] * 6 + [("pdf", 3, 0)] * 20 + [("tiff", 2, 0)] * 5 + [("jpeg", 1, 0)] * 8 + [("png", 1, 0)] * 7
        specs += [("text", 1, 0)] * 3 + [("tiff", 6, 0)]
    for number, (kind, pages, size) in enumerate(specs):
        spec = {"kind": kind, "name": f"{number}.{files.KINDS[kind][1]}", "pages": pages, "size": size}
        (folder / f"{number:03}.{files.KINDS[kind][1]}").write_bytes(files.content(spec))


def _measure(folder: Path) -> dict[str, Any]:
    from connectors.sage_paperless.joining import File, join

    paths = sorted(folder.iterdir())
    before = _highest()
    began = time.perf_counter()
    made = join([File(path.stem, path.name, "", path) for path in paths], folder, "A4")
    seconds = time.perf_counter() - began
    return {
        "files": len(paths), "pages": made.pages, "megabytes": round(made.size / MB, 1), "seconds": round(seconds, 3),
        "peak_memory_mb": _highest(), "memory_before_mb": before, "left_out": [one.code for one in made.left_out],
    }  # fmt: skip


def _highest() -> float:
    """The most memory this process ever had, of itself alone."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)


if __name__ == "__main__":
    print(json.dumps(_measure(Path(sys.argv[1]))))
