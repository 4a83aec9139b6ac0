// base/pattern.h is for short texts: there a match that takes long counts as one. Here it would say
// that a broken page is well. So a long text is searched piece by piece, until time is up.
#include "watch/probe/expect.h"
#include "base/clock.h"
#include "base/pattern_inside.h"

#define PIECE_FIRST 64 // bytes at which a match may begin, in one go
#define PIECE_MOST 4096
#define BUDGET_MS 200

enum error expect_create(struct slice text, struct pattern **ret_pattern)
{
    static const struct pattern_bounds bounds = {
        .options = PCRE2_USE_OFFSET_LIMIT,
        .steps_max = 300000, // from one place: enough for ".*" over all of the content
        .depth_max = 100000,
        .heap_max_kb = 16384,
    };
    return pattern_create_bounded(text, &bounds, ret_pattern);
}

enum expect_outcome expect_find(const struct pattern *pattern, struct slice content)
{
    PCRE2_SPTR text = (PCRE2_SPTR)(content.data == NULL ? "" : content.data);
    uint64_t until_ms = clock_now_ms() + BUDGET_MS;
    size_t at = 0, piece = PIECE_FIRST;
    for (;;) {
        uint64_t begin_us = clock_now_us();
        pcre2_set_offset_limit(pattern->bounds, at + piece - 1);
        int found = pcre2_match(pattern->code, text, content.size, at, 0, pattern->match,
            pattern->bounds);
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
