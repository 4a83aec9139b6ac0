// What the process asks of the operating system once: another user, more descriptors, a word to
// its service manager.
#pragma once

#include "base/base.h"

// Each prints one line to stderr when it fails.
bool system_become(const char *user);                          // group, supplementary groups, user
bool system_give_socket(const char *user, const char *directory); // control.sock, its directory
// Makes it if need be; what is in it goes along. A folder that belongs to others is left alone.
bool system_give_folder(const char *user, const char *path);
// A log file, which the user opens again later; other things than files of ours are left alone.
bool system_give_log(const char *user, const char *path);
void system_raise_file_limit(void);                            // of open files, to the hard limit
// Descriptors that are left of the limit; 0: unknown.
uint64_t system_descriptors_left(void);
// Bytes that this process may take: what the control group allows, else what the machine has.
uint64_t system_memory_limit(void);
// Bytes of it in memory; 0: unknown. statm: /proc/self/statm, open.
uint64_t system_memory_used(int statm);
// sd_notify(3)'s datagram; nothing without $NOTIFY_SOCKET.
void system_notify(const char *state);
