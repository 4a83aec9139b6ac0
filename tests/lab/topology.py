"""Who stands where in a world, and ip's commands that make it so. The README has a picture.

All addresses are those for documentation (RFC 5737, RFC 3849), but for the visitor's home."""

TREE = {  # machine: who is next on its way to the internet, its addresses
    "internet": (None, ["198.51.100.1", "2001:db8:100::1"]),
    "provider": ("internet", ["203.0.113.1", "2001:db8:113::1"]),
    "router": ("provider", ["203.0.113.7", "2001:db8:113::7"]),
    "visitor": ("router", ["192.168.7.10", "2001:db8:7::10"]),
    "resolver": ("provider", ["203.0.113.53", "2001:db8:113::53"]),
    "near": ("provider", ["198.51.100.80", "2001:db8:80::80"]),
    "far": ("internet", ["198.51.100.80", "2001:db8:80::80"]),
    "site": ("internet", ["198.51.100.10", "198.51.100.11", "2001:db8:10::10",
                          "2001:db8:10::11"]),
    "public": ("internet", ["198.51.100.53", "2001:db8:53::53"]),
    "parked": ("internet", ["198.51.100.66"]),
    "vantage": ("internet", ["192.0.2.90", "2001:db8:90::90"]),
}
# The CDN's place in the provider's network has the same address as the far one, so that it is told
# to nobody beyond. (An answer to what it asks itself would go to the far one.)
UNANNOUNCED = {"near"}
HOME = {4: "192.168.7.1", 6: "2001:db8:7::1"}  # the router's, the visitor's gateway
NETWORKS = {4: 24, 6: 64}  # how long their prefixes are at home; elsewhere each stands alone
ALONE = {4: 32, 6: 128}


def version(address):
    return 6 if ":" in address else 4


def outward(machine):
    """Its interface on the way to the internet; those of the others have their names."""
    return "eth0" if machine == "visitor" else "wan"


def below(machine):
    return [name for name, (above, _) in TREE.items() if above == machine]


def gateways(machine):
    """The addresses that the next one above has for it."""
    return list(HOME.values()) if machine == "visitor" else TREE[TREE[machine][0]][1]


def lengths(machine):
    return NETWORKS if machine == "visitor" else ALONE


def reached_through(machine):
    """What is announced of a machine and those below it. Home is private; its IPv6 network is
    not."""
    yield from TREE[machine][1]
    for name in below(machine):
        if name == "visitor":
            yield "2001:db8:7::/64"
        elif name not in UNANNOUNCED:
            yield from reached_through(name)


def way(machine, address):
    if address in TREE[machine][1]:
        return f"dev {machine}"
    via = next(own for own in TREE[machine][1] if version(own) == version(address))
    return f"via {via} dev {machine} onlink"


def links(namespace):
    """namespace(machine) is the name of its network."""
    for machine, (above, _) in TREE.items():
        if above:
            yield (f"link add name {outward(machine)} netns {namespace(machine)} type veth "
                   f"peer name {machine} netns {namespace(above)}")


def settings(machine):
    """Of one machine: itself, the way up, and the ways down."""
    above, addresses = TREE[machine]
    out, onlink = outward(machine), "" if machine == "visitor" else "onlink"
    yield "link set dev lo up"
    if above:
        yield f"link set dev {out} up"
        for address in addresses:
            yield f"address add {address}/{lengths(machine)[version(address)]} dev {out}"
        for gateway in gateways(machine):
            yield f"route add default via {gateway} dev {out} {onlink}"
    for name in below(machine):
        yield f"link set dev {name} up"
        for gateway in gateways(name):
            yield f"address add {gateway}/{lengths(name)[version(gateway)]} dev {name}"
        if name != "visitor":
            for address in reached_through(name):
                yield f"route add {address} {way(name, address)}"
