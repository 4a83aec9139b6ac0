// Reading settings, and where the state directory is.
#include "base/memory.h"
#include "main/certificates.h"
#include "main/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_CHUNK_SIZE 16384
#define ARENA_LIMIT ((size_t)256 << 20)

void settings_free(struct loaded_settings *loaded)
{
    if (loaded == NULL)
        return;
    certificates_close(&loaded->settings);
    arena_free(&loaded->arena);
    memory_free(loaded);
}

struct loaded_settings *settings_load(const char *path, struct slice yaml)
{
    struct loaded_settings *loaded = memory_zero_alloc(sizeof(*loaded));
    struct conf_mistakes *mistakes = memory_zero_alloc(sizeof(*mistakes));
    enum error error = ERROR_MEMORY;
    if (loaded != NULL && mistakes != NULL) {
        arena_init(&loaded->arena, ARENA_CHUNK_SIZE, ARENA_LIMIT);
        error = path != NULL
            ? conf_load_file(path, &settings_root, &loaded->arena, &loaded->settings, mistakes)
            : conf_load_text(yaml, &settings_root, &loaded->arena, &loaded->settings, mistakes);
        if (error == ERROR_NONE)
            error = settings_complete(&loaded->settings, &loaded->arena);
        conf_print_mistakes(mistakes, path != NULL ? path : "command line", stderr);
    }
    if (error == ERROR_MEMORY)
        fprintf(stderr, "afloat: out of memory while reading settings\n");
    memory_free(mistakes);
    if (error == ERROR_NONE)
        return loaded;
    settings_free(loaded);
    return NULL;
}

bool state_directory(struct slice named, char *buffer, size_t size)
{
    const char *state_home = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    // systemd's, of a unit that runs as another user: root's `afloat status` must find its socket.
    const char *state_of_unit = getenv("STATE_DIRECTORY");
    int written;
    if (named.size > 0)
        written = snprintf(buffer, size, "%.*s", SLICE_ARGS(named));
    else if (state_of_unit != NULL && state_of_unit[0] == '/')
        written = snprintf(buffer, size, "%.*s", (int)strcspn(state_of_unit, ":"), state_of_unit);
    else if (geteuid() == 0)
        written = snprintf(buffer, size, "/var/lib/afloat");
    else if (state_home != NULL && state_home[0] == '/')
        written = snprintf(buffer, size, "%s/afloat", state_home);
    else if (home != NULL && home[0] == '/')
        written = snprintf(buffer, size, "%s/.local/state/afloat", home);
    else
        return false;
    return written > 0 && (size_t)written < size;
}
