// A thin cover over PCRE2, its memory from ours, without its compiler to machine code.
#include "base/pattern_inside.h"
#include "base/memory.h"

static void *take(size_t size, void *ignored)
{
    (void)ignored;
    return memory_alloc(size);
}

static void give(void *memory, void *ignored)
{
    (void)ignored;
    memory_free(memory);
}

static bool create_with(struct pattern *pattern, pcre2_general_context *general,
    struct slice text, const struct pattern_bounds *bounds, int *number)
{
    size_t offset;
    pcre2_compile_context *compile = pcre2_compile_context_create(general);
    if (compile == NULL)
        return false;
    // \C splits characters.
    pattern->code = pcre2_compile((PCRE2_SPTR)text.data, text.size,
        PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE | bounds->options, number, &offset,
        compile);
    pcre2_compile_context_free(compile);
    pattern->bounds = pcre2_match_context_create(general);
    pattern->match = pcre2_match_data_create(1, general);
    if (pattern->code == NULL || pattern->bounds == NULL || pattern->match == NULL)
        return false;
    pcre2_set_match_limit(pattern->bounds, bounds->steps_max);
    pcre2_set_depth_limit(pattern->bounds, bounds->depth_max);
    pcre2_set_heap_limit(pattern->bounds, bounds->heap_max_kb);
    return true;
}

enum error pattern_create(struct slice text, struct pattern **ret_pattern)
{
    static const struct pattern_bounds bounds = {
        .options = PCRE2_DOLLAR_ENDONLY, // nothing here is one text with several lines
        .steps_max = 10000,
        .depth_max = 250,
        .heap_max_kb = 256,
    };
    return pattern_create_bounded(text, &bounds, ret_pattern);
}

enum error pattern_create_bounded(struct slice text, const struct pattern_bounds *bounds,
    struct pattern **ret_pattern)
{
    int number = 0;
    if (text.size > PATTERN_SIZE_MAX)
        return ERROR_INVALID;
    struct pattern *pattern = memory_zero_alloc(sizeof(*pattern));
    pcre2_general_context *general = pcre2_general_context_create(take, give, NULL);
    bool created = pattern != NULL && general != NULL
        && create_with(pattern, general, text.data == NULL ? SLICE("") : text, bounds,
            &number);
    pcre2_general_context_free(general);
    if (created) {
        *ret_pattern = pattern;
        return ERROR_NONE;
    }
    bool is_wrong = pattern != NULL && pattern->code == NULL && number > 0
        && number != PCRE2_ERROR_HEAP_FAILED;
    pattern_destroy(pattern);
    return is_wrong ? ERROR_INVALID : ERROR_MEMORY;
}

void pattern_destroy(struct pattern *pattern)
{
    if (pattern == NULL)
        return;
    pcre2_match_data_free(pattern->match);
    pcre2_match_context_free(pattern->bounds);
    pcre2_code_free(pattern->code);
    memory_free(pattern);
}

bool pattern_matches(const struct pattern *pattern, struct slice text)
{
    int found = pcre2_match(pattern->code, (PCRE2_SPTR)(text.data == NULL ? "" : text.data),
        text.size, 0, 0, pattern->match, pattern->bounds);
    return found != PCRE2_ERROR_NOMATCH;
}
