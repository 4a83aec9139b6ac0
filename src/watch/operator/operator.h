// The operator's page, base + "operator": incidents and windows from a browser, behind a login
// (argon2id, or a token in a field). Forms are proof against being sent from elsewhere, guessing is
// slowed down, and everything done is written down.
#pragma once

#include "base/setting.h"
#include "watch/visit.h"
#include "watch/world.h"

struct operator_settings {
    struct setting_list people; // of struct operator_person; none: there is no such page
    uint64_t session_ms;        // without a request for so long, the login is over
};
struct operator_person {
    struct slice name;
    struct slice password; // "$argon2id$v=19$…", as `afloat status-server --hash-password` prints
    struct slice token;    // for programs: SHA-256 of it in hexadecimal; either may be empty
};
extern const struct setting_section operator_settings_section;

struct operators;

// secret: 32 bytes, known to nobody. Nothing of the settings is kept.
enum error operators_create(const struct operator_settings *settings, const uint8_t secret[32],
    struct operators **ret_operators) MUST_CHECK;
void operators_destroy(struct operators *operators); // NULL is fine
bool operators_serve(struct task *task, struct operators *operators, const struct visit *visit,
    struct edge_page *ret_page);
