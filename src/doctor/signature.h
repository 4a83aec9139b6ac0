// The signature table: which product made an error page, and whose fault that says it is. The table
// is text (signatures.txt, whose head explains the format); one is compiled in, another may be
// loaded in its place. The first row of it that matches decides.
//
// A row is a condition (status, fields, content), verdicts, how good the evidence is, and
// refinements by what was captured, by the status or by how long the answer took.
// Proxy-Status, where it names an error, is to be believed before any row (proxy_status.h).
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "conf/conf.h"
#include "doctor/verdict.h"
#include "http/field.h"

#define SIGNATURE_FILE_MAX ((size_t)256 << 10)
#define SIGNATURE_ROWS_MAX 1000
// Of the content no more is looked at. The pages of all products of the table have between 0 and
// 12 KB; where a product's words begin only after 64 KB, they are quoted in a page of the site's.
#define SIGNATURE_BODY_MAX ((size_t)64 << 10)
#define SIGNATURE_VALUE_MAX 1024   // bytes of a field's value that are looked at
#define SIGNATURE_CAPTURED_MAX 200 // bytes

enum signature_evidence {
    SIGNATURE_EVIDENCE_SEEN,     // V: stands in the product's source, documentation or captures
    SIGNATURE_EVIDENCE_KNOWN,    // K: known, and held against a fixture made of what is known
    SIGNATURE_EVIDENCE_UNPROVEN, // nobody could show it: not to be relied on alone
};

struct signature_table;

// Arena: holds the table and the messages; some 10 KB per row. INVALID: see the mistakes, each with
// its line, and nothing is loaded. The text need not live on. MEMORY: the arena is full.
enum error signature_load(struct slice text, struct arena *arena, struct conf_mistakes *mistakes,
    struct signature_table **ret_table) MUST_CHECK;
// Before the arena goes: machine code lies outside of it. NULL is fine.
void signature_release(struct signature_table *table);
// The text of the table that is compiled in.
struct slice signature_builtin(void);

size_t signature_count(const struct signature_table *table);
// Of the row at an index below the count, in the table's order.
struct slice signature_id(const struct signature_table *table, size_t index);
enum signature_evidence signature_evidence(const struct signature_table *table, size_t index);

// An answer as it came, its content decoded.
struct signature_answer {
    uint16_t status;
    const struct http_fields *fields;
    struct slice body;  // its beginning suffices
    uint64_t waited_ms; // from the request's last byte to the answer's first one
};

struct signature_match {
    struct slice id; // lives as long as the table
    struct verdicts verdicts;
    enum signature_evidence evidence;
    // What the row found worth reporting, a stranger's bytes: a view into the answer; data NULL
    // when there is nothing.
    struct slice captured;
    uint32_t stopped; // expressions given up on the way: a row above this one may have been missed
};

// NOT_FOUND: no row matches. MEMORY: the arena, which needs 2 MB for this, is full. A table may be
// used by several threads at a time, an arena by one.
enum error signature_match(const struct signature_table *table,
    const struct signature_answer *answer, struct arena *arena,
    struct signature_match *ret_match) MUST_CHECK;
