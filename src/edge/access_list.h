// Lists of addresses in settings: how they are checked, and how they are read once per generation.
#pragma once

#include "base/setting.h"
#include "io/network.h"

// For struct setting's check.
bool access_list_check(struct slice value, char *message, size_t message_size);
// Warns where the list, written in the file, has a range of all addresses in it. why: what then.
void access_list_warn(struct setting_review *review, const struct setting_list *texts,
    const char *name, const char *why);
// texts: checked by the above. MEMORY, or INVALID for what is no range.
enum error access_list_read(const struct setting_list *texts,
    struct network_list *ret_list) MUST_CHECK;
void access_list_free(struct network_list *list); // all zero is fine
