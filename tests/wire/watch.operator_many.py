"""An operator of 5,000 components: what is not well is there to be chosen, everything else is found
by a search that works without a script and forgets nothing that was typed; and the page of a
long incident is whole."""

import hashlib
import re
import subprocess

from harness import BINARY, Backend, Edge, page, wait_until
from visiting import Visitor, hidden

PAGE = "/.afloat/operator"
COUNT = 5000
TOKEN = "a-token-for-programs"
hashed = subprocess.run([BINARY, "hash-password"], input="correct horse\n", text=True,
                        capture_output=True, check=True).stdout.strip()
monitors = "".join(f"    m{number:04}: {{title: \"Job <{number:04}>\", push: {number:032x}}}\n"
                   for number in range(COUNT))
settings = f"""sites: [{{hosts: [shop.example]}}]
status:
  name: Example
  incidents: {{automatic: false}}
  operators:
    people:
      anna: {{password: "{hashed}"}}
      robot: {{token: {hashlib.sha256(TOKEN.encode()).hexdigest()}}}
  monitors:
{monitors}"""
backend = Backend(lambda connection, *_: connection.sendall(page(b"")))


def options(html):
    """Of the first choice that is open, or that there is: those listed, and those chosen."""
    html = html.split("<details class=\"card\" open>")[-1].split("</select></label></p>\n<p><label>"
                                                                "Search")[0]
    listed = re.findall(r'<option value="([^"]*)"( selected)?>', html)
    return [name for name, _ in listed], [name for name, chosen in listed if chosen]


with Edge(backend, settings) as edge:
    anna = Visitor(edge)
    assert anna.ask(PAGE + "/login", {"name": "anna", "password": "correct horse"})[0] == 303
    assert anna.ask(f"/.afloat/push/{4321:032x}/fail", method="POST")[0] == 200
    wait_until(lambda: "major_outage" in anna.ask("/.afloat/api/v2/components.json")[2],
               "one is down")
    status, _, html = anna.ask(PAGE)
    assert status == 200 and "more are not listed" in html, html[:2000]
    assert len(html) < 100_000 and html.count('value="m4321"') == 2 and "</html>" in html
    proof = hidden(html, "proof")

    # A search keeps what was typed and chosen, and opens nothing.
    draft = {"proof": proof, "title": "Jobs <are> late", "state": "identified", "impact": "major",
             "text": "We look.", "eta": "", "component": ["m4321"], "find": "JOB <4999"}
    status, _, html = anna.ask(PAGE + "/incident", draft | {"search": "1"})
    assert status == 200 and 'value="Jobs &lt;are&gt; late"' in html and "We look." in html
    assert options(html) == (["m4321", "m4999"], ["m4321"]), options(html)
    assert "<option selected>identified</option>" in html
    assert html.count("<details class=\"card\" open>") == 1
    status, _, html = anna.ask(PAGE + "/incident", draft | {"find": "nothing", "search": "1"})
    assert status == 200 and options(html) == (["m4321"], ["m4321"]), options(html)
    assert anna.json("/.afloat/api/v2/incidents.json")["incidents"] == []
    # What is refused keeps its choice, too.
    status, _, html = anna.ask(PAGE + "/incident", draft | {"title": ""})
    assert status == 422 and options(html)[1] == ["m4321"], html[:2000]
    chosen = ["m4321", "m4999"]
    assert anna.ask(PAGE + "/incident", draft | {"component": chosen})[0] == 303
    (told,) = anna.json("/.afloat/api/v2/incidents.json")["incidents"]
    assert sorted(one["name"] for one in told["components"]) == ["Job <4321>", "Job <4999>"], told

    # The same in an incident: what was concerned before is known after a search.
    one = f"{PAGE}/incident/{told['id']}"
    status, _, html = anna.ask(one)
    assert status == 200 and options(html)[1] == chosen, options(html)[1]
    change = {"proof": proof, "was_component": chosen, "component": ["m4321"], "find": "m0007",
              "text": "Better."}
    status, _, html = anna.ask(one, change | {"search": "1"})
    assert status == 200 and options(html) == (["m4321", "m0007"], ["m4321"]), options(html)
    assert re.findall(r'name="was_component" value="([^"]*)"', html) == chosen
    assert anna.ask(one, change | {"component": ["m4321", "m0007"]})[0] == 303
    (told,) = anna.json("/.afloat/api/v2/incidents.json")["incidents"]
    assert sorted(one["name"] for one in told["components"]) == ["Job <0007>", "Job <4321>"], told

    # A search in the form of a window is that form's.
    status, _, html = anna.ask(PAGE + "/window", {"proof": proof, "title": "Work", "find": "m0042",
                                                  "search": "1"})
    assert status == 200 and options(html) == (["m0042"], []), options(html)
    assert 'open><summary>Announce maintenance' in html, html[:2000]

    # A program does not search.
    status, _, answer = Visitor(edge).ask(one, {"search": "1", "title": "x" * 201},
                                          Authorization=f"Bearer {TOKEN}")
    assert status == 422, answer

    # A long incident.
    program = Visitor(edge)
    for number in range(100):
        status, _, answer = program.ask(one, {"text": f"{number:03}" + "<" * 3997},
                                        Authorization=f"Bearer {TOKEN}")
        assert status == 200, answer
    status, _, html = anna.ask(one)
    assert status == 200 and len(html) > 800_000 and "</html>" in html, (status, len(html))
