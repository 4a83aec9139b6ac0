// By the beginning of the media type; the first that fits.
#include "http/content_class.h"

static const struct {
    const char *begins;
    enum http_content_class is;
} types[] = {
    {"text/html", HTTP_CONTENT_PAGE},
    {"application/xhtml", HTTP_CONTENT_PAGE},
    {"text/css", HTTP_CONTENT_ASSET},
    {"text/javascript", HTTP_CONTENT_ASSET},
    {"application/javascript", HTTP_CONTENT_ASSET},
    {"application/wasm", HTTP_CONTENT_ASSET},
    {"font/", HTTP_CONTENT_ASSET},
    {"application/font", HTTP_CONTENT_ASSET},
    {"image/", HTTP_CONTENT_IMAGE},
    {"video/", HTTP_CONTENT_MEDIA},
    {"audio/", HTTP_CONTENT_MEDIA},
    {"text/", HTTP_CONTENT_DATA},
    {"application/json", HTTP_CONTENT_DATA},
    {"application/ld+json", HTTP_CONTENT_DATA},
    {"application/xml", HTTP_CONTENT_DATA},
    {"application/rss+xml", HTTP_CONTENT_DATA},
    {"application/atom+xml", HTTP_CONTENT_DATA},
};

enum http_content_class http_content_class(struct slice content_type)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        size_t size = strlen(types[i].begins);
        if (content_type.size >= size
            && slice_equal_nocase(slice_of(content_type.data, size),
                slice_of(types[i].begins, size)))
            return types[i].is;
    }
    return HTTP_CONTENT_OTHER;
}
