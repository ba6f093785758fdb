#pragma once
/* Swift has no way to ask for a cache line ahead of its use. */
static inline void prefetch_line(const void *line) { __builtin_prefetch(line, 1); }
