// Texts with variables, "https://${host}/new${path}": compiled when settings are read, filled in
// per request. Pure.
//
// What a variable brings is the visitor's own spelling, which holds neither control characters nor
// spaces, so that no value can end a field line. "$" without "{" is itself.
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

// X(name, text, what it is)
#define RULE_VARIABLE_MAP(X)                                                                       \
    X(HOST, "host", "the host name asked for, without port")                                       \
    X(PATH, "path", "the path, as sent")                                                           \
    X(QUERY, "query", "\"?\" and the query, or nothing")                                           \
    X(REST, "rest", "what the * of the rule's own path /x/* stood for")                            \
    X(SCHEME, "scheme", "http or https")                                                           \
    X(METHOD, "method", "the method")                                                              \
    X(CLIENT_IP, "client_ip", "the visitor's address")                                             \
    X(REQUEST_ID, "request_id", "what the access log calls this request")

enum rule_variable {
    RULE_VARIABLE_NONE, // a literal
#define X(name, text, help) RULE_VARIABLE_##name,
    RULE_VARIABLE_MAP(X)
#undef X
    RULE_VARIABLE_COUNT
};

struct rule_part {
    enum rule_variable variable;
    struct slice literal; // of NONE, a view of the text
};

struct rule_template {
    const struct rule_part *parts;
    size_t count;
};

// By variable; what has none is empty.
struct rule_values {
    struct slice of[RULE_VARIABLE_COUNT];
};

// Cuts the next part off *rest. False: a mistake, with the rest of the message in `message`; or,
// with an empty one, the end.
bool rule_template_next(struct slice *rest, struct rule_part *ret_part, struct text *message);
// The text must have passed the check below. ERROR_MEMORY.
enum error rule_template_compile(struct slice text, struct arena *arena,
    struct rule_template *ret_template) MUST_CHECK;
void rule_template_append(struct text *text, const struct rule_template *template,
    const struct rule_values *values);

// For settings: a field's value. On false, what goes on after the value in quotes.
bool rule_template_check_value(struct slice text, char *message, size_t message_size);
// The target of a redirect: a path, or a URL whose host no variable but ${host} has a say in.
bool rule_template_check_target(struct slice text, char *message, size_t message_size);
// The target, proof against "//other.example/", which browsers read as another host.
void rule_template_append_target(struct text *text, const struct rule_template *template,
    const struct rule_values *values);
