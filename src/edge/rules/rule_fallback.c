// The rows of a rule's fallback, what is wrong with it, and reading its file.
#include "edge/rules/rule_fallback.h"
#include "base/memory.h"
#include "conf/conf.h"
#include "http/field.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

// --- Reading ---

// Of all other endings the settings must say what they are: a wrong guess is worse than none.
static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".htm", "text/html; charset=utf-8"},
    {".txt", "text/plain; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".xml", "application/xml"},
    {".pdf", "application/pdf"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".ico", "image/x-icon"},
};

static struct slice type_of(const struct rule_fallback_settings *settings)
{
    struct slice file = settings->file;
    if (settings->type.size > 0)
        return settings->type;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        struct slice ending = slice_from_string(types[i].ending);
        if (file.size > ending.size
            && slice_equal_nocase(slice_of(file.data + file.size - ending.size, ending.size),
                ending))
            return slice_from_string(types[i].type);
    }
    return SLICE_EMPTY;
}

// What grows meanwhile is cut where it ended when it was looked at.
static enum error read_whole(int descriptor, char *buffer, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(descriptor, buffer + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_from_errno(errno);
        if (got == 0)
            return ERROR_TRUNCATED;
        done += (size_t)got;
    }
    return ERROR_NONE;
}

static enum error read_file(int descriptor, struct slice *ret_content)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return error_from_errno(errno);
    if (!S_ISREG(status.st_mode))
        return ERROR_INVALID;
    if ((uint64_t)status.st_size > RULE_FALLBACK_SIZE_MAX)
        return ERROR_LIMIT;
    char *buffer = memory_alloc((size_t)status.st_size + 1);
    if (buffer == NULL)
        return ERROR_MEMORY;
    enum error error = read_whole(descriptor, buffer, (size_t)status.st_size);
    if (error == ERROR_NONE)
        *ret_content = slice_of(buffer, (size_t)status.st_size);
    else
        memory_free(buffer);
    return error;
}

enum error rule_fallback_read(const struct rule_fallback_settings *settings,
    struct rule_fallback *ret_fallback)
{
    struct rule_fallback fallback = {.settings = settings, .type = type_of(settings)};
    int descriptor = open(settings->file.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        enum error error = error_from_errno(errno);
        return error == ERROR_LIMIT ? ERROR_SYSTEM : error; // of descriptors, not of its size
    }
    enum error error = read_file(descriptor, &fallback.content);
    close(descriptor);
    if (error == ERROR_NONE)
        *ret_fallback = fallback;
    return error;
}

void rule_fallback_free(struct rule_fallback *fallback)
{
    memory_free((void *)(uintptr_t)fallback->content.data);
}

// --- Review ---

static void review_status(struct setting_review *review,
    const struct rule_fallback_settings *settings, struct slice type)
{
    unsigned status = (unsigned)settings->status;
    bool lacks_content = status == 204 || status == 205 || status == 206;
    if (lacks_content || (status >= 300 && status < 400))
        conf_add_mistake(review, &settings->status, "fallback.status: \"%u\" cannot be said with a "
            "file; expected one such as 503 or 200", status);
    else if (status != 0 && status < 500 && slice_starts_with(type, SLICE("text/html")))
        conf_add_warning(review, &settings->status, "fallback.status: with %u, search engines and "
            "caches take the file for the page; 503 tells them to keep what they have and come "
            "back", status);
}

static void review_file(struct setting_review *review,
    const struct rule_fallback_settings *settings)
{
    struct rule_fallback fallback = {0};
    enum error error = rule_fallback_read(settings, &fallback);
    rule_fallback_free(&fallback);
    if (error == ERROR_LIMIT)
        conf_add_mistake(review, &settings->file, "fallback.file: is larger than %zu KiB, and it "
            "is kept in memory; expected a smaller one", RULE_FALLBACK_SIZE_MAX / 1024);
    else if (error == ERROR_INVALID)
        conf_add_mistake(review, &settings->file, "fallback.file: is no file; expected one such as "
            "/etc/afloat/empty.json");
    else if (error != ERROR_NONE)
        conf_add_mistake(review, &settings->file, "fallback.file: cannot be read: %s; expected a "
            "file that the user of the edge may read", error_text(error));
}

static void rule_fallback_review(struct setting_review *review, const void *all)
{
    const struct rule_fallback_settings *settings = all;
    const void *others[] = {&settings->type, &settings->status, &settings->errors};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (settings->file.data == NULL && conf_is_written(review, others[i])) {
            conf_add_mistake(review, others[i], "fallback: names no file; expected fallback.file");
            return;
        }
    }
    if (settings->file.data == NULL)
        return;
    struct slice type = type_of(settings);
    if (type.size == 0)
        conf_add_mistake(review, &settings->file, "fallback.file: its ending does not tell what it "
            "is; expected fallback.type, such as application/json");
    review_status(review, settings, type);
    review_file(review, settings);
}

// --- Rows ---

static bool check_file(struct slice value, char *message, size_t size)
{
    if (value.size > 1 && value.size < 4000 && value.data[0] == '/')
        return true;
    snprintf(message, size,
        "is no file that means the same everywhere; expected one that begins with /, such as "
        "/etc/afloat/empty.json");
    return false;
}

static bool check_type(struct slice value, char *message, size_t size)
{
    struct slice rest = value, essence = slice_trim(slice_cut(&rest, ';'));
    struct slice type = slice_cut(&essence, '/');
    bool good = http_is_token(type) && essence.data != NULL && http_is_token(essence)
        && value.size < 200;
    for (size_t i = 0; i < value.size; i++)
        good = good && value.data[i] >= ' ' && value.data[i] < 0x7F;
    if (!good)
        snprintf(message, size, "is no media type; expected one such as application/json or "
            "\"text/html; charset=utf-8\"");
    return good;
}

#define MEMBER(member) .offset = offsetof(struct rule_fallback_settings, member)
static const struct setting rows[] = {
    {.name = "file", .type = SETTING_TEXT, MEMBER(file), .check = check_file,
        .example = "/etc/afloat/empty.json",
        .summary = "The file, of 1 MiB at most. It is read at the start and at each reload, and "
                   "kept in memory.",
        .touch = "For programs that had better get an empty list than an error page; for a page "
                 "of your own."},
    {.name = "type", .type = SETTING_TEXT, MEMBER(type), .check = check_type,
        .example = "application/json",
        .summary = "Its Content-Type; without any, by the ending: html, txt, css, js, json, xml, "
                   "pdf, svg, png, jpg, gif, webp, avif or ico."},
    {.name = "status", .type = SETTING_COUNT, MEMBER(status), .fallback = "503", .minimum = 200,
        .maximum = 599,
        .summary = "The status it is answered with; from 500 on with Retry-After. With 503 it is "
                   "an error in all counts, with 200 a visitor who was saved one.",
        .touch = "200 for programs that look at the status first and can do with what the file "
                 "says."},
    {.name = "errors", .type = SETTING_STATUS_SET, MEMBER(errors), .fallback = "502-504",
        .example = "500-599",
        .summary = "It also replaces answers of the backend itself with one of these statuses, as "
                   "a server gives them whose application is gone. Others pass: a 500 may be one "
                   "page's own, and say why.",
        .touch = "Add 500 where its own words are of no use to anybody."},
};
#undef MEMBER

const struct setting_section rule_fallback_settings_section = {
    .size = sizeof(struct rule_fallback_settings),
    .rows = rows,
    .count = ARRAY_SIZE(rows),
    .summary = "A file that visitors get when nothing else can answer: there is no copy, no "
               "backend answers, and waiting (lifelines.hold) is over or was no use. Instead of "
               "the honest page, for GET and HEAD, never stored by anybody. A Range in the request "
               "is ignored: a part of it is no part of what was asked for.",
    .review = rule_fallback_review,
};
