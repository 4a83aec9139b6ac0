// afloat hash-password: one line from stdin, its hash to stdout, mistakes to stderr.
#pragma once

int hash_password(void); // the exit status
