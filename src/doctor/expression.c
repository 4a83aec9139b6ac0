// A thin cover over PCRE2, its memory from an arena.
#include "doctor/expression.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define DEPTH_MAX 250
#define HEAP_MAX_KB 256
#define NEST_MAX 32 // parentheses in each other: the compiler recurses
// Machine code runs on a stack of its own, for that of a task is small.
#define STACK_FIRST ((size_t)32 << 10)
#define STACK_MAX ((size_t)128 << 10)
#define PAIRS 2 // the whole, and what was captured

struct expression {
    pcre2_code *code;
    bool captures;
};

struct expression_scratch {
    pcre2_match_data *match;
    pcre2_match_context *bounds;
    pcre2_jit_stack *stack; // NULL: no machine code here
};

static void *take(size_t size, void *arena)
{
    return arena_alloc(arena, size);
}

static void give(void *memory, void *arena)
{
    (void)memory; // the arena gives back all at once
    (void)arena;
}

static void complain(struct text *complaint, int number, size_t offset)
{
    PCRE2_UCHAR message[160] = "";
    pcre2_get_error_message(number, message, sizeof(message));
    text_format(complaint, "%s, at character %zu", (const char *)message, offset + 1);
}

static enum error check_groups(const pcre2_code *code, struct text *complaint, bool *captures)
{
    uint32_t groups = 0;
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    *captures = groups > 0;
    if (groups == 0)
        return ERROR_NONE;
    if (groups == 1 && pcre2_substring_number_from_name(code, (PCRE2_SPTR) "captured") == 1)
        return ERROR_NONE;
    text_append(complaint, SLICE("a named group; the only one that may be is (?<captured>…)"));
    return ERROR_INVALID;
}

enum error expression_compile(struct slice text, struct arena *arena, struct text *complaint,
    struct expression **ret_expression)
{
    int number = 0;
    size_t offset = 0;
    bool captures;
    if (text.size > EXPRESSION_SIZE_MAX) {
        text_format(complaint, "longer than %d bytes", EXPRESSION_SIZE_MAX);
        return ERROR_INVALID;
    }
    pcre2_general_context *general = pcre2_general_context_create(take, give, arena);
    pcre2_compile_context *compile = general == NULL ? NULL : pcre2_compile_context_create(general);
    struct expression *expression = arena_zero_alloc(arena, sizeof(*expression));
    if (compile == NULL || expression == NULL)
        return ERROR_MEMORY;
    pcre2_set_parens_nest_limit(compile, NEST_MAX);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)(text.size == 0 ? "" : text.data), text.size,
        PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NO_AUTO_CAPTURE,
        &number, &offset, compile);
    if (code == NULL && number == PCRE2_ERROR_HEAP_FAILED)
        return ERROR_MEMORY;
    if (code == NULL) {
        complain(complaint, number, offset);
        return ERROR_INVALID;
    }
    enum error error = check_groups(code, complaint, &captures);
    if (error != ERROR_NONE) {
        pcre2_code_free(code);
        return error;
    }
    // Refused where memory must not be both written and executed: then it is interpreted.
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    *expression = (struct expression){code, captures};
    *ret_expression = expression;
    return ERROR_NONE;
}

void expression_release(struct expression *expression)
{
    if (expression != NULL)
        pcre2_code_free(expression->code);
}

bool expression_captures(const struct expression *expression)
{
    return expression->captures;
}

enum error expression_scratch_create(struct arena *arena, struct expression_scratch **ret_scratch)
{
    pcre2_general_context *general = pcre2_general_context_create(take, give, arena);
    struct expression_scratch *scratch = arena_zero_alloc(arena, sizeof(*scratch));
    if (general == NULL || scratch == NULL)
        return ERROR_MEMORY;
    scratch->bounds = pcre2_match_context_create(general);
    scratch->match = pcre2_match_data_create(PAIRS, general);
    if (scratch->bounds == NULL || scratch->match == NULL)
        return ERROR_MEMORY;
    pcre2_set_match_limit(scratch->bounds, EXPRESSION_STEPS_MAX);
    pcre2_set_depth_limit(scratch->bounds, DEPTH_MAX);
    pcre2_set_heap_limit(scratch->bounds, HEAP_MAX_KB);
    scratch->stack = pcre2_jit_stack_create(STACK_FIRST, STACK_MAX, general);
    if (scratch->stack != NULL)
        pcre2_jit_stack_assign(scratch->bounds, NULL, scratch->stack);
    *ret_scratch = scratch;
    return ERROR_NONE;
}

void expression_scratch_release(struct expression_scratch *scratch)
{
    pcre2_jit_stack_free(scratch->stack);
}

static struct slice captured_by(struct slice text, pcre2_match_data *match, int pairs)
{
    const size_t *at = pcre2_get_ovector_pointer(match);
    if (pairs < PAIRS || at[2] == PCRE2_UNSET || at[3] < at[2])
        return SLICE_EMPTY;
    return slice_of(text.data + at[2], at[3] - at[2]);
}

enum expression_result expression_match(const struct expression *expression, struct slice text,
    struct expression_scratch *scratch, struct slice *ret_captured)
{
    if (text.size == 0)
        text = SLICE("");
    int found = pcre2_match(expression->code, (PCRE2_SPTR)text.data, text.size, 0,
        scratch->stack == NULL ? PCRE2_NO_JIT : 0, scratch->match, scratch->bounds);
    if (found == PCRE2_ERROR_NOMATCH)
        return EXPRESSION_DIFFERS;
    if (found == PCRE2_ERROR_NOMEMORY)
        return EXPRESSION_NO_MEMORY;
    if (found < 0)
        return EXPRESSION_STOPPED;
    if (ret_captured != NULL)
        *ret_captured = captured_by(text, scratch->match, found);
    return EXPRESSION_MATCHES;
}
