"""Fetches the browser's libraries into static/vendor, and checks that they are what the manifest says.

    python .ci/vendor.py            fetch every package of the manifest anew (needs npm)
    python .ci/vendor.py --check    compare the files with their hashes; exit 1 on any difference

To take a newer version: change it in static/vendor/manifest.json, run the first, look at the difference.
"""

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
from base64 import b64encode
from hashlib import sha384
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VENDOR = ROOT / "static" / "vendor"
MANIFEST = VENDOR / "manifest.json"
NOTICES = ROOT / "THIRD_PARTY.md"
PRICES = ROOT / "app" / "data"
_INTRODUCTION = """# Third-party files in this repository

Files under `static/vendor` come unchanged from the packages below; `static/vendor/manifest.json` has the hash of each.
`app/data/prices.json` is an extract of litellm's table of prices, made by `.ci/prices.py`; `app/data/fonts` holds parts
of the DejaVu fonts, made by `.ci/fonts.py`. This page is written by `.ci/vendor.py`. Python dependencies are installed,
not copied, and carry their own licences.
"""


def digest(content: bytes) -> str:
    return "sha384-" + b64encode(sha384(content).digest()).decode()


def read_manifest() -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = json.loads(MANIFEST.read_text())["packages"]
    return packages


def differences() -> list[str]:
    """What in static/vendor is missing, changed, or unknown to the manifest."""
    listed = {name: file["sha384"] for package in read_manifest() for name, file in package["files"].items()}
    present = {str(path.relative_to(VENDOR)): path for path in VENDOR.rglob("*") if path.is_file() and path != MANIFEST}
    missing = [f"{name}: missing" for name in listed if name not in present]
    unknown = [f"{name}: not in the manifest" for name in present if name not in listed]
    changed = [
        f"{name}: changed" for name in listed if name in present and digest(present[name].read_bytes()) != listed[name]
    ]
    return sorted(missing + unknown + changed)


def _unpacked(package: dict[str, Any], folder: Path) -> Path:
    wanted = f"{package['package']}@{package['version']}"
    done = subprocess.run(
        ["npm", "pack", "--silent", "--ignore-scripts", wanted], cwd=folder, check=True, capture_output=True, text=True
    )
    with tarfile.open(folder / done.stdout.split()[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def _fetch(package: dict[str, Any]) -> None:
    """Copy the package's listed files and put their hashes into its entry."""
    with tempfile.TemporaryDirectory() as folder:
        source = _unpacked(package, Path(folder))
        for name, file in package["files"].items():
            content = (source / file["from"]).read_bytes()
            target = VENDOR / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            file["sha384"] = digest(content)


def _notice(package: dict[str, Any]) -> str:
    texts = [(name, (VENDOR / name).read_text().strip()) for name in package["licences"]]
    parts = [f"### {Path(name).name}\n\n````text\n{text}\n````" for name, text in texts]
    return "\n\n".join([f"## {package['package']} {package['version']} ({package['licence']})", *parts])


def _notice_of_prices() -> str:
    version = json.loads((PRICES / "prices.json").read_text())["version"]
    text = (PRICES / "LICENSE.litellm").read_text().strip()
    return f"## litellm {version} (MIT), prices of models\n\n### LICENSE\n\n````text\n{text}\n````"


def _notice_of_fonts() -> str:
    text = (PRICES / "fonts" / "LICENSE.dejavu").read_text().strip()
    return f"## DejaVu fonts 2.37 (Bitstream Vera and Arev licences)\n\n### LICENSE\n\n````text\n{text}\n````"


def write_notices(packages: list[dict[str, Any]]) -> None:
    parts = [_INTRODUCTION.strip(), *map(_notice, packages), _notice_of_prices(), _notice_of_fonts()]
    NOTICES.write_text("\n\n".join(parts) + "\n")


def fetch_all() -> None:
    packages = read_manifest()
    for package in packages:
        _fetch(package)
    MANIFEST.write_text(json.dumps({"packages": packages}, indent=2) + "\n")
    write_notices(packages)


def main() -> int:
    parser = argparse.ArgumentParser(description="Fetch or check the browser's libraries.")
    parser.add_argument("--check", action="store_true", help="only compare the files with the manifest")
    if not parser.parse_args().check:
        fetch_all()
    found = differences()
    print("\n".join(found) or "static/vendor is what its manifest says")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
