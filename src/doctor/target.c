// URLs as people type them: what cannot be meant is refused with the reason, everything else comes
// out as a browser would ask for it. Stricter than the URL standard where that would guess: numbers
// that are no IPv4 address, backslashes, spaces.
#include "doctor/check.h"
#include "http/authority.h"
#include "http/characters.h"
#include "http/reference.h"

#include <arpa/inet.h>
#include <idn2.h>

#define URL_SIZE_MAX ((size_t)8 << 10)
#define NAME_TYPED_MAX ((size_t)1 << 10) // bytes in UTF-8; as ASCII it has to be much shorter
#define NAME_SIZE_MAX 253                // RFC 1035, without the final dot
#define LABEL_SIZE_MAX 63
#define PORT_HTTP 80
#define PORT_HTTPS 443

static const char too_long[] = "the URL's host is longer than 253 characters; no such name can "
    "exist, expected one such as example.org";

struct typed {
    bool is_secure, has_scheme;
    struct slice authority, path, query; // query with its '?'
};

static struct slice skip(struct slice text, size_t size)
{
    return slice_of(text.data + size, text.size - size);
}

// How many bytes stand before the first of the stops.
static size_t before(struct slice text, const char *stops)
{
    size_t size = 0;
    while (size < text.size && strchr(stops, text.data[size]) == NULL)
        size++;
    return size;
}

static bool refuse(struct text *why, const char *what)
{
    text_append(why, slice_from_string(what));
    return false;
}

static bool refuse_quoting(struct text *why, const char *what, struct slice quoted,
    const char *instead)
{
    text_append(why, slice_from_string(what));
    text_append_quoted(why, quoted);
    return refuse(why, instead);
}

static bool check_bytes(struct slice url, struct text *why)
{
    if (url.size == 0)
        return refuse(why, "the URL is empty; expected one such as https://example.org/");
    if (url.size > URL_SIZE_MAX)
        return refuse(why, "the URL is longer than 8 KB; expected a shorter one");
    for (size_t i = 0; i < url.size; i++) {
        unsigned char byte = (unsigned char)url.data[i];
        bool is_control = byte < ' ' || byte == 0x7F
            || (byte == 0xC2 && i + 1 < url.size && (unsigned char)url.data[i + 1] < 0xA0);
        if (byte == ' ')
            return refuse(why, "the URL has a space in it; leave it out, or write %20");
        if (is_control)
            return refuse(why, "the URL has a control character in it (a line's end, a tab); "
                "leave it out");
    }
    if (!text_is_utf8(url))
        return refuse(why, "the URL is not UTF-8; write what is not ASCII as %XX");
    return true;
}

static bool refuse_userinfo(struct text *why)
{
    return refuse(why, "the URL has a user name or a password before the \"@\"; leave them out, "
        "for what is looked at is what a stranger gets");
}

// "example.org:8443" has a colon too. What cannot be a port is a scheme, unless a dot stands
// before the colon, for no scheme in use has one.
static bool is_host_before_port(struct slice name, struct slice after)
{
    return slice_contains(name, '.') || after.size == 0 || after.data[0] == '/'
        || (after.data[0] >= '0' && after.data[0] <= '9');
}

static bool take_scheme(struct slice *rest, struct typed *typed, struct text *why)
{
    size_t size = before(*rest, ":/?[");
    struct slice name = slice_of(rest->data, size);
    typed->is_secure = true;
    if (size == rest->size || rest->data[size] != ':') {
        *rest = slice_starts_with(*rest, SLICE("//")) ? skip(*rest, 2) : *rest;
        return true;
    }
    struct slice after = skip(*rest, size + 1);
    bool has_slashes = slice_starts_with(after, SLICE("//"));
    typed->is_secure = slice_equal_nocase(name, SLICE("https"));
    typed->has_scheme = typed->is_secure || slice_equal_nocase(name, SLICE("http"));
    if (typed->has_scheme && has_slashes) {
        *rest = skip(after, 2);
        return true;
    }
    bool has_port = after.size > 0 && after.data[0] >= '0' && after.data[0] <= '9';
    if (typed->has_scheme && !has_port)
        return refuse(why, "two slashes are missing after the URL's scheme; expected one such as "
            "https://example.org/");
    struct slice authority = slice_of(after.data, before(after, "/?"));
    if (!has_slashes && slice_contains(authority, '@')
        && !slice_equal_nocase(name, SLICE("mailto")))
        return refuse_userinfo(why);
    if (has_slashes || !is_host_before_port(name, after))
        return refuse_quoting(why, "the URL has the scheme ", name,
            "; only http and https can be checked");
    typed->has_scheme = false;
    typed->is_secure = true;
    return true;
}

static bool is_bare_ipv6(struct slice text)
{
    struct address address;
    return text.size > 0 && text.data[0] != '[' && slice_contains(text, ':')
        && address_parse_host(text, 0, &address) == ERROR_NONE;
}

static bool take_parts(struct slice url, struct typed *typed, struct text *why)
{
    struct slice rest = slice_cut(&url, '#');
    if (is_bare_ipv6(slice_of(rest.data, before(rest, "/?"))))
        return refuse(why, "an IPv6 address in a URL stands in brackets; expected one such as "
            "https://[2001:db8::1]/");
    if (slice_contains(slice_of(rest.data, before(rest, "?")), '\\'))
        return refuse(why, "the URL has a backslash in it; URLs have slashes, as in "
            "https://example.org/page");
    if (!take_scheme(&rest, typed, why))
        return false;
    typed->authority = slice_of(rest.data, before(rest, "/?"));
    rest = skip(rest, typed->authority.size);
    typed->path = slice_of(rest.data, before(rest, "?"));
    typed->query = skip(rest, typed->path.size);
    if (slice_contains(typed->authority, '@'))
        return refuse_userinfo(why);
    if (is_bare_ipv6(typed->authority))
        return refuse(why, "an IPv6 address in a URL stands in brackets; expected one such as "
            "https://[2001:db8::1]/");
    return true;
}

// Cuts the port off the authority. Without one it is the scheme's; who wrote port 80 and no scheme
// does not mean TLS.
static bool take_port(struct slice *authority, struct typed *typed, struct target *target,
    struct text *why)
{
    size_t from = 0;
    uint64_t port = 0;
    if (authority->size > 0 && authority->data[0] == '[')
        from = before(*authority, "]");
    struct slice behind = skip(*authority, from);
    size_t colon = from + before(behind, ":");
    struct slice digits = colon < authority->size ? skip(*authority, colon + 1) : SLICE_EMPTY;
    authority->size = colon;
    if (digits.size > 0 && (!slice_parse_u64(digits, UINT16_MAX, &port) || port == 0))
        return refuse_quoting(why, "the URL has the port ", digits,
            "; expected a number from 1 to 65535");
    if (!typed->has_scheme && port == PORT_HTTP)
        typed->is_secure = false;
    target->is_secure = typed->is_secure;
    target->port = port != 0 ? (uint16_t)port : target->is_secure ? PORT_HTTPS : PORT_HTTP;
    return true;
}

static bool is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] >= 0x80)
            return false;
    }
    return true;
}

// In its ASCII form (RFC 5891) and in lower case.
static enum error take_ascii(struct slice host, struct arena *arena, struct text *why,
    struct slice *ret_name)
{
    struct slice copy = arena_copy(arena, host);
    if (copy.data == NULL)
        return ERROR_MEMORY;
    if (!is_ascii(host)) {
        char *converted = NULL;
        int result = idn2_to_ascii_8z(copy.data, &converted, IDN2_NONTRANSITIONAL);
        if (result == IDN2_MALLOC)
            return ERROR_MEMORY;
        if (result != IDN2_OK) {
            text_append(why, SLICE("the URL's host "));
            text_append_quoted(why, host);
            text_format(why, " is no name that can exist (%s); expected one such as example.org",
                idn2_strerror(result));
            return ERROR_INVALID;
        }
        copy = arena_copy(arena, slice_from_string(converted));
        idn2_free(converted);
        if (copy.data == NULL)
            return ERROR_MEMORY;
    }
    char *bytes = arena_alloc(arena, copy.size + 1);
    if (bytes == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; i < copy.size; i++)
        bytes[i] = (char)(copy.data[i] >= 'A' && copy.data[i] <= 'Z' ? copy.data[i] | 0x20
                                                                      : copy.data[i]);
    *ret_name = slice_of(bytes, copy.size);
    return ERROR_NONE;
}

// As the URL standard has it: who ends in a number is an IPv4 address or a mistake, for some
// programs read "127.1" or "0x7f000001" as one.
static bool ends_in_number(struct slice name)
{
    size_t at = name.size;
    while (at > 0 && name.data[at - 1] != '.')
        at--;
    struct slice last = skip(name, at);
    bool is_hex = last.size >= 2 && last.data[0] == '0' && last.data[1] == 'x';
    for (size_t i = is_hex ? 2 : 0; i < last.size; i++) {
        bool is_digit = last.data[i] >= '0' && last.data[i] <= '9';
        if (!is_digit && !(is_hex && http_character_is(last.data[i], HTTP_CHARACTER_HEX)))
            return false;
    }
    return last.size > 0;
}

static bool check_name(struct slice name, struct text *why)
{
    struct http_authority authority;
    bool has_empty_end = name.size > 0 && name.data[name.size - 1] == '.';
    if (has_empty_end || !http_characters_all(name, HTTP_CHARACTER_HOST)
        || !http_authority_parse(name, &authority))
        return refuse_quoting(why, "the URL's host ", name,
            " has what no name has; expected one such as example.org");
    struct slice rest = name;
    while (rest.size > 0) {
        if (slice_cut(&rest, '.').size > LABEL_SIZE_MAX)
            return refuse(why, "the URL's host has more than 63 characters between two dots; no "
                "such name can exist, expected one such as example.org");
    }
    if (name.size > NAME_SIZE_MAX)
        return refuse(why, too_long);
    return true;
}

static enum error take_name(struct slice host, struct arena *arena, struct text *why,
    struct target *target)
{
    struct address address;
    if (host.size > NAME_TYPED_MAX) {
        refuse(why, too_long);
        return ERROR_INVALID;
    }
    enum error error = take_ascii(host, arena, why, &target->host);
    if (error != ERROR_NONE)
        return error;
    if (target->host.size > 1 && target->host.data[target->host.size - 1] == '.')
        target->host.size--; // no search domains are tried, with or without it
    if (!check_name(target->host, why))
        return ERROR_INVALID;
    if (ends_in_number(target->host)) {
        if (address_parse_host(target->host, target->port, &address) != ERROR_NONE) {
            refuse_quoting(why, "the URL's host ", target->host, " looks like an IPv4 address and "
                "is none; expected four numbers from 0 to 255, as in 192.0.2.1");
            return ERROR_INVALID;
        }
        target->is_literal = true;
    }
    return ERROR_NONE;
}

static enum error take_bracketed(struct slice host, struct arena *arena, struct text *why,
    struct target *target)
{
    char written[INET6_ADDRSTRLEN];
    struct address address;
    if (slice_contains(host, '%')) {
        refuse(why, "the URL's IPv6 address has a zone; leave it out with its \"%\"");
        return ERROR_INVALID;
    }
    if (host.data[host.size - 1] != ']'
        || address_parse_host(host, target->port, &address) != ERROR_NONE
        || inet_ntop(AF_INET6, &address.v6.sin6_addr, written, sizeof(written)) == NULL) {
        refuse(why, "the URL has brackets without an IPv6 address; expected one such as "
            "https://[2001:db8::1]/");
        return ERROR_INVALID;
    }
    target->host = arena_copy(arena, slice_from_string(written));
    target->is_literal = true;
    return target->host.data == NULL ? ERROR_MEMORY : ERROR_NONE;
}

static enum error take_host(struct typed *typed, struct arena *arena, struct text *why,
    struct target *target)
{
    struct slice host = typed->authority;
    if (!take_port(&host, typed, target, why))
        return ERROR_INVALID;
    if (host.size == 0) {
        refuse(why, "the URL names no host; expected one such as https://example.org/");
        return ERROR_INVALID;
    }
    return host.data[0] == '[' ? take_bracketed(host, arena, why, target)
                               : take_name(host, arena, why, target);
}

// What browsers write as %XX is written so here, for the site to be asked what they ask.
static void append_encoded(struct text *text, struct slice part, unsigned classes,
    const char *encoded)
{
    for (size_t i = 0; i < part.size; i++) {
        char byte = part.data[i];
        if (http_character_is(byte, classes) && strchr(encoded, byte) == NULL)
            text_append_byte(text, byte);
        else
            text_format(text, "%%%02X", (unsigned char)byte);
    }
}

// "https//example.org", "http://https://example.org": a host of that name is not meant.
static bool is_scheme_for_host(const struct target *target, struct slice path, bool is_usual)
{
    return is_usual && slice_starts_with(path, SLICE("//"))
        && (slice_equal(target->host, SLICE("https")) || slice_equal(target->host, SLICE("http")));
}

// Dot segments are taken out (RFC 3986 section 5.2.4), as everyone does before he asks.
static enum error write_url(const struct typed *typed, struct arena *arena, struct text *why,
    struct target *target)
{
    const struct http_request_head base = {.path = SLICE("/")};
    struct http_target resolved;
    bool is_usual = target->port == (target->is_secure ? PORT_HTTPS : PORT_HTTP);
    bool is_v6 = slice_contains(target->host, ':');
    size_t capacity = 64 + target->host.size + 3 * (typed->path.size + typed->query.size);
    char *memory = arena_alloc(arena, capacity);
    if (memory == NULL)
        return ERROR_MEMORY;
    struct text text = text_in(memory, capacity);
    text_append(&text, target->is_secure ? SLICE("https://") : SLICE("http://"));
    text_format(&text, is_v6 ? "[%.*s]" : "%.*s", SLICE_ARGS(target->host));
    if (!is_usual)
        text_format(&text, ":%u", target->port);
    size_t begin = text.size;
    append_encoded(&text, typed->path, HTTP_CHARACTER_PATH, "^`{}");
    append_encoded(&text, typed->query, HTTP_CHARACTER_QUERY, "'");
    enum error error = http_reference_resolve(text_slice(&text), &base, arena, &resolved);
    if (error != ERROR_NONE) {
        if (error == ERROR_INVALID)
            refuse(why, "the URL cannot be read; expected one such as https://example.org/");
        return error;
    }
    if (is_scheme_for_host(target, resolved.path, is_usual)) {
        refuse(why, "the URL's scheme lacks its colon, or stands there twice; expected one such as "
            "https://example.org/");
        return ERROR_INVALID;
    }
    bool has_query = resolved.query.data != NULL;
    target->url = arena_printf(arena, "%.*s%.*s%s%.*s", (int)begin, memory,
        SLICE_ARGS(resolved.path), has_query ? "?" : "", (int)resolved.query.size,
        has_query ? resolved.query.data : "");
    if (target->url.data == NULL)
        return ERROR_MEMORY;
    target->path = skip(target->url, begin);
    return ERROR_NONE;
}

enum error target_parse(struct slice url, struct arena *arena, struct text *why,
    struct target *ret_target)
{
    struct typed typed = {0};
    struct target target = {0};
    if (!check_bytes(url, why) || !take_parts(url, &typed, why))
        return ERROR_INVALID;
    enum error error = take_host(&typed, arena, why, &target);
    if (error == ERROR_NONE)
        error = write_url(&typed, arena, why, &target);
    if (error == ERROR_NONE)
        *ret_target = target;
    return error;
}
