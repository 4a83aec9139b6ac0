// A running edge as a process: start in an order that leaves nothing half started, signals, reload,
// and the end.
#pragma once

#include "main/settings.h"

// The settings of one generation with the memory they live in. From memory_alloc.
struct loaded_settings {
    struct arena arena;
    struct settings settings;
};

// From a file, or from YAML text when path is NULL. On failure prints every mistake to stderr and
// returns NULL.
struct loaded_settings *settings_load(const char *path, struct slice yaml) MUST_CHECK;
void settings_free(struct loaded_settings *loaded);

// Runs until SIGTERM or SIGINT; takes over loaded. On SIGHUP, and when a certificate's file
// changes, all is read again: config_path or, when it is NULL, yaml. Returns the exit status: 0, or
// 1 after one clear line on stderr.
int process_run(const char *config_path, struct slice yaml, struct loaded_settings *loaded);

// The state directory that settings or a flag name, or the default for this user, into buffer.
// False if it does not fit or, without $HOME, cannot be known.
bool state_directory(struct slice named, char *buffer, size_t size) MUST_CHECK;
