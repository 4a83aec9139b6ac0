// The reference pages, made from the same tables as the parser, so that they cannot disagree with
// it: docs/settings.md for people and docs/afloat.schema.json for their editors (JSON Schema
// draft-07, which yaml-language-server reads; the newer drafts add nothing settings need).
#pragma once

#include "base/error.h"
#include "base/setting.h"

#include <stdio.h>

// Both need tables that conf_check_tables accepts. ERROR_SYSTEM: out could not be written.
enum error conf_describe_markdown(const struct setting_section *root, FILE *out) MUST_CHECK;
// ERROR_MEMORY is possible too.
enum error conf_describe_schema(const struct setting_section *root, FILE *out) MUST_CHECK;
