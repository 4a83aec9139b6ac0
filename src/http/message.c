// Methods, status codes and the rules that hang on them.
#include "http/message.h"
#include "http/characters.h"

bool http_path_parse(struct slice text, struct slice *ret_path, struct slice *ret_query)
{
    const char *end = text.data + text.size;
    const char *stop = http_characters_skip(text.data, end, HTTP_CHARACTER_PATH);
    if (stop != end && *stop != '?')
        return false;
    if (stop != end && http_characters_skip(stop + 1, end, HTTP_CHARACTER_QUERY) != end)
        return false;
    *ret_path = slice_of(text.data, (size_t)(stop - text.data));
    *ret_query = stop == end ? SLICE_EMPTY : slice_of(stop + 1, (size_t)(end - stop - 1));
    return true;
}

enum http_method http_method_find(struct slice text)
{
    switch (text.size) {
    case 3:
        if (memcmp(text.data, "GET", 3) == 0)
            return HTTP_METHOD_GET;
        return memcmp(text.data, "PUT", 3) == 0 ? HTTP_METHOD_PUT : HTTP_METHOD_OTHER;
    case 4:
        if (memcmp(text.data, "HEAD", 4) == 0)
            return HTTP_METHOD_HEAD;
        return memcmp(text.data, "POST", 4) == 0 ? HTTP_METHOD_POST : HTTP_METHOD_OTHER;
    case 5:
        if (memcmp(text.data, "PATCH", 5) == 0)
            return HTTP_METHOD_PATCH;
        return memcmp(text.data, "TRACE", 5) == 0 ? HTTP_METHOD_TRACE : HTTP_METHOD_OTHER;
    case 6:
        return memcmp(text.data, "DELETE", 6) == 0 ? HTTP_METHOD_DELETE : HTTP_METHOD_OTHER;
    case 7:
        if (memcmp(text.data, "OPTIONS", 7) == 0)
            return HTTP_METHOD_OPTIONS;
        return memcmp(text.data, "CONNECT", 7) == 0 ? HTTP_METHOD_CONNECT : HTTP_METHOD_OTHER;
    default:
        return HTTP_METHOD_OTHER;
    }
}

bool http_method_is_safe(enum http_method method)
{
    switch (method) {
    case HTTP_METHOD_GET:
    case HTTP_METHOD_HEAD:
    case HTTP_METHOD_OPTIONS:
    case HTTP_METHOD_TRACE:
        return true;
    case HTTP_METHOD_OTHER:
    case HTTP_METHOD_POST:
    case HTTP_METHOD_PUT:
    case HTTP_METHOD_DELETE:
    case HTTP_METHOD_CONNECT:
    case HTTP_METHOD_PATCH:
        break;
    }
    return false;
}

bool http_method_is_idempotent(enum http_method method)
{
    return http_method_is_safe(method) || method == HTTP_METHOD_PUT || method == HTTP_METHOD_DELETE;
}

enum http_framing http_response_framing(const struct http_response_head *head,
    enum http_method method)
{
    if (method == HTTP_METHOD_HEAD || head->status < 200 || head->status == 204
        || head->status == 304)
        return HTTP_FRAMING_NONE;
    if (method == HTTP_METHOD_CONNECT && head->status < 300)
        return HTTP_FRAMING_NONE;
    return head->framing;
}

// The registry of RFC 9110 section 16.2.1, as far as a phrase is known.
#define STATUS_MAP(X)                                                                              \
    X(100, "Continue")                                                                             \
    X(101, "Switching Protocols")                                                                  \
    X(102, "Processing")                                                                           \
    X(103, "Early Hints")                                                                          \
    X(200, "OK")                                                                                   \
    X(201, "Created")                                                                              \
    X(202, "Accepted")                                                                             \
    X(203, "Non-Authoritative Information")                                                        \
    X(204, "No Content")                                                                           \
    X(205, "Reset Content")                                                                        \
    X(206, "Partial Content")                                                                      \
    X(207, "Multi-Status")                                                                         \
    X(208, "Already Reported")                                                                     \
    X(226, "IM Used")                                                                              \
    X(300, "Multiple Choices")                                                                     \
    X(301, "Moved Permanently")                                                                    \
    X(302, "Found")                                                                                \
    X(303, "See Other")                                                                            \
    X(304, "Not Modified")                                                                         \
    X(305, "Use Proxy")                                                                            \
    X(307, "Temporary Redirect")                                                                   \
    X(308, "Permanent Redirect")                                                                   \
    X(400, "Bad Request")                                                                          \
    X(401, "Unauthorized")                                                                         \
    X(402, "Payment Required")                                                                     \
    X(403, "Forbidden")                                                                            \
    X(404, "Not Found")                                                                            \
    X(405, "Method Not Allowed")                                                                   \
    X(406, "Not Acceptable")                                                                       \
    X(407, "Proxy Authentication Required")                                                        \
    X(408, "Request Timeout")                                                                      \
    X(409, "Conflict")                                                                             \
    X(410, "Gone")                                                                                 \
    X(411, "Length Required")                                                                      \
    X(412, "Precondition Failed")                                                                  \
    X(413, "Content Too Large")                                                                    \
    X(414, "URI Too Long")                                                                         \
    X(415, "Unsupported Media Type")                                                               \
    X(416, "Range Not Satisfiable")                                                                \
    X(417, "Expectation Failed")                                                                   \
    X(421, "Misdirected Request")                                                                  \
    X(422, "Unprocessable Content")                                                                \
    X(423, "Locked")                                                                               \
    X(424, "Failed Dependency")                                                                    \
    X(425, "Too Early")                                                                            \
    X(426, "Upgrade Required")                                                                     \
    X(428, "Precondition Required")                                                                \
    X(429, "Too Many Requests")                                                                    \
    X(431, "Request Header Fields Too Large")                                                      \
    X(451, "Unavailable For Legal Reasons")                                                        \
    X(500, "Internal Server Error")                                                                \
    X(501, "Not Implemented")                                                                      \
    X(502, "Bad Gateway")                                                                          \
    X(503, "Service Unavailable")                                                                  \
    X(504, "Gateway Timeout")                                                                      \
    X(505, "HTTP Version Not Supported")                                                           \
    X(506, "Variant Also Negotiates")                                                              \
    X(507, "Insufficient Storage")                                                                 \
    X(508, "Loop Detected")                                                                        \
    X(511, "Network Authentication Required")

struct slice http_reason(unsigned status)
{
    switch (status) {
#define X(code, text)                                                                              \
    case code:                                                                                     \
        return SLICE(text);
        STATUS_MAP(X)
#undef X
    default:
        return SLICE("");
    }
}

struct slice http_status_line(unsigned status)
{
    switch (status) {
#define X(code, text)                                                                              \
    case code:                                                                                     \
        return SLICE("HTTP/1.1 " #code " " text "\r\n");
        STATUS_MAP(X)
#undef X
    default:
        return SLICE_EMPTY;
    }
}
