// The rows of section `status.operators`.
#include "watch/operator/operator.h"
#include "conf/conf.h"

#include <stdio.h>

static bool check_name(struct slice value, char *message, size_t message_size)
{
    bool is_good = value.size > 0 && value.size <= OPERATOR_NAME_MAX && text_is_utf8(value);
    for (size_t i = 0; i < value.size; i++)
        is_good = is_good && (unsigned char)value.data[i] >= ' ' && value.data[i] != 0x7f;
    if (!is_good)
        snprintf(message, message_size,
            "is no name; expected at most %d bytes of text such as anna", OPERATOR_NAME_MAX);
    return is_good;
}

static bool check_password(struct slice value, char *message, size_t message_size)
{
    if (value.size == 0
        || (slice_starts_with(value, SLICE("$argon2id$v=19$")) && value.size < 256))
        return true;
    snprintf(message, message_size,
        "is no hash of a password; expected what \"afloat hash-password\" prints");
    return false;
}

static bool check_token(struct slice value, char *message, size_t message_size)
{
    bool is_good = value.size == 0 || value.size == 64;
    for (size_t i = 0; i < value.size; i++)
        is_good = is_good && ((value.data[i] >= '0' && value.data[i] <= '9')
            || (value.data[i] >= 'a' && value.data[i] <= 'f'));
    if (!is_good)
        snprintf(message, message_size, "is no SHA-256; expected 64 hexadecimal digits, as "
            "\"printf %%s TOKEN | sha256sum\" prints");
    return is_good;
}

#define MEMBER(member) .offset = offsetof(struct operator_person, member)
static const struct setting person_rows[] = {
    {.name = "password", .type = SETTING_TEXT, MEMBER(password), .check = check_password,
        .example = "\"$argon2id$v=19$m=65536,t=3,p=4$…\"",
        .summary = "The hash of the password, as afloat hash-password prints it."},
    {.name = "token", .type = SETTING_TEXT, MEMBER(token), .check = check_token,
        .example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        .summary = "The SHA-256 of a token, for programs: Authorization: Bearer TOKEN.",
        .touch = "Make the token by openssl rand -hex 32."},
};
#undef MEMBER

// Whoever has neither could never come in.
static void person_review(struct setting_review *review, const void *settings)
{
    const struct operator_person *person = settings;
    if (person->name.data != NULL && person->password.size == 0 && person->token.size == 0
        && !conf_is_written(review, &person->password) && !conf_is_written(review, &person->token))
        conf_add_mistake(review, &person->name, "status.operators.people.%.*s: has neither; "
            "expected a password or a token", SLICE_ARGS(person->name));
}

static const struct setting_section person_section = {
    .size = sizeof(struct operator_person), .rows = person_rows,
    .count = ARRAY_SIZE(person_rows), .review = person_review,
    .summary = "One operator, by the name to log in with.",
};

#define MEMBER(member) .offset = offsetof(struct operator_settings, member)
static const struct setting rows[] = {
    {.name = "people", .type = SETTING_SECTION_MAP, MEMBER(people), .section = &person_section,
        .maximum = OPERATORS_MAX, .check = check_name,
        .summary = "Who may log in at operator, beside the status page. Without anybody there is "
                   "no such page. Changes need a restart."},
    {.name = "session", .type = SETTING_DURATION, MEMBER(session_ms), .fallback = "8h",
        .minimum = 60000, .maximum = UINT64_C(30) * 86400000,
        .summary = "After so long without a request a login is over.",
        .touch = "Lower it where operators share a machine."},
};
#undef MEMBER

const struct setting_section operator_settings_section = {
    .size = sizeof(struct operator_settings), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "Incidents and maintenance from a browser.",
};
