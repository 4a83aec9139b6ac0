// Forms: a struct beside the object, made when the first is asked for.
#include "base/invariant.h"
#include "base/memory.h"
#include "cache/object.h"

#include <malloc.h>

#define MALLOC_HEADER 8

struct form_fields {
    size_t size;
    char text[];
};

struct object_forms {
    _Atomic(struct form_fields *) fields;
    struct body *bodies[HTTP_CODING_COUNT]; // written before the state becomes READY
    _Atomic uint8_t states[HTTP_CODING_COUNT]; // enum form_state
};

static struct object_forms *forms_of(const struct object *object)
{
    return atomic_load_explicit(&object->forms, memory_order_acquire);
}

// NULL when out of memory.
static struct object_forms *forms_needed(struct object *object)
{
    struct object_forms *forms = forms_of(object), *fresh;
    if (forms != NULL)
        return forms;
    fresh = memory_zero_alloc(sizeof(*fresh));
    if (fresh == NULL)
        return NULL;
    if (atomic_compare_exchange_strong_explicit(&object->forms, &forms, fresh, memory_order_acq_rel,
            memory_order_acquire))
        return fresh;
    memory_free(fresh); // another thread was faster
    return forms;
}

enum form_state object_form_state(const struct object *object, enum http_coding coding)
{
    const struct object_forms *forms = forms_of(object);
    if (forms == NULL)
        return FORM_NONE;
    return (enum form_state)atomic_load_explicit(&forms->states[coding], memory_order_acquire);
}

struct body *object_form(const struct object *object, enum http_coding coding)
{
    invariant(object_form_state(object, coding) == FORM_READY);
    return forms_of(object)->bodies[coding];
}

bool object_form_begin(struct object *object, enum http_coding coding)
{
    struct object_forms *forms = forms_needed(object);
    uint8_t none = FORM_NONE;
    return forms != NULL
        && atomic_compare_exchange_strong_explicit(&forms->states[coding], &none, FORM_MAKING,
            memory_order_acq_rel, memory_order_relaxed);
}

// By whoever has brought it to MAKING.
static void form_settle(struct object_forms *forms, enum http_coding coding, enum form_state state,
    struct body *body)
{
    invariant(atomic_load_explicit(&forms->states[coding], memory_order_relaxed) == FORM_MAKING);
    forms->bodies[coding] = body;
    atomic_store_explicit(&forms->states[coding], (uint8_t)state, memory_order_release);
}

void object_form_settle(struct object *object, enum http_coding coding, struct body *body)
{
    form_settle(forms_of(object), coding, FORM_READY, body_reference(body));
}

void object_form_end(struct object *object, enum http_coding coding, enum form_state state)
{
    invariant(state == FORM_NONE || state == FORM_POINTLESS);
    form_settle(forms_of(object), coding, state, NULL);
}

bool object_form_set(struct object *object, enum http_coding coding, struct body *body)
{
    struct object_forms *forms = forms_needed(object);
    if (forms == NULL)
        return false;
    if (object_form_begin(object, coding))
        form_settle(forms, coding, FORM_READY, body_reference(body));
    return true;
}

struct slice object_form_fields(const struct object *object)
{
    const struct object_forms *forms = forms_of(object);
    const struct form_fields *fields = forms == NULL
        ? NULL : atomic_load_explicit(&forms->fields, memory_order_acquire);
    return fields == NULL ? SLICE_EMPTY : slice_of(fields->text, fields->size);
}

void object_set_form_fields(struct object *object, struct slice text)
{
    struct object_forms *forms = forms_needed(object);
    struct form_fields *none = NULL;
    struct form_fields *fields = memory_alloc(sizeof(*fields) + text.size);
    if (forms != NULL && fields != NULL) {
        fields->size = text.size;
        memcpy(fields->text, text.data, text.size);
        if (atomic_compare_exchange_strong_explicit(&forms->fields, &none, fields,
                memory_order_acq_rel, memory_order_relaxed))
            return;
    }
    memory_free(fields);
}

void object_free_forms(struct object *object)
{
    struct object_forms *forms = forms_of(object);
    if (forms == NULL)
        return;
    for (unsigned i = 0; i < HTTP_CODING_COUNT; i++)
        body_release(forms->bodies[i]);
    memory_free(atomic_load_explicit(&forms->fields, memory_order_relaxed));
    memory_free(forms);
}

static uint64_t block_size(const void *block)
{
    return block == NULL ? 0 : malloc_usable_size((void *)(uintptr_t)block) + MALLOC_HEADER;
}

uint64_t object_forms_footprint(const struct object *object)
{
    const struct object_forms *forms = forms_of(object);
    if (forms == NULL)
        return 0;
    uint64_t size = block_size(forms)
        + block_size(atomic_load_explicit(&forms->fields, memory_order_acquire));
    for (unsigned i = 0; i < HTTP_CODING_COUNT; i++) {
        if (object_form_state(object, (enum http_coding)i) == FORM_READY)
            size += body_footprint(forms->bodies[i]);
    }
    return size;
}

void object_share_forms(struct object *object, const struct object *from)
{
    for (unsigned i = 0; i < HTTP_CODING_COUNT; i++) {
        enum http_coding coding = (enum http_coding)i;
        switch (object_form_state(from, coding)) {
        case FORM_NONE:
        case FORM_MAKING:
            break;
        case FORM_READY:
            (void)object_form_set(object, coding, object_form(from, coding)); // else made anew
            break;
        case FORM_POINTLESS:
            if (object_form_begin(object, coding))
                object_form_end(object, coding, FORM_POINTLESS);
            break;
        }
    }
}
