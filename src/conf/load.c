// Reading a file or text, and the frame around the walk: arenas, limits, the verdict.
#include "base/invariant.h"
#include "base/memory.h"
#include "conf/section.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define WORK_CHUNK ((size_t)16 << 10)
#define WORK_LIMIT ((size_t)64 << 20) // for CONF_NODES_MAX nodes and CONF_FILE_MAX of text

// Reads into a copy, which replaces *settings when there was nothing to report.
static enum error load(struct slice yaml, bool defaults_only, const struct setting_section *root,
    struct arena *arena, void *settings, struct conf_mistakes *mistakes)
{
    struct conf_report report = {.mistakes = mistakes, .arena = arena};
    struct arena work;
    struct conf_loader loader = {.source = {&report, arena, &loader.positions},
        .positions = {.arena = &work}, .work = &work, .root = root,
        .defaults_only = defaults_only};
    void *copy = arena_zero_alloc(arena, root->size);
    if (copy == NULL)
        return ERROR_MEMORY;
    arena_init(&work, WORK_CHUNK, WORK_LIMIT);
    const struct conf_node *node = NULL;
    enum error error = conf_tree_read(yaml, &work, &report, &node);
    if (error == ERROR_NONE)
        error = conf_read_root(&loader, node, copy);
    arena_free(&work);
    if (error == ERROR_NONE && report.out_of_memory)
        error = ERROR_MEMORY;
    if (error == ERROR_NONE && mistakes->count > 0)
        error = ERROR_INVALID;
    conf_sort_mistakes(mistakes);
    if (error == ERROR_NONE)
        memcpy(settings, copy, root->size);
    return error;
}

static void forget(struct conf_mistakes *mistakes)
{
    mistakes->count = mistakes->omitted = 0;
    mistakes->warning_count = mistakes->warnings_omitted = 0;
}

static enum error refuse(struct conf_mistakes *mistakes, struct arena *arena, enum error error,
    const char *message, const char *detail)
{
    struct conf_report report = {.mistakes = mistakes, .arena = arena};
    conf_report_add(&report, 0, 0, NULL, "%s%s", message, detail);
    return report.out_of_memory ? ERROR_MEMORY : error;
}

enum error conf_load_text(struct slice yaml, const struct setting_section *root,
    struct arena *arena, void *settings, struct conf_mistakes *mistakes)
{
    forget(mistakes);
    if (yaml.size > CONF_FILE_MAX)
        return refuse(mistakes, arena, ERROR_INVALID, "larger than 4MB; expected a smaller file",
            "");
    return load(yaml, false, root, arena, settings, mistakes);
}

enum error conf_load_defaults(const struct setting_section *root, struct arena *arena,
    void *settings)
{
    struct conf_mistakes mistakes = {.count = 0};
    enum error error = load(SLICE_EMPTY, true, root, arena, settings, &mistakes);
    invariant(error == ERROR_NONE || error == ERROR_MEMORY);
    return error;
}

const struct setting *conf_find_setting(const struct setting_section *root, const char *path)
{
    struct slice rest = slice_from_string(path);
    const struct setting *found = NULL;
    while (rest.data != NULL) {
        struct slice name = slice_cut(&rest, '.');
        if (root == NULL)
            return NULL;
        found = NULL;
        for (size_t i = 0; i < root->count && found == NULL; i++) {
            if (slice_equal(slice_from_string(root->rows[i].name), name))
                found = &root->rows[i];
        }
        if (found == NULL)
            return NULL;
        root = found->section;
    }
    return found;
}

// Room for a value of any type that is no section.
union any_value {
    uint64_t number;
    bool yes;
    struct slice text;
    struct setting_list list;
    struct setting_status_set statuses;
};

enum error conf_check_value(const struct setting *row, const char *value, struct text *message)
{
    struct arena arena;
    struct conf_mistakes mistakes = {.count = 0};
    struct conf_report report = {.mistakes = &mistakes, .arena = &arena};
    struct conf_source source = {&report, &arena, NULL};
    struct conf_node node = {.kind = CONF_SCALAR, .text = slice_from_string(value)};
    struct setting alone = *row;
    union any_value any;
    alone.offset = 0;
    arena_init(&arena, 1024, CONF_FILE_MAX);
    enum error error = conf_value_read(&source, &alone, &node, NULL, &any);
    if (error == ERROR_NONE && report.out_of_memory)
        error = ERROR_MEMORY;
    if (error == ERROR_NONE && mistakes.count > 0) {
        text_append(message, mistakes.items[0].message);
        error = ERROR_INVALID;
    }
    arena_free(&arena);
    return error;
}

// Reads one byte more than is allowed, so that a file too large is told from the largest one.
static enum error read_all(int descriptor, char **ret_data, size_t *ret_size)
{
    size_t size = 0, capacity = 0;
    char *data = NULL;
    for (;;) {
        if (size == capacity) {
            capacity = capacity == 0 ? 16384 : capacity * 2;
            char *larger = memory_resize(data, capacity);
            if (larger == NULL) {
                memory_free(data);
                return ERROR_MEMORY;
            }
            data = larger;
        }
        ssize_t got = read(descriptor, data + size, capacity - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            memory_free(data);
            return error_from_errno(errno);
        }
        size += (size_t)got;
        if (got == 0 || size > CONF_FILE_MAX)
            break;
    }
    *ret_data = data;
    *ret_size = size;
    return ERROR_NONE;
}

enum error conf_load_file(const char *path, const struct setting_section *root, struct arena *arena,
    void *settings, struct conf_mistakes *mistakes)
{
    char *data = NULL;
    size_t size = 0;
    forget(mistakes);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        int number = errno;
        return refuse(mistakes, arena, error_from_errno(number), "cannot be opened: ",
            strerrordesc_np(number));
    }
    enum error error = read_all(descriptor, &data, &size);
    int number = errno;
    close(descriptor);
    if (error == ERROR_MEMORY)
        return error;
    if (error != ERROR_NONE)
        return refuse(mistakes, arena, error, "cannot be read: ", strerrordesc_np(number));
    error = conf_load_text(slice_of(data, size), root, arena, settings, mistakes);
    memory_free(data);
    return error;
}
