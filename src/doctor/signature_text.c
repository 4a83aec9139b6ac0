// The table that is compiled in: the assembler takes the file as it is.
#include "doctor/signature.h"

__asm__(".pushsection .rodata,\"a\"\n"
        ".globl signature_text_begin\n"
        "signature_text_begin:\n"
        ".incbin \"" SIGNATURES_FILE "\"\n"
        ".globl signature_text_end\n"
        "signature_text_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char signature_text_begin[] __attribute__((visibility("hidden")));
extern const char signature_text_end[] __attribute__((visibility("hidden")));

struct slice signature_builtin(void)
{
    return slice_of(signature_text_begin,
        (size_t)((uintptr_t)signature_text_end - (uintptr_t)signature_text_begin));
}
