// What the process asks of the operating system once: another user, more descriptors, a word to
// its service manager.
#pragma once

#include "base/base.h"

// Each prints one line to stderr when it fails.
bool system_become(const char *user);                          // group, supplementary groups, user
bool system_give_to(const char *user, const char *directory);  // the directory and what is in it
void system_raise_file_limit(void);                            // of open files, to the hard limit
// sd_notify(3)'s datagram; nothing without $NOTIFY_SOCKET.
void system_notify(const char *state);
