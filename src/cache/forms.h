// Compressed forms of an object's content: each is made once, at the first demand, and then shared
// by all readers. They belong to the object and are freed with it. Any thread.
#pragma once

#include "cache/body.h"
#include "http/accept_encoding.h"

struct object;
struct object_forms;

// READY and POINTLESS (it would hardly be smaller) are final.
enum form_state { FORM_NONE, FORM_MAKING, FORM_READY, FORM_POINTLESS };

enum form_state object_form_state(const struct object *object, enum http_coding coding);
// Of a READY one: the object's.
struct body *object_form(const struct object *object, enum http_coding coding);
// From NONE to MAKING: true for the one caller who must make it now, and then end that by
// cache_add_form or object_form_end. False when out of memory too.
bool object_form_begin(struct object *object, enum http_coding coding) MUST_CHECK;
// It was made; takes its own reference.
void object_form_settle(struct object *object, enum http_coding coding, struct body *body);
// It was not made: to POINTLESS, or back to NONE.
void object_form_end(struct object *object, enum http_coding coding, enum form_state state);
// Hangs a form on the object if it has none of that coding, of which another may be in the making:
// takes its own reference. False when out of memory.
bool object_form_set(struct object *object, enum http_coding coding, struct body *body);

// The fields that go with its compressed forms, composed by whoever needs them first; data NULL:
// nobody has. Setting them when they are set already, or without memory, does nothing.
struct slice object_form_fields(const struct object *object);
void object_set_form_fields(struct object *object, struct slice fields);

// For object.c.
void object_free_forms(struct object *object);
uint64_t object_forms_footprint(const struct object *object);
// What was made for an object of the same content.
void object_share_forms(struct object *object, const struct object *from);
