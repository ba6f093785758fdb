#pragma once
// <netinet/in.h> comes first: <linux/in.h> clashes with it the other way round.
#include <netinet/in.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <linux/netlink.h>
#include <sched.h>

// glibc declares these only for _GNU_SOURCE.
extern int setns(int fd, int type);
extern int pipe2(int fds[2], int flags);
