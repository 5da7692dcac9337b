"""What of a migrated file a Fluent Bit can be started with as a whole.

A configuration is started as it is written, a task definition by what ECS makes of it. Only what
belongs to the machine is another: the names that a template or the environment has, ports, paths, and
outputs of other plugins, which would reach real services, are `null`, and inputs that this Fluent Bit was
built without are left out."""

import functools
import json
import os
import re
import subprocess
from pathlib import Path

import yaml
from conftest import ROOT
from documents import KINDS, any_case, lower, of_sections, tree, values
from router import free_port, section

TASK_ID = "0f9de17a6465404e8b1b2356dc13c2f8"
PARSERS = section("PARSER", Name="json", Format="json")
"""As much as the fixtures need of the parsers of Fluent Bit's image."""
LINE = "WARN GET /cart ERROR"
"""It passes the patterns of the fixtures."""


class Started:
    """A configuration, its environment, what feeds it, and the outputs that must deliver."""

    def __init__(self, config, aws, ours, name="fluent-bit.conf", tags=(), socket=None):
        self.config, self.name, self.tags, self.socket = config, name, tags, socket
        self.ours = [output for output in ours if output.get("name") in KINDS]
        names = set(re.findall(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", config + json.dumps(ours)))
        self.env = {name: known(name) for name in names} | {"AWS_ENDPOINT_URL": aws.url}

    def feed(self, docker):
        """Sends a line of each container, as Docker's driver does."""
        for tag in self.tags:
            with docker.container(tag, "unix") as container:
                container.log(LINE)


def known(name):
    """A value for what a template or the environment would say."""
    name = name.lower()
    if "region" in name:
        return "us-east-1"
    return "arn:aws:iam::123456789012:role/known" if "role" in name else "known"


def filled(key, value):
    """An option's value with what is not known in it, but for Fluent Bit's own environment."""
    if isinstance(value, bool):
        return str(value).lower()
    return re.sub(r"\$\{([^}]*)\}", lambda found: known(key + found[1]) if key != "log_group_name" else "known", str(value))


def made(path, files, aws, docker):
    """`(how, Started)`, or why it cannot be started as a whole and `None`."""
    if path.name.startswith("Dockerfile"):
        return "a Dockerfile has no configuration", None
    if path.suffix in (".ts", ".py"):
        return "only `cdk synth` makes a task of a program", None
    for node in nodes(path, files):
        containers = containers_of(node)
        if containers and any(router(it) for it in containers):
            started = task(containers, files, aws, docker)
            if started.ours:
                return "whole, by the configuration that ECS makes of it", started
    for name, text in files.items():
        if name.endswith(".conf") and "[OUTPUT]" in text and (name == "fluent-bit.conf" or len(files) == 1 or name == "router.conf"):
            return "whole, as it is written", classic(text, files, aws, docker)
        if name == "fluent-bit.conf" and "@INCLUDE" in text:
            return "whole, as it is written", classic(text, files, aws, docker)
    for node in nodes(path, files):
        if isinstance(node, dict) and node.get("kind") == "ConfigMap" and "fluent-bit.conf" in node.get("data", {}):
            return "whole, as it is written", classic(node["data"]["fluent-bit.conf"], node["data"], aws, docker)
        if isinstance(node, dict) and isinstance(node.get("pipeline"), dict) and "outputs" in node["pipeline"]:
            return "whole, as it is written", of_yaml(node, aws)
        config = node.get("config") if isinstance(node, dict) else None
        if isinstance(config, dict) and "outputs" in config:
            parts = [config.get(key, "") for key in ("service", "inputs", "filters", "outputs")]
            return "whole, as the chart joins its parts", classic("\n".join(parts), {}, aws, docker)
        if isinstance(node, str) and node.lstrip().startswith("[OUTPUT]") and "additionalOutputs" not in files.get(path.name, ""):
            return "whole, as it is written", classic(node, {}, aws, docker)
    if path.suffix == ".tf" or any(name.endswith(".tf") for name in files):
        why = why_no_output(files)
        return "Terraform alone evaluates its functions" if why == NO_OUTPUT else why, None
    if any(key in text for text in files.values() for key in ("cloudWatch:", "firehose:")):
        return "the chart's templates make its outputs", None
    return why_no_output(files), None


def why_no_output(files):
    """Why no output of the plugins here can be made of the files alone."""
    text = "\n".join(files.values())
    reasons = (why for pattern, why in WITHOUT_OUTPUT.items() if re.search(pattern, text))
    return next(reasons, NO_OUTPUT)


NO_OUTPUT = "no output of the plugins here is in it"
WITHOUT_OUTPUT = {
    r'"config-file-type": "s3"': "its outputs are in a file in S3, which is not given",
    r"(?m)^(\s+extends|includes):": "its outputs are in a file that it includes, which is not given",
    r'"type": "fluentd"': "its router is Fluentd",
    r"options\s+= var\.options|, var\.options\)": "its outputs are in a variable, which is not given",
    r"namespace: aws-observability": "its Fluent Bit is AWS's own, which loads no plugin",
}


def nodes(path, files):
    """Every value of the files that Python's own parsers can read."""
    for name, text in files.items():
        if name.endswith(".tf"):
            for body in re.findall(r"<<-?(\w+)\n(.*?)\n\s*\1\b", text, re.DOTALL):
                yield from heredoc(body[1])
        elif name.endswith((".json", ".tpl", ".tftpl", ".yaml", ".yml")):
            yield from values(tree(Path(name), text))


def heredoc(text):
    """The values of a text in Terraform that is a document."""
    lines = [line for line in text.splitlines() if line.strip()]
    margin = min(len(line) - len(line.lstrip()) for line in lines)
    text = "\n".join(line[margin:] for line in text.splitlines())
    if re.match(r"\s*\[[A-Z_]+\]\n", text):
        yield text
    elif text.lstrip().startswith(("[", "{")):
        yield from values(tree(Path("x.json"), text))
    elif re.match(r"\w+:", text):
        yield from values(tree(Path("x.yaml"), text))


def containers_of(node):
    """The containers of a task definition, a compose file or a manifest; each with its name."""
    if isinstance(node, list) and any(isinstance(it, dict) and (router(it) or logs_of(it)) for it in node):
        return [it for it in node if isinstance(it, dict)]
    if not isinstance(node, dict):
        return []
    listed = any_case(node, "containerdefinitions")
    if isinstance(listed, str) and listed.startswith("["):
        listed = json.loads(listed)
    if isinstance(listed, dict):
        return [{"name": name, **it} for name, it in listed.items()]
    if isinstance(listed, list):
        return [it for it in listed if isinstance(it, dict)]
    services = node.get("services")
    if isinstance(services, dict) and all(isinstance(it, dict) for it in services.values()):
        return [{"name": name, "firelens": "log-router" in it.get("image", ""), **it} for name, it in services.items()]
    logging = node.get("logging")
    if isinstance(logging, dict) and "destination" in logging:
        app = {"name": node.get("name"), "logConfiguration": {"logDriver": "awsfirelens", "options": logging["destination"],
               "secretOptions": [{"name": key} for key in logging.get("secretOptions") or {}]}}
        return [{"name": "firelens_container", "firelens": True}, app]
    return []


def router(container):
    return container.get("firelens") or any_case(container, "firelensconfiguration")


def logs_of(container):
    logs = any_case(container, "logconfiguration", "logging")
    is_routed = isinstance(logs, dict) and any_case(logs, "logdriver", "driver") == "awsfirelens"
    return logs if is_routed else None


def task(containers, files, aws, docker):
    """What ECS makes of a task."""
    definitions, tags, ours = [], [], []
    for index, container in enumerate(containers):
        name = filled("", any_case(container, "name") or f"container-{index}")
        definition = {"name": name}
        if firelens := router(container):
            options = any_case(firelens, "options") if isinstance(firelens, dict) else None
            definition["firelensConfiguration"] = {"options": {key: filled("", it) for key, it in (options or {}).items()}}
        if logs := logs_of(container):
            options = {key: filled(key.lower(), it) for key, it in (any_case(logs, "options") or {}).items() if it is not None}
            secrets = [{"name": any_case(secret, "name")} for secret in any_case(logs, "secretoptions") or []]
            definition["logConfiguration"] = {"logDriver": "awsfirelens", "options": options, "secretOptions": secrets}
            if options:
                tags.append(f"{name}-firelens-{TASK_ID}")
        definitions.append(definition)
    document = {"family": "known", "networkMode": "awsvpc", "containerDefinitions": definitions}
    place = docker.path.parent / "task.json"
    place.write_text(json.dumps(document))
    tool = Path(os.environ["TOOL_DIR"]) / "firelens"
    command = [tool, place, docker.path, str(docker.port), str(free_port())]
    config = subprocess.run(command, capture_output=True, text=True)
    if config.returncode:
        # A task without a Name or without a router is left to do by hand.
        return Started("", aws, [])
    config = adapted(config.stdout, files, docker)
    ours = [lower(output) for output in of_sections(config)]
    for name, text in files.items():
        if name.endswith(".conf") and f"/{name}" in config:
            ours += [lower(output) for output in of_sections(text)]
    started = Started(section("SERVICE", Flush=0.2, Grace=5) + config, aws, ours, tags=tags)
    started.env |= {name: known(name) for name in re.findall(r"\$\{(\w+)\}", config)}
    # ECS tells it on Fargate.
    started.env.setdefault("AWS_REGION", "us-east-1")
    return started


def classic(text, files, aws, docker):
    """A configuration, with a record for each of its outputs."""
    whole = text + "\n".join(files[name] for name in re.findall(r"@INCLUDE\s+(\S+)", text) if name in files)
    for pattern in re.findall(r"@INCLUDE\s+(\S*\*\S*)", text):
        whole += "\n".join(text for name, text in files.items() if Path(name).match(pattern))
    ours = [lower(output) for output in of_sections(whole)]
    config = adapted(text, files, docker)
    more = section("SERVICE", Flush=0.2, Grace=5, HTTP_Port=free_port())
    return Started(config + "\n\n" + more + dummies(ours), aws, ours)


def dummies(outputs):
    """An input for each output, whose tag it matches."""
    tags = {str(output.get("match", "*")).replace("*", "x") for output in outputs if output.get("name") in KINDS}
    return "".join(section("INPUT", Name="dummy", Samples=1, Dummy=json.dumps({"log": LINE}), Tag=tag) for tag in sorted(tags))


def adapted(text, files, docker):
    """A classic configuration on this machine: its included files in the folder of the test, its ports free, and the
    outputs of others to `null`."""
    place = docker.path.parent
    included = re.findall(r"(?m)^\s*@INCLUDE\s+(\S+)", text)
    for pattern in included:
        name = pattern.rsplit("/", 1)[-1]
        shipped = ROOT / "fluent-bit/configs" / name
        found = {own: it for own, it in files.items() if Path(own).match(name)}
        found = found or {name: shipped.read_text() if shipped.exists() else "# it is not here\n"}
        for own, it in found.items():
            (place / own).write_text(adapted(it, files, docker))
        text = text.replace(f"@INCLUDE {pattern}", f"@INCLUDE {place}/{name}")
    (place / "parsers.conf").write_text(PARSERS)
    text = re.sub(r"(?m)^(\s*Parsers_File\s+)\S+", rf"\g<1>{place}/parsers.conf", text)
    return "".join(part if part.lstrip()[:1] != "[" else of_this_machine(part) for part in re.split(r"(?m)^(?=\s*\[)", text))


@functools.cache
def built_in():
    """The plugins that this Fluent Bit was built with."""
    said = subprocess.run([os.environ["FLUENT_BIT"], "-h"], capture_output=True, text=True).stdout
    return set(re.findall(r"(?m)^\s+([a-z_0-9]+) ", re.sub(r"\x1b\[[0-9;]*m", "", said)))


def of_this_machine(part):
    name = re.search(r"(?mi)^\s*name\s+(\S+)", part)
    name = name[1].lower() if name else ""
    # Fluent Bit takes quotes for a part of the name, and refuses it.
    if part.lstrip().upper().startswith("[OUTPUT]") and name.strip('"') not in KINDS:
        match = re.search(r"(?mi)^\s*match\s+(\S+)", part)
        return section("OUTPUT", Name="null", Match=match[1] if match else "*")
    if part.lstrip().upper().startswith("[INPUT]") and name not in built_in():
        return ""
    if name == "forward" and not re.search(r"(?mi)^\s*(port|unix_path)\s", part):
        return part.rstrip() + f"\n    Port {free_port()}\n\n"
    return part


def of_yaml(node, aws):
    """A configuration in YAML, with a record for each of its outputs."""
    config = json.loads(json.dumps(node))
    pipeline = config["pipeline"]
    for entry in pipeline.get("inputs", []):
        if entry["name"] == "forward":
            entry.setdefault("port", free_port())
    outputs = pipeline["outputs"]
    pipeline["outputs"] = [it if it["name"] in KINDS else {"name": "null", "match": it.get("match", "*")} for it in outputs]
    ours = [lower(output) for output in outputs]
    tags = sorted({str(output.get("match", "*")).replace("*", "x") for output in ours})
    dummy = [{"name": "dummy", "samples": 1, "dummy": json.dumps({"log": LINE}), "tag": tag} for tag in tags]
    pipeline["inputs"] = pipeline.get("inputs", []) + dummy
    config["service"] = config.get("service", {}) | {"flush": 0.2, "grace": 5}
    return Started(yaml.safe_dump(config, sort_keys=False), aws, ours, name="fluent-bit.yaml")
