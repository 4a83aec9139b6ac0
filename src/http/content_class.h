// What kind of thing a representation is, by its media type (RFC 9110 section 8.3.1): kinds take
// their time in different ways. A page is made, an image is read from a disk.
#pragma once

#include "base/slice.h"

enum http_content_class {
    HTTP_CONTENT_PAGE,   // HTML
    HTTP_CONTENT_DATA,   // JSON, XML and other text
    HTTP_CONTENT_ASSET,  // style, script, font
    HTTP_CONTENT_IMAGE,
    HTTP_CONTENT_MEDIA,  // video, audio
    HTTP_CONTENT_OTHER,  // and without a type
    HTTP_CONTENT_CLASSES
};

enum http_content_class http_content_class(struct slice content_type);
