// Bodies that follow from what they are: every byte of a page is known to whoever knows its path,
// version and variant, so that a client can tell a wrong byte without asking the origin.
#pragma once

#include "base/slice.h"

uint64_t sim_content_seed(struct slice path, uint64_t version, struct slice variant);
void sim_content_fill(uint64_t seed, uint64_t offset, char *buffer, size_t size);
// The offset of the first wrong byte, UINT64_MAX if all are right.
uint64_t sim_content_check(uint64_t seed, uint64_t offset, struct slice bytes);
