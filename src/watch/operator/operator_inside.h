// What the files of the operator's page share.
#pragma once

#include "edge/client_table.h"
#include "watch/operator/operator.h"
#include "watch/operator/session.h"

#define OPERATOR_PAGE_MAX ((size_t)8 << 20)   // bytes of HTML
#define OPERATOR_FORM_MAX ((size_t)192 << 10) // of a form's content: all components, twice

struct operators {
    struct arena arena;
    struct operator_person *people; // texts NUL-terminated
    uint32_t person_count;
    struct sessions sessions;
    struct database *database;
    struct client_table *networks;  // logins tried, by network
    struct client_table *all_networks; // and by all of them together
    struct client_table *devices;   // by those who have logged in before, see device.h
    atomic_bool is_verifying[2];    // a password; [1]: of one of those
    char decoy[256];                // hash for a name that is not there: it takes as long
    uint64_t seed;
};

// One request to the operator's page.
struct operator_visit {
    struct operators *operators;
    const struct visit *visit;
    struct edge_page *page;
    struct slice rest;    // of the page's name, behind "operator": "", "/login", "/incident/ID"
    struct slice form;    // the content of a POST
    uint32_t person;
    bool is_known;        // who he is
    bool by_token;        // a program, which is answered in JSON
    struct slice session; // the cookie's token
    struct slice problem; // what was wrong with the form; empty: nothing
    bool is_search;       // the form only asks for other components to choose among
};

struct slice operator_name(const struct operator_visit *visit); // of who he is
// Into the audit log.
void operator_note(const struct operator_visit *visit, const char *action, struct slice subject);

// operator_forms.c: does what the form says. False: problem says why not. *ret_id: of what was
// made or changed.
bool operator_do(struct operator_visit *visit, struct slice *ret_id);

// operator_choice.c: the next value of that name, still encoded; data NULL: there is none.
struct slice operator_form_next(struct slice *form, struct slice name);
// Appends the choice of components, with what is chosen: of the form that was sent, or these.
void operator_put_choice(struct text *text, const struct operator_visit *visit, bool is_sent,
    const uint32_t *chosen, size_t count);
// The same as it was before, hidden: "was_component".
void operator_put_chosen_before(struct text *text, const struct operator_visit *visit,
    bool is_sent, const struct incident_view *incident);

// operator_page.c: from a visit to HTML, on a thread.
enum operator_view { OPERATOR_LOGIN, OPERATOR_HOME, OPERATOR_INCIDENT, OPERATOR_AUDIT };
struct operator_rendering {
    const struct operator_visit *visit;
    enum operator_view view;
    const struct incident_view *incident; // of OPERATOR_INCIDENT
    char *html;        // memory_alloc's, the caller's; NULL: no memory, or it did not fit
    size_t size;
};
void operator_render(void *rendering);
