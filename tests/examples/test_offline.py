"""The examples against the shapes of ECS, a linter of CloudFormation, and the rules of FireLens."""

import json
import re
from fnmatch import fnmatch

import boto3
import botocore.session
import pytest
from botocore.validate import ParamValidator
from cfnlint import api
from cfnlint.config import ManualArgs
from cfnlint.decode import decode
from conftest import ROOT, SYSTEMS, example, migrate, read_task
from moto import mock_aws
from parliament import analyze_policy_string

TASKS = [*(f"{system}/task.json" for system in SYSTEMS), "ecs-task.json", "awslogs/before.json", "logspout/app-task.json"]
ANSWERS = ROOT / "fluent-bit/migrate/tests/migrate/fixtures"


@pytest.mark.parametrize("path", TASKS)
def test_a_task_definition_has_the_shape_of_ecs(path):
    model = botocore.session.get_session().get_service_model("ecs")
    shape = model.operation_model("RegisterTaskDefinition").input_shape
    assert ParamValidator().validate(read_task(path), shape).generate_report() == ""


@mock_aws
@pytest.mark.parametrize("path", TASKS)
def test_ecs_keeps_how_a_task_logs(path):
    ecs = boto3.client("ecs", region_name="us-east-1")
    task = read_task(path)
    ecs.register_task_definition(**task)
    described = ecs.describe_task_definition(taskDefinition=task["family"])["taskDefinition"]
    for given, kept in zip(task["containerDefinitions"], described["containerDefinitions"], strict=True):
        for key in ["firelensConfiguration", "logConfiguration", "dependsOn"]:
            assert kept.get(key) == given.get(key)
    status, told = migrate("rules", write(ROOT / "target" / "described.json", {"taskDefinition": described}))
    assert status == 0 and re.fullmatch(r"all \d+ rules hold\n", told)


def write(path, value):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, default=str))
    return path


@pytest.mark.parametrize("path", TASKS)
def test_a_task_definition_keeps_the_rules_of_firelens(path):
    status, told = migrate("rules", example(path))
    assert status == 0 and re.fullmatch(r"all \d+ rules hold\n", told)


def template_of(system):
    template, problems = decode(str(example(f"{system}/template.yaml")))
    assert not problems
    return template


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_template_is_clean(system):
    text = example(f"{system}/template.yaml").read_text()
    # Errors and warnings; it has hints besides, for templates of other kinds.
    assert api.lint(text, config=ManualArgs(regions=["us-east-1"])) == []


def camel(value, key=None):
    """As the ECS API spells it; the keys of options are the same in both."""
    if isinstance(value, dict) and key != "Options":
        return {name[0].lower() + name[1:]: camel(member, name) for name, member in value.items()}
    if isinstance(value, list):
        return [camel(member) for member in value]
    return value


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_template_makes_the_task_definition_beside_it(system):
    made = camel(template_of(system)["Resources"]["Task"]["Properties"])
    expected = read_task(f"{system}/task.json")
    expected["taskRoleArn"] = {"fn::GetAtt": ["TaskRole", "Arn"]}
    expected["executionRoleArn"] = {"fn::GetAtt": ["ExecutionRole", "Arn"]}
    expected["containerDefinitions"][0]["image"] = {"ref": "RouterImage"}
    assert json.loads(json.dumps(made)) == expected


def policies(told):
    """The policies that the tool prints, by whose they are."""
    for part in told.split("IAM policy of ")[1:]:
        whose, _, text = part.partition("\n")
        yield whose, json.JSONDecoder().raw_decode(text.strip())[0]


def needed(system, whose):
    """The actions of an identity, each with its resources, as the tool tells them."""
    inputs = [path for name in ["task.json", "router.conf"] if (path := example(f"{system}/{name}")).exists()]
    found = {}
    for path in inputs:
        for name, policy in policies(migrate(path)[1]):
            for statement in policy["Statement"] if name == whose else []:
                # The router's own lines stay with awslogs and the execution role.
                others = {resource for resource in statement["Resource"] if "-router" not in resource}
                for action in statement["Action"] if others else []:
                    found.setdefault(action, set()).update(others)
    return found


def statements(system, role):
    (policy,) = template_of(system)["Resources"][role]["Properties"]["Policies"]
    return policy["PolicyDocument"]["Statement"]


def listed(value):
    return value if isinstance(value, list) else [value]


def known(resource):
    """An ARN of a template, with what CloudFormation puts in."""
    if "Ref" in resource:
        return "*"
    return resource["Fn::Sub"].replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", "*")


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_role_of_a_template_allows_just_what_the_outputs_need(system):
    allowed = {}
    for statement in statements(system, "TaskRole"):
        for action in listed(statement["Action"]):
            allowed.setdefault(action, set()).update(known(resource) for resource in listed(statement["Resource"]))
    wanted = needed(system, "the task role")
    assert set(allowed) == set(wanted)
    for action, resources in wanted.items():
        unaccounted = {re.sub(r":\d{12}:", ":*:", resource) for resource in resources}
        covered = {resource for resource in unaccounted if any(fnmatch(resource, arn) for arn in allowed[action])}
        assert covered == unaccounted, action


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("role", ["TaskRole", "ExecutionRole"])
def test_a_policy_linter_finds_nothing_in_a_role(system, role):
    for statement in statements(system, role):
        assert "*" not in map(known, [r for r in listed(statement["Resource"]) if "Ref" not in r])
    document = {"Version": "2012-10-17", "Statement": [
        dict(statement) | {"Resource": [ROLE if "Ref" in r else known(r).replace(":*:", ":123456789012:", 1) for r in listed(statement["Resource"])]}
        for statement in statements(system, role)
    ]}
    policy = analyze_policy_string(json.dumps(document, default=str))
    # A group's ARN with `:*` behind it is that of its streams, which the linter has no form for.
    assert [finding for finding in policy.findings if finding.issue != "RESOURCE_MISMATCH"] == []


@pytest.mark.parametrize("name", sorted(path.name for path in ANSWERS.glob("*.answer")))
def test_a_policy_linter_finds_nothing_in_what_the_tool_prints(name):
    told = (ANSWERS / name).read_text().partition("-- written\n")[0]
    for _, document in policies(told):
        findings = analyze_policy_string(json.dumps(document)).findings
        assert [finding for finding in findings if finding.issue not in UNAVOIDABLE] == []


ROLE = "arn:aws:iam::123456789012:role/logs"
UNAVOIDABLE = {"RESOURCE_MISMATCH", "RESOURCE_STAR"}
"""What is not known is a star in an ARN, and of a role that is a secret there is the star alone."""


def test_the_tool_makes_the_awslogs_task_of_the_one_before():
    status, told = migrate(example("awslogs/before.json"))
    assert status == 0
    _, _, text = told.partition('"logConfiguration": ')
    options = json.JSONDecoder().raw_decode(text)[0]["options"]
    (web,) = [c for c in read_task("awslogs/task.json")["containerDefinitions"] if c["name"] == "web"]
    assert options == web["logConfiguration"]["options"]
