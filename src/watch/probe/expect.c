// base/pattern.h is for short texts: there a match that takes long counts as one. Here it would say
// that a broken page is well. So a long text is searched piece by piece, until time is up.
#include "watch/probe/expect.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define STEPS_MAX 300000 // from one place: enough for ".*" over all of the content
#define DEPTH_MAX 100000
#define HEAP_MAX_KB 16384
#define PIECE_FIRST 64   // bytes at which a match may begin, in one go
#define PIECE_MOST 4096
#define BUDGET_MS 200

struct expectation {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *bounds;
};

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

static bool create_with(struct expectation *made, pcre2_general_context *general,
    struct slice pattern, int *number)
{
    size_t offset;
    pcre2_compile_context *compile = pcre2_compile_context_create(general);
    if (compile == NULL)
        return false;
    made->code = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.size,
        PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE | PCRE2_USE_OFFSET_LIMIT, number, &offset,
        compile);
    pcre2_compile_context_free(compile);
    made->bounds = pcre2_match_context_create(general);
    made->match = pcre2_match_data_create(1, general);
    if (made->code == NULL || made->bounds == NULL || made->match == NULL)
        return false;
    pcre2_set_match_limit(made->bounds, STEPS_MAX);
    pcre2_set_depth_limit(made->bounds, DEPTH_MAX);
    pcre2_set_heap_limit(made->bounds, HEAP_MAX_KB);
    return true;
}

enum error expect_create(struct slice pattern, struct expectation **ret_expectation)
{
    int number = 0;
    if (pattern.size > PATTERN_SIZE_MAX)
        return ERROR_INVALID;
    struct expectation *made = memory_zero_alloc(sizeof(*made));
    pcre2_general_context *general = pcre2_general_context_create(take, give, NULL);
    bool is_made = made != NULL && general != NULL
        && create_with(made, general, pattern.data == NULL ? SLICE("") : pattern, &number);
    pcre2_general_context_free(general);
    if (is_made) {
        *ret_expectation = made;
        return ERROR_NONE;
    }
    bool is_wrong = made != NULL && made->code == NULL && number > 0
        && number != PCRE2_ERROR_HEAP_FAILED;
    expect_destroy(made);
    return is_wrong ? ERROR_INVALID : ERROR_MEMORY;
}

void expect_destroy(struct expectation *expectation)
{
    if (expectation == NULL)
        return;
    pcre2_match_data_free(expectation->match);
    pcre2_match_context_free(expectation->bounds);
    pcre2_code_free(expectation->code);
    memory_free(expectation);
}

enum expect_outcome expect_find(const struct expectation *expectation, struct slice content)
{
    PCRE2_SPTR text = (PCRE2_SPTR)(content.data == NULL ? "" : content.data);
    uint64_t until_ms = clock_now_ms() + BUDGET_MS;
    size_t at = 0, piece = PIECE_FIRST;
    for (;;) {
        uint64_t begin_us = clock_now_us();
        pcre2_set_offset_limit(expectation->bounds, at + piece - 1);
        int found = pcre2_match(expectation->code, text, content.size, at, 0, expectation->match,
            expectation->bounds);
        if (found >= 0)
            return EXPECT_FOUND;
        if (found != PCRE2_ERROR_NOMATCH)
            return EXPECT_COSTLY;
        at += piece;
        if (at > content.size)
            return EXPECT_ABSENT;
        if (clock_now_ms() >= until_ms)
            return EXPECT_COSTLY;
        bool was_quick = clock_now_us() - begin_us < 1000;
        piece = was_quick ? MINIMUM(2 * piece, PIECE_MOST) : PIECE_FIRST;
    }
}
