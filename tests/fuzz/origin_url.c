// Any text as a backend's URL: what is refused gets a sentence, what is taken lies within the text
// and reads the same once its authority has been written again.
#include "base/invariant.h"
#include "http/authority.h"
#include "io/address.h"
#include "origin/origin.h"
#include "origin/url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(struct slice outer, struct slice inner)
{
    return inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size;
}

static void check_refusal(const char *message)
{
    size_t size = strlen(message);
    invariant(size > 0);
    for (size_t i = 0; i < size; i++)
        invariant(message[i] >= ' ' && message[i] != 0x7F);
}

static void check_url(struct slice text, const struct backend_url *url)
{
    char buffer[512], message[256];
    struct http_authority authority;
    struct backend_url again;
    struct address address;
    invariant(is_within(text, url->authority) && is_within(url->authority, url->host));
    invariant(url->host.size > 0 && url->port > 0 && text.size < sizeof(buffer));
    invariant(http_authority_parse(url->authority, &authority));
    uint16_t usual = url->secure ? 443 : 80;
    invariant(url->port == (authority.port == 0 ? usual : authority.port));
    for (size_t i = 0; i < url->authority.size; i++)
        invariant(url->authority.data[i] > ' ' && (unsigned char)url->authority.data[i] < 0x7F);
    if (slice_contains(url->host, ':')) // then it is no name, so it must be an address
        invariant(address_parse_host(url->host, url->port, &address) == ERROR_NONE);
    struct text written = text_in(buffer, sizeof(buffer));
    text_append(&written, url->secure ? SLICE("HTTPS://") : SLICE("HTTP://"));
    text_append(&written, url->authority);
    invariant(backend_url_parse(text_slice(&written), &again, message, sizeof(message)));
    invariant(slice_equal(again.authority, url->authority) && slice_equal(again.host, url->host));
    invariant(again.port == url->port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char message[256] = "", short_message[8];
    struct backend_url url;
    char *copy = malloc(size + 1); // + 1: malloc(0) may be NULL
    invariant(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    struct slice text = slice_of(copy, size);
    bool is_good = backend_url_parse(text, &url, message, sizeof(message));
    invariant(origin_check_backend(text, short_message, sizeof(short_message)) == is_good);
    if (is_good)
        check_url(text, &url);
    else
        check_refusal(message);
    free(copy);
    return 0;
}
