// Cache-Status (RFC 9211) and Proxy-Status (RFC 9209) of an answer.
#pragma once

#include "base/text.h"
#include "edge/request.h"

void status_field_cache(struct text *text, const struct request *request); // the line with its CRLF
void status_field_proxy(struct text *text, const struct request *request);
