// What the rows of a rule say together (base/setting.h: review).
#pragma once

#include "base/setting.h"

void rule_review(struct setting_review *review, const void *settings);
void rule_review_request_headers(struct setting_review *review, const void *settings);
void rule_review_response_headers(struct setting_review *review, const void *settings);
