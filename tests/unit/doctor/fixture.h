// An answer as a file: a status line, fields, an empty line, the content as it is. For the tests
// and fuzz targets of the signature table.
#pragma once

#include "base/invariant.h"
#include "doctor/signature.h"

#include <stdio.h>
#include <stdlib.h>

#define FIXTURE_FIELDS 32

struct fixture {
    struct http_field storage[FIXTURE_FIELDS];
    struct http_fields fields;
    struct signature_answer answer;
};

// False for what is none. The answer's parts are views into the text.
static inline bool fixture_parse(struct fixture *fixture, struct slice text)
{
    uint64_t status;
    *fixture = (struct fixture){.fields = {.capacity = FIXTURE_FIELDS}};
    fixture->fields.items = fixture->storage;
    fixture->answer.fields = &fixture->fields;
    struct slice line = slice_cut(&text, '\n');
    (void)slice_cut(&line, ' ');
    if (!slice_parse_u64(slice_cut(&line, ' '), 999, &status))
        return false;
    fixture->answer.status = (uint16_t)status;
    while ((line = slice_cut(&text, '\n')).size > 0) {
        struct slice name = slice_cut(&line, ':');
        if (!http_is_token(name)
            || http_fields_add(&fixture->fields, name, slice_trim(line)) != ERROR_NONE)
            return false;
    }
    fixture->answer.body = text;
    return true;
}

// Of the whole file; to be freed.
static inline struct slice fixture_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return SLICE_EMPTY;
    char *bytes = malloc(1 << 20);
    invariant(bytes != NULL);
    size_t size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return slice_of(bytes, size);
}
