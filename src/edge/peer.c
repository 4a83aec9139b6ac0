// See peer.h: the side that is asked.
#include "edge/peer.h"
#include "edge/request.h"

#include <stdio.h>

// Takes as long wherever they differ.
static bool is_secret(struct slice given, struct slice secret)
{
    unsigned difference = given.size != secret.size;
    for (size_t i = 0; i < secret.size; i++)
        difference |= (unsigned)(given.size == 0 ? 1 : given.data[i % given.size] ^ secret.data[i]);
    return secret.size > 0 && difference == 0;
}

// "https SECRET": how its visitor came, since copies are told apart by that.
void peer_identify(struct request *request)
{
    const struct http_field *field =
        http_fields_find(&request->head.fields, HTTP_NAME_AFLOAT_PEER);
    if (field == NULL)
        return;
    struct slice secret = field->value, scheme = slice_cut(&secret, ' ');
    if (!is_secret(slice_trim(secret), request_site(request)->peers.secret))
        return;
    request->is_peer = true;
    request->client.scheme = slice_equal(scheme, SLICE("https")) ? FORWARDED_SCHEME_HTTPS
                                                                 : FORWARDED_SCHEME_HTTP;
}

static bool check_secret(struct slice value, char *message, size_t message_size)
{
    bool good = value.size >= 16 && value.size <= 256;
    for (size_t i = 0; i < value.size; i++)
        good = good && value.data[i] > ' ' && value.data[i] < 0x7f;
    if (!good)
        snprintf(message, message_size,
            "is no secret; expected at least 16 letters, digits and marks, such as what "
            "\"openssl rand -hex 16\" prints");
    return good;
}

static const struct setting rows[] = {
    {.name = "origin", .type = SETTING_TEXT, .offset = offsetof(struct peer_settings, origin),
        .example = "siblings",
        .summary = "The origin whose backends are the site's other edges; this one may be among "
                   "them. At most 8 are asked.",
        .touch = "Set it when several edges serve the site: when the backend fails, what one of "
                 "them holds serves the visitors of all."},
    {.name = "secret", .type = SETTING_TEXT, .offset = offsetof(struct peer_settings, secret),
        .check = check_secret, .example = "0123456789abcdef0123456789abcdef",
        .summary = "What siblings know each other by; the same on all of them. It travels in a "
                   "field of the request, so ask them over https:// where others listen.",
        .touch = "Set it together with origin, and on edges that are only to be asked."},
};

const struct setting_section peer_settings_section = {
    .size = sizeof(struct peer_settings), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "The site's other edges, for what only they hold.",
};
