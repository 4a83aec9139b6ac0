// Words to values, and the dice.
#include "bench/campaign/faults.h"

#include "base/text.h"

static const char *const kind_words[] = {
#define X(name, word) [FAULT_##name] = word,
    FAULT_KIND_MAP(X)
#undef X
};
static const char *const how_words[] = {"end", "reset", "stall"};

const char *fault_word(enum fault_kind kind)
{
    return kind_words[kind];
}

static bool find_word(struct slice word, const char *const *words, size_t count, size_t *ret_at)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(word, slice_from_string(words[i]))) {
            *ret_at = i;
            return true;
        }
    }
    return false;
}

static bool take_detail(struct slice word, struct fault *fault)
{
    struct slice value = word, key = slice_cut(&value, '=');
    uint64_t number = 0;
    size_t at;
    if (slice_equal(key, SLICE("path"))) {
        struct text text = text_in(fault->prefix, sizeof(fault->prefix) - 1);
        text_append(&text, value);
        return !text.full;
    }
    if (slice_equal(key, SLICE("how"))) {
        if (!find_word(value, how_words, ARRAY_SIZE(how_words), &at))
            return false;
        fault->how = (enum fault_how)at;
        return true;
    }
    if (!slice_parse_u64(value, UINT32_MAX, &number))
        return false;
    if (slice_equal(key, SLICE("permille")))
        fault->permille = (unsigned)number;
    else if (slice_equal(key, SLICE("code")))
        fault->status = (unsigned)number;
    else if (slice_equal(key, SLICE("after")))
        fault->retry_after_s = number;
    else if (slice_equal(key, SLICE("ms")))
        fault->delay_ms = number;
    else
        return false;
    return true;
}

static bool parse_fault(struct slice text, struct fault *ret_fault)
{
    struct fault fault = {.permille = 1000};
    struct slice word = slice_cut(&text, ' ');
    size_t kind;
    if (!find_word(word, kind_words, ARRAY_SIZE(kind_words), &kind))
        return false;
    fault.kind = (enum fault_kind)kind;
    while (text.data != NULL) {
        word = slice_cut(&text, ' ');
        if (word.size > 0 && !take_detail(word, &fault))
            return false;
    }
    *ret_fault = fault;
    return true;
}

bool faults_parse(struct slice text, struct faults *ret_faults)
{
    struct faults faults = {.count = 0};
    while (text.data != NULL) {
        struct slice one = slice_trim(slice_cut(&text, ';'));
        if (one.size == 0)
            continue;
        if (faults.count == FAULTS_MAX || !parse_fault(one, &faults.list[faults.count++]))
            return false;
    }
    *ret_faults = faults;
    return true;
}

struct fault faults_roll(const struct faults *faults, struct slice path, struct random *random)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->list[i];
        if (slice_starts_with(path, slice_from_string(fault->prefix)) &&
            random_chance(random, fault->permille, 1000))
            return *fault;
    }
    return (struct fault){.kind = FAULT_NONE};
}
