// Durations and sizes as people write them: 250ms, 10s, 5m, 2h, 30d; 512, 64KB, 16MB, 2GB (powers
// of 1024; KiB, MiB, GiB mean the same). A duration needs its unit, except 0.
#pragma once

#include "base/base.h"
#include "base/slice.h"
#include "base/text.h"

bool units_parse_duration_ms(struct slice slice, uint64_t *ret_ms) MUST_CHECK;
bool units_parse_size(struct slice slice, uint64_t *ret_bytes) MUST_CHECK;
// In the largest unit that divides the value.
void units_format_duration_ms(struct text *text, uint64_t ms);
void units_format_size(struct text *text, uint64_t bytes);
// A moment of the wall clock (ms since 1970) as RFC 3339 has it, in UTC: 2025-11-24T14:05:00Z.
// Nothing for years that do not have four digits.
void units_format_time(struct text *text, int64_t wall_ms);
