"""Documents as Python's own parsers read them, and the outputs in them; not by the tool."""

import json
import re

import yaml

KINDS = {"cloudwatch": "events", "firehose": "records", "kinesis": "kinesis"}
"""The plugins here, and what the stand-in calls what each delivers."""
CHOSEN = {*KINDS, "awsfirelens"}
"""What a condition of a template chooses, where it has the choice."""


class Template(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, whose values are unknown."""


def unknown(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        return "${%s}" % node.value if suffix != "Sub" else node.value
    items = loader.construct_sequence(node, deep=True)
    choices = [item for item in items if isinstance(item, (dict, list)) or item in CHOSEN]
    return choices[0] if suffix == "If" and choices else "${x}"


Template.add_multi_constructor("!", unknown)


def tree(path, text):
    """The document as Python's own parsers read it; not by the tool."""
    if path.name.endswith((".json", ".tpl")):
        return resolved(json.loads(re.sub(r"(?<=[:\s])\$\{[^}]*\}", "1", text)))
    if path.suffix in (".yaml", ".yml"):
        return list(yaml.load_all(text, Template))
    return text


def resolved(node):
    """JSON with CloudFormation's functions, whose values are unknown."""
    if isinstance(node, list):
        return [resolved(item) for item in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        (name, argument), = node.items()
        if name == "Fn::If":
            return next((resolved(it) for it in argument[1:] if isinstance(it, dict) and "Ref" not in it), "${x}")
        if name == "Fn::Sub" and isinstance(argument, str):
            return argument
        if name == "Ref" or name.startswith("Fn::"):
            return "${%s}" % (argument if name == "Ref" else "x")
    return {key: resolved(value) for key, value in node.items()}


def of_terraform(text):
    """The options of log configurations in HCL, and in JSON that is a text in it."""
    plain = re.sub(r"\$\{[^}]*\}", "known", text.replace('\\"', '"'))
    maps = dict(re.findall(r"(?m)^\s*(\w+)\s*=\s*(\{[^{}]*\})", plain))
    plain = re.sub(r"\blocal\.(\w+)", lambda found: maps.get(found[1], found[0]), plain)
    for block in re.findall(r'"?options"?\s*[:=]\s*((?:merge|try)\(.*?\)|\{.*?\})', plain, re.DOTALL):
        pairs = re.findall(r'"?([\w-]+)"?\s*[=:]\s*(?:"([^"]*)"|([a-z_.]+))', block)
        yield {key: value or "${%s}" % expression for key, value, expression in pairs}
    yield from of_sections(text)


def of_program(text):
    """The literal options in a program for the CDK; the value of an expression is not known."""
    for block in re.findall(r"\boptions\s*[=:]\s*(\{.*?\})", text, re.DOTALL):
        pairs = re.findall(r"""["']?([\w-]+)["']?\s*:\s*(?:'([^']*)'|"([^"]*)"|[\w.]+)""", block)
        yield {key: single or double or "known" for key, single, double in pairs}


def values(node):
    """Every mapping and text in a document, and in its texts that are documents."""
    yield node
    if isinstance(node, dict):
        for value in node.values():
            yield from values(value)
    elif isinstance(node, list):
        for item in node:
            yield from values(item)
    elif isinstance(node, str):
        yield from inner(node)


def inner(text):
    start = text.lstrip()
    if start.startswith(("<<", "${jsonencode")):
        return
    if start.startswith(("[{", "[\n")):
        try:
            yield from values(json.loads(re.sub(r"(?<=: )\$\{[^}]*\}", "1", text)))
        except ValueError:
            return
    elif "\n" in text and ("ContainerDefinitions:" in text or "outputs: |" in text):
        yield from values(yaml.load(text, Template))


def any_case(node, *keys):
    known = {key.replace("_", "").lower(): value for key, value in node.items()}
    return next((known[key] for key in keys if key in known), None)


def outputs(path, text):
    """The outputs of the plugins here, each as its options."""
    if path.suffix == ".tf":
        yield from of_terraform(text)
        return
    if path.suffix in (".ts", ".py"):
        yield from of_program(text)
        return
    for node in values(tree(path, text)):
        if isinstance(node, dict):
            logs = any_case(node, "logconfiguration", "logging")
            if isinstance(logs, dict) and any_case(logs, "logdriver", "driver") == "awsfirelens":
                yield dict(any_case(logs, "options") or {})
            elif isinstance(logs, dict) and "destination" in logs:
                yield dict(logs["destination"])
            for output in (node.get("pipeline") or {}).get("outputs", []) if isinstance(node.get("pipeline"), dict) else []:
                yield dict(output)
            for key in ("cloudWatch", "firehose"):
                values_of = node.get(key)
                if isinstance(values_of, dict) and values_of.get("enabled"):
                    yield of_chart(key, values_of)
        elif isinstance(node, str) and "[OUTPUT]" in node:
            yield from of_sections(node)


def of_chart(key, values_of):
    """What the chart makes of its values."""
    options = {"Name": key.lower()}
    for name, value in values_of.items():
        if name not in ("enabled", "extraOutputs") and value is not None:
            options[re.sub("([A-Z])", lambda found: "_" + found[1].lower(), name)] = value
    for line in values_of.get("extraOutputs", "").splitlines():
        name, _, value = line.strip().partition(" ")
        options[name] = value.strip()
    return options


def of_sections(text):
    found, is_output = [], False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            is_output = line == "[OUTPUT]"
            found += [{}] if is_output else []
        elif is_output and line and line[0] not in "#@" and " " in line:
            key, _, value = line.partition(" ")
            found[-1][key] = value.strip()
    return found


def lower(options):
    return {str(key).lower(): value for key, value in options.items()}
