"""The monitoring kit is a template that CloudFormation takes."""

import subprocess
import sys
from pathlib import Path

TEMPLATE = Path("examples/monitoring/alarms.yaml")


def lint(template):
    command = [Path(sys.executable).with_name("cfn-lint"), "--regions", "eu-west-1", "--", template]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_template_has_nothing_to_complain_of():
    found = lint(TEMPLATE)
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_mistake_in_it_would_be_found(tmp_path):
    broken = tmp_path / "alarms.yaml"
    broken.write_text(TEMPLATE.read_text().replace("ComparisonOperator: GreaterThan", "ComparisonOperator: More"))
    assert "More" in lint(broken).stdout
