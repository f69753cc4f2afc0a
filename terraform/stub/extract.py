#!/usr/bin/env python3
"""Writes schema.json: names and types of the arguments of a few AWS resources.

usage: extract.py FOLDER > schema.json

FOLDER is the unpacked npm package @cdktf/provider-aws 21.22.1, which was generated from
version 6.25.0 of the AWS provider. Only facts are taken from it: what arguments there are,
of which type, and which must be given. It does not say which optional arguments AWS fills
in itself, what values are allowed, how many blocks there may be.
"""
import json
import re
import sys
from pathlib import Path

RESOURCES = """
autoscaling_group autoscaling_lifecycle_hook autoscaling_policy cloudwatch_dashboard
cloudwatch_metric_alarm ebs_volume iam_instance_profile iam_role iam_role_policy
iam_role_policy_attachment internet_gateway launch_template lb lb_listener lb_target_group
route route53_health_check route53_record route53_zone route_table route_table_association
s3_bucket s3_bucket_public_access_block s3_object secretsmanager_secret security_group
ssm_parameter subnet volume_attachment vpc vpc_security_group_egress_rule
vpc_security_group_ingress_rule
""".split()
DATA = """
ami availability_zones caller_identity iam_policy_document partition region ssm_parameter
subnet vpc
""".split()
SIMPLE = {"string": "string", "number": "number", "boolean": "bool", "any": "string"}


def attributes_of(text, function):
    """The table of arguments that a conversion function of index.js holds."""
    start = text.index(function)
    table = text[text.index("const attrs = {", start):]
    table = table[: re.search(r"\n\s*};", table).start()]
    found = re.findall(
        r'\n\s+(\w+): {\s+value: (.*?),\n\s+isBlock: (true|false),\s+type: "(\w+)",\s+storageClassType: "(\w+)"',
        table, re.S)
    return {name: (value, block == "true", kind, stored) for name, value, block, kind, stored in found}


def required_of(types, interface):
    """The names of index.d.ts that have no question mark."""
    at = re.search(r"interface %s(Config)? [^{]*{" % re.escape(interface), types)
    if not at:
        return set()
    body = types[at.end():]
    body = body[: body.index("\n}")]
    return set(re.findall(r"#(\w+) [^\n]*}\n(?:(?!\*/).)*?\*/\s+readonly \w+:", body, re.S))


def block_of(text, types, function, interface):
    required = required_of(types, interface)
    block = {"attributes": {}, "blocks": {}}
    for name, (value, is_block, kind, stored) in attributes_of(text, function).items():
        inner = re.search(r"(\w+)ToHclTerraform", value)
        mapper = inner.group(1) if inner else ""
        if stored in SIMPLE:
            block["attributes"][name] = {"type": SIMPLE[stored]}
        elif re.fullmatch(r"(string|number|boolean|any)(List|Map)|(string|number|boolean|any)Set", stored) or kind == "map":
            element = SIMPLE[re.match(r"string|number|boolean|any", stored).group(0)]
            block["attributes"][name] = {"type": [kind, element]}
        elif stored.endswith("List") or stored.endswith("Set") or is_block:
            child_type = re.sub(r"(List|Set)$", "", stored) if kind != "struct" else stored
            child = block_of(text, types, "function %sToHclTerraform" % mapper, child_type)
            nesting = {"list": "list", "set": "set", "struct": "single"}[kind]
            block["blocks"][name] = {"nesting": nesting, "required": name in required, "block": child}
            continue
        else:
            raise SystemExit("%s: %s has the unknown type %s" % (interface, name, stored))
        if name in required:
            block["attributes"][name]["required"] = True
    return block


def computed_of(text, cls):
    body = text[text.index("class %s extends" % cls):]
    found = re.findall(r"// (\w+) - computed: true, optional: false, required: false\s+get \w+\(\) {\s+return (.*?);", body, re.S)
    kinds = {"getStringAttribute": "string", "getNumberAttribute": "number", "getBooleanAttribute": "bool",
             "getListAttribute": ["list", "string"], "getStringMapAttribute": ["map", "string"], "cdktf.Fn": ["set", "string"]}
    out = {}
    for name, how in found:
        for start, kind in kinds.items():
            if start in how:
                out[name] = {"type": kind, "computed": True}
    return out


def schema_of(folder, name):
    text = (folder / "index.js").read_text()
    types = (folder / "index.d.ts").read_text()
    cls = re.search(r"class (\w+) extends cdktf\.Terraform(Resource|DataSource)", text).group(1)
    at = text.index("class %s extends" % cls)
    main = text[at:]
    main = main[main.index("synthesizeHclAttributes"):]
    block = block_of(text[:at] + main, types, "synthesizeHclAttributes", cls)
    for attribute, spec in computed_of(text, cls).items():
        block["attributes"].setdefault(attribute, spec)
    block["blocks"].pop("timeouts", None)
    return block


def main():
    lib = Path(sys.argv[1]) / "lib"
    out = {"version": "6.25.0", "resources": {}, "data": {}}
    for name in RESOURCES:
        out["resources"]["aws_" + name] = schema_of(lib / name.replace("_", "-"), name)
    for name in DATA:
        out["data"]["aws_" + name] = schema_of(lib / ("data-aws-" + name.replace("_", "-")), name)
    out["provider"] = {"attributes": {"region": {"type": "string"}, "profile": {"type": "string"}}, "blocks": {
        "default_tags": {"nesting": "list", "required": False, "block": {"attributes": {"tags": {"type": ["map", "string"]}}, "blocks": {}}}}}
    json.dump(out, sys.stdout, indent=0, sort_keys=True)
    print()


main()
