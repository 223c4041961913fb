// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines: target, Signature-Input, Signature, Content-Digest, another field. Nothing that comes
 * from a fuzzer is signed by us, so nothing may verify. */
static void judge(struct wg_message *message, struct wg_arena *arena)
{
    static const struct wg_public_key key = {.bytes = {1}, .kid = "fuzzfuzz"};
    struct wg_signature *signatures, one;
    struct wg_err err;
    size_t count;

    if (wg_signatures_read(message, arena, &signatures, &count, &err) != WG_OK)
        return;
    for (size_t i = 0; i < count; i++)
        if (wg_signature_verify(message, &signatures[i], &key, arena, &err) == WG_OK)
            abort();
    if (wg_profile_select(message, WG_TAG_FEDERATION, arena, &one, &err) == WG_OK &&
        wg_profile_check(message, &one, 1778939467, &err) == WG_OK && !one.nonce.at)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"signature-input", "signature", "content-digest", "x"};
    struct wg_message message = {.method = WG_STR("POST"),
                                 .scheme = WG_STR("https"),
                                 .authority = WG_STR("a.example:443"),
                                 .body = WG_STR("{}")};
    struct wg_str rest = wg_str_of(data, size);
    struct wg_arena arena;
    struct wg_err err;

    wg_arena_init(&arena);
    if (wg_message_set_target(&message, wg_str_split(&rest, '\n'), &err) == WG_OK) {
        for (size_t i = 0; i < sizeof names / sizeof *names && rest.at; i++)
            wg_headers_add(&message.headers, &arena, wg_str(names[i]),
                           wg_str_split(&rest, '\n'));
        judge(&message, &arena);
        (void)wg_digest_check(wg_headers_joined(&message.headers, "content-digest", &arena),
                              message.body, &arena, &err);
    }
    wg_arena_done(&arena);
    return 0;
}
