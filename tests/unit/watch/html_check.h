// A small, strict reader of HTML as these pages write it: every element that is opened is closed in
// order, attributes are quoted or plain and given once, ids are unique, texts hold no raw specials,
// nothing needs an inline style or handler. Fails the test and shows where.
#pragma once

#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HTML_DEPTH 64
#define HTML_IDS 4096

struct html_check {
    struct slice open[HTML_DEPTH];
    size_t depth;
    struct slice ids[HTML_IDS];
    size_t id_count;
};

static inline void html_fail(const char *at, const char *what)
{
    fail_msg("%s: %.120s", what, at);
}

static inline bool html_is_name(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
        || (byte >= '0' && byte <= '9') || byte == '-';
}

static inline bool html_is_void(struct slice name)
{
    static const char *const names[] = {"meta", "link", "br", "input", "img"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (slice_equal(name, slice_from_string(names[i])))
            return true;
    }
    return false;
}

static inline void html_check_attribute(struct html_check *check, struct slice name,
    struct slice value, const char *at)
{
    if (slice_equal(name, SLICE("style")) || (name.size > 2 && name.data[0] == 'o'
            && name.data[1] == 'n'))
        html_fail(at, "the policy forbids this attribute");
    if (slice_equal(name, SLICE("href")) || slice_equal(name, SLICE("src"))
        || slice_equal(name, SLICE("action"))) {
        static const char *const good[] = {"/", "?", "#", "https://", "http://", "mailto:",
            "component/", "incident/", "history", "feed.atom", "calendar.ics", "subscribe",
            "operator"};
        bool is_good = false;
        for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
            is_good = is_good || slice_starts_with(value, slice_from_string(good[i]));
        if (!is_good)
            html_fail(at, "a link to somewhere odd");
    }
    if (!slice_equal(name, SLICE("id")))
        return;
    for (size_t i = 0; i < check->id_count; i++) {
        if (slice_equal(check->ids[i], value))
            html_fail(at, "an id that is there already");
    }
    assert_true(check->id_count < HTML_IDS);
    check->ids[check->id_count++] = value;
}

static inline const char *html_read_attribute(struct html_check *check, const char *at)
{
    const char *begin = at;
    while (html_is_name(*at))
        at++;
    struct slice name = slice_of(begin, (size_t)(at - begin)), value = SLICE("");
    if (name.size == 0)
        html_fail(begin, "no attribute");
    if (*at == '=' && at[1] == '"') {
        const char *end = strchr(at + 2, '"');
        assert_non_null(end);
        value = slice_of(at + 2, (size_t)(end - at - 2));
        at = end + 1;
    } else if (*at == '=') {
        const char *end = ++at;
        while (html_is_name(*end))
            end++;
        value = slice_of(at, (size_t)(end - at));
        if (value.size == 0)
            html_fail(begin, "no value");
        at = end;
    }
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] == '<' || value.data[i] == '>')
            html_fail(begin, "a raw special in a value");
    }
    html_check_attribute(check, name, value, begin);
    return at;
}

static inline const char *html_read_tag(struct html_check *check, const char *at)
{
    const char *begin = at++;
    bool is_end = *at == '/';
    at += is_end;
    const char *name_begin = at;
    while (html_is_name(*at))
        at++;
    struct slice name = slice_of(name_begin, (size_t)(at - name_begin));
    if (name.size == 0)
        html_fail(begin, "no tag");
    if (is_end) {
        if (check->depth == 0 || !slice_equal(check->open[check->depth - 1], name))
            html_fail(begin, "closes what is not the innermost");
        check->depth--;
        assert_int_equal(*at, '>');
        return at + 1;
    }
    while (*at == ' ')
        at = html_read_attribute(check, at + 1);
    bool is_closed = *at == '/';
    at += is_closed;
    if (*at != '>')
        html_fail(begin, "a tag without end");
    at++;
    if (is_closed || html_is_void(name))
        return at;
    assert_true(check->depth < HTML_DEPTH);
    check->open[check->depth++] = name;
    bool is_raw = slice_equal(name, SLICE("style")) || slice_equal(name, SLICE("script"));
    return is_raw ? strchr(at, '<') == NULL ? at : strstr(at, name.data[1] == 't' ? "</style"
                                                                                  : "</script")
                  : at;
}

static inline const char *html_read_text(const char *at)
{
    for (; *at != '\0' && *at != '<'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '>' || byte == '"')
            html_fail(at, "a raw special");
        if (byte < ' ' && byte != '\n')
            html_fail(at, "a control character");
        if (byte == '&' && strncmp(at, "&amp;", 5) != 0 && strncmp(at, "&lt;", 4) != 0
            && strncmp(at, "&gt;", 4) != 0 && strncmp(at, "&quot;", 6) != 0
            && strncmp(at, "&#39;", 5) != 0)
            html_fail(at, "an odd reference");
    }
    return at;
}

// html: NUL-terminated.
static inline void html_check(const char *html)
{
    struct html_check *check = calloc(1, sizeof(*check));
    assert_non_null(check);
    static const char doctype[] = "<!DOCTYPE html>\n";
    assert_int_equal(strncmp(html, doctype, sizeof(doctype) - 1), 0);
    const char *at = html + sizeof(doctype) - 1;
    while (*at != '\0')
        at = *at == '<' ? html_read_tag(check, at) : html_read_text(at);
    if (check->depth > 0)
        fail_msg("<%.*s> stays open", SLICE_ARGS(check->open[check->depth - 1]));
    free(check);
}
