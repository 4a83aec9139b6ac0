// The operator's page, base + "operator": incidents and windows from a browser, behind a login; and
// the same by programs with a token. Forms are proof against being sent from elsewhere, guessing is
// slowed down and costs memory, and everything done is written down. Strangers who guess are
// counted by network and together; whose browser shows that he has logged in by it before is
// counted apart.
//
// Logins are in memory alone: a restart ends them. One lock; any thread.
#pragma once

#include "base/setting.h"
#include "watch/history/database.h"
#include "watch/visit.h"
#include "watch/world.h"

#define OPERATORS_MAX 100
#define OPERATOR_NAME_MAX 64    // bytes
#define OPERATOR_PASSWORD_MAX 1024

struct operator_person {
    struct slice name;
    struct slice password; // "$argon2id$v=19$…", as `afloat hash-password` prints; empty: by token
    struct slice token;    // for programs: its SHA-256, 64 hexadecimal digits; empty: none
};

// Section `status.operators`.
struct operator_settings {
    struct setting_list people; // of struct operator_person; none: there is no such page
    uint64_t session_ms;        // without a request for so long, the login is over
};
extern const struct setting_section operator_settings_section;

struct operators;

// secret: 32 bytes, known to nobody. database: of the audit log; NULL: the error log alone has it.
// Nothing of the settings is kept.
enum error operators_create(const struct operator_settings *settings, const uint8_t secret[32],
    struct database *database, struct operators **ret_operators) MUST_CHECK;
void operators_destroy(struct operators *operators); // NULL is fine
bool operators_serve(struct task *task, struct operators *operators, const struct visit *visit,
    struct edge_page *ret_page);

// Argon2id (RFC 9106), with the second of the parameters that its section 4 recommends: 64 MB and
// three passes. Takes tenths of a second and that memory, so never in a loop's thread.
enum error operator_hash_password(struct slice password, struct text *ret_hash) MUST_CHECK;
bool operator_verify_password(struct slice password, const char *hash) MUST_CHECK;
