"""Compiles logpool's compiled part, and its grammars, when the package is installed, or a wheel of it built.

With the machine's own C compiler (``CC``, or ``cc``), GCC or Clang; where that is not there, with the one that the
package ``ziglang`` brings, so that Python and pip are all that it takes (``CC=none`` chooses it). For 64 bits.
"""

from __future__ import annotations

import compileall
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zlib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_HERE = "logpool/native"
_FLAGS = ("-std=c11", "-O3", "-Wall", "-Wextra", "-shared", "-fPIC", "-fvisibility=hidden")
_ENDINGS = {"win32": "dll", "darwin": "dylib"}


def _own_compiler() -> list[str]:
    """The machine's compiler; empty where there is none."""
    command = shlex.split(os.environ.get("CC", "cc"))
    return command if command and shutil.which(command[0]) else []


class CompilingHook(BuildHookInterface[Any]):
    """Puts what is compiled beside its sources, and into the wheel."""

    def dependencies(self) -> list[str]:
        """What building needs besides."""
        return ["lark>=1.2", *([] if _own_compiler() else ["ziglang>=0.13"])]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compiles."""
        self._compile(build_data)
        self._save_parsers(build_data)
        if version == "editable":
            # as pip does with what it installs: where Python may not write (``PYTHONDONTWRITEBYTECODE``), it would
            # compile all modules each time that the command starts, which takes longer than most logs
            compileall.compile_dir(Path(self.root, "logpool"), quiet=1)

    def _save_parsers(self, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, self.root)
        from logpool.read.grammar import PARSERS, save_parsers  # noqa: PLC0415 - of the package that is being built

        save_parsers()
        build_data["artifacts"].append(f"logpool/read/{PARSERS.name}")

    def _compile(self, build_data: dict[str, Any]) -> None:
        folder = Path(self.root, _HERE)
        made = folder / f"_native.{_ENDINGS.get(sys.platform, 'so')}"
        sources = sorted(folder.glob("*.[ch]"))
        # left alone, zig compiles for the very processor that it runs on
        command = _own_compiler() or [sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline"]
        # by which a library is known that was compiled from other ones
        number = zlib.crc32(b"".join(path.read_bytes() for path in sources))
        compiled = [str(path) for path in sources if path.suffix == ".c"]
        # whoever uses the one that is there may go on with it
        with tempfile.TemporaryDirectory(dir=folder) as waiting:
            whole = Path(waiting, made.name)
            subprocess.run([*command, *_FLAGS, f"-DLOGPOOL_SOURCES={number}u", "-o", str(whole), *compiled], check=True)  # noqa: S603
            whole.replace(made)
        build_data["artifacts"].append(f"{_HERE}/{made.name}")
        build_data["pure_python"] = False
        # it needs nothing of the interpreter: any will do
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
