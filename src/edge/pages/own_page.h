// The edge's own pages below the prefix: the site's status, and clearing a browser's copies.
#pragma once

#include "edge/request.h"

// The pages of rooms above, which are there whatever the host is (edge_hooks.page). True if the
// target is one, and it has been answered.
bool own_page_serve_anywhere(struct task *task, struct request *request);
// True if the target is below the prefix; then it has been answered.
bool own_page_serve(struct task *task, struct request *request);
