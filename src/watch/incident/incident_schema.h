// The tables of this folder in the status page's database, as a new one has them; what becomes of
// older ones is history/migrations.c.
#pragma once

#define INCIDENT_SCHEMA ""
