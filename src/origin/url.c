// Reads the address of a backend. What it cannot honour (a path) is refused by name.
#include "origin/url.h"
#include "http/authority.h"

#include <stdio.h>

#define URL_SIZE_MAX 255 // so that it fits a backend_view

bool backend_url_parse(struct slice text, struct backend_url *ret_url, char *message,
    size_t message_size)
{
    const struct slice secure = SLICE("https://");
    struct slice scheme = SLICE("http://");
    struct http_authority authority;
    if (text.size > URL_SIZE_MAX) {
        snprintf(message, message_size, "is longer than %d bytes", URL_SIZE_MAX);
        return false;
    }
    bool is_secure = text.size >= secure.size
        && slice_equal_nocase(slice_of(text.data, secure.size), secure);
    if (is_secure)
        scheme = secure;
    if (text.size < scheme.size || !slice_equal_nocase(slice_of(text.data, scheme.size), scheme)) {
        snprintf(message, message_size, "does not begin with http:// or https://; expected one "
            "such as http://127.0.0.1:8000");
        return false;
    }
    struct slice rest = slice_of(text.data + scheme.size, text.size - scheme.size);
    struct slice name = slice_cut(&rest, '/');
    if (rest.size > 0) {
        snprintf(message, message_size,
            "has a path, but a request keeps its own; expected http[s]://host[:port]");
        return false;
    }
    if (!http_authority_parse(name, &authority)) {
        snprintf(message, message_size, "names no host; expected http[s]://host[:port]");
        return false;
    }
    struct slice host = authority.host;
    if (host.size > 2 && host.data[0] == '[')
        host = slice_of(host.data + 1, host.size - 2);
    *ret_url = (struct backend_url){name, host,
        authority.port != 0 ? authority.port : is_secure ? 443 : 80, is_secure};
    return true;
}
