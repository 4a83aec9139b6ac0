#!/usr/bin/python3
"""The documentation that is made from the tables of settings: tools/docs.py CHECK|write BINARY

settings, schema, check
                   the committed file is what the binary writes
example            the example in packaging/ and in README.md fits the schema, and check-config takes it
write              writes the files anew
"""

import difflib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
import yaml

TOP = pathlib.Path(__file__).resolve().parent.parent
FILES = {"settings": TOP / "docs" / "settings.md", "schema": TOP / "docs" / "afloat.schema.json",
         "check": TOP / "docs" / "check.schema.json"}


def generate(binary, what):
    return subprocess.run([binary, "dump-docs", what], stdout=subprocess.PIPE, text=True, check=True).stdout


def compare(binary, what):
    made, committed = generate(binary, what), FILES[what].read_text()
    if made == committed:
        return 0
    name = str(FILES[what].relative_to(TOP))
    sys.stdout.writelines(difflib.unified_diff(committed.splitlines(True), made.splitlines(True), name, "the tables"))
    print(f"{name} is not what the tables say: ./dev docs")
    return 1


def example(binary):
    schema = json.loads(FILES["schema"].read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    texts = {"packaging/afloat.yaml": (TOP / "packaging" / "afloat.yaml").read_text()}
    for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", (TOP / "README.md").read_text(), re.M | re.S)):
        texts[f"README.md, block {number + 1}"] = block
    failed = 0
    for name, text in texts.items():
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            checked = subprocess.run([binary, "check-config", file.name], capture_output=True, text=True, check=False)
        if checked.returncode != 0:
            print(f"{name}: check-config refuses it:\n{checked.stdout}{checked.stderr}")
            failed = 1
        for mistake in jsonschema.Draft7Validator(schema).iter_errors(yaml.safe_load(text)):
            print(f"{name}: the schema refuses it: {mistake.message}")
            failed = 1
    return failed


def main():
    what, binary = sys.argv[1:]
    if what == "write":
        for name, path in FILES.items():
            path.write_text(generate(binary, name))
        return 0
    return example(binary) if what == "example" else compare(binary, what)


if __name__ == "__main__":
    sys.exit(main())
