// The hosts file (hosts(5)): addresses that somebody wrote down on this machine, which programs
// believe before they ask anybody.
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "io/address.h"

#define HOSTS_FILE_MAX ((size_t)64 << 20) // lists of what is to be blocked have some megabytes
#define HOSTS_LINE_MAX 4096               // what stands beyond it in a line is ignored

// The first line that has the name, of the family (0: of either). The address has the port; the
// line is in the arena, without comment. NOT_FOUND: none, or there is no file. MEMORY, SYSTEM.
enum error hosts_find(const char *path, struct slice host, uint16_t port, int family,
    struct arena *arena, struct slice *ret_line, struct address *ret_address) MUST_CHECK;
