// Stub.
#include "watch/watch_inside.h"
#include "watch/machine/machine.h"
void prober_destroy(struct prober *prober) { (void)prober; }
enum error prober_create(const struct prober_settings *settings, struct world *world, struct text *why, struct prober **ret_prober) { (void)settings,(void)world,(void)why,(void)ret_prober; return ERROR_NONE; }
enum error prober_start(struct prober *prober) { (void)prober; return ERROR_NONE; }
bool prober_push(struct prober *prober, struct slice token, bool is_well, int64_t now_ms) { (void)prober,(void)token,(void)is_well,(void)now_ms; return false; }
bool machine_serve(struct task *task, const struct visit *visit, struct edge_page *ret_page) { (void)task,(void)visit,(void)ret_page; return false; }
