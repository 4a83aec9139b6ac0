// What a loaded signature table looks like. Part of signature.h, for reading and matching it.
#pragma once

#include "doctor/expression.h"
#include "doctor/signature.h"

#define SIGNATURE_STATUSES_MAX 8
#define SIGNATURE_TEXTS_MAX 8
#define SIGNATURE_FIELDS_MAX 4
#define SIGNATURE_BODIES_MAX 4
#define SIGNATURE_REFINEMENTS_MAX 12

struct signature_statuses {
    struct {
        uint16_t least, most;
    } items[SIGNATURE_STATUSES_MAX];
    uint32_t count;
};

// Anything, when there is neither an expression nor a text.
struct signature_pattern {
    struct expression *expression;
    struct slice texts[SIGNATURE_TEXTS_MAX]; // in lower case; one of them is enough
    uint32_t text_count;
};

struct signature_field {
    struct slice name;
    struct signature_pattern value;
};

enum signature_subject {
    SIGNATURE_SUBJECT_STATUS, SIGNATURE_SUBJECT_WAITED, SIGNATURE_SUBJECT_CAPTURED
};

// "when captured overflow then ORIGIN_OVERLOAD"
struct signature_refinement {
    enum signature_subject subject;
    struct signature_statuses statuses;
    uint64_t waited_ms; // at least
    struct signature_pattern captured;
    struct verdicts verdicts;
};

struct signature {
    struct signature *next;
    struct slice id;
    unsigned line;
    struct signature_statuses statuses;
    struct signature_field fields[SIGNATURE_FIELDS_MAX]; // all of them
    struct signature_pattern bodies[SIGNATURE_BODIES_MAX]; // all of them
    struct signature_refinement refinements[SIGNATURE_REFINEMENTS_MAX]; // the first that applies
    uint32_t field_count, body_count, refinement_count;
    struct verdicts verdicts;
    enum signature_evidence evidence;
    bool captures;
};

struct signature_table {
    struct signature *first;
    size_t count;
};
