// Proxy-Status read, and the registered error types (RFC 9209 section 2.3) as verdicts.
#include "doctor/proxy_status.h"

#include "http/structured.h"

// X(type, first verdict, second): the same twice is one. What is wrong inside of a proxy is the
// CDN's, here or everywhere; what is wrong with the request lies with who sent it; all else is the
// origin's.
#define ERROR_TYPE_MAP(X)                                                                          \
    X("dns_timeout", SITE_DNS, SITE_DNS)                                                           \
    X("dns_error", SITE_DNS, SITE_DNS)                                                             \
    X("destination_not_found", CDN_POP, SITE_DNS)                                                  \
    X("destination_unavailable", ORIGIN_DOWN, ORIGIN_DOWN)                                         \
    X("destination_ip_prohibited", SITE_DNS, SITE_DNS)                                             \
    X("destination_ip_unroutable", ORIGIN_DOWN, ORIGIN_DOWN)                                       \
    X("connection_refused", ORIGIN_DOWN, ORIGIN_DOWN)                                              \
    X("connection_terminated", ORIGIN_DOWN, ORIGIN_DOWN)                                           \
    X("connection_timeout", ORIGIN_DOWN, ORIGIN_DOWN)                                              \
    X("connection_read_timeout", ORIGIN_SLOW, ORIGIN_SLOW)                                         \
    X("connection_write_timeout", ORIGIN_SLOW, ORIGIN_SLOW)                                        \
    X("connection_limit_reached", ORIGIN_OVERLOAD, ORIGIN_OVERLOAD)                                \
    X("tls_protocol_error", ORIGIN_TLS, ORIGIN_TLS)                                                \
    X("tls_certificate_error", ORIGIN_TLS, ORIGIN_TLS)                                             \
    X("tls_alert_received", ORIGIN_TLS, ORIGIN_TLS)                                                \
    X("http_request_error", CLIENT_STATE, CLIENT_PROTO)                                            \
    X("http_request_denied", BLOCKED_YOU, BLOCKED_YOU)                                             \
    X("http_response_incomplete", ORIGIN_DOWN, ORIGIN_DOWN)                                        \
    X("http_response_header_section_size", ORIGIN_DOWN, ORIGIN_DOWN)                               \
    X("http_response_header_size", ORIGIN_DOWN, ORIGIN_DOWN)                                       \
    X("http_response_body_size", ORIGIN_DOWN, ORIGIN_DOWN)                                         \
    X("http_response_trailer_section_size", ORIGIN_DOWN, ORIGIN_DOWN)                              \
    X("http_response_trailer_size", ORIGIN_DOWN, ORIGIN_DOWN)                                      \
    X("http_response_transfer_coding", ORIGIN_DOWN, ORIGIN_DOWN)                                   \
    X("http_response_content_coding", ORIGIN_DOWN, ORIGIN_DOWN)                                    \
    X("http_response_timeout", ORIGIN_SLOW, ORIGIN_SLOW)                                           \
    X("http_upgrade_failed", ORIGIN_DOWN, ORIGIN_DOWN)                                             \
    X("http_protocol_error", ORIGIN_DOWN, ORIGIN_DOWN)                                             \
    X("proxy_internal_response", CDN_POP, CDN_GLOBAL)                                              \
    X("proxy_internal_error", CDN_POP, CDN_GLOBAL)                                                 \
    X("proxy_configuration_error", CDN_POP, CDN_GLOBAL)                                            \
    X("proxy_loop_detected", CDN_POP, CDN_GLOBAL)

struct error_type {
    struct slice name;
    enum verdict first, second;
};

static const struct error_type error_types[] = {
#define X(type, first, second) {{type, sizeof(type) - 1}, VERDICT_##first, VERDICT_##second},
    ERROR_TYPE_MAP(X)
#undef X
};

static struct verdicts verdicts_of_error(struct slice error)
{
    for (size_t i = 0; i < ARRAY_SIZE(error_types); i++) {
        const struct error_type *type = &error_types[i];
        if (slice_equal(type->name, error))
            return type->first == type->second ? verdicts_of(type->first)
                                               : verdicts_either(type->first, type->second);
    }
    return (struct verdicts){0};
}

// Of a parameter that is not of the type it should have: data NULL, as if it were not there.
static struct slice text_of(const struct structured_member *member, struct slice key,
    enum structured_type type)
{
    const struct structured_value *value = structured_find_parameter(&member->parameters, key);
    return value == NULL || value->type != type ? SLICE_EMPTY : value->text;
}

static uint16_t received_by(const struct structured_member *member)
{
    const struct structured_value *value = structured_find_parameter(&member->parameters,
        SLICE("received-status"));
    bool is_status = value != NULL && value->type == STRUCTURED_INTEGER && value->number >= 100
        && value->number <= 599;
    return is_status ? (uint16_t)value->number : 0;
}

enum error proxy_status_read(struct slice value, struct arena *arena,
    struct proxy_status *ret_status)
{
    struct structured_members members;
    enum error error = structured_parse_list(value, arena, PROXY_STATUS_MEMBERS_MAX, &members);
    if (error != ERROR_NONE)
        return error;
    if (members.count == 0)
        return ERROR_NOT_FOUND;
    const struct structured_member *decides = &members.items[0];
    struct proxy_status status = {.received_status = received_by(decides)};
    for (uint32_t i = 0; i < members.count && status.error.data == NULL; i++) {
        status.error = text_of(&members.items[i], SLICE("error"), STRUCTURED_TOKEN);
        if (status.error.data != NULL)
            decides = &members.items[i];
    }
    status.proxy = decides->value.text; // a token or a string; empty for what is neither
    if (status.error.data != NULL) {
        status.details = text_of(decides, SLICE("details"), STRUCTURED_STRING);
        status.verdicts = verdicts_of_error(status.error);
    }
    *ret_status = status;
    return ERROR_NONE;
}
