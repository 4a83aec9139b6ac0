// Commands about incidents and windows do what they say, and nothing when they are not understood.
#include "watch/watch_command.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct world *world;

static int begin(void **state)
{
    static const struct component_definition definitions[] = {
        {.id = SLICE("shop.example"), .title = SLICE("Shop")},
        {.id = SLICE("api"), .title = SLICE("API"), .kind = COMPONENT_MONITOR},
    };
    const struct world_settings settings = {.incidents = {.automatic = true},
        .components = definitions, .component_count = 2, .now_ms = clock_wall_ms()};
    (void)state;
    assert_int_equal(log_open("/dev/null", LOG_ERROR), ERROR_NONE);
    return world_create(&settings, NULL, &world) == ERROR_NONE ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    world_destroy(world);
    return log_open(NULL, LOG_INFO) == ERROR_NONE ? 0 : -1;
}

// A request written with ' for ".
static json_t *parse(const char *text)
{
    static char json[8192];
    size_t size = strlen(text);
    assert_true(size < sizeof(json));
    for (size_t i = 0; i < size; i++)
        json[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    json_t *request = json_loadb(json, size, JSON_ALLOW_NUL, NULL);
    assert_non_null(request);
    return request;
}

static json_t *ask(const char *text)
{
    json_t *request = parse(text);
    bool windows = strcmp(json_string_value(json_object_get(request, "command")), "window") == 0;
    json_t *response = windows ? watch_command_window(world, request)
                               : watch_command_incident(world, request);
    assert_non_null(response);
    json_decref(request);
    return response;
}

static void assert_refused(const char *request, const char *part)
{
    json_t *response = ask(request);
    const char *error = json_string_value(json_object_get(response, "error"));
    assert_true(json_is_false(json_object_get(response, "ok")));
    assert_non_null(error);
    if (strstr(error, part) == NULL)
        fail_msg("%s: \"%s\" says nothing of \"%s\"", request, error, part);
    json_decref(response);
}

static void assert_done(const char *request)
{
    json_t *response = ask(request);
    if (!json_is_true(json_object_get(response, "ok")))
        fail_msg("%s: %s", request, json_string_value(json_object_get(response, "error")));
    json_decref(response);
}

// Opens one; its id stands in requests as %s.
static const char *opened(const char *request)
{
    static char id[INCIDENT_ID_SIZE + 1];
    json_t *response = ask(request);
    const char *value = json_string_value(json_object_get(response, "id"));
    assert_non_null(value);
    snprintf(id, sizeof(id), "%s", value);
    json_decref(response);
    return id;
}

static const char *with(const char *format, const char *id)
{
    static char request[4096];
    const char *mark = strstr(format, "ID");
    assert_non_null(mark);
    snprintf(request, sizeof(request), "%.*s%s%s", (int)(mark - format), format, id, mark + 2);
    return request;
}

static json_t *shown(const char *id)
{
    json_t *response = ask(with("{'command':'incident','action':'show','id':'ID'}", id));
    json_t *incident = json_incref(json_object_get(response, "incident"));
    assert_non_null(incident);
    json_decref(response);
    return incident;
}

static void assert_member(const json_t *object, const char *name, const char *expected)
{
    const char *value = json_string_value(json_object_get(object, name));
    assert_non_null(value);
    assert_string_equal(value, expected);
}

static void an_incident_is_opened_and_changed(void **state)
{
    (void)state;
    const char *id = opened("{'command':'incident','action':'open','title':'Payments fail',"
                            "'text':'We look.\\nTwice.','impact':'major','state':'identified',"
                            "'components':['api'],'eta_ms':4102444800000}");
    json_t *incident = shown(id);
    assert_member(incident, "title", "Payments fail");
    assert_member(incident, "state", "identified");
    assert_member(incident, "impact", "major");
    assert_member(incident, "reason", "set by an operator");
    assert_member(incident, "eta", "2100-01-01T00:00:00Z");
    assert_true(json_is_false(json_object_get(incident, "automatic")));
    assert_true(json_is_null(json_object_get(incident, "resolved")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(incident, "components"),
        0)), "api");
    assert_member(json_array_get(json_object_get(incident, "updates"), 0), "text",
        "We look.\nTwice.");
    json_decref(incident);
    assert_done(with("{'command':'incident','action':'update','id':'ID','title':'Payments',"
                     "'state':'monitoring','eta_ms':0,'components':['shop.example','api'],"
                     "'impact':'none'}", id));
    assert_done(with("{'command':'incident','action':'resolve','id':'ID','text':'Done.'}", id));
    assert_done(with("{'command':'incident','action':'postmortem','id':'ID','text':'Disk.'}", id));
    incident = shown(id);
    assert_member(incident, "title", "Payments");
    assert_member(incident, "state", "resolved");
    assert_member(incident, "impact", "none");
    assert_member(incident, "postmortem", "Disk.");
    assert_true(json_is_null(json_object_get(incident, "eta")));
    assert_int_equal(json_array_size(json_object_get(incident, "components")), 2);
    assert_int_equal(json_array_size(json_object_get(incident, "updates")), 3);
    json_decref(incident);
}

static void lists_have_what_is_open_or_all(void **state)
{
    (void)state;
    const char *id = opened("{'command':'incident','action':'open','title':'One'}");
    assert_done(with("{'command':'incident','action':'resolve','id':'ID'}", id));
    opened("{'command':'incident','action':'open','title':'Two'}");
    json_t *response = ask("{'command':'incident','action':'list'}");
    const json_t *list = json_object_get(response, "incidents");
    assert_int_equal(json_array_size(list), 1);
    assert_member(json_array_get(list, 0), "title", "Two");
    assert_member(json_array_get(list, 0), "impact", "minor");
    json_decref(response);
    response = ask("{'command':'incident','action':'list','all':true}");
    assert_int_equal(json_array_size(json_object_get(response, "incidents")), 2);
    json_decref(response);
    response = ask("{'command':'window','action':'list'}");
    assert_int_equal(json_array_size(json_object_get(response, "windows")), 0);
    json_decref(response);
}

static void what_is_not_understood_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *request, *part;
    } cases[] = {
        {"{'command':'incident'}", "\"action\" must be list, show, open"},
        {"{'command':'incident','action':1}", "\"action\" must be text"},
        {"{'command':'incident','action':'close'}", "\"action\" must be list"},
        {"{'command':'incident','action':'show'}", "which one?"},
        {"{'command':'incident','action':'show','id':7}", "\"id\" must be text"},
        {"{'command':'incident','action':'show','id':'k3x9'}", "no such incident"},
        {"{'command':'incident','action':'update','id':'k3x9','state':'resolved'}",
            "no such incident"},
        {"{'command':'incident','action':'list','all':1}", "\"all\" must be"},
        {"{'command':'incident','action':'open'}", "the title is empty"},
        {"{'command':'incident','action':'open','title':['a']}", "\"title\" must be text"},
        {"{'command':'incident','action':'open','title':'a\\u001b[2J'}", "control character"},
        {"{'command':'incident','action':'open','title':'a\\u0000b'}", "control character"},
        {"{'command':'incident','action':'open','title':'a','text':'b\\u0007'}",
            "the text has a control character at byte 2"},
        {"{'command':'incident','action':'open','title':'a','state':'over'}",
            "\"state\" is one of investigating"},
        {"{'command':'incident','action':'open','title':'a','impact':2}",
            "\"impact\" is one of none"},
        {"{'command':'incident','action':'open','title':'a','eta_ms':-1}", "\"eta_ms\" must be"},
        {"{'command':'incident','action':'open','title':'a','eta_ms':5}", "in the past"},
        {"{'command':'incident','action':'open','title':'a','components':'api'}",
            "\"components\" must be a list"},
        {"{'command':'incident','action':'open','title':'a','components':[1]}",
            "there is no component"},
        {"{'command':'incident','action':'open','title':'a','components':['api\\u001b']}",
            "there is no component \"api?\"; expected the first host name"},
        {"{'command':'incident','action':'postmortem','id':'a'}", "what is the postmortem?"},
        {"{'command':'window'}", "\"action\" must be list, add or remove"},
        {"{'command':'window','action':'remove'}", "which one?"},
        {"{'command':'window','action':'remove','id':'a'}", "there is no such window"},
        {"{'command':'window','action':'add','begin':1}", "\"begin\" must be text"},
        {"{'command':'window','action':'add','duration_ms':'2h'}", "\"duration_ms\" must be"},
        {"{'command':'window','action':'list','all':'yes'}", "\"all\" must be"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_refused(cases[i].request, cases[i].part);
    const char *id = opened("{'command':'incident','action':'open','title':'a'}");
    assert_refused(with("{'command':'incident','action':'update','id':'ID'}", id),
        "nothing is to be changed");
    assert_refused(with("{'command':'incident','action':'postmortem','id':'ID','text':1}", id),
        "\"text\" must be text");
}

static void without_a_world_all_is_refused(void **state)
{
    (void)state;
    world_destroy(world);
    world = NULL;
    assert_refused("{'command':'incident','action':'list'}", "nobody watches here");
    assert_refused("{'command':'window','action':'list'}", "nobody watches here");
}

static void without_memory_nothing_breaks(void **state)
{
    (void)state;
    json_t *request = parse("{'command':'incident','action':'list','all':true}");
    opened("{'command':'incident','action':'open','title':'One','components':['api']}");
    for (uint64_t i = 1; i < 200; i++) {
        uint64_t failures = memory_failures();
        memory_fail_after(i);
        json_t *response = watch_command_incident(world, request);
        memory_fail_after(0);
        json_decref(response);
        if (memory_failures() == failures)
            break;
    }
    json_decref(request);
}

// --- For people ---

static void assert_shown(void (*render)(const json_t *response, FILE *out), const char *response,
    const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    json_t *json = parse(response);
    assert_non_null(out);
    render(json, out);
    fclose(out);
    json_decref(json);
    assert_string_equal(text, expected);
    free(text);
}

static void people_read_lines(void **state)
{
    (void)state;
    assert_shown(watch_render_incidents, "{}", "no incidents\n");
    assert_shown(watch_render_incidents,
        "{'incidents':[{'id':'k3x9m2p7q4ta','state':'monitoring','impact':'major',"
        "'started':'2026-12-01T02:00:00Z','title':'Shop\\u001b is down'}]}",
        "k3x9m2p7q4ta  monitoring     major     2026-12-01T02:00:00Z  Shop? is down\n");
    assert_shown(watch_render_incident,
        "{'id':'k3x9m2p7q4ta','title':'Down','state':'resolved','impact':'major','eta':null,"
        "'components':['api','shop'],'updates':[{'at':'2026-12-01T02:00:00Z','state':'resolved',"
        "'author':'','text':''},{'at':'2026-12-01T01:00:00Z','state':'monitoring',"
        "'author':'anna','text':'One.\\nTwo.'}],'postmortem':'Disk\\u009b.'}",
        "id         k3x9m2p7q4ta\ntitle      Down\nstate      resolved\nimpact     major\n"
        "components api, shop\n\n2026-12-01T02:00:00Z  resolved  afloat\n\n"
        "2026-12-01T01:00:00Z  monitoring  anna\n    One.\n    Two.\n\npostmortem\n    Disk??.\n");
    assert_shown(watch_render_windows, "{'windows':[]}", "no maintenance is announced\n");
    assert_shown(watch_render_windows,
        "{'windows':[{'id':'k3x9m2p7q4ta','begin':'2026-12-01T02:00:00Z',"
        "'end':'2026-12-01T04:00:00Z','state':'scheduled','title':'Disks','components':['api']}]}",
        "k3x9m2p7q4ta  2026-12-01T02:00:00Z to 2026-12-01T04:00:00Z  scheduled  Disks  (api)\n");
    assert_shown(watch_render_incident, "{'title':7,'updates':[1],'components':[2]}",
        "components \n\n    afloat\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(an_incident_is_opened_and_changed),
        CASE(lists_have_what_is_open_or_all),
        CASE(what_is_not_understood_is_refused),
        CASE(without_a_world_all_is_refused),
        CASE(without_memory_nothing_breaks),
        CASE(people_read_lines),
    };
    return cmocka_run_group_tests_name("watch.watch_command", tests, NULL, NULL);
}
