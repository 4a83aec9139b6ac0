// The resolver file (resolv.conf(5)), as far as it says which servers of names are asked.
#pragma once

#include "base/error.h"
#include "io/address.h"

// The first server that is not this machine itself (127.0.0.53: one that asks others) and not the
// address that is excepted, whose port plays no part; family 0: none is. The port is 53.
// NOT_FOUND: there is none, or no file.
enum error resolver_file_first(const char *path, const struct address *except,
    struct address *ret_address) MUST_CHECK;
