// A doubly linked list whose links live in the elements. A link is either on one list or, after
// list_init or list_remove, linked to itself.
#pragma once

#include "base/base.h"

struct list {
    struct list *next, *previous;
};

static inline void list_init(struct list *list)
{
    list->next = list->previous = list;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}

// As the last element.
static inline void list_append(struct list *list, struct list *link)
{
    link->next = list;
    link->previous = list->previous;
    list->previous->next = link;
    list->previous = link;
}

// As the first element.
static inline void list_prepend(struct list *list, struct list *link)
{
    list_append(list->next, link);
}

// Safe on a link that is on no list.
static inline void list_remove(struct list *link)
{
    link->next->previous = link->previous;
    link->previous->next = link->next;
    list_init(link);
}

// Moves all elements of from to the end of to.
static inline void list_move_all(struct list *to, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->next->previous = to->previous;
    to->previous->next = from->next;
    from->previous->next = to;
    to->previous = from->previous;
    list_init(from);
}

#define LIST_ENTRY(link, type, member) CONTAINER_OF(link, type, member)
// The current element may be removed inside the loop, others may not.
#define LIST_FOREACH(link, head)                                                                   \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head);              \
         link = link##_next, link##_next = link->next)
