// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "wire/key.h"

enum { KEY_TEXT_LIMIT_BYTES = 4096 };

static bool write_all(int fd, const struct wg_buf *text)
{
    size_t sent = 0;

    while (sent < text->len) {
        ssize_t n = write(fd, text->at + sent, text->len - sent);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return fsync(fd) == 0;
}

/* O_EXCL: a key that is there may be the only one that verifies what was signed. */
static int save(const char *file, const struct wg_buf *text)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_written;

    if (fd < 0) {
        fprintf(stderr, "wavegate keygen: %s: %s\n", file,
                errno == EEXIST
                    ? "exists already; a key is never overwritten: choose another name"
                    : strerror(errno));
        return CLI_REFUSED;
    }
    is_written = write_all(fd, text);
    if (close(fd) != 0 || !is_written) {
        fprintf(stderr, "wavegate keygen: writing %s: %s\n", file, strerror(errno));
        unlink(file);
        return CLI_REFUSED;
    }
    return CLI_GOOD;
}

int cli_keygen(const struct cli_arguments *arguments)
{
    char public_text[WG_PUBLIC_KEY_TEXT];
    struct wg_secret_key key;
    struct wg_buf text;
    struct wg_err err;
    int status;

    if (wg_crypto_start(&err) != WG_OK) {
        fprintf(stderr, "wavegate keygen: %s\n", err.text);
        return CLI_REFUSED;
    }
    wg_secret_key_generate(&key);
    wg_buf_init(&text, KEY_TEXT_LIMIT_BYTES);
    wg_secret_key_write(&key, &text);
    status = save(cli_argument(arguments, "--out"), &text);
    sodium_memzero(text.at, text.capacity);
    wg_buf_done(&text);
    wg_public_key_write(&key.public_key, public_text);
    if (status == CLI_GOOD)
        printf("%s\nkid %s\n", public_text, key.public_key.kid);
    wg_secret_key_done(&key);
    return status;
}
