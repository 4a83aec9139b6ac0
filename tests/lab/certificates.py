"""The authorities and certificates of the laboratory, made anew each time by openssl."""

import functools
import pathlib
import shutil
import ssl
import subprocess

FOLDER = pathlib.Path("/run/lab/certificates")
TRUSTED = FOLDER / "trusted"  # bound over /etc/ssl/certs
SITE = ["www.site.test", "site.test", "*.site.test"]
CDN = ["shop.test", "news.test", "*.cdn.test"]
PUBLIC = ["dns.public.test", "captive.public.test", "well.public.test"]
# As many as a CDN puts into one certificate: it does not fit into one packet.
CROWD = [f"customer-{number:02}.cdn.test" for number in range(60)]
LEAVES = {  # name: (whose signature, names, days valid, faketime's clock while it is made)
    "site": ("middle", SITE + CROWD, 90, None),
    "cdn": ("middle", CDN + CROWD, 90, None),
    "public": ("middle", PUBLIC, 90, None),
    "parked": ("middle", ["parked.test"], 90, None),
    "elsewhere": ("middle", ["elsewhere.test"], 90, None),
    "expired": ("middle", SITE, 60, "-100d"),
    "self-signed": (None, SITE, 90, None),
    "portal": (None, ["portal.hotel.test"], 90, None),
    "forged": ("nobody", SITE + CDN + PUBLIC, 90, None),
}


def request(name, subject, signer, extensions, days=900, clock=None):
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
           "-keyout", f"{name}.key"]
    signed = ["-CA", f"{signer}.pem", "-CAkey", f"{signer}.key"] if signer else []
    added = [word for extension in extensions for word in ("-addext", extension)]
    then = ["faketime", "-f", clock] if clock else []
    subprocess.run([*then, "openssl", "req", "-x509", *key, *signed, "-subj", subject, *added,
                    "-days", str(days), "-out", f"{name}.pem"], cwd=FOLDER, check=True,
                   stderr=subprocess.DEVNULL)


def authority(name, subject, signer=None):
    request(name, subject, signer, [] if signer is None else ["basicConstraints=critical,CA:TRUE"])


def make():
    FOLDER.mkdir()
    authority("root", "/O=Afloat Laboratory/CN=Laboratory Root")
    authority("middle", "/O=Afloat Laboratory/CN=Laboratory Authority 1", "root")
    authority("nobody", "/O=Box in the Middle/CN=Web Filter")
    for name, (signer, names, days, clock) in LEAVES.items():
        alternatives = "subjectAltName=" + ",".join("DNS:" + n for n in names)
        request(name, f"/CN={names[0]}", signer,
                [alternatives, "basicConstraints=critical,CA:FALSE"], days, clock)
    middle = (FOLDER / "middle.pem").read_text()
    shutil.copy(FOLDER / "site.pem", FOLDER / "alone.pem")  # the chain forgotten
    shutil.copy(FOLDER / "site.key", FOLDER / "alone.key")
    for name, (signer, *_) in LEAVES.items():
        if signer == "middle":
            with (FOLDER / f"{name}.pem").open("a") as chain:
                chain.write(middle)
    trust()


def trust():
    """The one authority, to be found as a bundle and by its hash."""
    root = FOLDER / "root.pem"
    found = subprocess.run(["openssl", "x509", "-noout", "-hash", "-in", root], text=True,
                           stdout=subprocess.PIPE, check=True).stdout.strip()
    TRUSTED.mkdir()
    shutil.copy(root, TRUSTED / "ca-certificates.crt")
    shutil.copy(root, TRUSTED / f"{found}.0")


@functools.cache
def context(name, protocols):
    """What a server needs to speak TLS with that certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(FOLDER / f"{name}.pem", FOLDER / f"{name}.key")
    made.set_alpn_protocols(list(protocols))
    return made
