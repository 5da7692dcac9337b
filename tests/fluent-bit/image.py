"""The image's files below a folder of a test, and its entry point started there."""

import os
import subprocess
from pathlib import Path

from router import Router

SOURCES = Path(__file__).resolve().parents[2] / "fluent-bit"
TOOLS = Path(os.environ.get("IMAGE_TOOLS", os.environ["TOOL_DIR"])).resolve()
"""Where the programs of the image are; for arm64 they are built elsewhere than the tools of the tests."""
PARSERS = "[PARSER]\n    Name json\n    Format json\n    Time_Key time\n"
"""As much as the configurations need of the parsers that Fluent Bit's own image brings."""


class Image:
    """The paths of the image below `root`; texts that name them name those below it."""

    def __init__(self, root, binary):
        self.root = root
        self.put("fluent-bit/bin/fluent-bit").symlink_to(binary)
        plugins = Path(os.environ["PLUGIN_DIR"])
        for name in ["cloudwatch.so", "firehose.so", "kinesis.so"]:
            self.put(f"fluent-bit/{name}").symlink_to(plugins / name)
        for folder, target in {"etc": "fluent-bit/etc", "configs": "fluent-bit/configs", "ecs": "ecs"}.items():
            for file in (SOURCES / folder).iterdir():
                self.write(f"{target}/{file.name}", file.read_text())
        self.write("fluent-bit/parsers/parsers.conf", PARSERS)

    def put(self, path):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def write(self, path, text):
        """Writes a text of the image, led to this one."""
        place = self.put(path)
        place.write_text(self.led_here(text))
        return place

    def led_here(self, text):
        for path in ["/fluent-bit/", "/ecs/"]:
            text = text.replace(f" {path}", f" {self.root}{path}")
        return text

    def start(self, *command, env=None):
        """The container's process: the entry point with a command."""
        return Container(self, command, env or {})


class Container(Router):
    def __init__(self, image, command, env):
        self.config = image.root / "fluent-bit/etc/fluent-bit.conf"
        self.log = image.root / "output"
        self.command = [TOOLS / "launch", *command]
        self.env = os.environ | {"LAUNCH_ROOT": str(image.root)} | env
        self.process = None

    def ended(self, patience=20):
        """Its exit status, and what it wrote."""
        self.start()
        try:
            return self.process.wait(patience), self.lines()
        except subprocess.TimeoutExpired:
            self.kill()
            raise
