// Sends an answer to the visitor: head, and content as it comes.
#pragma once

#include "edge/request.h"

// request->object, selected by the request's conditions and range. False if its content broke off
// before anything was sent: there is still time for another answer.
bool delivery_send_object(struct task *task, struct request *request);
// A small answer made here. fields: further "Name: value\r\n" lines, may be empty.
void delivery_send_bytes(struct task *task, struct request *request, unsigned status,
    struct slice content_type, struct slice fields, struct slice content);
// The same for a page of a room above, whose content may come piece by piece.
void delivery_send_page_of(struct task *task, struct request *request,
    const struct edge_page *page);
// The page for a status that the edge itself decided on, in the form the visitor asked for.
void delivery_send_page(struct task *task, struct request *request, unsigned status);
// When to come back, as that page says: as far as is known, and a little of chance, so that
// visitors do not return as one herd.
uint64_t delivery_retry_after_seconds(struct request *request, unsigned status);
// Sends to the visitor as transport.send does, and counts.
enum error delivery_send(struct task *task, struct request *request,
    const struct answer_head *head, struct slice content, bool ends) MUST_CHECK;
