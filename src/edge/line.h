// The line before a thread's tasks: who is ready while all of them are taken. That is a visitor's
// connection on which a request begins, or a request of HTTP/2. Whoever came first has the next
// task that is free, and nobody who comes later is faster; whoever has waited for overload.wait is
// told so. What they have sent stays where it is, with the kernel or with their session, and there
// are never more of them than connections and streams, so the line has no limit of its own.
//
// It costs nothing while nobody waits. Nothing here suspends; all of it is the loop's own.
#pragma once

#include "io/loop.h"

// Of all tasks, so that nobody takes what others need to be answered:
#define LINE_FETCHES_SHARE 8 // an eighth is not for visitors but for fetches,
#define LINE_LAST_SHARE 64   // and a sixty-fourth not even for those, but for the edge's own pages

// Who is being answered goes before who comes, and may use what is left to fetches.
enum line_class { LINE_ANSWERED, LINE_COMING, LINE_CLASSES };

struct line_place;

struct line_operations {
    void (*begin)(struct line_place *place);   // there is a task for it now
    void (*give_up)(struct line_place *place); // there was none for too long
};

// Embedded in whoever waits. Pinned in memory meanwhile.
struct line_place {
    struct list link;
    uint64_t deadline_ns;
    const struct line_operations *operations;
};

struct line {
    struct loop *loop;
    struct list places[LINE_CLASSES]; // the first to come first
    struct timer timer; // a task has ended, or the first one's time is over
};

void line_init(struct line *line, struct loop *loop);
void line_place_init(struct line_place *place); // waits nowhere

// Is there a task for a visitor who comes now? Not while others wait.
bool line_admits(const struct line *line);
// Is there one for a fetch, which a visitor waits for?
bool line_admits_fetch(const struct loop *loop);

// At the end of its class. It has left when one of its operations is called.
void line_join(struct line *line, enum line_class class, struct line_place *place,
    const struct line_operations *operations, uint64_t deadline_ns);
// For who had his turn, but needs one task more: before the others who come.
void line_return(struct line *line, struct line_place *place,
    const struct line_operations *operations, uint64_t deadline_ns);
void line_leave(struct line *line, struct line_place *place); // fine if it waits nowhere
static inline bool line_place_waits(const struct line_place *place)
{
    return !list_is_empty(&place->link);
}
