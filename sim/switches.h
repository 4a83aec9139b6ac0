// What the mutation check can switch off: each lifeline, and whatever else keeps a promise by
// itself. Most have a switch in the settings. Rules that nobody needs to switch off are called
// through a door here (the linker's --wrap, see CMakeLists.txt): what they decide is then as if
// they were not there, and the production code knows nothing of it.
#pragma once

#include "edge/edge.h"

bool sim_can_switch_off(const char *name);
// For what runs from now on; NULL: nothing is off.
void sim_switch_off(const char *name);
// Of these settings, what was switched off.
void sim_switch_off_settings(const char *name, struct edge_settings *settings);
// How many there are, and their names.
size_t sim_switch_count(void);
const char *sim_switch_name(size_t number);
