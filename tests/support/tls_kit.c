// SPDX-License-Identifier: Apache-2.0
#include "support/tls_kit.h"

#include <dirent.h>
#include <mbedtls/ecp.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define AUTHORITY "CN=Wavegate test authority"

static void need(bool is_good, const char *what)
{
    if (is_good)
        return;
    fprintf(stderr, "tls_kit: %s failed\n", what);
    abort();
}

#define NEED(call) need((call) == 0, #call)

static int random_bytes(void *owner, unsigned char *at, size_t len)
{
    (void)owner;
    return getrandom(at, len, 0) == (ssize_t)len ? 0 : -1;
}

static void make_key(mbedtls_pk_context *key)
{
    mbedtls_pk_init(key);
    NEED(mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)));
    NEED(
        mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), random_bytes, NULL));
}

static void write_file(const char *path, const unsigned char *text)
{
    FILE *file = fopen(path, "w");

    need(file && fputs((const char *)text, file) >= 0 && fclose(file) == 0, path);
}

static void path_in(const struct tls_kit *kit, const char *stem, const char *suffix,
                    char ret_path[TLS_KIT_PATH])
{
    snprintf(ret_path, TLS_KIT_PATH, "%s/%s%s", kit->directory, stem, suffix);
}

/** What every certificate here has in common; then it is signed with issuer_key. */
static void write_certificate(struct tls_kit *kit, mbedtls_x509write_cert *certificate,
                              const char *issuer, mbedtls_pk_context *issuer_key,
                              const char *path)
{
    unsigned char serial[4] = {1, 0, (unsigned char)(kit->serial >> 8),
                               (unsigned char)kit->serial};
    unsigned char pem[4096];

    kit->serial++;
    mbedtls_x509write_crt_set_version(certificate, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(certificate, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_issuer_key(certificate, issuer_key);
    NEED(mbedtls_x509write_crt_set_issuer_name(certificate, issuer));
    NEED(mbedtls_x509write_crt_set_serial_raw(certificate, serial, sizeof serial));
    NEED(mbedtls_x509write_crt_pem(certificate, pem, sizeof pem, random_bytes, NULL));
    write_file(path, pem);
    mbedtls_x509write_crt_free(certificate);
}

void tls_kit_open(struct tls_kit *kit)
{
    mbedtls_x509write_cert certificate;

    memset(kit, 0, sizeof *kit);
    NEED(psa_crypto_init());
    strcpy(kit->directory, "/tmp/wavegate-tls-XXXXXX");
    need(mkdtemp(kit->directory) != NULL, "mkdtemp");
    path_in(kit, "authority", ".crt", kit->authority_file);
    make_key(&kit->key);
    mbedtls_x509write_crt_init(&certificate);
    mbedtls_x509write_crt_set_subject_key(&certificate, &kit->key);
    NEED(mbedtls_x509write_crt_set_subject_name(&certificate, AUTHORITY));
    NEED(mbedtls_x509write_crt_set_validity(&certificate, "20200101000000", "20491231235959"));
    NEED(mbedtls_x509write_crt_set_basic_constraints(&certificate, 1, 0));
    write_certificate(kit, &certificate, AUTHORITY, &kit->key, kit->authority_file);
}

static void add_names(mbedtls_x509write_cert *certificate, const struct tls_kit_leaf *leaf)
{
    mbedtls_x509_san_list names[3] = {0};
    const char *texts[] = {leaf->dns_name, leaf->dns_name_too, leaf->ip};
    mbedtls_x509_san_list *first = NULL;

    for (int i = 2; i >= 0; i--) {
        mbedtls_x509_buf *buf = &names[i].node.san.unstructured_name;

        if (!texts[i])
            continue;
        names[i].node.type = i == 2 ? MBEDTLS_X509_SAN_IP_ADDRESS : MBEDTLS_X509_SAN_DNS_NAME;
        buf->p = (unsigned char *)(uintptr_t)texts[i];
        buf->len = i == 2 ? leaf->ip_len : strlen(texts[i]);
        names[i].next = first;
        first = &names[i];
    }
    if (first)
        NEED(mbedtls_x509write_crt_set_subject_alternative_name(certificate, first));
}

void tls_kit_issue(struct tls_kit *kit, const char *stem, const struct tls_kit_leaf *leaf,
                   char ret_certificate_file[TLS_KIT_PATH], char ret_key_file[TLS_KIT_PATH])
{
    mbedtls_x509write_cert certificate;
    mbedtls_pk_context key;
    unsigned char pem[1024];
    char subject[TLS_KIT_PATH];

    path_in(kit, stem, ".crt", ret_certificate_file);
    path_in(kit, stem, ".key", ret_key_file);
    make_key(&key);
    NEED(mbedtls_pk_write_key_pem(&key, pem, sizeof pem));
    write_file(ret_key_file, pem);
    snprintf(subject, sizeof subject, "CN=%s", stem);
    mbedtls_x509write_crt_init(&certificate);
    mbedtls_x509write_crt_set_subject_key(&certificate, &key);
    NEED(mbedtls_x509write_crt_set_subject_name(&certificate, subject));
    NEED(mbedtls_x509write_crt_set_validity(
        &certificate, leaf->not_before ? leaf->not_before : "20200101000000",
        leaf->not_after ? leaf->not_after : "20491231235959"));
    NEED(mbedtls_x509write_crt_set_basic_constraints(&certificate, 0, -1));
    add_names(&certificate, leaf);
    if (leaf->is_self_signed)
        write_certificate(kit, &certificate, subject, &key, ret_certificate_file);
    else
        write_certificate(kit, &certificate, AUTHORITY, &kit->key, ret_certificate_file);
    mbedtls_pk_free(&key);
}

void tls_kit_close(struct tls_kit *kit)
{
    DIR *directory = opendir(kit->directory);
    const struct dirent *entry;
    char path[TLS_KIT_PATH + 256];

    while (directory && (entry = readdir(directory))) {
        snprintf(path, sizeof path, "%s/%s", kit->directory, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    if (directory)
        closedir(directory);
    rmdir(kit->directory);
    mbedtls_pk_free(&kit->key);
    mbedtls_psa_crypto_free();
}
