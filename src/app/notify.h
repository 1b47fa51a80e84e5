/* Telling the service manager how we are (sd_notify(3)), without its library: a datagram to the
 * socket that NOTIFY_SOCKET names. Nothing happens where it names none. */
#ifndef LASTRA_APP_NOTIFY_H
#define LASTRA_APP_NOTIFY_H

/* state: "READY=1", "STOPPING=1\nSTATUS=...". What cannot be told is not told: the service manager
 * has its own time-outs. */
void notify_manager(const char *state);

#endif
