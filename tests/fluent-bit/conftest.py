"""The Fluent Bit to test with, and what stands around it."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from docker import Docker
from image import Image
from router import Router
from stand_in import StandIn


@pytest.fixture(scope="session")
def binary():
    return os.environ["FLUENT_BIT"]


@pytest.fixture(scope="session")
def version(binary):
    told = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.search(r"v(\d+)\.(\d+)\.(\d+)", told).groups()))


@pytest.fixture
def directory():
    """A directory with a short name, as the path of a Unix socket has 108 bytes at most."""
    path = Path(tempfile.mkdtemp(prefix="router-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def aws():
    with StandIn("--delivery-stream", "shop", "--kinesis-stream", "shop") as stand_in:
        yield stand_in


@pytest.fixture
def docker(directory):
    return Docker(directory)


@pytest.fixture
def router(binary, directory):
    """Makes a Fluent Bit of sections: `with router(section, …):`."""

    def router(*sections, **more):
        return Router(binary, directory, "".join(sections), **more)

    return router


@pytest.fixture
def plugins():
    return Path(os.environ["PLUGIN_DIR"])


@pytest.fixture
def image(binary, directory, version):
    """The router image's files; it has Fluent Bit 5."""
    if version < (5, 0, 0):
        pytest.skip("the image has Fluent Bit 5")
    return Image(directory, binary)
