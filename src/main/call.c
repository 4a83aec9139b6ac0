// Every way it can fail gets a line that says what to do.
#include "main/call.h"
#include "admin/control.h"
#include "main/process.h"

#include <stdio.h>

json_t *call_edge(const char *state, json_t *request)
{
    char directory[4096];
    json_t *response = NULL;
    if (!state_directory(slice_from_string(state), directory, sizeof(directory))) {
        fprintf(stderr, "afloat: no state directory: set --state DIR\n");
        json_decref(request);
        return NULL;
    }
    enum error error = request == NULL ? ERROR_MEMORY : control_call(directory, request, &response);
    json_decref(request);
    if (error == ERROR_NOT_FOUND || error == ERROR_REFUSED)
        fprintf(stderr, "afloat: no afloat runs with the state directory %s; is it another "
            "--state DIR?\n", directory);
    else if (error == ERROR_DENIED)
        fprintf(stderr, "afloat: %s belongs to another user; try as that user or as root\n",
            directory);
    else if (error != ERROR_NONE)
        fprintf(stderr, "afloat: %s: %s\n", directory, error_text(error));
    if (error != ERROR_NONE)
        return NULL;
    if (json_is_true(json_object_get(response, "ok")))
        return response;
    const char *why = json_string_value(json_object_get(response, "error"));
    fprintf(stderr, "afloat: %s\n", why == NULL ? "refused" : why);
    json_decref(response);
    return NULL;
}

void call_print_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2));
    printf("\n");
}
