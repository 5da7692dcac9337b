"""The examples against the shapes of ECS, a linter of CloudFormation, and the rules of FireLens."""

import json

import boto3
import botocore.session
import pytest
from botocore.validate import ParamValidator
from cfnlint import api
from cfnlint.config import ManualArgs
from cfnlint.decode import decode
from conftest import ROOT, SYSTEMS, example, migrate, read_task
from moto import mock_aws

TASKS = [*(f"{system}/task.json" for system in SYSTEMS), "ecs-task.json", "awslogs/before.json", "logspout/app-task.json"]
CREATING = {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:PutRetentionPolicy"}


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
    assert (status, told) == (0, "")


def write(path, value):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, default=str))
    return path


@pytest.mark.parametrize("path", TASKS)
def test_a_task_definition_keeps_the_rules_of_firelens(path):
    assert migrate("rules", example(path)) == (0, "")


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


def needed(system):
    """The IAM actions that the outputs of an example need, as the tool tells them."""
    inputs = [path for name in ["task.json", "router.conf"] if (path := example(f"{system}/{name}")).exists()]
    texts = [migrate(path)[1].partition("IAM actions of the task role\n")[2] for path in inputs]
    return {action for text in texts for action in text.split()}


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_role_of_a_template_allows_just_what_the_outputs_need(system):
    (policy,) = template_of(system)["Resources"]["TaskRole"]["Properties"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert set(statement["Action"]) == needed(system)


def test_the_tool_makes_the_awslogs_task_of_the_one_before():
    status, told = migrate(example("awslogs/before.json"))
    assert status == 0
    _, _, text = told.partition('"logConfiguration": ')
    options = json.JSONDecoder().raw_decode(text)[0]["options"]
    (web,) = [c for c in read_task("awslogs/task.json")["containerDefinitions"] if c["name"] == "web"]
    assert options == web["logConfiguration"]["options"]
