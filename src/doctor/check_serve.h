// Serves the check page (check_page.h): whom it looks at, for whom and how often.
#pragma once

#include "doctor/vantage.h"

// GET and HEAD of PREFIXcheck, with ?url=URL or without.
void check_serve(struct task *task, struct vantage *vantage,
    const struct edge_page_request *request, struct edge_page *ret_page);
