// Settings of mail and webhooks.
#pragma once

#include "base/setting.h"

#define NOTIFY_WEBHOOKS_MAX 16
#define NOTIFY_MAIL_TO_MAX 100
#define NOTIFY_KEY_MIN 16 // bytes

struct webhook_settings {
    struct slice url;
    struct slice key;      // signs what is sent (HMAC-SHA256); empty: unsigned
    struct slice key_file; // the same, from a file
};

enum require_tls { REQUIRE_TLS_BEYOND_LOOPBACK, REQUIRE_TLS_ALWAYS, REQUIRE_TLS_NEVER };

struct mail_settings {
    struct slice server;   // smtp://host:port or smtps://; empty: no mail
    struct slice user, password_file;
    struct slice from;
    struct setting_list to; // of slices: told without asking them (operators)
    uint64_t require_tls;   // enum require_tls
};

struct notify_settings {
    struct mail_settings mail;
    struct setting_list webhooks; // of struct webhook_settings
    struct setting_list allow;    // of slices: private addresses that webhooks may reach
    uint64_t digest_ms;           // what happens within this time is one message
    bool subscribe;               // visitors may, by mail
    uint64_t subscribers_max;
};
extern const struct setting_section notify_settings_section;

// The server of mail.server. False: it is none. The host is a view, without brackets.
struct mail_server {
    struct slice host;
    uint16_t port;
    bool is_secure, is_loopback; // TLS from the start; it is this machine by its name
};
bool mail_server_parse(struct slice text, struct mail_server *ret_server) MUST_CHECK;
// The port of a webhook's URL; 0: it is no URL of a webhook.
uint16_t webhook_url_port(struct slice url);
