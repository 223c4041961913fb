// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mbedtls/pk.h>
#include <stdbool.h>

enum { TLS_KIT_PATH = 128 };

/** An authority in a directory of its own under /tmp, made anew for each test program. */
struct tls_kit {
    char directory[32];
    char authority_file[TLS_KIT_PATH]; /**< what clients trust */
    mbedtls_pk_context key;
    unsigned serial;
};

/** What a certificate says. Dates are YYYYMMDDhhmmss; NULL: valid now. */
struct tls_kit_leaf {
    const char *dns_name;
    const char *dns_name_too; /**< may be NULL */
    const char *ip;           /**< 4 or 16 bytes; may be NULL */
    size_t ip_len;
    const char *not_before, *not_after;
    bool is_self_signed;
};

void tls_kit_open(struct tls_kit *kit);
void tls_kit_close(struct tls_kit *kit);
/** Writes stem.crt and stem.key; over earlier ones of that stem. */
void tls_kit_issue(struct tls_kit *kit, const char *stem, const struct tls_kit_leaf *leaf,
                   char ret_certificate_file[TLS_KIT_PATH], char ret_key_file[TLS_KIT_PATH]);
