// The proxy that the environment names, as curl understands it: http_proxy in lower case only (a
// web server's program finds a stranger's field Proxy in HTTP_PROXY), https_proxy and all_proxy in
// either, lower case first; empty is unset. no_proxy has domains with all that is below them,
// addresses and their ranges, between commas or blanks, or is "*".
#pragma once

#include "base/arena.h"
#include "doctor/facts.h"

// environment: "NAME=value", NULL at the end. False: no variable holds for this target. The proxy
// is as it stands there, with the user name and password that it may have. Views.
bool proxy_variable_find(char *const *environment, const struct target *target,
    struct slice *ret_variable, struct slice *ret_proxy) MUST_CHECK;
// Without userinfo, for whoever shows it. data NULL: the arena is full.
struct slice proxy_variable_without_secrets(struct slice proxy, struct arena *arena) MUST_CHECK;
