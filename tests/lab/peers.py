"""What people have today, in each fault: the command that they paste, the check that monitoring
runs, and the way there. None of them gives a verdict, so that their words are written down and not
judged. (httping says no more than curl; those that ask one remote machine need the internet.)"""

import concurrent.futures
import re
import subprocess

CHECK_HTTP = "/usr/lib/nagios/plugins/check_http"
VERSIONS = {"curl": ["curl", "--version"], "check_http": [CHECK_HTTP, "--version"],
            "mtr": ["mtr", "--version"]}


def curl_in(fault, its):
    """curl -v that follows redirects; its last word, or the status line that it got."""
    done = fault.run(its, ["curl", "-vL", "--no-progress-meter", "--max-time", "10",
                           "--max-filesize", "1000000", "-o", "/dev/null", fault.url])
    answers = re.findall(r"(?m)^< (HTTP/\S+ \d+.*?)\s*$", done.output)
    errors = re.findall(r"(?m)^curl: (\(\d+\) .*)$", done.output)
    return done.status, (errors or answers or [""])[-1]


def check_http_in(fault, its):
    """It knows OK, WARNING, CRITICAL and UNKNOWN, with a reason."""
    scheme, _, host = fault.url.rstrip("/").partition("://")
    secure = ["-S", "--sni"] if scheme == "https" else []
    done = fault.run(its, [CHECK_HTTP, "-H", host, "-t", "10", "-f", "follow", *secure])
    return done.status, done.output.strip().partition("|")[0].partition("\n")[0].strip()


def mtr_in(fault, its):
    """By TCP to the site's port; the last hop that it knows."""
    scheme, _, host = fault.url.rstrip("/").partition("://")
    done = fault.run(its, ["mtr", "--report", "--report-cycles", "2", "--no-dns", "--tcp", "--port",
                           {"http": "80", "https": "443"}[scheme], "--timeout", "2",
                           "--gracetime", "2", host])
    lines = done.output.strip().splitlines() or [""]
    return done.status, re.sub(r"\s+", " ", lines[-1]).strip()


ASK = {"curl": curl_in, "check_http": check_http_in, "mtr": mtr_in}


def say(fault, its):
    """{peer: its exit status and one line}; None: it did not end in time."""
    with concurrent.futures.ThreadPoolExecutor(len(ASK)) as pool:
        asked = {name: pool.submit(ask, fault, its) for name, ask in ASK.items()}
        said = {name: words.result() for name, words in asked.items()}
    print(f"  {fault.name}\n" + "\n".join(f"    {name:10} {status}: {words[:100]}"
                                          for name, (status, words) in said.items()), flush=True)
    return {name: {"exit": status, "says": words} for name, (status, words) in said.items()}


def versions():
    said = {name: subprocess.run(words, text=True, stdout=subprocess.PIPE, check=False).stdout
            for name, words in VERSIONS.items()}
    return {name: re.search(r"\d+\.\d+(\.\d+)?|$", text)[0] for name, text in said.items()}
