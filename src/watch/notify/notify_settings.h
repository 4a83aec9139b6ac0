// Settings of mail and webhooks.
#pragma once

#include "base/setting.h"

struct webhook_settings {
    struct slice url;
    struct slice key;      // signs what is sent (HMAC-SHA256); empty: unsigned
    struct slice key_file; // the same, from a file
};

struct mail_settings {
    struct slice server;   // smtp://host:port or smtps://; empty: no mail
    struct slice user, password_file;
    struct slice from;
    struct setting_list to; // of slices: told without asking them (operators)
    uint64_t require_tls;
};

struct notify_settings {
    struct mail_settings mail;
    struct setting_list webhooks; // of struct webhook_settings
    struct setting_list allow;    // of slices: private addresses that webhooks may reach
    uint64_t digest_ms;           // what happens within this time is one message
    bool subscribe;               // visitors may, by mail
};
extern const struct setting_section notify_settings_section;
