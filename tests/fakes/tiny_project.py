"""A project of a few bytes with requirements/setup.sh as it stands here, and a package index in a folder for it.

The index has a newer release than the lock of what a package asks for by an extra, as the real one has on a later day.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = ("requirements/setup.sh", "requirements/environment.py")
_BACKEND = """\
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    return name
"""
_PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


class TinyProject:
    """In the new folder `folder`; its lock names `cover` 1.0, which `runner` asks for as `cover[toml]`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = folder / "index"
        self.index.mkdir(parents=True)
        (folder / "requirements").mkdir()
        for name in FILES:
            shutil.copy(ROOT / name, folder / name)
        (folder / "setup.cfg").write_text("[metadata]\nname = tiny\nversion = 1.0\n")
        (folder / "pyproject.toml").write_text(_PYPROJECT)
        (folder / "backend.py").write_text(_BACKEND)
        runner = self.publish("runner", "1.0", "Requires-Dist: cover[toml] >=1.0\n")
        cover = self.publish("cover", "1.0", 'Provides-Extra: toml\nRequires-Dist: more ; extra == "toml"\n')
        self.publish("cover", "1.1", 'Provides-Extra: toml\nRequires-Dist: more ; extra == "toml"\n')
        self.lock(runner=("1.0", runner), cover=("1.0", cover), more=("1.0", self.publish("more", "1.0")))

    def publish(self, name: str, version: str, asks: str = "") -> str:
        """A wheel on the index; its hash."""
        path = self.index / f"{name}-{version}-py3-none-any.whl"
        about = f"{name}-{version}.dist-info"
        files = {
            f"{name}.py": f"VERSION = {version!r}\n",
            f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{asks}",
            f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{file},sha256={_digest(text)},{len(text)}\n" for file, text in files.items())
        with zipfile.ZipFile(path, "w") as wheel:
            for file, text in {**files, f"{about}/RECORD": f"{record}{about}/RECORD,,\n"}.items():
                wheel.writestr(file, text)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def lock(self, **pins: tuple[str, str]) -> None:
        """What the lock holds from now on: versions and hashes."""
        lines = [f"{name}=={version} \\\n    --hash=sha256:{digest}\n" for name, (version, digest) in pins.items()]
        (self.folder / "requirements" / "demo.lock").write_text("".join(lines))

    def settings(self) -> dict[str, str]:
        """pip's, so that it asks this index alone."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.index)}

    def command(self) -> list[str]:
        """What makes .venv ready."""
        return ["sh", str(self.folder / "requirements" / "setup.sh"), "demo"]

    def set_up(self, *before: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end, as an argument of the command `before` if there is one."""
        command = [*before, *self.command()]
        return subprocess.run(
            command,
            env=self.settings(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def version(self, name: str) -> str:
        """Of an installed package."""
        asking = f"import {name}; print({name}.VERSION)"
        done = subprocess.run(
            [self.folder / ".venv" / "bin" / "python", "-c", asking],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout.strip()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
