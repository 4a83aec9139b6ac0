// The result of a check for programs: {version, url, verdict, side, fault, advice, evidence, rule,
// retry_at, took_ms, steps, asked, facts}; its schema is docs/check.schema.json. Members are added,
// never changed.
#pragma once

#include "doctor/check.h"

#include <jansson.h>

#define REPORT_VERSION 1

// NULL: out of memory. Bytes of strangers that are no UTF-8 are replaced.
json_t *report_to_json(const struct check_result *result, const struct check_options *options);
// The schema (JSON Schema, draft 7), made of the tables that write the report. NULL: out of memory.
json_t *report_schema(void);
