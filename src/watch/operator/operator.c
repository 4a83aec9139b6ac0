// From request to answer: who it is, and which page. A login is a password that costs time to try,
// a cookie that scripts cannot read and other sites cannot send, and a proof in each form.
#include "watch/operator/operator.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "http/form.h"
#include "io/network.h"
#include "watch/operator/device.h"
#include "watch/operator/operator_inside.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define COOKIE "afloat-operator="
#define NETWORKS_REMEMBERED 4096
#define DEVICES_REMEMBERED 1024
#define NAME "operator"

// One network, or one browser that has logged in before; and all networks together.
static const struct client_rate single_rate = {5, UINT64_C(60) * 1000 * NS_PER_MS, 5};
static const struct client_rate total_rate = {60, UINT64_C(60) * 1000 * NS_PER_MS, 20};

#define AUDIT_KEPT 100000 // what was done, the newest
#define TRIED_KEPT 1000   // what was only tried

// --- Begin and end ---

static enum error copy_people(struct operators *operators, const struct setting_list *people)
{
    const struct operator_person *items = people->items;
    operators->people = arena_alloc(&operators->arena,
        (people->count + 1) * sizeof(*operators->people));
    if (operators->people == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; i < people->count; i++) {
        struct operator_person *person = &operators->people[operators->person_count++];
        person->name = arena_copy(&operators->arena, items[i].name);
        person->password = arena_copy(&operators->arena, items[i].password);
        person->token = arena_copy(&operators->arena, items[i].token);
        if (person->name.data == NULL || person->password.data == NULL
            || person->token.data == NULL)
            return ERROR_MEMORY;
    }
    return ERROR_NONE;
}

static enum error fill(struct operators *operators, const struct operator_settings *settings)
{
    struct text decoy = text_in(operators->decoy, sizeof(operators->decoy) - 1);
    enum error error = copy_people(operators, &settings->people);
    operators->networks = client_table_create(NETWORKS_REMEMBERED);
    operators->all_networks = client_table_create(1);
    operators->devices = client_table_create(DEVICES_REMEMBERED);
    if (error == ERROR_NONE && (operators->networks == NULL || operators->all_networks == NULL
            || operators->devices == NULL))
        error = ERROR_MEMORY;
    return error != ERROR_NONE ? error : operator_hash_password(SLICE("nobody's"), &decoy);
}

enum error operators_create(const struct operator_settings *settings, const uint8_t secret[32],
    struct database *database, struct operators **ret_operators)
{
    struct operators *operators = memory_zero_alloc(sizeof(*operators));
    if (operators == NULL)
        return ERROR_MEMORY;
    arena_init(&operators->arena, 4096, (size_t)1 << 20);
    sessions_init(&operators->sessions, secret, settings->session_ms);
    operators->database = database;
    operators->seed = hash_bytes(slice_of((const char *)secret, 32), 0);
    enum error error = fill(operators, settings);
    if (error == ERROR_NONE)
        *ret_operators = operators;
    else
        operators_destroy(operators);
    return error;
}

void operators_destroy(struct operators *operators)
{
    if (operators == NULL)
        return;
    client_table_destroy(operators->networks);
    client_table_destroy(operators->all_networks);
    client_table_destroy(operators->devices);
    sessions_destroy(&operators->sessions);
    arena_free(&operators->arena);
    memory_free(operators);
}

// --- Answers ---

static void answer(const struct operator_visit *visit, unsigned status, struct slice fields,
    struct slice type, struct slice content)
{
    *visit->page = (struct edge_page){.status = status, .fields = fields.data == NULL
        ? SLICE("") : fields, .content_type = type, .content = content.data == NULL
        ? SLICE("") : content};
}

static void answer_json(const struct operator_visit *visit, unsigned status, const char *member,
    struct slice value)
{
    struct arena *arena = visit->visit->request->arena;
    size_t room = 6 * value.size + 64;
    char *buffer = arena_alloc(arena, room);
    struct text text = text_in(buffer, buffer == NULL ? 0 : room);
    text_format(&text, "{\"%s\":\"", member);
    text_append_json(&text, value);
    text_append(&text, SLICE("\"}\n"));
    answer(visit, status, SLICE(""), SLICE("application/json"), text_slice(&text));
}

static void free_html(void *html)
{
    memory_free(html);
}

static void answer_html(struct task *task, const struct operator_visit *visit, unsigned status,
    struct slice fields, enum operator_view view, const struct incident_view *incident)
{
    struct operator_rendering rendering = {.visit = visit, .view = view, .incident = incident};
    enum error error = visit_run(task, visit->visit, operator_render, &rendering);
    if (error != ERROR_NONE || rendering.html == NULL) {
        answer(visit, 503, SLICE("Retry-After: 5\r\n"), SLICE("text/plain; charset=utf-8"),
            SLICE("Too much is asked for just now; try again.\n"));
        return;
    }
    answer(visit, status, fields, SLICE("text/html; charset=utf-8"),
        slice_of(rendering.html, rendering.size));
    visit->page->more_context = rendering.html;
    visit->page->end = free_html;
}

// See Other, so that a reload sends nothing twice.
static void lead(const struct operator_visit *visit, struct slice page, struct slice fields)
{
    struct slice location = arena_printf(visit->visit->request->arena, "Location: %.*s" NAME
        "%.*s\r\n%.*s", SLICE_ARGS(visit->visit->base), SLICE_ARGS(page), SLICE_ARGS(fields));
    answer(visit, 303, location, SLICE("text/plain"), SLICE(""));
}

static void refuse(struct task *task, struct operator_visit *visit, unsigned status,
    struct slice fields, struct slice why)
{
    visit->problem = why;
    if (visit->by_token)
        answer_json(visit, status, "error", why);
    else
        answer_html(task, visit, status, fields, visit->is_known ? OPERATOR_HOME : OPERATOR_LOGIN,
            NULL);
}

// --- Who it is ---

struct slice operator_name(const struct operator_visit *visit)
{
    return visit->is_known ? visit->operators->people[visit->person].name : SLICE("-");
}

void operator_note(const struct operator_visit *visit, const char *action, struct slice subject)
{
    char buffer[64];
    struct text address = text_in(buffer, sizeof(buffer));
    address_format(&address, &visit->visit->request->client);
    log_write(LOG_INFO, "watch", "operator %.*s %s%s%.*s", SLICE_ARGS(operator_name(visit)), action,
        subject.size > 0 ? " " : "", SLICE_ARGS(subject));
    database_execute(visit->operators->database,
        "INSERT INTO audit(at_ms,known,person,address,action,subject) VALUES(?,?,?,?,?,?)",
        "iitttt", visit->visit->now_ms, (int64_t)visit->is_known, operator_name(visit),
        text_slice(&address), slice_from_string(action), subject);
    // Apart, so that nobody can drive out what was done by what he tries.
    database_execute(visit->operators->database, "DELETE FROM audit WHERE known=?1 AND number<="
        "(SELECT number FROM audit WHERE known=?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)", "ii",
        (int64_t)visit->is_known, visit->is_known ? (int64_t)AUDIT_KEPT : (int64_t)TRIED_KEPT);
}

// name: with its "=".
static struct slice find_cookie(const struct http_fields *fields, struct slice name)
{
    const struct http_field *field = http_fields_find_text(fields, SLICE("cookie"));
    struct slice rest = field == NULL ? SLICE_EMPTY : field->value;
    while (rest.data != NULL) {
        struct slice pair = slice_trim(slice_cut(&rest, ';'));
        if (slice_starts_with(pair, name))
            return slice_of(pair.data + name.size, pair.size - name.size);
    }
    return SLICE_EMPTY;
}

// By network, and in all: a limit for each name would let anybody lock its bearer out. What all do
// is counted apart, where no number of networks can make it be forgotten.
static bool take_guess(struct operator_visit *visit, uint64_t now_ns, uint64_t *ret_wait_ns)
{
    struct operators *operators = visit->operators;
    struct network network;
    if (network_of_client(&visit->visit->request->client, &network)
        && !client_table_take(operators->networks, hash_bytes(slice_of((const char *)network.bytes,
                sizeof(network.bytes)), operators->seed), &single_rate, now_ns, ret_wait_ns))
        return false;
    return client_table_take(operators->all_networks, 0, &total_rate, now_ns, ret_wait_ns);
}

static void refuse_guess(struct task *task, struct operator_visit *visit, uint64_t wait_ns)
{
    struct arena *arena = visit->visit->request->arena;
    uint64_t seconds = wait_ns / (1000 * NS_PER_MS) + 1;
    struct slice fields = arena_printf(arena, "Retry-After: %llu\r\n",
        (unsigned long long)seconds);
    refuse(task, visit, 429, fields, arena_printf(arena, "Too many attempts. Try again in %llu "
        "seconds.", (unsigned long long)seconds));
}

// All tokens are compared, each in constant time.
static bool find_token(struct operator_visit *visit, struct slice token)
{
    uint8_t hash[32];
    char digits[64];
    struct text text = text_in(digits, sizeof(digits));
    if (EVP_Digest(token.data, token.size, hash, NULL, EVP_sha256(), NULL) != 1)
        return false;
    text_append_hex_bytes(&text, hash, sizeof(hash));
    for (uint32_t i = 0; i < visit->operators->person_count; i++) {
        struct slice known = visit->operators->people[i].token;
        if (known.size == text.size && CRYPTO_memcmp(known.data, text.data, text.size) == 0) {
            visit->person = i;
            visit->is_known = true;
        }
    }
    return visit->is_known;
}

// False: it was refused.
static bool find_out(struct task *task, struct operator_visit *visit)
{
    const struct edge_page_request *request = visit->visit->request;
    const struct http_field *field = http_fields_find_text(request->fields,
        SLICE("authorization"));
    uint64_t wait_ns = 0;
    struct slice token = field == NULL ? SLICE_EMPTY : field->value;
    bool is_bearer = slice_equal_nocase(slice_cut(&token, ' '), SLICE("bearer"));
    if (!is_bearer) { // none, or of another scheme, which is the site's affair
        visit->session = find_cookie(request->fields, SLICE(COOKIE));
        visit->is_known = sessions_find(&visit->operators->sessions, visit->session,
            visit->visit->now_ms, &visit->person);
        return true;
    }
    visit->by_token = true;
    if (find_token(visit, slice_trim(token)))
        return true;
    if (!take_guess(visit, task_now_ns(task), &wait_ns)) {
        refuse_guess(task, visit, wait_ns);
    } else {
        operator_note(visit, "has no such token", SLICE(""));
        refuse(task, visit, 401, SLICE(""), SLICE("There is no such token."));
        visit->page->fields = SLICE("WWW-Authenticate: Bearer\r\n");
    }
    return false;
}

// --- Logging in and out ---

struct login {
    struct operator_visit *visit;
    struct slice name, password;
    const struct operator_person *person; // NULL: nobody of that name has a password
    bool is_known_device;                 // he has logged in by this browser before
    uint64_t device;
    bool is_good;
};

static void find_person(struct login *login)
{
    const struct visit *at = login->visit->visit;
    struct operators *operators = login->visit->operators;
    for (uint32_t i = 0; i < operators->person_count; i++) {
        if (operators->people[i].password.size > 0
            && slice_equal(operators->people[i].name, login->name)) {
            login->person = &operators->people[i];
            login->visit->person = i;
        }
    }
    login->is_known_device = login->person != NULL
        && device_check(operators->sessions.secret, login->person,
            find_cookie(at->request->fields, SLICE(DEVICE_COOKIE)), at->now_ms, &login->device);
}

// A browser that he has logged in by has attempts of its own: however many strangers guess, they
// are not his.
static bool take_attempt(const struct login *login, uint64_t now_ns, uint64_t *ret_wait_ns)
{
    struct operators *operators = login->visit->operators;
    if (!login->is_known_device)
        return take_guess(login->visit, now_ns, ret_wait_ns);
    return client_table_take(operators->devices, login->device, &single_rate, now_ns, ret_wait_ns);
}

static void verify(void *argument)
{
    struct login *login = argument;
    const char *hash = login->person == NULL ? login->visit->operators->decoy
                                             : login->person->password.data;
    bool fits = operator_verify_password(login->password, hash);
    login->is_good = fits && login->person != NULL;
}

// One password at a time, and one of those who have logged in before: each takes 64 MB, and a
// thread from those who write pages.
static bool verify_alone(struct task *task, struct login *login)
{
    atomic_bool *is_verifying = &login->visit->operators->is_verifying[login->is_known_device];
    if (atomic_exchange(is_verifying, true))
        return false;
    enum error error = visit_run(task, login->visit->visit, verify, login);
    atomic_store(is_verifying, false);
    return error == ERROR_NONE;
}

static bool is_loopback(const struct address *address)
{
    static const struct network loopbacks[] = {
        {{[10] = 0xff, [11] = 0xff, [12] = 127}, 104}, {{[15] = 1}, 128}};
    return network_contains(&loopbacks[0], address) || network_contains(&loopbacks[1], address);
}

static void begin_session(struct task *task, struct operator_visit *visit)
{
    const struct visit *at = visit->visit;
    struct operators *operators = visit->operators;
    char digits[SESSION_TOKEN_SIZE], buffer[DEVICE_COOKIE_MAX];
    struct text token = text_in(digits, sizeof(digits)), device = text_in(buffer, sizeof(buffer));
    if (sessions_begin(&operators->sessions, visit->person, at->now_ms, &token) != ERROR_NONE
        || device_write(operators->sessions.secret, &operators->people[visit->person], at->now_ms,
            &device) != ERROR_NONE) {
        refuse(task, visit, 503, SLICE(""), SLICE("No login can be made just now."));
        return;
    }
    visit->is_known = true;
    operator_note(visit, "logs in", SLICE(""));
    const char *secure = at->request->secure ? "; Secure" : "";
    lead(visit, SLICE(""), arena_printf(at->request->arena, "Set-Cookie: " COOKIE "%.*s; Path=%.*s"
        NAME "; HttpOnly; SameSite=Strict%s\r\nSet-Cookie: " DEVICE_COOKIE "%.*s; Path=%.*s" NAME
        "; HttpOnly; SameSite=Strict; Max-Age=%d%s\r\n", SLICE_ARGS(text_slice(&token)),
        SLICE_ARGS(at->base), secure, SLICE_ARGS(text_slice(&device)), SLICE_ARGS(at->base),
        DEVICE_SECONDS, secure));
}

static void log_in(struct task *task, struct operator_visit *visit)
{
    const struct visit *at = visit->visit;
    struct login login = {.visit = visit, .name = visit_form_value(at, visit->form, SLICE("name")),
        .password = visit_form_value(at, visit->form, SLICE("password"))};
    uint64_t wait_ns = 0;
    find_person(&login);
    if (!at->request->secure && !is_loopback(&at->request->client)) {
        refuse(task, visit, 403, SLICE(""), SLICE("This connection can be listened to. Log in by "
            "HTTPS."));
    } else if (login.name.size == 0 || login.name.size > OPERATOR_NAME_MAX
        || login.password.size == 0) {
        refuse(task, visit, 422, SLICE(""), SLICE("A login takes a name and a password."));
    } else if (!take_attempt(&login, task_now_ns(task), &wait_ns)) {
        refuse_guess(task, visit, wait_ns);
    } else if (!verify_alone(task, &login)) {
        refuse(task, visit, 503, SLICE("Retry-After: 1\r\n"), SLICE("Somebody else logs in just "
            "now. Try again."));
    } else if (!login.is_good) {
        operator_note(visit, "cannot log in", login.name);
        refuse(task, visit, 403, SLICE(""), SLICE("Name and password do not fit."));
    } else {
        begin_session(task, visit);
    }
}

static void log_out(struct operator_visit *visit)
{
    operator_note(visit, "logs out", SLICE(""));
    sessions_end(&visit->operators->sessions, visit->session);
    lead(visit, SLICE(""), arena_printf(visit->visit->request->arena, "Set-Cookie: " COOKIE
        "; Path=%.*s" NAME "; Max-Age=0\r\n", SLICE_ARGS(visit->visit->base)));
}

// --- Pages ---

static struct slice behind(struct slice text, struct slice prefix)
{
    return slice_starts_with(text, prefix)
        ? slice_of(text.data + prefix.size, text.size - prefix.size) : SLICE_EMPTY;
}

static void show(struct task *task, struct operator_visit *visit)
{
    struct slice id = behind(visit->rest, SLICE("/incident/"));
    const struct incident_view *incident = snapshot_find_incident(visit->visit->snapshot, id);
    if (!visit->is_known)
        answer_html(task, visit, visit->rest.size == 0 ? 200 : 401, SLICE(""), OPERATOR_LOGIN,
            NULL);
    else if (visit->rest.size == 0)
        answer_html(task, visit, 200, SLICE(""), OPERATOR_HOME, NULL);
    else if (slice_equal(visit->rest, SLICE("/audit")))
        answer_html(task, visit, 200, SLICE(""), OPERATOR_AUDIT, NULL);
    else if (incident != NULL)
        answer_html(task, visit, 200, SLICE(""), OPERATOR_INCIDENT, incident);
    else
        refuse(task, visit, 404, SLICE(""), SLICE("There is no such page."));
}

// The same form again, with other components to choose among.
static void search(struct task *task, struct operator_visit *visit,
    const struct incident_view *incident)
{
    visit->is_search = true;
    answer_html(task, visit, 200, SLICE(""), incident == NULL ? OPERATOR_HOME : OPERATOR_INCIDENT,
        incident);
}

struct deed {
    struct operator_visit *visit;
    struct slice id;
    bool is_done;
};

// In another thread, for a window's zone is a file.
static void do_it(void *argument)
{
    struct deed *deed = argument;
    deed->is_done = operator_do(deed->visit, &deed->id);
}

static void act(struct task *task, struct operator_visit *visit)
{
    struct deed deed = {.visit = visit, .id = SLICE_EMPTY};
    struct slice incident = behind(visit->rest, SLICE("/incident/"));
    const struct incident_view *view = snapshot_find_incident(visit->visit->snapshot, incident);
    if (!visit->by_token && form_find(visit->form, SLICE("search")).data != NULL) {
        search(task, visit, view);
    } else if (visit_run(task, visit->visit, do_it, &deed) != ERROR_NONE) {
        refuse(task, visit, 503, SLICE("Retry-After: 5\r\n"), SLICE("Too much is asked for just "
            "now. Nothing was changed; try again."));
    } else if (deed.is_done) {
        if (visit->by_token)
            answer_json(visit, 200, "id", deed.id);
        else
            lead(visit, visit->rest.size > 0 && view != NULL ? visit->rest : SLICE(""), SLICE(""));
    } else if (visit->by_token || view == NULL) {
        refuse(task, visit, 422, SLICE(""), visit->problem);
    } else {
        answer_html(task, visit, 422, SLICE(""), OPERATOR_INCIDENT, view);
    }
}

// What another site makes a browser send has no cookie (SameSite), comes from elsewhere by its own
// word, and has no proof.
static bool is_his_own(const struct operator_visit *visit)
{
    return visit->by_token
        || sessions_check_proof(&visit->operators->sessions, visit->session,
            visit_form_value(visit->visit, visit->form, SLICE("proof")));
}

static void post(struct task *task, struct operator_visit *visit)
{
    enum error error = visit_read_content(task, visit->visit, OPERATOR_FORM_MAX, &visit->form);
    if (error != ERROR_NONE)
        refuse(task, visit, error == ERROR_LIMIT ? 413 : 400, SLICE(""), error == ERROR_LIMIT
            ? SLICE("That is too much for one form.") : SLICE("The form did not arrive whole."));
    else if (!visit->by_token && !visit_is_from_here(visit->visit))
        refuse(task, visit, 403, SLICE(""), SLICE("The form came from another site."));
    else if (slice_equal(visit->rest, SLICE("/login")))
        log_in(task, visit);
    else if (!visit->is_known)
        refuse(task, visit, 401, SLICE(""), SLICE("The login is over. Log in again."));
    else if (!is_his_own(visit))
        refuse(task, visit, 403, SLICE(""), SLICE("The form is not of this login. Try again."));
    else if (slice_equal(visit->rest, SLICE("/logout")))
        log_out(visit);
    else
        act(task, visit);
}

bool operators_serve(struct task *task, struct operators *operators, const struct visit *visit,
    struct edge_page *ret_page)
{
    struct slice rest = behind(visit->name, SLICE(NAME));
    if (rest.data == NULL || (rest.size > 0 && rest.data[0] != '/'))
        return false;
    struct operator_visit *operator_visit =
        arena_zero_alloc(visit->request->arena, sizeof(*operator_visit));
    if (operator_visit == NULL)
        return false;
    *operator_visit = (struct operator_visit){
        .operators = operators, .visit = visit, .page = ret_page, .rest = rest};
    enum http_method method = visit->request->method;
    if (method != HTTP_METHOD_GET && method != HTTP_METHOD_HEAD && method != HTTP_METHOD_POST)
        answer(operator_visit, 405, SLICE("Allow: GET, HEAD, POST\r\n"), SLICE("text/plain"),
            SLICE(""));
    else if (!find_out(task, operator_visit))
        return true;
    else if (method == HTTP_METHOD_POST)
        post(task, operator_visit);
    else
        show(task, operator_visit);
    return true;
}
