// Stub.
#include "watch/watch_inside.h"
#include "watch/machine/machine.h"
bool machine_serve(struct task *task, const struct visit *visit, struct edge_page *ret_page) { (void)task,(void)visit,(void)ret_page; return false; }
