"""What the doctor and its peers said of each fault, as a table in Markdown."""

MARK = "<!-- From here on made by ./dev lab --doctor --peers --table -->\n"
SAYS_MOST = 64


def cell(text):
    text = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= SAYS_MOST else text[:SAYS_MOST] + "…"


def rows(named, peers):
    yield "| world | truth | `afloat check` | s | " + " | ".join(f"`{peer}`" for peer in peers) + " |"
    yield "| --- " * (4 + len(peers)) + "|"
    for name, row in named.items():
        said = row["command"]["said"]
        shown = said if row["command"]["right"] else f"**{said}**"
        cells = [f"{name}: {row['what']}", row["verdict"], shown, row["command"]["seconds"]]
        cells += [cell(row[peer]["says"]) for peer in peers]
        yield "| " + " | ".join(str(one) for one in cells) + " |"


def write(path, named, versions, summary, jobs):
    """Anew behind the mark. jobs: so many worlds were there at a time."""
    text = path.read_text()
    if MARK not in text:
        raise ValueError(f"{path} has no line {MARK!r}")
    said = (f"{summary} Bold is what was wrong; s is how long it took in seconds, with {jobs} "
            "worlds at a time on one machine.\n")
    if versions:
        said += "Peers: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".\n"
    table = "\n".join(rows(named, list(versions)))
    path.write_text(text.split(MARK)[0] + MARK + "\n" + said + "\n" + table + "\n")
