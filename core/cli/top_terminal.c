// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "cli/top_impl.h"

/* The screen, taken over and given back. Signals are blocked except while waiting, so that a
 * picture or a question to the gateway is never torn apart. */

#define ENTER "\033[?1049h\033[?25l\033[2J"
#define LEAVE "\033[0m\033[?25h\033[?1049l"

static struct termios saved;
static bool is_entered;
static volatile sig_atomic_t has_ended, has_resized, has_stopped;
static sigset_t waiting_mask;

static void on_signal(int number)
{
    if (number == SIGWINCH)
        has_resized = 1;
    else if (number == SIGTSTP)
        has_stopped = 1;
    else
        has_ended = 1;
}

static void write_all(const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, text, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            has_ended = 1; /* the terminal is gone */
            return;
        }
        text += n;
        len -= (size_t)n;
    }
}

static void take_screen(void)
{
    struct termios quiet = saved;

    quiet.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    write_all(ENTER, strlen(ENTER));
}

static void give_screen_back(void)
{
    write_all(LEAVE, strlen(LEAVE));
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
}

static void take_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP};
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t mask;

    sigemptyset(&mask);
    for (size_t i = 0; i < WG_COUNT(numbers); i++) {
        sigaction(numbers[i], &action, NULL);
        sigaddset(&mask, numbers[i]);
    }
    sigprocmask(SIG_BLOCK, &mask, &waiting_mask);
    for (size_t i = 0; i < WG_COUNT(numbers); i++)
        sigdelset(&waiting_mask, numbers[i]);
    signal(SIGPIPE, SIG_IGN);
}

bool top_terminal_enter(void)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &saved) != 0)
        return false;
    take_signals();
    take_screen();
    is_entered = true;
    return true;
}

void top_terminal_leave(void)
{
    if (is_entered)
        give_screen_back();
    is_entered = false;
}

void top_terminal_size(int *ret_width, int *ret_height)
{
    struct winsize size = {0};

    *ret_width = 80;
    *ret_height = 24;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        return;
    *ret_width = size.ws_col;
    *ret_height = size.ws_row;
}

void top_terminal_show(const struct wg_buf *picture)
{
    write_all("\033[H", 3);
    write_all(picture->at, picture->len);
    write_all("\033[0m\033[J", 7);
}

/* Ctrl-Z: the shell gets its screen, and we take ours again when we go on. */
static void stop_for_a_while(void)
{
    has_stopped = 0;
    give_screen_back();
    raise(SIGSTOP);
    take_screen();
}

enum top_event top_terminal_wait(int64_t timeout_ms, char *ret_key)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                               .tv_nsec = timeout_ms % 1000 * 1000000};
    int ready = ppoll(&input, 1, &timeout, &waiting_mask);

    if (has_ended)
        return TOP_ENDED;
    if (has_stopped) {
        stop_for_a_while();
        return TOP_RESIZED;
    }
    if (has_resized) {
        has_resized = 0;
        return TOP_RESIZED;
    }
    if (ready <= 0)
        return TOP_TICK;
    return read(STDIN_FILENO, ret_key, 1) == 1 ? TOP_KEY : TOP_ENDED;
}
