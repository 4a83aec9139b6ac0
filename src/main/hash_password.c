// afloat hash-password.
#include "main/hash_password.h"
#include "watch/operator/operator.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

// One line of what is typed, which a terminal does not show, or of what comes through a pipe.
int hash_password(void)
{
    char password[OPERATOR_PASSWORD_MAX + 2] = "", hash[512];
    struct text text = text_in(hash, sizeof(hash));
    struct termios before;
    bool is_terminal = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &before) == 0;
    if (is_terminal) {
        struct termios silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        fprintf(stderr, "Password: ");
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    bool is_read = fgets(password, sizeof(password), stdin) != NULL;
    if (is_terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fprintf(stderr, "\n");
    }
    struct slice typed = slice_of(password, strcspn(password, "\r\n"));
    enum error error = is_read ? operator_hash_password(typed, &text) : ERROR_INVALID;
    if (error == ERROR_INVALID)
        fprintf(stderr, "afloat hash-password: expected a password of 1 to %d bytes\n",
            OPERATOR_PASSWORD_MAX);
    else if (error != ERROR_NONE)
        fprintf(stderr, "afloat hash-password: %s\n", error_text(error));
    else
        printf("%.*s\n", SLICE_ARGS(text_slice(&text)));
    return error == ERROR_NONE ? 0 : 1;
}
